#include "common/engine/recovery.h"

#include <fmt/format.h>

namespace aerodb::engine {
namespace {

// The highest position that something beside the ring says was durable.
void add_bound(const std::optional<CleanStop>& stop, const NodeFile& node, wal::TailEvidence& tail) {
  if (node.initial_lsn.value() > 0) {
    tail.bound_lsn = node.initial_lsn;
    tail.bound_name = "init";
  }
  if (stop && (!tail.bound_lsn || stop->lsn > *tail.bound_lsn)) {
    tail.bound_lsn = stop->lsn;
    tail.bound_name = "the last clean stop";
  }
}

Result<void> replay(runtime::Disk& disk, const OpenOptions& options, const std::optional<CleanStop>& stop,
                    OpenedNode& opened) {
  std::optional<Error> refused;
  auto scan = wal::scan_ring(
      disk, options.data_dir, options.geometry, opened.node.cluster, opened.node.instance,
      [&](const wal::RecordView& record) -> std::optional<std::string> {
        auto applied = opened.state.apply(record, Trust::kOwnLog);
        if (!applied) {
          refused = std::move(applied.error());
          return refused->message;
        }
        ++opened.report.records_replayed;
        if (stop && stop->lsn == record.header.lsn && stop->chain != opened.state.position().chain) {
          return fmt::format("the chain after LSN {} is not the one of the last clean stop", stop->lsn.value());
        }
        return std::nullopt;
      });
  if (!scan) return fail(std::move(scan.error()));
  opened.scan = std::move(*scan);
  opened.report.segments_read = opened.scan.segments.size();
  // A record that does not apply keeps its own code (DIGEST_MISMATCH, BAD_RECORD), with the place added.
  if (refused && refused->code != ErrorCode::kWalDiscontinuity) {
    refused->with("segment", opened.scan.tail.end_segment).with("offset", opened.scan.tail.end_offset);
    return fail(std::move(*refused));
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<OpenedNode>> claim_directory(runtime::Disk& disk, const OpenOptions& options) {
  // NODE is looked for first, so that a directory that is no node does not get a LOCK file.
  auto node = read_node_file(disk, options.data_dir);
  if (!node) return fail(std::move(node.error()));
  if (options.name && *options.name != node->name) {
    return fail(ErrorCode::kWrongNode, fmt::format("open {}: the configuration names node {}, the directory is {}",
                                                   options.data_dir, *options.name, node->name));
  }
  auto lock = disk.lock(options.data_dir);
  if (!lock) return fail(std::move(lock.error()));
  auto opened = std::make_unique<OpenedNode>(std::move(*node));
  opened->lock = std::move(*lock);
  auto halt = read_halt(disk, options.data_dir);
  if (!halt) return fail(std::move(halt.error()));
  opened->halt = std::move(*halt);
  if (opened->halt) {
    // Its writer may have died before the entry was durable: what is shown as halted stays so.
    if (auto synced = disk.sync_directory(options.data_dir); !synced) return fail(std::move(synced.error()));
  }
  return opened;
}

Result<void> recover_log(runtime::Disk& disk, const OpenOptions& options, OpenedNode& opened) {
  auto stop = read_clean_stop(disk, options.data_dir);
  if (!stop) return fail(std::move(stop.error()));
  if (auto replayed = replay(disk, options, *stop, opened); !replayed) return replayed;
  auto& report = opened.report;
  report.tail = opened.scan.tail;
  add_bound(*stop, opened.node, report.tail);
  rules::NoTrace trace;
  report.label = wal::decide_tail(report.tail, trace);
  if (report.label != wal::TailLabel::kT1) return fail(wal::tail_refusal(report.label, report.tail));

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
