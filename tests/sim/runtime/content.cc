#include "tests/sim/runtime/content.h"

#include <algorithm>

#include "common/base/assert.h"

namespace aerodb::sim {

size_t FileContent::read(uint64_t offset, std::span<uint8_t> out) const {
  if (offset >= size_) return 0;
  const size_t total = std::min<uint64_t>(out.size(), size_ - offset);
  for (size_t done = 0; done < total;) {
    const uint64_t index = (offset + done) / kPageBytes;
    const size_t at = (offset + done) % kPageBytes;
    const size_t count = std::min(total - done, kPageBytes - at);
    if (index < pages_.size() && pages_[index]) {
      std::memcpy(out.data() + done, pages_[index]->data() + at, count);
    } else {
      std::memset(out.data() + done, 0, count);
    }
    done += count;
  }
  return total;
}

FileContent::Page& FileContent::page(uint64_t index) {
  if (index >= pages_.size()) pages_.resize(index + 1);
  if (!pages_[index]) pages_[index] = std::make_unique<Page>();
  return *pages_[index];
}

void FileContent::remember(uint64_t sector) {
  const uint64_t index = sector * kSectorBytes / kPageBytes;
  Undo undo{sector, saved_.size(), writes_, index >= pages_.size() || !pages_[index], false};
  if (!undo.was_zero) {
    const uint8_t* from = pages_[index]->data() + sector * kSectorBytes % kPageBytes;
    saved_.insert(saved_.end(), from, from + kSectorBytes);
  }
  undo_.push_back(undo);
}

void FileContent::restore(const Undo& undo) {
  uint8_t* to = page(undo.sector * kSectorBytes / kPageBytes).data() + undo.sector * kSectorBytes % kPageBytes;
  if (undo.was_zero) {
    std::memset(to, 0, kSectorBytes);
  } else {
    std::memcpy(to, saved_.data() + undo.saved_at, kSectorBytes);
  }
}

void FileContent::write(uint64_t offset, ByteSpan data) {
  ++writes_;
  for (size_t done = 0; done < data.size();) {
    const uint64_t from = offset + done;
    const size_t count = std::min(data.size() - done, kPageBytes - from % kPageBytes);
    for (uint64_t sector = from / kSectorBytes; sector * kSectorBytes < from + count; ++sector) remember(sector);
    std::memcpy(page(from / kPageBytes).data() + from % kPageBytes, data.data() + done, count);
    done += count;
  }
  if (!data.empty()) size_ = std::max(size_, offset + data.size());
}

void FileContent::fill_zero(uint64_t size_bytes) {
  static constexpr Page kZeros{};
  for (uint64_t index = 0; index < pages_.size(); ++index) {
    if (pages_[index]) write(index * kPageBytes, kZeros);
  }
  size_ = size_bytes;
}

void FileContent::sync() {
  durable_size_ = size_;
  if (std::ranges::none_of(undo_, &Undo::abandoned)) {
    undo_.clear();
    saved_.clear();
    return;
  }
  // A sector written again after the failed sync is durable now, its abandoned write included.
  std::vector<uint64_t> durable;
  for (const Undo& undo : undo_) {
    if (!undo.abandoned) durable.push_back(undo.sector);
  }
  std::ranges::sort(durable);
  std::erase_if(undo_, [&](const Undo& undo) { return std::ranges::binary_search(durable, undo.sector); });
}

void FileContent::fail_sync() {
  for (Undo& undo : undo_) undo.abandoned = true;
}

// Which of undo_ are kept. A group that one call wrote is kept or lost as a whole.
std::vector<bool> FileContent::survivors(PowerFate fate, size_t sector_bytes, SeededRandom& random) const {
  const uint64_t group_sectors = sector_bytes / kSectorBytes;
  auto group = [&](size_t i) { return undo_[i].sector / group_sectors; };
  auto one_group = [&](size_t a, size_t b) { return undo_[a].write == undo_[b].write && group(a) == group(b); };
  std::vector<bool> kept(undo_.size(), fate == PowerFate::kAllKept);
  if (fate == PowerFate::kPrefix) {
    size_t prefix = random.below(undo_.size() + 1);
    while (prefix > 0 && prefix < undo_.size() && one_group(prefix - 1, prefix)) --prefix;
    std::fill_n(kept.begin(), prefix, true);
  }
  if (fate != PowerFate::kSubset) return kept;
  // Newest first: a group ends as its newest write that was kept, or as it was before the oldest one lost.
  std::vector<uint64_t> settled;
  for (size_t i = undo_.size(); i-- > 0;) {
    if (i + 1 < undo_.size() && one_group(i, i + 1)) {
      kept[i] = kept[i + 1];
      continue;
    }
    auto place = std::ranges::lower_bound(settled, group(i));
    kept[i] = place != settled.end() && *place == group(i);
    if (!kept[i] && random.one_in(2)) {
      settled.insert(place, group(i));
      kept[i] = true;
    }
  }
  return kept;
}

FileContent::Loss FileContent::lose(PowerFate fate, size_t sector_bytes, SeededRandom& random) {
  Loss loss;
  const auto kept = survivors(fate, sector_bytes, random);
  bool newer_kept = false;
  for (size_t i = undo_.size(); i-- > 0;) {
    loss.torn = loss.torn || (i + 1 < undo_.size() && undo_[i].write == undo_[i + 1].write && kept[i] != kept[i + 1]);
    newer_kept = newer_kept || kept[i];
    if (kept[i]) continue;
    loss.reordered = loss.reordered || newer_kept;
    restore(undo_[i]);
    ++loss.sectors;
  }
  if (size_ != durable_size_ && fate != PowerFate::kAllKept && (fate == PowerFate::kAllLost || random.one_in(2))) {
    if (size_ > durable_size_) cut(durable_size_);
    size_ = durable_size_;
    loss.size = true;
  }
  undo_.clear();
  saved_.clear();
  durable_size_ = size_;
  return loss;
}

// Nothing beyond the end may come back when the file grows again.
void FileContent::cut(uint64_t size_bytes) {
  const uint64_t whole = size_bytes / kPageBytes;
  const size_t rest = size_bytes % kPageBytes;
  pages_.resize(std::min<uint64_t>(pages_.size(), whole + (rest != 0 ? 1 : 0)));
  if (rest != 0 && whole < pages_.size() && pages_[whole]) {
    std::fill(pages_[whole]->begin() + static_cast<std::ptrdiff_t>(rest), pages_[whole]->end(), uint8_t{0});
  }
}

void FileContent::damage(uint64_t offset, uint8_t mask) {
  AERODB_ASSERT(offset < size_);
  page(offset / kPageBytes)[offset % kPageBytes] ^= mask;
  const uint64_t sector = offset / kSectorBytes;
  for (const Undo& undo : undo_) {
    if (undo.sector == sector && !undo.was_zero) saved_[undo.saved_at + offset % kSectorBytes] ^= mask;
  }
}

}  // namespace aerodb::sim
