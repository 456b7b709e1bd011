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

Result<std::string> set_aside(runtime::Disk& disk, const std::string& data_dir, const std::string& path,
                              const TornBytes& torn) {
  auto file = disk.open(path, runtime::OpenMode::kReadWrite);
  if (!file) return fail(std::move(file.error()));
  auto content = read_whole(**file, torn.at.offset, torn.bytes);
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
  if (!is_last_frame(*content, scan)) {
    return fail(ErrorCode::kIo, fmt::format("rewrite last frame: {} reads differently at {} than a moment ago; nothing "
                                            "was written",
                                            path, offset));
  }
  if (auto written = (*file)->write(offset, *content); !written) return written;
  return (*file)->sync();
}

}  // namespace

Result<std::string> repair_tail(runtime::Disk& disk, const std::string& data_dir, const RingGeometry& geometry,
                                const RingScan& scan) {
  const auto paths = segment_paths(data_dir, geometry.slots);
  auto path_of = [&](RingCursor at) { return paths[(at.segment_sequence - 1) % geometry.slots]; };
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
