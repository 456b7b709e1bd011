#include "common/store/stored_block.h"

#include <fmt/format.h>
#include <zstd.h>

#include <memory>

#include "common/base/assert.h"
#include "common/base/checksum.h"
#include "common/store/block.h"

namespace aerodb::store {
namespace {

// The fastest level: blocks are small, and a checkpoint must keep up with the disk.
constexpr int kZstdLevel = 1;

ZSTD_CCtx* context_of(void* context) { return static_cast<ZSTD_CCtx*>(context); }

struct DecompressionFreed {
  void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
};

struct Trailer {
  uint32_t raw_bytes = 0;
  uint8_t compression = 0;
  uint8_t kind = 0;
};

Undamaged<Trailer> check_trailer(ByteSpan stored, BlockKind kind, uint64_t seed) {
  if (stored.size() < kBlockTrailerBytes) {
    return std::unexpected(Damage{"stored bytes of the block", fmt::format("at least {}", kBlockTrailerBytes),
                                  fmt::format("{}", stored.size())});
  }
  const auto computed =
      xxh3_128_seeded(stored.first(stored.size() - kBlockTrailerBytes + kBlockCheckedTrailerBytes), seed);
  const auto stated = stored.last(computed.size());
  if (std::memcmp(stated.data(), computed.data(), computed.size()) != 0)
    return std::unexpected(Damage{"checksum of the block", to_hex(stated), to_hex(computed)});
  ByteReader in(stored.last(kBlockTrailerBytes));
  Trailer trailer;
  trailer.raw_bytes = in.u32();
  trailer.compression = in.u8();
  trailer.kind = in.u8();
  if (const auto zero = in.u16(); zero != 0)
    return std::unexpected(Damage{"last bytes of the trailer before its checksum", "0", fmt::format("{}", zero)});
  if (trailer.kind != static_cast<uint8_t>(kind)) {
    return std::unexpected(
        Damage{"kind of the block", fmt::format("{}", static_cast<uint8_t>(kind)), fmt::format("{}", trailer.kind)});
  }
  return trailer;
}

Undamaged<ByteSpan> decompress(ByteSpan body, uint32_t raw_bytes, Bytes& scratch) {
  if (raw_bytes > kMaxBlockBytes) {
    return std::unexpected(
        Damage{"raw bytes of the block", fmt::format("at most {}", kMaxBlockBytes), fmt::format("{}", raw_bytes)});
  }
  // A context is large and costs more to make than a block takes to read.
  thread_local const std::unique_ptr<ZSTD_DCtx, DecompressionFreed> context(ZSTD_createDCtx());
  AERODB_ASSERT(context != nullptr);
  scratch.resize(raw_bytes);
  const size_t got = ZSTD_decompressDCtx(context.get(), scratch.data(), scratch.size(), body.data(), body.size());
  if (ZSTD_isError(got) != 0) {
    return std::unexpected(
        Damage{"compressed body", fmt::format("a zstd frame of {} raw bytes", raw_bytes), ZSTD_getErrorName(got)});
  }
  if (got != raw_bytes)
    return std::unexpected(Damage{"raw bytes of the block", fmt::format("{}", raw_bytes), fmt::format("{}", got)});
  return ByteSpan(scratch);
}

Undamaged<ByteSpan> raw_body(ByteSpan body, const Trailer& trailer, Bytes& scratch) {
  switch (static_cast<Compression>(trailer.compression)) {
    case Compression::kNone:
      if (trailer.raw_bytes != body.size()) {
        return std::unexpected(
            Damage{"raw bytes of the block", fmt::format("{}", body.size()), fmt::format("{}", trailer.raw_bytes)});
      }
      return body;
    case Compression::kZstd:
      return decompress(body, trailer.raw_bytes, scratch);
  }
  return std::unexpected(Damage{"compression of the block", "0 or 1", fmt::format("{}", trailer.compression)});
}

}  // namespace

BlockPacker::BlockPacker(Compression compression) {
  if (compression == Compression::kNone) return;
  context_ = ZSTD_createCCtx();
  AERODB_ASSERT(context_ != nullptr);
}
BlockPacker::~BlockPacker() { ZSTD_freeCCtx(context_of(context_)); }

bool BlockPacker::compress(ByteSpan body) {
  if (context_ == nullptr) return false;
  stored_.resize(ZSTD_compressBound(body.size()));
  const size_t got =
      ZSTD_compressCCtx(context_of(context_), stored_.data(), stored_.size(), body.data(), body.size(), kZstdLevel);
  AERODB_ASSERT(ZSTD_isError(got) == 0);
  stored_.resize(got);
  return got < body.size();
}

ByteSpan BlockPacker::pack(BlockKind kind, ByteSpan body, uint64_t seed) {
  AERODB_ASSERT(body.size() <= kMaxBlockBytes);
  const bool compressed = compress(body);
  if (!compressed) stored_.assign(body.begin(), body.end());
  ByteWriter out(stored_);
  out.u32(static_cast<uint32_t>(body.size()));
  out.u8(static_cast<uint8_t>(compressed ? Compression::kZstd : Compression::kNone));
  out.u8(static_cast<uint8_t>(kind));
  out.zeros(2);
  out.raw(xxh3_128_seeded(stored_, seed));
  return stored_;
}

Undamaged<ByteSpan> unpack_block(ByteSpan stored, BlockKind kind, uint64_t seed, Bytes& scratch) {
  const auto trailer = check_trailer(stored, kind, seed);
  if (!trailer) return std::unexpected(trailer.error());
  auto body = raw_body(stored.first(stored.size() - kBlockTrailerBytes), *trailer, scratch);
  if (!body || kind == BlockKind::kFooter) return body;
  if (auto damage = check_body(kind, *body)) return std::unexpected(std::move(*damage));
  return body;
}

}  // namespace aerodb::store
