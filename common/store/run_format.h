// Every constant of run files and manifests on disk, shared by writer and reader. Twin of docs/spec/RUN_FORMAT.md.
// Do not change a value: files with it exist. Retired numbers stay as rows.
#pragma once

#include <cstddef>
#include <cstdint>

namespace aerodb::store {

// Run file: [header][sections ...][footer][tail]. All integers little-endian. Header and tail keep place and layout in
// every format, so that an older reader can tell a newer file from a damaged one.
//
// Header, 64 bytes:
//   0 magic u32   4 format u32   8 run number u64   16 first commit u64   24 last commit u64   32 zero [32]
inline constexpr uint32_t kRunMagic = 0x52524541;  // "AERR"
inline constexpr uint32_t kRunFormat = 1;
inline constexpr size_t kRunHeaderBytes = 64;

// Block as stored: [body][trailer]. The body is raw, or one zstd frame. Trailer, 24 bytes:
//   0 raw bytes u32 (of the body before compression)   4 compression u8   5 kind u8   6 zero [2]
//   8 checksum [16]: XXH3-128, seeded with block_seed(), over body and the first 8 bytes of the trailer
inline constexpr size_t kBlockTrailerBytes = 24;
inline constexpr size_t kBlockCheckedTrailerBytes = 8;
enum class Compression : uint8_t { kNone = 0, kZstd = 1 };
// Number and place are in it: a block of another run or from elsewhere in this one never passes.
[[nodiscard]] constexpr uint64_t block_seed(uint64_t run_number, uint64_t offset) {
  return (run_number << 40) + offset;
}

// A raw body, but the footer's, is slotted: [entries ...][offset of each entry u32 ...][count u32]; entries in key
// order, at least one.
//   documents:  commit u64, schema version u32 (0: tombstone), document bytes u32, id bytes u16, id, document;
//               ordered by id ascending, then commit descending
//   index:      value bytes u32, id bytes u16, value, id; ordered by value, then id
//   inner:      of a block one level below: offset u64, stored bytes u32, its separator
//   partition:  the same, of blocks of documents; behind the count: [filter][filter bytes u32]
// A separator is: first bytes u32, second bytes u16, commit u64, first, second. It is a key above every entry before
// the block and not above the block's own:
//   documents:  (id of its first entry, greatest u64); where the entry before is of the same id: (id, its commit - 1).
//               So the one block in which a lookup starts holds what it looks for, or there is none.
//   index:      (value, id) of its first entry, commit 0
enum class BlockKind : uint8_t { kDocuments = 1, kIndex = 2, kPartition = 3, kInner = 4, kFooter = 5 };

inline constexpr size_t kBlockTargetBytes = 8u << 10;  // raw, of documents and index blocks; at least one entry
// A partition, or the lowest inner block of an index, ends with the child that reaches either, yet never with its
// first.
inline constexpr size_t kBlocksPerPartition = 256;
inline constexpr size_t kPartitionTargetBytes = 128u << 10;  // raw, without the filter
inline constexpr size_t kInnerTargetBytes = 1u << 20;        // the same for inner blocks further up
inline constexpr size_t kMaxBlockBytes = 32u << 20;          // raw; larger is damage
inline constexpr uint32_t kMaxRunHeight = 8;                 // levels above the blocks of entries

// Filter: lines of 64 bytes; an id sets kFilterProbes bits of one line. With XXH3-128 of the id as two big-endian u64
// (a, b): line (a >> 32) * lines >> 32; bit i of it is (b >> 9 * i) mod 512, counted from the lowest bit of byte 0.
inline constexpr size_t kFilterBitsPerKey = 10;
inline constexpr size_t kFilterProbes = 6;
inline constexpr size_t kFilterLineBytes = 64;

// Footer: a block (with trailer) that names the sections; layout in run_footer.h. Tail, the file's last 32 bytes:
//   0 footer offset u64   8 footer stored bytes u32   12 magic u32   16 checksum [16]: XXH3-128 over the header and
//   bytes 0..16 of the tail
inline constexpr size_t kRunTailBytes = 32;

// Manifest file: [magic u32][format u32][body bytes u64][checksum [16]: XXH3-128 of the body][body]; body in
// manifest.h.
inline constexpr uint32_t kManifestMagic = 0x4d4d4541;  // "AEMM"
inline constexpr uint32_t kManifestFormat = 1;
inline constexpr uint64_t kMaxManifestBytes = 256ull << 20;

// At most this much is written between two syncs, so that the log's own syncs never wait long behind it.
inline constexpr uint64_t kSyncEveryBytes = 1u << 20;

}  // namespace aerodb::store
