// aerodb wal dump, wal verify, wal resize: the log's files without their node.
#include <fmt/format.h>

#include "common/uv/posix_disk.h"
#include "common/uv/system_clock.h"
#include "common/wal/dump.h"
#include "common/wal/resize.h"
#include "controlplane/console/node/init.h"
#include "controlplane/console/storage/offline.h"
#include "controlplane/console/target.h"
#include "controlplane/console/verbs.h"

namespace aerodb::console {
namespace {

// The lines of `wal dump`. Each has its kind first.
struct SegmentLine {
  std::string line = "segment";
  std::string path;
  uint64_t slot = 0;
  std::string state;
  uint64_t file_bytes = 0;
  uint64_t sequence = 0;
  Lsn first_lsn;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("line", self.line, "segment");
    visit("path", self.path, "its file");
    visit("slot", self.slot, "place in the ring");
    visit("state", self.state, "of its header");
    visit("file_bytes", self.file_bytes, "size of the file");
    visit("sequence", self.sequence, "of the ring");
    visit("first_lsn", self.first_lsn, "first record in it");
  }
};
struct FrameLine {
  std::string line = "frame";
  uint64_t slot = 0;
  uint64_t offset = 0;
  std::string state;
  uint64_t frame_sequence = 0;
  Lsn first_lsn;
  uint64_t records = 0;
  uint64_t body_bytes = 0;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("line", self.line, "frame");
    visit("slot", self.slot, "place of its segment in the ring");
    visit("offset", self.offset, "in the segment");
    visit("state", self.state, "valid, broken or unchecked");
    visit("frame_sequence", self.frame_sequence, "of the ring");
    visit("first_lsn", self.first_lsn, "first record in it");
    visit("records", self.records, "records in it");
    visit("body_bytes", self.body_bytes, "their bytes");
  }
};
struct RecordLine {
  std::string line = "record";
  Lsn lsn;
  CommitId commit;
  Epoch epoch;
  std::string type;
  uint64_t bytes = 0;
  uint64_t slot = 0;
  uint64_t offset = 0;
  std::string order;
  Chain chain_before;
  Chain chain_after;
  Digest digest_after;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("line", self.line, "record");
    visit("lsn", self.lsn, "its LSN");
    visit("commit", self.commit, "last commit up to and with it");
    visit("epoch", self.epoch, "epoch it belongs to");
    visit("type", self.type, "lineage_start, epoch_start, seal, schema, commit or floor");
    visit("bytes", self.bytes, "its size, padding included");
    visit("slot", self.slot, "place of its segment in the ring");
    visit("offset", self.offset, "in the segment");
    visit("order", self.order, "whether it follows the record shown before it");
    visit("chain_before", self.chain_before, "chain before it");
    visit("chain_after", self.chain_after, "chain after it");
    visit("digest_after", self.digest_after, "state digest once it is applied");
  }
};
struct TroubleLine {
  std::string line = "trouble";
  std::string path;
  uint64_t offset = 0;
  std::string code;
  std::string message;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("line", self.line, "trouble");
    visit("path", self.path, "file");
    visit("offset", self.offset, "in the file");
    visit("code", self.code, "error code");
    visit("message", self.message, "what was found");
  }
};
struct TotalLine {
  std::string line = "total";
  wal::RingDump dump;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("line", self.line, "total");
    visit("segments", self.dump.segments, "valid segments");
    visit("frames", self.dump.frames, "valid frames");
    visit("records", self.dump.records, "records in them");
    visit("broken_frames", self.dump.broken_frames, "frames whose checksum does not hold");
    visit("unchecked_frames", self.dump.unchecked_frames, "frames without a segment header");
    visit("breaks", self.dump.breaks, "records that break the chain");
    visit("troubles", self.dump.troubles, "what could not be shown");
  }
};

// One JSON line for each thing seen; `everything` false: trouble only.
class Printer final : public wal::RingVisitor {
 public:
  Printer(Output& output, bool everything) : output_(output), everything_(everything) {}
  void on_segment(const wal::DumpedSegment& s) override {
    const bool bad = s.state != wal::SlotState::kValid && s.state != wal::SlotState::kUnused;
    if (bad || everything_) {
      output_.line(json_of(SegmentLine{.path = s.path,
                                       .slot = s.slot,
                                       .state = std::string(slot_state_name(s.state)),
                                       .file_bytes = s.file_bytes,
                                       .sequence = s.header.sequence,
                                       .first_lsn = s.header.first_lsn}));
    }
    bad_ += bad ? 1 : 0;
  }
  void on_frame(const wal::DumpedFrame& f) override {
    if (f.state == wal::FrameState::kValid && !everything_) return;
    output_.line(json_of(FrameLine{.slot = f.slot,
                                   .offset = f.offset,
                                   .state = std::string(frame_state_name(f.state)),
                                   .frame_sequence = f.header.frame_sequence,
                                   .first_lsn = f.header.first_lsn,
                                   .records = f.header.count,
                                   .body_bytes = f.header.body_bytes}));
  }
  void on_record(const wal::DumpedRecord& r) override {
    if (r.order != wal::RecordOrder::kBreaks && !everything_) return;
    const auto& header = r.record.header;
    output_.line(json_of(RecordLine{.lsn = header.lsn,
                                    .commit = header.commit,
                                    .epoch = header.epoch,
                                    .type = std::string(wal::record_type_name(header.type)),
                                    .bytes = r.record.bytes.size(),
                                    .slot = r.slot,
                                    .offset = r.offset,
                                    .order = std::string(record_order_name(r.order)),
                                    .chain_before = header.chain_before,
                                    .chain_after = r.record.chain_after(),
                                    .digest_after = header.digest_after}));
  }
  void on_trouble(const std::string& path, uint64_t offset, const Error& error) override {
    output_.line(json_of(
        TroubleLine{.path = path, .offset = offset, .code = std::string(error.row().name), .message = error.message}));
  }
  [[nodiscard]] uint64_t bad_segments() const { return bad_; }

 private:
  Output& output_;
  bool everything_;
  uint64_t bad_ = 0;
};

class Look : public Verb {
 public:
  void declare(Options& options) override { target_.declare(options); }

 protected:
  Result<ExitCode> look(Output& output, bool everything) {
    auto directory = target_.directory();
    if (!directory) return fail(std::move(directory.error()));
    uv::PosixDisk disk;
    Printer printer(output, everything);
    auto dump = wal::dump_ring(disk, *directory, printer);
    if (!dump) return fail(std::move(dump.error()));
    output.line(json_of(TotalLine{.dump = *dump}));
    return exit_code_of_troubles(dump->troubles + dump->breaks + dump->unchecked_frames + printer.bad_segments());
  }

 private:
  DirectoryTarget target_;
};

class Dump final : public Look {
 public:
  [[nodiscard]] VerbText text() const override {
    return {.path = "wal dump",
            .summary = "Shows every segment, frame and record of a log, offline, as JSON lines.",
            .example = "aerodb wal dump --data-dir data/p1",
            .notes =
                "Reads only; a running node's log may be looked at. A broken frame at the very end is what a crash\n"
                "leaves; the node decides about it when it starts.",
            .json = {shape_of<SegmentLine>, shape_of<FrameLine>, shape_of<RecordLine>, shape_of<TroubleLine>,
                     shape_of<TotalLine>}};
  }
  Result<ExitCode> run(Output& output) override { return look(output, true); }
};

class VerifyWal final : public Look {
 public:
  [[nodiscard]] VerbText text() const override {
    return {.path = "wal verify",
            .summary = "Checks every frame and the chain of a log, offline, and names what does not hold.",
            .example = "aerodb wal verify --data-dir data/p1",
            .notes = "One JSON line for each trouble and one with the totals; exit code 65 where there was any.",
            .json = {shape_of<TroubleLine>, shape_of<TotalLine>}};
  }
  Result<ExitCode> run(Output& output) override { return look(output, false); }
};

struct ResizeReport {
  uint64_t segments = 0;
  uint64_t segment_bytes = 0;
  wal::Resized resized;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("segments", self.segments, "segments of the new ring");
    visit("segment_bytes", self.segment_bytes, "size of each");
    visit("frames_copied", self.resized.frames, "live frames that were copied");
    visit("records_copied", self.resized.records, "records in them");
  }
};

class Resize final : public Verb {
 public:
  [[nodiscard]] VerbText text() const override {
    return {.path = "wal resize",
            .summary = "Gives the log of a stopped node a ring of another size.",
            .example = "aerodb wal resize --config configs/local/p1.toml --segments 16 --segment-bytes 67108864",
            .notes =
                "The configuration still has the old size: it says what the ring is now. Change it afterwards to\n"
                "what was given here. A crash meanwhile leaves the old ring or the new one.",
            .json = {shape_of<ResizeReport>}};
  }
  void declare(Options& options) override {
    options.number("--segments", segments_, 1, 4096, "segments of the new ring; mandatory");
    options.number("--segment-bytes", segment_bytes_, 1, 1ull << 30, "size of each; mandatory");
    target_.declare(options);
    format_.declare(options);
  }
  Result<ExitCode> run(Output& output) override {
    format_.apply(output);
    if (segments_ == 0 || segment_bytes_ == 0)
      return fail(ErrorCode::kUsage, "wal resize: --segments and --segment-bytes are missing");
    const wal::RingGeometry geometry{static_cast<uint32_t>(segments_), segment_bytes_};
    if (auto checked = check_geometry("wal resize", geometry); !checked) return fail(std::move(checked.error()));
    auto options = target_.open_options();
    if (!options) return fail(std::move(options.error()));
    uv::PosixDisk disk;
    uv::SystemRandom random;
    auto opened = engine::open_directory(disk, *options);
    if (!opened) return fail(std::move(opened.error()));
    const auto start = engine::log_start_of((*opened)->manifest);
    auto resized =
        wal::resize_ring(disk, random, options->data_dir, options->geometry, geometry, start, (*opened)->scan);
    if (!resized) return fail(std::move(resized.error()));
    output.message(ResizeReport{segments_, segment_bytes_, *resized});
    return ExitCode::kOk;
  }

 private:
  uint64_t segments_ = 0;
  uint64_t segment_bytes_ = 0;
  DirectoryTarget target_;
  FormatOption format_;
};

}  // namespace

std::unique_ptr<Verb> make_wal_dump() { return std::make_unique<Dump>(); }
std::unique_ptr<Verb> make_wal_verify() { return std::make_unique<VerifyWal>(); }
std::unique_ptr<Verb> make_wal_resize() { return std::make_unique<Resize>(); }

}  // namespace aerodb::console
