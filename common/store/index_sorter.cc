#include "common/store/index_sorter.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/base/assert.h"
#include "common/base/checksum.h"
#include "common/store/btree.h"
#include "common/store/damage.h"

namespace aerodb::store {
namespace {

// An entry, in memory and in the file: path u32, value bytes u32, id bytes u32, value, id.
constexpr size_t kHeadBytes = 12;

void write_entry(const SortEntry& entry, Bytes& out) {
  ByteWriter writer(out);
  writer.u32(entry.path);
  writer.u32(static_cast<uint32_t>(entry.value.size()));
  writer.u32(static_cast<uint32_t>(entry.id.size()));
  writer.raw(entry.value);
  writer.raw(entry.id);
}

struct Head {
  uint32_t path = 0;
  uint32_t value_bytes = 0;
  uint32_t id_bytes = 0;
  [[nodiscard]] uint64_t entry_bytes() const { return kHeadBytes + uint64_t{value_bytes} + id_bytes; }
};
Head read_head(ByteSpan bytes) {
  ByteReader in(bytes);
  return {in.u32(), in.u32(), in.u32()};
}
// Requires all bytes of the entry.
SortEntry read_entry(ByteSpan bytes) {
  const Head head = read_head(bytes);
  return {head.path, bytes.subspan(kHeadBytes, head.value_bytes),
          bytes.subspan(kHeadBytes + head.value_bytes, head.id_bytes)};
}

}  // namespace

int compare_entries(const SortEntry& a, const SortEntry& b) {
  if (a.path != b.path) return a.path < b.path ? -1 : 1;
  if (const int order = compare_bytes(a.value, b.value)) return order;
  return compare_bytes(a.id, b.id);
}

// Reads one chunk front to back through a buffer.
class IndexSorter::ChunkReader {
 public:
  ChunkReader(runtime::File& file, const std::string& path, const Chunk& chunk, const Bounds& bounds,
              size_t buffer_bytes)
      : file_(&file), path_(&path), chunk_(chunk), bounds_(bounds), buffer_bytes_(buffer_bytes) {}
  // To the next entry; false at the end.
  [[nodiscard]] Result<bool> next() {
    at_ += entry_bytes_;
    entry_bytes_ = 0;
    if (at_ == buffer_.size() && read_ == chunk_.bytes) return end();
    if (auto held = hold(kHeadBytes); !held) return fail(std::move(held.error()));
    const Head head = read_head(here());
    if (head.path > bounds_.path) return fail(damaged("path, at most", bounds_.path, head.path));
    if (head.value_bytes > bounds_.value_bytes)
      return fail(damaged("value bytes, at most", bounds_.value_bytes, head.value_bytes));
    if (head.id_bytes > bounds_.id_bytes) return fail(damaged("id bytes, at most", bounds_.id_bytes, head.id_bytes));
    if (auto held = hold(head.entry_bytes()); !held) return fail(std::move(held.error()));
    entry_bytes_ = head.entry_bytes();
    return true;
  }
  [[nodiscard]] SortEntry entry() const { return read_entry(here()); }

 private:
  [[nodiscard]] ByteSpan here() const { return ByteSpan(buffer_).subspan(at_); }
  // Makes at least `bytes` of the chunk available from at_ on.
  [[nodiscard]] Result<void> hold(uint64_t bytes) {
    const uint64_t left = buffer_.size() - at_;
    if (bytes <= left) return {};
    if (bytes - left > chunk_.bytes - read_)
      return fail(damaged("bytes of an entry", chunk_.bytes - read_ + left, bytes));
    buffer_.erase(buffer_.begin(), buffer_.begin() + static_cast<ptrdiff_t>(at_));
    at_ = 0;
    const uint64_t wanted = std::min(std::max<uint64_t>(bytes - left, buffer_bytes_), chunk_.bytes - read_);
    buffer_.resize(left + wanted);
    const auto fresh = std::span(buffer_).subspan(left);
    auto count = file_->read(chunk_.offset + read_, fresh);
    if (!count) return fail(std::move(count.error()));
    if (*count != wanted) return fail(damaged("bytes of a chunk", wanted, *count));
    hash_->update(fresh);
    read_ += wanted;
    return {};
  }
  [[nodiscard]] Result<bool> end() {
    if (const auto hash = hash_->finish(); hash != chunk_.hash)
      return fail(run_damaged(*path_, "chunk", chunk_.offset, {"checksum", to_hex(chunk_.hash), to_hex(hash)}));
    return false;
  }
  [[nodiscard]] Error damaged(std::string_view what, uint64_t expected, uint64_t found) const {
    return run_damaged(*path_, "chunk", chunk_.offset,
                       {std::string(what), fmt::format("{}", expected), fmt::format("{}", found)});
  }
  runtime::File* file_;
  const std::string* path_;
  Chunk chunk_;
  Bounds bounds_;
  size_t buffer_bytes_;
  Bytes buffer_;
  size_t at_ = 0;  // of the current entry in buffer_
  uint64_t entry_bytes_ = 0;
  uint64_t read_ = 0;  // of the chunk
  std::unique_ptr<Xxh3Stream> hash_ = std::make_unique<Xxh3Stream>();
};

IndexSorter::IndexSorter(runtime::Disk& disk, std::string temporary, uint64_t memory_bytes,
                         std::function<void()> after_sync)
    : disk_(disk), temporary_(std::move(temporary)), memory_bytes_(memory_bytes), after_sync_(std::move(after_sync)) {
  AERODB_ASSERT(memory_bytes <= (1u << 30));  // offsets of items are 32 bits
}

SortEntry IndexSorter::entry(const Item& item) const { return read_entry(ByteSpan(bytes_).subspan(item.offset)); }

Result<void> IndexSorter::add(const SortEntry& entry) {
  AERODB_ASSERT(entry.path < 1u << 24);
  const uint64_t bytes = kHeadBytes + entry.value.size() + entry.id.size() + sizeof(Item);
  if (!items_.empty() && memory() + bytes > memory_bytes_) {
    if (auto spilled = spill(); !spilled) return spilled;
  }
  bounds_.path = std::max(bounds_.path, entry.path);
  bounds_.value_bytes = std::max(bounds_.value_bytes, static_cast<uint32_t>(entry.value.size()));
  bounds_.id_bytes = std::max(bounds_.id_bytes, static_cast<uint32_t>(entry.id.size()));
  const bool has_first = !entry.value.empty();
  items_.push_back({key_prefix(entry.value.subspan(has_first ? 1 : 0)),
                    entry.path << 8 | (has_first ? entry.value.front() : 0u), static_cast<uint32_t>(bytes_.size())});
  write_entry(entry, bytes_);
  return {};
}

void IndexSorter::sort() {
  std::sort(items_.begin(), items_.end(), [this](const Item& a, const Item& b) {
    if (a.place != b.place) return a.place < b.place;
    if (a.prefix != b.prefix) return a.prefix < b.prefix;
    return compare_entries(entry(a), entry(b)) < 0;
  });
}

Result<void> IndexSorter::spill() {
  if (file_ == nullptr) {
    auto file = disk_.open(temporary_, runtime::OpenMode::kCreate);
    if (!file) return fail(std::move(file.error()));
    file_ = std::make_unique<PacedFile>(std::move(*file), [this](uint64_t /*written*/) {
      if (after_sync_) after_sync_();
    });
  }
  sort();
  Chunk chunk;
  chunk.offset = file_->size();
  Xxh3Stream hash;
  for (const Item& item : items_) {
    const Head head = read_head(ByteSpan(bytes_).subspan(item.offset));
    const auto bytes = ByteSpan(bytes_).subspan(item.offset, head.entry_bytes());
    hash.update(bytes);
    if (auto done = file_->append(bytes); !done) return done;
  }
  chunk.bytes = file_->size() - chunk.offset;
  chunk.hash = hash.finish();
  chunks_.push_back(chunk);
  ++chunks_written_;
  items_.clear();
  bytes_.clear();
  return {};
}

Result<void> IndexSorter::visit_memory(const Visit& visit) {
  sort();
  const Item* before = nullptr;
  for (const Item& item : items_) {
    if (before == nullptr || compare_entries(entry(*before), entry(item)) != 0) {
      if (auto done = visit(entry(item)); !done) return done;
    }
    before = &item;
  }
  items_.clear();
  bytes_.clear();
  return {};
}

Result<void> IndexSorter::merge_chunks(const Visit& visit) {
  if (auto flushed = file_->flush(); !flushed) return flushed;
  const size_t buffer_bytes = std::max<size_t>(memory_bytes_ / chunks_.size(), 4096);
  std::vector<ChunkReader> readers;
  for (const Chunk& chunk : chunks_) {
    readers.emplace_back(file_->file(), temporary_, chunk, bounds_, buffer_bytes);
    if (auto begun = readers.back().next(); !begun) return fail(std::move(begun.error()));
  }
  // A heap with the least entry on top.
  const auto above = [&](size_t a, size_t b) { return compare_entries(readers[a].entry(), readers[b].entry()) > 0; };
  std::vector<size_t> heap(readers.size());
  for (size_t i = 0; i < heap.size(); ++i) heap[i] = i;
  std::make_heap(heap.begin(), heap.end(), above);
  Bytes last;
  while (!heap.empty()) {
    std::pop_heap(heap.begin(), heap.end(), above);
    ChunkReader& reader = readers[heap.back()];
    if (last.empty() || compare_entries(read_entry(last), reader.entry()) != 0) {
      if (auto done = visit(reader.entry()); !done) return done;
      last.clear();
      write_entry(reader.entry(), last);
    }
    auto more = reader.next();
    if (!more) return fail(std::move(more.error()));
    if (*more)
      std::push_heap(heap.begin(), heap.end(), above);
    else
      heap.pop_back();
  }
  chunks_.clear();
  file_->rewind();
  return {};
}

Result<void> IndexSorter::drain(const Visit& visit) {
  if (chunks_.empty()) return visit_memory(visit);
  if (!items_.empty()) {
    if (auto spilled = spill(); !spilled) return spilled;
  }
  bytes_ = Bytes();  // the readers' buffers take its place
  items_ = std::vector<Item>();
  return merge_chunks(visit);
}

Result<void> IndexSorter::remove_file() {
  if (file_ == nullptr) return {};
  file_.reset();
  return disk_.remove(temporary_);
}

}  // namespace aerodb::store
