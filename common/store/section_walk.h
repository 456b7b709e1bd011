// The blocks of entries of one section in file order, each checked, none twice; for merges. Blocking.
#pragma once

#include <vector>

#include "common/store/block.h"
#include "common/store/read_ahead.h"
#include "common/store/run.h"

namespace aerodb::store {

// The raw body of one block, read through `ahead`; valid until its next call, or the next use of `scratch`.
[[nodiscard]] Result<ByteSpan> read_through(const Run& run, ReadAhead& ahead, const BlockHandle& handle,
                                            Bytes& scratch);

class SectionWalk {
 public:
  // All must outlive it.
  SectionWalk(const Run& run, const RunSection& section, runtime::File& file, ReadAhead& ahead)
      : run_(run), section_(section), file_(file), ahead_(ahead) {}
  // The next block, valid until the call after; nullopt at the end. IO, RUN_DAMAGED.
  [[nodiscard]] Result<std::optional<BlockView>> next();

 private:
  struct Node {
    BlockRef block;
    uint32_t next = 0;
  };
  [[nodiscard]] Result<void> enter(const BlockHandle& node);
  const Run& run_;
  const RunSection& section_;
  runtime::File& file_;
  ReadAhead& ahead_;
  std::vector<Node> path_;  // from the root down
  Bytes scratch_;
  bool begun_ = false;
  uint64_t end_ = 0;  // of the last block given
};

}  // namespace aerodb::store
