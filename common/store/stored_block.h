// Blocks as they lie in the file: body, perhaps compressed, and trailer. Layout in run_format.h.
#pragma once

#include "common/base/bytes.h"
#include "common/store/damage.h"
#include "common/store/run_format.h"

namespace aerodb::store {

// Keeps what compression needs between blocks.
class BlockPacker {
 public:
  explicit BlockPacker(Compression compression);
  ~BlockPacker();
  BlockPacker(const BlockPacker&) = delete;
  BlockPacker& operator=(const BlockPacker&) = delete;
  // The body as stored, with its trailer; valid until the next call. A body that compression would not make smaller is
  // stored as it is. Requires body.size() <= kMaxBlockBytes.
  [[nodiscard]] ByteSpan pack(BlockKind kind, ByteSpan body, uint64_t seed);

 private:
  [[nodiscard]] bool compress(ByteSpan body);
  void* context_ = nullptr;  // ZSTD_CCtx, owned; null: no compression
  Bytes stored_;
};

// The raw body: a view into `stored`, or into `scratch` where it was compressed. Checks trailer, checksum, kind, size
// and, but for a footer, the structure of the body; allocates at most kMaxBlockBytes.
[[nodiscard]] Undamaged<ByteSpan> unpack_block(ByteSpan stored, BlockKind kind, uint64_t seed, Bytes& scratch);

}  // namespace aerodb::store
