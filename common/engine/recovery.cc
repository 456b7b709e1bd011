#include "common/engine/recovery.h"

#include <fmt/format.h>

#include "common/engine/install.h"
#include "common/wal/resize.h"

namespace aerodb::engine {
namespace {

Result<void> sync_one(runtime::Disk& disk, const std::string& data_dir, const std::string& name) {
  if (name == ".") return disk.sync_directory(data_dir);
  const std::string path = data_dir + "/" + name;
  if (name == "runs") return disk.sync_directory(path);
  auto file = disk.open(path, runtime::OpenMode::kRead);
  if (!file) return fail(std::move(file.error()));
  return (*file)->sync();
}

// Whoever wrote it may have died before it was durable.
Result<void> make_durable(runtime::Disk& disk, const std::string& data_dir, OpenedNode& opened) {
  auto& evidence = opened.report.evidence;
  auto& done = evidence.syncs.emplace();
  for (auto& needed : rules::syncs_needed(evidence)) {
    if (auto synced = sync_one(disk, data_dir, needed.name); !synced) return synced;
    done.push_back(std::move(needed));
  }
  if (opened.declined_seals.empty()) return {};
  return disk.sync_directory(data_dir + "/authority");
}

Result<void> take_steps(runtime::Disk& disk, const OpenOptions& options, OpenedNode& opened) {
  auto& report = opened.report;
  if (auto durable = make_durable(disk, options.data_dir, opened); !durable) return durable;
  auto repaired = wal::repair_tail(disk, options.data_dir, options.geometry, opened.scan);
  if (!repaired) return fail(std::move(repaired.error()));
  report.quarantined = std::move(*repaired);
  report.evidence.rewrites_last_frame = opened.scan.last_frame.has_value();
  return {};
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
  auto opened = read_directory(disk, options);
  if (!opened) return opened;
  if ((*opened)->halt || (*opened)->fence) {
    // Its writer may have died before the entry was durable: what is shown as halted or fenced stays so.
    if (auto synced = disk.sync_directory(options.data_dir); !synced) return fail(std::move(synced.error()));
  }
  (*opened)->report.evidence.held_by_another = false;
  (*opened)->lock = std::move(held);
  return opened;
}

Result<void> recover_log(runtime::Disk& disk, const OpenOptions& options, OpenedNode& opened) {
  auto& evidence = opened.report.evidence;
  evidence.carried_out = true;
  if (auto inspected = inspect_log(disk, options, {Trust::kOwnLog, nullptr}, opened); !inspected) return inspected;
  if (auto taken = take_steps(disk, options, opened); !taken) {
    note_trouble(taken.error(), options.data_dir, evidence);
    return taken;
  }
  rules::NoTrace trace;
  const auto verdict = rules::decide_recovery(evidence, trace);
  if (verdict.outcome == rules::RecoveryOutcome::kRecovered) return {};
  return fail(verdict.code.value_or(ErrorCode::kInternal),
              fmt::format("open {}: the rules of recovery do not hold on what was found", options.data_dir));
}

Result<std::unique_ptr<OpenedNode>> open_directory(runtime::Disk& disk, const OpenOptions& options) {
  auto opened = claim_directory(disk, options);
  if (!opened) return opened;
  if (auto recovered = recover_log(disk, options, **opened); !recovered) return fail(std::move(recovered.error()));
  return opened;
}

}  // namespace aerodb::engine
