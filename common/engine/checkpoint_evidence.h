// Evidence of checkpoint.safety: what the manifest says, how it came to be installed, and what its files say now; of a
// running node and of a directory at rest alike.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/rules/checkpoint_rules.h"
#include "common/runtime/disk.h"
#include "common/store/manifest.h"

namespace aerodb::rules {
struct RecoveryEvidence;
}

namespace aerodb::engine {

// How a manifest came to be the one that the node goes by, noted while it happened.
struct InstallRecord {
  rules::InstalledBy by = rules::InstalledBy::kNobody;
  std::optional<std::vector<rules::SyncStepEvidence>> steps;  // absent: some of them were not noted
  std::optional<CommitId> floor_before;                       // of the manifest it replaced
  std::vector<rules::MergeEvidence> merges;
};

// Of a manifest that a start found: the syncs that it carried out. None where it only looked.
[[nodiscard]] InstallRecord found_at_start(const rules::RecoveryEvidence& recovery);
// Of `next`, which takes the place of `installed`: the steps of the runs that stay, and the merge that made `next`, if
// any. What is done for `next` itself comes behind them.
[[nodiscard]] InstallRecord record_for(const store::Manifest& next, const store::Manifest& installed,
                                       const InstallRecord& before, std::optional<rules::MergeEvidence> merge);

struct LogOffsets {
  Lsn durable_lsn;
  Lsn first_lsn;  // oldest that the ring holds; 0: none
  uint64_t released_sequence = 0;
};

[[nodiscard]] rules::CheckpointEvidence checkpoint_evidence_of(const store::Manifest& manifest,
                                                               const InstallRecord& record, const LogOffsets& log);
// Adds what the manifest's file, the runs and the snapshots say now. A run is read as far as a start reads it. What
// ends the reading is put down as failed_file and failed_code. Blocking.
void add_checkpoint_files(runtime::Disk& disk, const std::string& data_dir, const store::Manifest& manifest,
                          rules::CheckpointEvidence& evidence);

}  // namespace aerodb::engine
