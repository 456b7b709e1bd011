// The effect of a T1 decision, apart from the decision itself so that read-only programs can leave it out.
#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "common/base/fault.h"
#include "common/wal/scan.h"

namespace aerodb::wal {
namespace {

Result<std::string> quarantine(runtime::Disk& disk, const std::string& data_dir, RingCursor at, ByteSpan torn) {
  const std::string directory = data_dir + "/quarantine";
  if (auto made = disk.make_directory(directory); !made) return fail(std::move(made.error()));
  // A second crash at the same place finds its own older copy: the newest one is kept.
  std::string name = fmt::format("segment-{}-offset-{}.bin", at.segment_sequence, at.offset);
  if (auto kept = runtime::replace_file(disk, directory, name, torn); !kept) return fail(std::move(kept.error()));
  if (auto synced = disk.sync_directory(data_dir); !synced) return fail(std::move(synced.error()));
  return name;
}

Result<Bytes> read_whole(runtime::File& file, uint64_t offset, uint64_t bytes) {
  Bytes content(bytes);
  auto count = file.read(offset, content);
  if (!count) return fail(std::move(count.error()));
  if (*count != content.size()) return fail(ErrorCode::kIo, "repair log: a segment file became shorter");
  return content;
}

Error reads_differently(const std::string& path, uint64_t offset) {
  return {ErrorCode::kIo,
          fmt::format("repair log: {} reads differently at {} than a moment ago; nothing was written", path, offset),
          {}};
}

// Twice the same, or IO: what one read got wrong can't be told from a torn frame.
Result<Bytes> read_twice(runtime::File& file, const std::string& path, uint64_t offset, uint64_t bytes) {
  auto first = read_whole(file, offset, bytes);
  if (!first) return first;
  const auto second = read_whole(file, offset, bytes);
  if (!second) return second;
  if (*first != *second) return fail(reads_differently(path, offset));
  return first;
}

// Whether the log's next frame lies whole at `at`, where the scan found none.
Result<bool> holds_next_frame(runtime::File& file, const std::string& path, RingCursor at, uint64_t segment_bytes,
                              const RingScan& scan) {
  const auto sector = read_twice(file, path, 0, kSegmentHeaderBytes);
  if (!sector) return fail(sector.error());
  SegmentHeader segment;
  if (read_segment_header(*sector, segment) != SegmentHeaderState::kValid || segment.sequence != at.segment_sequence)
    return false;
  const uint64_t offset = std::max(at.offset, kSegmentHeaderBytes);
  if (offset + kFrameHeaderBytes > segment_bytes) return false;
  const auto start = read_twice(file, path, offset, kFrameHeaderBytes);
  if (!start) return fail(start.error());
  const auto head = peek_frame_header(*start, at.segment_sequence);
  if (!head || head->bytes_on_disk() > segment_bytes - offset) return false;
  // 0: the scan saw no frame, and where a manifest came before, the first one says itself where the numbering stands.
  const bool is_next =
      scan.end.frame_sequence == 0 ? head->frame_sequence > 0 : head->frame_sequence == scan.end.frame_sequence + 1;
  if (!is_next) return false;
  const auto frame = read_twice(file, path, offset, head->bytes_on_disk());
  if (!frame) return fail(frame.error());
  return frame_checksum_holds(*frame, *head, segment.salt);
}

// The log is about to end there for good: once more, with reads of its own, that it does. IO where it does not.
Result<void> confirm_end(runtime::Disk& disk, const std::vector<std::string>& paths, const RingGeometry& geometry,
                         const RingScan& scan) {
  const RingCursor end = scan.end.cursor;
  for (const RingCursor at : {end, RingCursor{end.segment_sequence + 1, 0}}) {
    if (at.segment_sequence == 0 || at.segment_sequence > scan.released_sequence + geometry.slots) continue;
    const auto& path = paths[(at.segment_sequence - 1) % geometry.slots];
    auto file = disk.open(path, runtime::OpenMode::kRead);
    if (!file) return fail(std::move(file.error()));
    const auto held = holds_next_frame(**file, path, at, geometry.segment_bytes, scan);
    if (!held) return fail(held.error());
    if (*held) return fail(reads_differently(path, at.offset));
  }
  return {};
}

Result<std::string> set_aside(runtime::Disk& disk, const std::string& data_dir, const std::string& path,
                              const TornBytes& torn) {
  auto file = disk.open(path, runtime::OpenMode::kReadWrite);
  if (!file) return fail(std::move(file.error()));
  auto content = read_twice(**file, path, torn.at.offset, torn.bytes);
  if (!content) return fail(std::move(content.error()));
  auto name = quarantine(disk, data_dir, torn.at, *content);
  if (!name) return name;
  std::ranges::fill(*content, uint8_t{0});
  if (auto zeroed = (*file)->write(torn.at.offset, *content); !zeroed) return fail(std::move(zeroed.error()));
  if (auto synced = (*file)->sync(); !synced) return fail(std::move(synced.error()));
  return name;
}

// The bytes that are about to be written over a good frame come from a second read: they must be that frame still, or a
// misread would be made durable.
bool is_last_frame(ByteSpan content, const RingScan& scan) {
  const size_t frame_at = content.size() - scan.last_frame_bytes;
  SegmentHeader header;
  if (frame_at > 0 && (read_segment_header(content.first(kSegmentHeaderBytes), header) != SegmentHeaderState::kValid ||
                       header.sequence != scan.last_frame->segment_sequence))
    return false;
  const ByteSpan frame = content.subspan(frame_at);
  const auto head = peek_frame_header(frame, scan.last_frame->segment_sequence);
  return head && head->bytes_on_disk() == scan.last_frame_bytes &&
         frame_checksum_holds(frame, *head, scan.end.segment->salt);
}

Result<void> rewrite(runtime::Disk& disk, const std::string& path, uint64_t offset, uint64_t bytes,
                     const RingScan& scan) {
  auto file = disk.open(path, runtime::OpenMode::kReadWrite);
  if (!file) return fail(std::move(file.error()));
  auto content = read_whole(**file, offset, bytes);
  if (!content) return fail(std::move(content.error()));
  if (!is_last_frame(*content, scan)) return fail(reads_differently(path, offset));
  if (auto written = (*file)->write(offset, *content); !written) return written;
  return (*file)->sync();
}

}  // namespace

Result<std::string> repair_tail(runtime::Disk& disk, const std::string& data_dir, const RingGeometry& geometry,
                                const RingScan& scan) {
  const auto paths = segment_paths(data_dir, geometry.slots);
  auto path_of = [&](RingCursor at) { return paths[(at.segment_sequence - 1) % geometry.slots]; };
  if (auto confirmed = confirm_end(disk, paths, geometry, scan); !confirmed) return fail(std::move(confirmed.error()));
  std::string quarantined;
  if (scan.torn) {
    auto name = set_aside(disk, data_dir, path_of(scan.torn->at), *scan.torn);
    if (!name) return name;
    quarantined = std::move(*name);
  }
  if (!scan.last_frame || planted(Fault::kLastFrameNotRewritten)) return quarantined;
  const uint64_t begin = scan.last_frame_first_in_segment ? 0 : scan.last_frame->offset;
  const uint64_t bytes = scan.last_frame->offset + scan.last_frame_bytes - begin;
  if (auto rewritten = rewrite(disk, path_of(*scan.last_frame), begin, bytes, scan); !rewritten)
    return fail(std::move(rewritten.error()));
  return quarantined;
}

}  // namespace aerodb::wal
