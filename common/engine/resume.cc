#include "common/engine/resume.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/base/fault.h"
#include "common/engine/recovery.h"
#include "common/rules/registry.h"

namespace aerodb::engine {
namespace {

Result<ResumeReport> check_runs(runtime::Disk& disk, const ResumeOptions& options, const NodeFile& node) {
  auto manifest = store::read_manifest(disk, options.data_dir);
  if (!manifest) return fail(std::move(manifest.error()));
  ResumeReport report;
  if (!*manifest) return report;
  VerifyOptions verify;
  verify.cache_bytes = options.cache_bytes;
  verify.progress = options.progress;
  auto state = verify_runs(disk, options.data_dir, node.cluster, **manifest, false, verify);
  if (!state) return fail(std::move(state.error()));
  report.manifest_number = (*manifest)->number;
  report.runs = (*manifest)->runs.size();
  for (const auto& run : (*manifest)->runs) report.run_bytes += run.bytes;
  return report;
}

// Looks for a known position while the log goes by.
class Known {
 public:
  explicit Known(const std::optional<KnownPosition>& known) : known_(known) {}
  void see(Lsn lsn, const Chain& chain) {
    if (known_ && known_->lsn == lsn) found_ = chain;
  }
  [[nodiscard]] Result<void> decide(Lsn manifest_lsn, Lsn end) const {
    if (!known_ || known_->lsn < manifest_lsn || known_->lsn == Lsn() || found_ == known_->chain) return {};
    const std::string what =
        found_ ? fmt::format("has chain {} there", to_hex(*found_)) : fmt::format("ends at LSN {}", end.value());
    return fail(ErrorCode::kPositionNotHeld, fmt::format("verify log: LSN {} with chain {} was durable; the log {}",
                                                         known_->lsn.value(), to_hex(known_->chain), what));
  }

 private:
  const std::optional<KnownPosition>& known_;
  std::optional<Chain> found_;
};

}  // namespace

Result<ResumeReport> check_resume(runtime::Disk& disk, const ResumeOptions& options) {
  if (planted(Fault::kResumeUnchecked)) return ResumeReport();
  auto node = read_node_file(disk, options.data_dir);
  if (!node) return fail(std::move(node.error()));
  auto report = check_runs(disk, options, *node);
  if (!report) return report;
  OpenOptions open;
  open.data_dir = options.data_dir;
  open.geometry = options.geometry;
  open.cache_bytes = options.cache_bytes;
  OpenedNode opened(std::move(*node));
  Known known(options.known);
  Inspection inspection;
  inspection.trust = Trust::kPeer;
  inspection.visit = [&known](const wal::RecordView& record, const State& /*state*/) -> Result<void> {
    known.see(record.header.lsn, record.chain_after());
    return {};
  };
  if (auto read = inspect_log(disk, open, inspection, opened); !read) return fail(std::move(read.error()));
  if (opened.manifest.number != 0) known.see(opened.manifest.lsn, opened.manifest.chain);
  const auto& end = opened.state.position();
  if (auto held = known.decide(opened.manifest.lsn, end.lsn); !held) return fail(std::move(held.error()));
  report->end = end;
  report->records = opened.report.records_replayed;
  report->live_documents = opened.state.live_documents();
  return report;
}

bool needs_source(const Halt& halt) {
  constexpr ErrorCode kOwn[] = {ErrorCode::kIo, ErrorCode::kRunDamaged, ErrorCode::kManifestDamaged};
  return halt.rule != rules::rule(rules::RuleId::kWal5).name &&
         std::ranges::find(kOwn, error_code_from_name(halt.code)) == std::end(kOwn);
}

Result<void> end_halt(runtime::Disk& disk, const std::string& data_dir) {
  const std::string path = data_dir + "/HALT";
  auto present = disk.exists(path);
  if (!present) return fail(std::move(present.error()));
  if (*present) {
    if (auto removed = disk.remove(path); !removed) return removed;
  }
  return disk.sync_directory(data_dir);
}

}  // namespace aerodb::engine
