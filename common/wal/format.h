// Every constant of the log on disk, shared by writer and reader. Twin of docs/spec/WAL_FORMAT.md.
// Do not change a value: files with it exist. Retired numbers stay as rows.
#pragma once

#include <cstddef>
#include <cstdint>

namespace aerodb::wal {

inline constexpr uint64_t kSectorBytes = 512;  // frames start on such a boundary; a sector write is old or new

// Record (logical, the same bytes on every node), little-endian:
//   0 length u32 (payload bytes, padding not counted)   4 type u8   5 flags u8 (0)   6 format u16
//   8 epoch u64   16 lsn u64   24 commit id u64   32 chain before [16]   48 digest after [16]
//   64 payload, zero padding to a multiple of 8
inline constexpr size_t kRecordHeaderBytes = 64;
inline constexpr uint16_t kRecordFormat = 1;
inline constexpr uint32_t kMaxRecordBytes = 12u << 20;  // header, payload and padding

// Frame (physical, node-local), little-endian; the body is whole records:
//   0 magic u32   4 count u32   8 segment sequence u64   16 frame sequence u64   24 first lsn u64   32 length u64 (body
//   bytes) 40 checksum [16]: XXH3-128 seeded with the segment's salt over {header with the checksum zero, the same hash
//   of the body} 56 zero [8] 64 body, zero padding to a multiple of 512
inline constexpr uint32_t kFrameMagic = 0x46574541;  // "AEWF"
inline constexpr size_t kFrameHeaderBytes = 64;
inline constexpr uint64_t kMaxFrameBytes = kFrameHeaderBytes + kMaxRecordBytes;

// Segment header, one sector, little-endian:
//   0 magic u32   4 format u32   8 sequence u64   16 salt u64   24 first lsn u64   32 cluster [16]   48 instance [16]
//   64 checksum [16]: XXH3-128 over bytes 0..64   80 zero to 512
inline constexpr uint32_t kSegmentMagic = 0x53574541;  // "AEWS"
inline constexpr uint32_t kSegmentFormat = 1;
inline constexpr uint64_t kSegmentHeaderBytes = kSectorBytes;

enum class RecordType : uint8_t {
  kLineageStart = 1,
  kEpochStart = 2,
  kSeal = 3,
  kSchema = 4,
  kCommit = 5,
  kFloor = 6,
};

enum class Operation : uint8_t { kInsert = 1, kUpdate = 2, kDelete = 3 };

enum class LineageReason : uint8_t { kInit = 1, kEnd = 2, kRestore = 3 };

}  // namespace aerodb::wal
