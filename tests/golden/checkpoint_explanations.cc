// checkpoint.safety
#include "common/rules/checkpoint_rules.h"

#include <functional>

#include "tests/golden/explanations.h"

namespace aerodb::rules::golden {
namespace {

CheckpointRunEvidence run(uint64_t number, uint64_t first, uint64_t last) {
  CheckpointRunEvidence e{number, CommitId(first), CommitId(last), 8'192, {}, last - first + 2, 1};
  e.sha256.fill(static_cast<uint8_t>(number));
  return e;
}

// Two runs: one that a start found, one that this process wrote and installed.
CheckpointEvidence installed() {
  using enum SyncStep;
  constexpr auto kStart = InstalledBy::kStart;
  constexpr auto kOperation = InstalledBy::kOperation;
  CheckpointEvidence e;
  e.manifest = 3;
  e.lsn = Lsn(44);
  e.commit = CommitId(40);
  e.epoch = Epoch(1);
  e.chain = id_of<Chain>(0xca);
  e.digest = id_of<Digest>(0xd1);
  e.floor = CommitId(12);
  e.live_documents = 30;
  e.next_run = 6;
  e.segment_sequence = 3;
  e.runs = {run(4, 1, 20), run(5, 21, 40)};
  e.snapshots = {{"before-the-move"}};
  e.durable_lsn = Lsn(47);
  e.first_lsn = Lsn(31);
  e.released_sequence = 2;
  e.installed_by = kOperation;
  e.sync_steps = {{{kRunSynced, kStart, 4, {}},
                   {kRunsDirectorySynced, kStart, 4, {}},
                   {kRunSynced, kOperation, 5, {}},
                   {kRunsDirectorySynced, kOperation, 5, {}},
                   {kLogDurable, kOperation, {}, Lsn(45)},
                   {kManifestSynced, kOperation, {}, {}},
                   {kManifestRenamed, kOperation, {}, {}},
                   {kDirectorySynced, kOperation, {}, {}}}};
  e.floor_before = CommitId(8);
  e.merges = {{5, CommitId(12)}};
  e.files = {{{"MANIFEST", true, true}, {"runs/00000004.run", true, true}, {"runs/00000005.run", true, true}}};
  return e;
}

CheckpointEvidence found() {
  using enum SyncStep;
  constexpr auto kStart = InstalledBy::kStart;
  auto e = installed();
  e.installed_by = kStart;
  e.floor_before.reset();
  e.merges.clear();
  e.sync_steps = {{{kRunSynced, kStart, 4, {}},
                   {kRunsDirectorySynced, kStart, 4, {}},
                   {kRunSynced, kStart, 5, {}},
                   {kRunsDirectorySynced, kStart, 5, {}},
                   {kLogDurable, kStart, {}, Lsn(47)},
                   {kManifestSynced, kStart, {}, {}},
                   {kDirectorySynced, kStart, {}, {}}}};
  return e;
}

struct CheckpointChange {
  std::string name;
  std::function<void(CheckpointEvidence&)> change;
};

}  // namespace

std::vector<Golden> checkpoint_explanations() {
  CheckpointEvidence none;
  none.next_run = 1;
  none.durable_lsn = Lsn(9);
  none.first_lsn = Lsn(1);
  none.files.emplace();
  std::vector<Golden> list = {{"checkpoint-accepted", explain_checkpoint(installed(), kLineage)},
                              {"checkpoint-accepted-at-start", explain_checkpoint(found(), kLineage)},
                              {"checkpoint-none", explain_checkpoint(none, kLineage)}};
  const CheckpointChange changes[] = {
      {"checkpoint-rejected-run-not-synced", [](auto& e) { e.sync_steps->erase(e.sync_steps->begin() + 2); }},
      {"checkpoint-rejected-log-not-durable", [](auto& e) { (*e.sync_steps)[4].lsn = Lsn(43); }},
      {"checkpoint-rejected-directory-not-synced", [](auto& e) { e.sync_steps->pop_back(); }},
      {"checkpoint-rejected-segment-not-covered", [](auto& e) { e.released_sequence = 3; }},
      {"checkpoint-rejected-runs-with-a-gap", [](auto& e) { e.runs[1].first_commit = CommitId(22); }},
      {"checkpoint-rejected-dropped-above-floor", [](auto& e) { e.merges[0].drop_floor = CommitId(13); }},
      {"checkpoint-rejected-damaged-run", [](auto& e) { (*e.files)[2].checksum_holds = false; }},
      {"checkpoint-rejected-floor-fell", [](auto& e) { e.floor_before = CommitId(13); }},
      {"checkpoint-undetermined-steps", [](auto& e) { e.sync_steps.reset(); }},
      {"checkpoint-undetermined-files", [](auto& e) { e.files.reset(); }},
      {"checkpoint-incomplete",
       [](auto& e) {
         e.files.reset();
         e.failed_file = "runs/00000005.run";
         e.failed_code = "IO";
       }},
  };
  for (const auto& [name, change] : changes) {
    auto evidence = installed();
    change(evidence);
    list.push_back({name, explain_checkpoint(evidence, kLineage)});
  }
  return list;
}

}  // namespace aerodb::rules::golden
