#include "common/engine/recovery.h"

#include <fmt/format.h>

#include "common/engine/install.h"
#include "common/store/block_cache.h"
#include "common/wal/resize.h"

namespace aerodb::engine {
namespace {

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

Result<void> load_manifest(runtime::Disk& disk, const OpenOptions& options, OpenedNode& opened) {
  auto manifest = store::read_manifest(disk, options.data_dir);
  if (!manifest) return fail(std::move(manifest.error()));
  if (*manifest) opened.manifest = std::move(**manifest);
  auto next = store::next_run_number(disk, options.data_dir, opened.manifest);
  if (!next) return fail(std::move(next.error()));
  opened.next_run = *next;
  if (opened.manifest.number == 0) return {};
  if (opened.manifest.cluster != opened.node.cluster) {
    return fail(ErrorCode::kWrongNode, fmt::format("open {}: the manifest belongs to cluster {}", options.data_dir,
                                                   to_hex(opened.manifest.cluster)));
  }
  std::vector<std::shared_ptr<const store::Run>> runs;
  for (const auto& info : opened.manifest.runs) {
    auto run = store::Run::open(disk, store::run_path(options.data_dir, info.number), info);
    if (!run) return fail(std::move(run.error()));
    runs.push_back(std::move(*run));
  }
  opened.report.manifest_number = opened.manifest.number;
  opened.report.manifest_lsn = opened.manifest.lsn;
  opened.report.manifest_commit = opened.manifest.commit;
  opened.report.runs = runs.size();
  return opened.state.load(opened.manifest, std::move(runs));
}

Result<void> replay(runtime::Disk& disk, const OpenOptions& options, const std::optional<CleanStop>& stop,
                    const Inspection& inspection, OpenedNode& opened) {
  std::optional<Error> refused;
  const auto now_us = [&options] { return options.clock == nullptr ? 0 : options.clock->monotonic_us(); };
  const uint64_t begun_us = now_us();
  store::DirectBlocks blocks(disk, options.cache_bytes);
  auto scan = wal::scan_ring(
      disk, options.data_dir, options.geometry, opened.node.cluster, opened.node.instance,
      log_start_of(opened.manifest), [&](const wal::RecordView& record) -> std::optional<std::string> {
        auto taken = inspection.trust ? opened.state.apply(record, *inspection.trust, blocks) : Result<void>();
        blocks.settle();
        if (taken && inspection.visit) taken = inspection.visit(record, opened.state);
        if (!taken) {
          refused = std::move(taken.error());
          return refused->message;
        }
        if (opened.report.records_replayed++ == 0) opened.report.first_replayed_lsn = record.header.lsn;
        if (stop && stop->lsn == record.header.lsn && stop->chain != record.chain_after()) {
          return fmt::format("the chain after LSN {} is not the one of the last clean stop", stop->lsn.value());
        }
        return std::nullopt;
      });
  if (!scan) return fail(std::move(scan.error()));
  opened.scan = std::move(*scan);
  opened.report.replay_us = now_us() - begun_us;
  opened.report.segments_read = opened.scan.segments.size();
  // A record that does not apply keeps its own code (DIGEST_MISMATCH, BAD_RECORD), with the place added.
  if (refused && refused->code != ErrorCode::kWalDiscontinuity) {
    refused->with("segment", opened.scan.tail.end_segment).with("offset", opened.scan.tail.end_offset);
    return fail(std::move(*refused));
  }
  return {};
}

Result<NodeFile> identify(runtime::Disk& disk, const OpenOptions& options) {
  auto node = read_node_file(disk, options.data_dir);
  if (!node || !options.name || *options.name == node->name) return node;
  return fail(ErrorCode::kWrongNode, fmt::format("open {}: the configuration names node {}, the directory is {}",
                                                 options.data_dir, *options.name, node->name));
}

}  // namespace

Result<std::unique_ptr<OpenedNode>> claim_directory(runtime::Disk& disk, const OpenOptions& options) {
  // NODE is looked for first, so that a directory that is no node does not get a LOCK file.
  if (auto node = identify(disk, options); !node) return fail(std::move(node.error()));
  auto lock = disk.lock(options.data_dir);
  if (!lock) return fail(std::move(lock.error()));
  return claim_directory(disk, options, *lock);
}

Result<std::unique_ptr<OpenedNode>> claim_directory(runtime::Disk& disk, const OpenOptions& options,
                                                    std::unique_ptr<runtime::DirectoryLock>& held) {
  auto node = identify(disk, options);
  if (!node) return fail(std::move(node.error()));
  if (auto finished = wal::finish_resize(disk, options.data_dir); !finished) return fail(std::move(finished.error()));
  if (auto finished = finish_install(disk, options.data_dir, *node); !finished)
    return fail(std::move(finished.error()));
  auto opened = std::make_unique<OpenedNode>(std::move(*node));
  auto halt = read_halt(disk, options.data_dir);
  if (!halt) return fail(std::move(halt.error()));
  opened->halt = std::move(*halt);
  auto fence = read_fence(disk, options.data_dir);
  if (!fence) return fail(std::move(fence.error()));
  opened->fence = std::move(*fence);
  auto accepted = read_accepted(disk, options.data_dir);
  if (!accepted) return fail(std::move(accepted.error()));
  opened->accepted_lineage = *accepted;
  if (opened->halt || opened->fence) {
    // Its writer may have died before the entry was durable: what is shown as halted or fenced stays so.
    if (auto synced = disk.sync_directory(options.data_dir); !synced) return fail(std::move(synced.error()));
  }
  opened->lock = std::move(held);
  return opened;
}

Result<void> inspect_log(runtime::Disk& disk, const OpenOptions& options, const Inspection& inspection,
                         OpenedNode& opened) {
  auto stop = read_clean_stop(disk, options.data_dir);
  if (!stop) return fail(std::move(stop.error()));
  if (auto loaded = load_manifest(disk, options, opened); !loaded) return loaded;
  if (auto replayed = replay(disk, options, *stop, inspection, opened); !replayed) return replayed;
  auto& report = opened.report;
  report.tail = opened.scan.tail;
  add_bounds(*stop, opened, report.tail);
  rules::NoTrace trace;
  report.label = wal::decide_tail(report.tail, trace);
  if (report.label != wal::TailLabel::kT1) return fail(wal::tail_refusal(report.label, report.tail));
  return {};
}

Result<void> recover_log(runtime::Disk& disk, const OpenOptions& options, OpenedNode& opened) {
  if (auto inspected = inspect_log(disk, options, {Trust::kOwnLog, nullptr}, opened); !inspected) return inspected;
  auto& report = opened.report;
  auto repaired = wal::repair_tail(disk, options.data_dir, options.geometry, opened.scan);
  if (!repaired) return fail(std::move(repaired.error()));
  report.quarantined = std::move(*repaired);
  report.rewritten_frame = opened.scan.last_frame;
  report.rewritten_frame_bytes = opened.scan.last_frame_bytes;

  if (const auto& seal = opened.state.authority().seal()) {
    auto decline = read_decline(disk, options.data_dir, seal->lsn);
    if (!decline) return fail(std::move(decline.error()));
    opened.declined_seal = decline->has_value() && (*decline)->seal_chain == seal->chain_after;
  }
  return {};
}

Result<std::unique_ptr<OpenedNode>> open_directory(runtime::Disk& disk, const OpenOptions& options) {
  auto opened = claim_directory(disk, options);
  if (!opened) return opened;
  if (auto recovered = recover_log(disk, options, **opened); !recovered) return fail(std::move(recovered.error()));
  return opened;
}

}  // namespace aerodb::engine
