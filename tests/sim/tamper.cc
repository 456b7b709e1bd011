#include "tests/sim/tamper.h"

#include <fmt/format.h>

#include "common/engine/recovery.h"
#include "common/engine/resume.h"
#include "common/wal/frame.h"
#include "tests/sim/peek_disk.h"

namespace aerodb::sim {
namespace {

constexpr std::string_view kDataDir = "/data";
constexpr size_t kDigestAt = 48;  // in a record

// Where the digest of the last record of a frame's body lies.
size_t last_digest(ByteSpan body) {
  size_t at = 0;
  while (true) {
    const auto record = wal::read_record(body.subspan(at));
    AERODB_ASSERT(record.has_value());
    if (at + record->bytes.size() == body.size()) return at + kDigestAt;
    at += record->bytes.size();
  }
}

// The last frame, written anew with one bit of that digest changed.
void change_last_digest(SimDisk& disk, const wal::RingGeometry& geometry, const wal::RingScan& scan) {
  const wal::Ring ring(geometry, scan.end.cursor, 0);
  const auto path =
      wal::segment_paths(std::string(kDataDir), geometry.slots)[ring.slot_of(scan.last_frame->segment_sequence)];
  auto file = disk.open(path, runtime::OpenMode::kReadWrite);
  AERODB_ASSERT(file.has_value());
  Bytes frame(scan.last_frame_bytes);
  const auto read = disk.read(**file, scan.last_frame->offset, frame);
  AERODB_ASSERT(read.has_value() && *read == frame.size());
  const auto header = wal::peek_frame_header(frame, scan.last_frame->segment_sequence);
  AERODB_ASSERT(header.has_value());
  const auto body = std::span(frame).subspan(wal::kFrameHeaderBytes, header->body_bytes);
  body[last_digest(body)] ^= 1;
  wal::seal_frame(*header, scan.end.segment->salt, frame);
  const auto written = disk.write(*file, scan.last_frame->offset, frame);
  AERODB_ASSERT(written.has_value());
}

}  // namespace

std::optional<std::string> wrong_digest_is_accepted(NodeHost& host, SimWorld& world, const wal::RingGeometry& geometry,
                                                    bool& tried) {
  SimDisk& disk = host.machine().disk();
  const auto node = host.node()->engine()->node();
  const Lsn end = host.node()->engine()->visible().lsn;
  host.crash(CrashKind::kProcess);
  disk.set_faulty(false);
  PeekDisk peek(disk);
  const auto manifest = store::read_manifest(peek, std::string(kDataDir));
  if (!manifest) return fmt::format("{}: {}", host.name(), manifest.error().message);
  const auto covered = manifest->value_or(store::Manifest{});
  tried = end > covered.lsn;
  if (!tried) return std::nullopt;
  const auto start = engine::log_start_of(covered);
  auto scan = wal::scan_ring(peek, std::string(kDataDir), geometry, node.cluster, node.instance, start,
                             [](const wal::RecordView&) { return std::nullopt; });
  if (!scan || !scan->last_frame) return fmt::format("{}: its log can't be read from outside", host.name());
  change_last_digest(disk, geometry, *scan);
  SimProcess process(host.machine(), world, {.name = host.name() + "-tampered"});
  engine::ResumeOptions resume;
  resume.data_dir = kDataDir;
  resume.geometry = geometry;
  if (engine::check_resume(process.blocking_disk(), resume))
    return fmt::format("{}: a log whose last record states another digest verifies for a resume (FAIL-4)", host.name());
  const auto opened = engine::open_directory(process.blocking_disk(), {std::string(kDataDir), geometry, host.name()});
  if (!opened && opened.error().code == ErrorCode::kDigestMismatch) return std::nullopt;
  return fmt::format("{}: a log whose last record states another digest: {}", host.name(),
                     opened ? "accepted (REC-6)" : opened.error().message);
}

}  // namespace aerodb::sim
