// Sorts the index entries of one collection by (path, value, id) in bounded memory: what does not fit is written,
// sorted, to a temporary file, and merged at the end. Blocking.
//
// The file's chunks are hashed when written and when read back; RUN_DAMAGED where they differ.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "common/store/paced_file.h"

namespace aerodb::store {

// Place of an entry: path is its ordinal in the caller's list.
struct SortEntry {
  uint32_t path = 0;
  ByteSpan value;
  ByteSpan id;
};
[[nodiscard]] int compare_entries(const SortEntry& a, const SortEntry& b);

class IndexSorter {
 public:
  // The file is made when first needed; it must not exist then.
  IndexSorter(runtime::Disk& disk, std::string temporary, uint64_t memory_bytes, std::function<void()> after_sync);
  [[nodiscard]] Result<void> add(const SortEntry& entry);
  using Visit = std::function<Result<void>(const SortEntry&)>;
  // Calls visit for all entries in order, equal ones once, and is empty again.
  [[nodiscard]] Result<void> drain(const Visit& visit);
  // Removes the file, where there is one.
  [[nodiscard]] Result<void> remove_file();
  [[nodiscard]] uint64_t chunks_written() const { return chunks_written_; }

 private:
  // An entry in bytes_. Most comparisons end at the first two members: of an int, say, they hold all.
  struct Item {
    uint64_t prefix;  // of its value behind the first byte
    uint32_t place;   // path, then the value's first byte
    uint32_t offset;
  };
  struct Chunk {
    uint64_t offset = 0;
    uint64_t bytes = 0;
    std::array<uint8_t, 16> hash{};
  };
  // The largest of what was added; what is read back beyond it is damage.
  struct Bounds {
    uint32_t path = 0;
    uint32_t value_bytes = 0;
    uint32_t id_bytes = 0;
  };
  class ChunkReader;
  void sort();
  [[nodiscard]] SortEntry entry(const Item& item) const;
  [[nodiscard]] uint64_t memory() const { return bytes_.size() + items_.size() * sizeof(Item); }
  [[nodiscard]] Result<void> spill();
  [[nodiscard]] Result<void> visit_memory(const Visit& visit);
  [[nodiscard]] Result<void> merge_chunks(const Visit& visit);

  runtime::Disk& disk_;
  std::string temporary_;
  uint64_t memory_bytes_;
  std::function<void()> after_sync_;
  Bytes bytes_;
  std::vector<Item> items_;
  Bounds bounds_;
  std::vector<Chunk> chunks_;
  std::unique_ptr<PacedFile> file_;
  uint64_t chunks_written_ = 0;
};

}  // namespace aerodb::store
