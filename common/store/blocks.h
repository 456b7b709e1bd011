// Where lookups get the blocks of runs from. The same lookup code runs on the loop, where a block that is not in memory
// is noted as missing and the caller comes again (restartable reads), and in Jobs and offline tools, where it is read
// on the spot.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/error.h"
#include "common/store/run_format.h"

namespace aerodb::store {

class Run;

struct BlockHandle {
  uint64_t offset = 0;
  uint32_t stored_bytes = 0;  // trailer included
  BlockKind kind = BlockKind::kDocuments;
  friend auto operator<=>(const BlockHandle&, const BlockHandle&) = default;
};

// A block's raw body, decompressed, its checksum and structure checked for its kind. Immutable.
struct Block {
  Bytes body;
  BlockKind kind = BlockKind::kDocuments;
};
using BlockRef = std::shared_ptr<const Block>;

// What is at hand. Thread: one, its owner's.
class Blocks {
 public:
  virtual ~Blocks() = default;
  // The block, of the handle's kind, valid as long as this object. nullptr: not at hand. Then either it was noted as
  // missing, or reading failed and trouble() says why.
  virtual const Block* find(const Run& run, const BlockHandle& handle) = 0;
  [[nodiscard]] virtual const std::optional<Error>& trouble() const = 0;
};

// A version as lookups answer it, wherever it lies. No commit: there is none. Its document is valid as long as the
// Blocks it was found with and the layers are unchanged.
struct VersionView {
  CommitId commit;
  uint32_t schema_version = 0;  // 0: tombstone
  ByteSpan document;
  explicit operator bool() const { return commit != CommitId(); }
  [[nodiscard]] bool tombstone() const { return schema_version == 0; }
  [[nodiscard]] bool live() const { return commit != CommitId() && schema_version != 0; }
};

}  // namespace aerodb::store
