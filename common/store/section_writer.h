// Writes one section of a run: blocks of entries, and over them the levels of separators that lead to each. A block
// goes to the file when it is full, a node right behind its last child; the root comes last. Memory: one block a level,
// and the filter of one partition.
#pragma once

#include <vector>

#include "common/store/block.h"
#include "common/store/run.h"
#include "common/store/run_file.h"

namespace aerodb::store {

class SectionWriter {
 public:
  // `kind`: kDocuments or kIndex. Path empty for documents.
  SectionWriter(RunFile& file, BlockKind kind, std::string collection, std::string path);
  // Entries in key order, each key once. Requires the like kind.
  [[nodiscard]] Result<void> add(const StoredVersion& version);
  [[nodiscard]] Result<void> add(ByteSpan value, ByteSpan id);
  // Requires at least one entry.
  [[nodiscard]] Result<RunSection> finish();

 private:
  // A block under construction above those of entries.
  struct Level {
    BlockBuilder node;
    OwnedKey separator;
    BlockHandle last_child;
    uint64_t nodes_written = 0;
    std::vector<FilterHash> hashes;  // partitions
  };
  // Ends the block where the entry does not fit, and begins one where there is none.
  [[nodiscard]] Result<void> make_room(size_t entry_bytes, const EntryKey& entry);
  [[nodiscard]] Result<void> end_block();
  [[nodiscard]] Result<void> add_child(size_t level, const BlockHandle& child, const EntryKey& separator);
  [[nodiscard]] Result<BlockHandle> write_node(size_t level);
  [[nodiscard]] Result<void> end_node(size_t level);
  [[nodiscard]] bool full(size_t level) const;

  RunFile& file_;
  BlockKind kind_;
  RunSection section_;
  uint64_t begin_;
  BlockBuilder block_;
  OwnedKey separator_;              // of block_
  std::vector<FilterHash> hashes_;  // of block_'s ids
  std::optional<OwnedKey> last_;    // last entry of the block before
  std::vector<Level> levels_;       // [0]: right above the blocks
};

}  // namespace aerodb::store
