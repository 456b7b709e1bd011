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
  Undo undo{sector, saved_.size(), index >= pages_.size() || !pages_[index], false};
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

FileContent::Loss FileContent::lose(PowerFate fate, SeededRandom& random) {
  Loss loss;
  const size_t prefix = fate == PowerFate::kPrefix ? random.below(undo_.size() + 1) : 0;
  // Newest first: a sector ends as its newest write that was kept, or as it was before the oldest one lost.
  std::vector<uint64_t> settled;
  for (size_t i = undo_.size(); i-- > 0;) {
    const Undo& undo = undo_[i];
    bool kept = fate == PowerFate::kAllKept || (fate == PowerFate::kPrefix && i < prefix);
    if (fate == PowerFate::kSubset) {
      auto place = std::ranges::lower_bound(settled, undo.sector);
      kept = (place != settled.end() && *place == undo.sector);
      if (!kept && random.one_in(2)) {
        settled.insert(place, undo.sector);
        kept = true;
      }
    }
    if (kept) continue;
    restore(undo);
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
