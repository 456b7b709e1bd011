#include "explainer/offline.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "common/engine/checkpoint_evidence.h"
#include "common/engine/halt_evidence.h"
#include "common/engine/inspect.h"
#include "common/engine/promotion_evidence.h"
#include "common/wal/ring_files.h"
#include "explainer/offline_watch.h"
#include "explainer/read_only_disk.h"

namespace aerodb::explainer {
namespace {

// What was found in a directory.
struct Found {
  rules::RecoveryEvidence evidence;            // also where nothing could be opened
  std::unique_ptr<engine::OpenedNode> opened;  // nullptr: its NODE file does not hold
  std::optional<Error> trouble;                // a start would end with it
  std::optional<Chain> chain_at_fork;          // where the node is fenced and the log holds that place still
};

Found read(runtime::Disk& disk, const std::string& data_dir) {
  Found found;
  auto failed = [&](Error error) {
    engine::note_trouble(error, data_dir, found.opened ? found.opened->report.evidence : found.evidence);
    found.trouble = std::move(error);
    return std::move(found);
  };
  engine::OpenOptions options;
  options.data_dir = data_dir;
  auto geometry = wal::ring_geometry(disk, data_dir);
  options.geometry = geometry.value_or(wal::RingGeometry());
  auto opened = engine::read_directory(disk, options);
  if (!opened) return failed(std::move(opened.error()));
  found.opened = std::move(*opened);
  auto& node = *found.opened;
  node.report.evidence.held_by_another = false;
  if (!geometry) return failed(std::move(geometry.error()));
  engine::Inspection inspection{engine::Trust::kOwnLog, nullptr};
  if (node.fence) {
    inspection.visit = [&](const wal::RecordView& record, const engine::State&) -> Result<void> {
      if (record.header.lsn == node.fence->fork_lsn) found.chain_at_fork = record.chain_after();
      return {};
    };
  }
  auto inspected = engine::inspect_log(disk, options, inspection, node);
  if (node.fence && node.manifest.lsn == node.fence->fork_lsn) found.chain_at_fork = node.manifest.chain;
  if (inspected)
    engine::plan_steps(node);
  else
    found.trouble = std::move(inspected.error());
  return found;
}

// --- subjects

Result<rules::Explanation> explain_recovery(runtime::Disk& /*disk*/, const std::string& /*data_dir*/,
                                            const Found& found) {
  const auto* opened = found.opened.get();
  return rules::explain_recovery(opened != nullptr ? opened->report.evidence : found.evidence,
                                 opened != nullptr ? opened->report.lineage : LineageId());
}

Result<rules::Explanation> explain_halt(runtime::Disk& /*disk*/, const std::string& /*data_dir*/, const Found& found) {
  const auto& node = *found.opened;
  // No process runs, so nothing is answered; a halt on disk is there at the next start.
  const auto state = node.halt ? rules::NodeState::kHalted : rules::NodeState::kInitializing;
  return rules::explain_halt(
      engine::halt_evidence_of({node.node, state, node.state.authority().role_of(node.node.instance), !found.trouble,
                                node.state.position(), node.halt, node.fence, found.chain_at_fork}),
      node.report.lineage);
}

Result<rules::Explanation> explain_checkpoint(runtime::Disk& disk, const std::string& data_dir, const Found& found) {
  if (found.trouble) return fail(*found.trouble);
  const auto& node = *found.opened;
  auto evidence =
      engine::checkpoint_evidence_of(node.manifest, engine::found_at_start(node.report.evidence),
                                     {node.scan.end.lsn, node.scan.places.first_lsn(), node.scan.released_sequence});
  engine::add_checkpoint_files(disk, data_dir, node.manifest, evidence);
  return rules::explain_checkpoint(evidence, node.report.lineage);
}

Result<rules::Explanation> explain_promotion(runtime::Disk& disk, const std::string& data_dir, const Found& found) {
  if (found.trouble) return fail(*found.trouble);
  const auto& state = found.opened->state;
  auto start = engine::find_epoch_start(state.draft_manifest().authority_records, state.position().lsn, std::nullopt);
  if (!start) return fail(std::move(start.error()));
  engine::add_decision(disk, data_dir, *start);
  return rules::explain_promotion(start->evidence);
}

struct Subject {
  std::string_view name;
  Result<rules::Explanation> (*explain)(runtime::Disk&, const std::string&, const Found&);
  bool explains_damage = false;  // of NODE too
};
constexpr std::array<Subject, 4> kSubjects = {{{"recovery", explain_recovery, true},
                                               {"halt", explain_halt},
                                               {"checkpoint", explain_checkpoint},
                                               {"promotion", explain_promotion}}};

}  // namespace

std::vector<std::string> offline_subjects() {
  std::vector<std::string> names;
  for (const auto& subject : kSubjects) names.emplace_back(subject.name);
  return names;
}

Result<rules::Explanation> explain_directory(runtime::Disk& disk, const std::string& data_dir,
                                             std::string_view subject) {
  const auto chosen = std::ranges::find(kSubjects, subject, &Subject::name);
  if (chosen == kSubjects.end()) return fail(ErrorCode::kUsage, fmt::format("explain directory: what is {}?", subject));
  ReadOnlyDisk reading(disk);
  auto watch = OfflineWatch::begin(reading, data_dir);
  if (!watch) return fail(std::move(watch.error()));
  auto found = read(reading, data_dir);
  if (found.opened && !found.trouble) {
    const auto& node = *found.opened;
    const auto& evidence = node.report.evidence;
    if (auto noted = watch->note_end({evidence.segments, evidence.segment_bytes}, node.scan.end.cursor); !noted)
      return fail(std::move(noted.error()));
  }
  auto explained = !found.opened && !chosen->explains_damage ? Result<rules::Explanation>(fail(*found.trouble))
                                                             : chosen->explain(reading, data_dir, found);
  if (auto rested = watch->end(); !rested) return fail(std::move(rested.error()));
  return explained;
}

}  // namespace aerodb::explainer
