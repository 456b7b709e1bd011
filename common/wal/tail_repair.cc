// The effect of a T1 decision, apart from the decision itself so that read-only programs can leave it out.
#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "common/base/fault.h"
#include "common/wal/scan.h"

namespace aerodb::wal {
namespace {

// Bytes behind the end that a torn frame may have left: up to the last sector that is not zero.
Result<Bytes> torn_bytes(runtime::File& file, uint64_t offset, uint64_t segment_bytes) {
  Bytes bytes(std::min(segment_bytes - offset, kSegmentHeaderBytes + round_up(kMaxFrameBytes, kSectorBytes)));
  auto count = file.read(offset, bytes);
  if (!count) return fail(std::move(count.error()));
  bytes.resize(*count);
  auto last = std::find_if(bytes.rbegin(), bytes.rend(), [](uint8_t byte) { return byte != 0; });
  bytes.resize(round_up(static_cast<uint64_t>(bytes.rend() - last), kSectorBytes));
  return bytes;
}

// Behind the end, or at the start of the next segment where the frame did not fit. A slot that was used before holds an
// older segment behind the torn bytes: the salt of its next header makes all of it void, nothing is set aside.
std::vector<RingCursor> places_of_torn_frame(const RingGeometry& geometry, RingCursor end) {
  if (end.segment_sequence == 0) return {{1, 0}};
  std::vector<RingCursor> places = {end};
  if (end.segment_sequence < geometry.slots) places.push_back({end.segment_sequence + 1, 0});
  return places;
}

Result<std::string> quarantine(runtime::Disk& disk, const std::string& data_dir, RingCursor at, ByteSpan torn) {
  const std::string directory = data_dir + "/quarantine";
  if (auto made = disk.make_directory(directory); !made) return fail(std::move(made.error()));
  // A second crash at the same place finds its own older copy: the newest one is kept.
  std::string name = fmt::format("segment-{}-offset-{}.bin", at.segment_sequence, at.offset);
  if (auto kept = runtime::replace_file(disk, directory, name, torn); !kept) return fail(std::move(kept.error()));
  if (auto synced = disk.sync_directory(data_dir); !synced) return fail(std::move(synced.error()));
  return name;
}

Result<void> rewrite(runtime::File& file, uint64_t offset, uint64_t bytes) {
  Bytes content(bytes);
  auto count = file.read(offset, content);
  if (!count) return fail(std::move(count.error()));
  if (*count != content.size()) return fail(ErrorCode::kIo, "rewrite last frame: it could not be read whole");
  return file.write(offset, content);
}

}  // namespace

Result<std::string> repair_tail(runtime::Disk& disk, const std::string& data_dir, const RingGeometry& geometry,
                                const RingScan& scan) {
  auto paths = segment_paths(data_dir, geometry.slots);
  const Ring ring(geometry, scan.end.cursor, 0);
  std::string quarantined;
  for (const RingCursor at : places_of_torn_frame(geometry, scan.end.cursor)) {
    auto file = disk.open(paths[ring.slot_of(at.segment_sequence)], runtime::OpenMode::kReadWrite);
    if (!file) return fail(std::move(file.error()));
    auto torn = torn_bytes(**file, at.offset, geometry.segment_bytes);
    if (!torn) return fail(std::move(torn.error()));
    if (torn->empty()) continue;
    auto kept = quarantine(disk, data_dir, at, *torn);
    if (!kept) return kept;
    quarantined = std::move(*kept);
    std::ranges::fill(*torn, uint8_t{0});
    if (auto zeroed = (*file)->write(at.offset, *torn); !zeroed) return fail(std::move(zeroed.error()));
    if (auto synced = (*file)->sync(); !synced) return fail(std::move(synced.error()));
    break;  // at most one frame was unsynced (WAL-3)
  }
  if (!scan.last_frame || planted(Fault::kLastFrameNotRewritten)) return quarantined;
  auto file = disk.open(paths[ring.slot_of(scan.last_frame->segment_sequence)], runtime::OpenMode::kReadWrite);
  if (!file) return fail(std::move(file.error()));
  const uint64_t begin = scan.last_frame_first_in_segment ? 0 : scan.last_frame->offset;
  const uint64_t bytes = scan.last_frame->offset + scan.last_frame_bytes - begin;
  if (auto rewritten = rewrite(**file, begin, bytes); !rewritten) return fail(std::move(rewritten.error()));
  if (auto synced = (*file)->sync(); !synced) return fail(std::move(synced.error()));
  return quarantined;
}

}  // namespace aerodb::wal
