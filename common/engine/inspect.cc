#include "common/engine/inspect.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "common/store/block_cache.h"

namespace aerodb::engine {
namespace {

constexpr std::string_view kStandIn = "DIR";  // for the directory's name

// --- evidence

void note_identity(const OpenOptions& options, const NodeFile& node, rules::RecoveryEvidence& evidence) {
  evidence.segments = options.geometry.slots;
  evidence.segment_bytes = options.geometry.segment_bytes;
  evidence.node = node.name;
  evidence.cluster = node.cluster;
  evidence.instance = node.instance;
  evidence.configured_node = options.name;
  evidence.initial_lsn = node.initial_lsn;
}

void note_manifest(const OpenedNode& opened, rules::RecoveryEvidence& evidence) {
  const auto& manifest = opened.manifest;
  evidence.manifest_number = manifest.number;
  evidence.next_run = opened.next_run;
  if (manifest.number == 0) return;
  evidence.manifest_cluster = manifest.cluster;
  evidence.manifest_commit = manifest.commit;
  evidence.manifest_digest = manifest.digest;
  evidence.manifest_next_run = manifest.next_run;
  evidence.tail.manifest_lsn = manifest.lsn;
  evidence.tail.manifest_chain = manifest.chain;
  for (const auto& run : manifest.runs) {
    evidence.runs.push_back(
        {run.number, run.first_commit, run.last_commit, run.bytes, run.versions, run.sha256, std::nullopt});
  }
}

void note_state(const State& state, rules::RecoveryEvidence& evidence) {
  evidence.final_lsn = state.position().lsn;
  evidence.final_commit = state.position().commit;
  evidence.replayed_digest = state.position().digest;
  evidence.live_documents = state.live_documents();
  evidence.index_entries = state.layers().active().index_entries();
}

void note_walk(const wal::RingScan& scan, rules::RecoveryEvidence& evidence) {
  evidence.tail = scan.tail;
  for (const auto& segment : scan.segments) {
    evidence.log_segments.push_back(
        {segment.header.sequence, segment.header.first_lsn, segment.last_lsn, segment.frames});
  }
}

// The walk was broken off by something else than the log's own order: where the log ends, and in what state, is not
// known.
void forget_end(rules::RecoveryEvidence& evidence) {
  auto& tail = evidence.tail;
  evidence.stated_digest.reset();
  tail.end_lsn.reset();
  tail.end_segment.reset();
  tail.end_offset.reset();
  tail.bytes_at_end.reset();
  tail.discontinuity.reset();
}

// What a mismatch stated and found stands in its details.
void note_mismatch(const Error& error, rules::RecoveryEvidence& evidence) {
  if (const auto stated = error.detail("expected")) evidence.stated_digest = id_from_hex<Digest>(*stated);
  if (const auto replayed = error.detail("found")) evidence.replayed_digest = id_from_hex<Digest>(*replayed);
}

// Records by type, and what the last of them states.
class RecordTally {
 public:
  explicit RecordTally(Digest before) : stated_(before) {}
  void take(const wal::RecordHeader& header) {
    ++counts_[static_cast<size_t>(header.type)];
    stated_ = header.digest_after;
  }
  void note(rules::RecoveryEvidence& evidence) const {
    for (size_t type = 0; type < counts_.size(); ++type) {
      if (counts_[type] == 0) continue;
      evidence.records.push_back(
          {std::string(wal::record_type_name(static_cast<wal::RecordType>(type))), counts_[type]});
    }
    evidence.stated_digest = stated_;
  }

 private:
  std::array<uint64_t, static_cast<size_t>(wal::RecordType::kFloor) + 1> counts_{};
  Digest stated_;
};

// The highest position that something beside the ring says was durable.
void add_bounds(const std::optional<CleanStop>& stop, const OpenedNode& opened, wal::TailEvidence& tail) {
  auto bound = [&tail](Lsn lsn, std::string_view name) {
    if (lsn.value() == 0 || (tail.bound_lsn && *tail.bound_lsn >= lsn)) return;
    tail.bound_lsn = lsn;
    tail.bound_name = std::string(name);
  };
  bound(opened.node.initial_lsn, "init");
  if (stop) bound(stop->lsn, "the last clean stop");
  bound(opened.manifest.lsn, "the manifest");
}

// --- steps

Result<void> open_runs(runtime::Disk& disk, const OpenOptions& options, OpenedNode& opened,
                       std::vector<std::shared_ptr<const store::Run>>& runs) {
  for (size_t i = 0; i < opened.manifest.runs.size(); ++i) {
    const auto& info = opened.manifest.runs[i];
    auto run = store::Run::open(disk, store::run_path(options.data_dir, info.number), info);
    if (!run && run.error().code == ErrorCode::kIo) return fail(std::move(run.error()));
    opened.report.evidence.runs[i].verified = run.has_value();
    if (!run) return fail(std::move(run.error()));
    runs.push_back(std::move(*run));
  }
  return {};
}

Result<void> load_manifest(runtime::Disk& disk, const OpenOptions& options, OpenedNode& opened) {
  auto manifest = store::read_manifest(disk, options.data_dir);
  if (!manifest) return fail(std::move(manifest.error()));
  if (*manifest) opened.manifest = std::move(**manifest);
  auto next = store::next_run_number(disk, options.data_dir, opened.manifest);
  if (!next) return fail(std::move(next.error()));
  opened.next_run = *next;
  note_manifest(opened, opened.report.evidence);
  if (opened.manifest.number == 0) return {};
  if (opened.manifest.cluster != opened.node.cluster) {
    return fail(ErrorCode::kWrongNode, fmt::format("open {}: the manifest belongs to cluster {}", options.data_dir,
                                                   to_hex(opened.manifest.cluster)));
  }
  std::vector<std::shared_ptr<const store::Run>> runs;
  if (auto read = open_runs(disk, options, opened, runs); !read) return read;
  return opened.state.load(opened.manifest, std::move(runs));
}

Result<void> replay(runtime::Disk& disk, const OpenOptions& options, const std::optional<CleanStop>& stop,
                    const Inspection& inspection, OpenedNode& opened) {
  auto& evidence = opened.report.evidence;
  std::optional<Error> refused;
  const auto now_us = [&options] { return options.clock == nullptr ? 0 : options.clock->monotonic_us(); };
  const uint64_t begun_us = now_us();
  store::DirectBlocks blocks(disk, options.cache_bytes);
  RecordTally tally(opened.manifest.digest);
  auto scan = wal::scan_ring(
      disk, options.data_dir, options.geometry, opened.node.cluster, opened.node.instance,
      log_start_of(opened.manifest), [&](const wal::RecordView& record) -> std::optional<std::string> {
        auto taken = inspection.trust ? opened.state.apply(record, *inspection.trust, blocks) : Result<void>();
        blocks.settle();
        if (taken) tally.take(record.header);
        if (taken && inspection.visit) taken = inspection.visit(record, opened.state);
        if (!taken) {
          refused = std::move(taken.error());
          return refused->message;
        }
        ++opened.report.records_replayed;
        if (options.reached) options.reached->store(record.header.lsn, std::memory_order_relaxed);
        if (stop && stop->lsn == record.header.lsn && stop->chain != record.chain_after()) {
          return fmt::format("the chain after LSN {} is not the one of the last clean stop", stop->lsn.value());
        }
        return std::nullopt;
      });
  note_state(opened.state, evidence);
  opened.report.lineage = opened.state.position().lineage;
  tally.note(evidence);
  if (!scan) {
    evidence.stated_digest.reset();
    return fail(std::move(scan.error()));
  }
  opened.scan = std::move(*scan);
  note_walk(opened.scan, evidence);
  opened.report.replay_us = now_us() - begun_us;
  if (!refused || refused->code == ErrorCode::kWalDiscontinuity) return {};
  // A record that does not apply keeps its own code (DIGEST_MISMATCH, BAD_RECORD), with the place added.
  if (refused->code != ErrorCode::kBadRecord) forget_end(evidence);
  if (refused->code == ErrorCode::kDigestMismatch) note_mismatch(*refused, evidence);
  refused->with("segment", *opened.scan.tail.end_segment).with("offset", *opened.scan.tail.end_offset);
  return fail(std::move(*refused));
}

Result<void> read_log(runtime::Disk& disk, const OpenOptions& options, const Inspection& inspection,
                      OpenedNode& opened) {
  auto& evidence = opened.report.evidence;
  auto stop = read_clean_stop(disk, options.data_dir);
  if (!stop) return fail(std::move(stop.error()));
  if (*stop) {
    evidence.clean_stop_lsn = (*stop)->lsn;
    evidence.clean_stop_chain = (*stop)->chain;
  }
  if (auto loaded = load_manifest(disk, options, opened); !loaded) return loaded;
  auto replayed = replay(disk, options, *stop, inspection, opened);
  add_bounds(*stop, opened, evidence.tail);
  return replayed;
}

// Declines of the seal that the log ends with, and of those that it may come to.
Result<void> find_declines(runtime::Disk& disk, const std::string& data_dir, OpenedNode& opened) {
  auto declined = read_declined_seals(disk, data_dir, opened.state.position().lsn);
  if (!declined) return fail(std::move(declined.error()));
  opened.declined_seals = std::move(*declined);
  return {};
}

}  // namespace

Result<NodeFile> identify(runtime::Disk& disk, const OpenOptions& options) {
  auto node = read_node_file(disk, options.data_dir);
  if (!node || !options.name || *options.name == node->name) return node;
  return fail(ErrorCode::kWrongNode, fmt::format("open {}: the configuration names node {}, the directory is {}",
                                                 options.data_dir, *options.name, node->name));
}

Result<std::unique_ptr<OpenedNode>> read_directory(runtime::Disk& disk, const OpenOptions& options) {
  auto node = identify(disk, options);
  if (!node) return fail(std::move(node.error()));
  auto opened = std::make_unique<OpenedNode>(std::move(*node));
  note_identity(options, opened->node, opened->report.evidence);
  auto halt = read_halt(disk, options.data_dir);
  if (!halt) return fail(std::move(halt.error()));
  opened->halt = std::move(*halt);
  auto fence = read_fence(disk, options.data_dir);
  if (!fence) return fail(std::move(fence.error()));
  opened->fence = std::move(*fence);
  auto accepted = read_accepted(disk, options.data_dir);
  if (!accepted) return fail(std::move(accepted.error()));
  opened->accepted_lineage = *accepted;
  return opened;
}

Result<void> inspect_log(runtime::Disk& disk, const OpenOptions& options, const Inspection& inspection,
                         OpenedNode& opened) {
  auto& report = opened.report;
  auto& evidence = report.evidence;
  auto noted = [&](Result<void> result) {
    if (!result) note_trouble(result.error(), options.data_dir, evidence);
    return result;
  };
  if (auto read = noted(read_log(disk, options, inspection, opened)); !read) return read;
  rules::NoTrace trace;
  report.label = wal::decide_tail(evidence.tail, trace);
  if (report.label != wal::TailLabel::kT1) return fail(wal::tail_refusal(report.label, evidence.tail));
  if (const auto& last = opened.scan.last_frame) {
    evidence.last_frame_segment = last->segment_sequence;
    evidence.last_frame_offset = last->offset;
    evidence.last_frame_bytes = opened.scan.last_frame_bytes;
  }
  return noted(find_declines(disk, options.data_dir, opened));
}

void note_trouble(const Error& error, const std::string& data_dir, rules::RecoveryEvidence& evidence) {
  evidence.error_code = std::string(error.row().name);
  std::string message = error.message;
  for (size_t at = 0; !data_dir.empty() && (at = message.find(data_dir, at)) != std::string::npos;
       at += kStandIn.size())
    message.replace(at, data_dir.size(), kStandIn);
  evidence.error_message = std::move(message);
}

void plan_steps(OpenedNode& opened) {
  auto& evidence = opened.report.evidence;
  evidence.syncs = rules::syncs_needed(evidence);
  evidence.rewrites_last_frame = evidence.last_frame_segment.has_value();
}

}  // namespace aerodb::engine
