// The manifest: what a data directory's runs hold and where the log goes on. Replacing it is the one atomic step of a
// checkpoint. Grammar in docs/spec/CHECKPOINT.md.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "common/base/ids.h"
#include "common/runtime/disk.h"
#include "common/store/run.h"

namespace aerodb::store {

struct ManifestSchema {
  Lsn lsn;  // of its record
  Bytes canonical;
  friend bool operator==(const ManifestSchema&, const ManifestSchema&) = default;
};

// Commits grow by one with each commit record; `lsn - commit` steps up at every other record.
struct CommitStep {
  CommitId from_commit;
  uint64_t lsn_minus_commit = 0;
  friend bool operator==(const CommitStep&, const CommitStep&) = default;
};

struct Manifest {
  uint64_t number = 0;  // of this data directory's manifests; first is 1
  ClusterId cluster;
  // Position that the runs cover.
  Lsn lsn;
  CommitId commit;
  Epoch epoch;
  LineageId lineage;
  Chain chain;    // after lsn
  Digest digest;  // after lsn
  CommitId floor;
  uint64_t live_documents = 0;
  std::vector<Bytes> authority_records;  // lineage_start, epoch_start, seal: verbatim, in order
  std::vector<ManifestSchema> schemas;   // by LSN
  std::vector<CommitStep> steps;
  std::vector<RunInfo> runs;  // ascending by commits
  RunNumber next_run = 1;     // greater than any number ever given out, as far as this manifest knows
  // Where this node's ring holds the record at lsn; 0: in no segment (nothing was logged here). Node-local: 0 in
  // snapshots and backups.
  uint64_t segment_sequence = 0;
  [[nodiscard]] uint64_t run_bytes() const;  // of all runs
  friend bool operator==(const Manifest&, const Manifest&) = default;
};

inline constexpr std::string_view kManifestName = "MANIFEST";

[[nodiscard]] Bytes encode_manifest(const Manifest& manifest);
// MANIFEST_DAMAGED (what, where), NEWER_FORMAT. `name` is for messages. Bounded. What is answered is consistent: runs
// join without gap from commit 1 to `commit` (no run: commit 0), their numbers are different and below next_run; steps
// begin at commit 1 and ascend; schemas ascend; nothing lies beyond `lsn` and `commit`. Schemas and authority records
// themselves are not looked into.
[[nodiscard]] Result<Manifest> decode_manifest(ByteSpan bytes, const std::string& name);

// nullopt where the directory has none yet.
[[nodiscard]] Result<std::optional<Manifest>> read_manifest(runtime::Disk& disk, const std::string& directory);
// Temporary file synced, renamed, directory synced. Where it fails, the old manifest or this one is there.
// `on_step` is called behind each.
[[nodiscard]] Result<void> install_manifest(runtime::Disk& disk, const std::string& directory, const Manifest& manifest,
                                            const std::function<void(runtime::ReplaceStep)>& on_step = nullptr);

// Names of files in DIR/runs, sorted, that a checkpoint which did not end left there: runs that the manifest does not
// name, and temporary files of sorting.
[[nodiscard]] Result<std::vector<std::string>> stray_runs(runtime::Disk& disk, const std::string& data_dir,
                                                          const Manifest& manifest);
// The number for the next run: beyond the manifest's and beyond every file in DIR/runs, so that none repeats.
// NUMBER_EXHAUSTED.
[[nodiscard]] Result<RunNumber> next_run_number(runtime::Disk& disk, const std::string& data_dir,
                                                const Manifest& manifest);

}  // namespace aerodb::store
