// Several sources of versions as one sorted stream, without those that no reader can ask for any more; and the rule
// that says which runs a checkpoint merges. Blocking where it reads runs.
//
// What the floor lets go (docs/spec/CHECKPOINT.md): of each document, versions older than the newest one at or below
// the floor; and that one too where it is a tombstone and nothing lies below the merge.
#pragma once

#include <memory>
#include <vector>

#include "common/store/memory_table.h"
#include "common/store/run.h"

namespace aerodb::store {

// Versions in run order: collection, id ascending, commit descending.
class VersionSource {
 public:
  virtual ~VersionSource() = default;
  // The next version, valid until the call after; nullopt at the end. After an error: not to be called again.
  [[nodiscard]] virtual Result<std::optional<RunVersion>> next() = 0;
};

// Of a frozen memory table, which must not change meanwhile and must outlive it.
[[nodiscard]] std::unique_ptr<VersionSource> versions_of(const MemoryTable& table);
[[nodiscard]] std::unique_ptr<VersionSource> versions_of(std::shared_ptr<const Run> run,
                                                         std::unique_ptr<runtime::File> file);

struct MergeOptions {
  CommitId floor;
  bool bottom = false;  // no older run lies below the sources
};
// `sources` newest first.
[[nodiscard]] std::unique_ptr<VersionSource> merge_versions(std::vector<std::unique_ptr<VersionSource>> sources,
                                                            const MergeOptions& options);

// How many of the newest runs (ascending by commit) a checkpoint merges into one; 0: none. Fixed, so that equal runs
// are merged alike everywhere.
//
// Size class 0 is up to 1 MiB, each further one four times that. The newest runs are merged where four or more of them
// are of one class and the others among them of lower ones: the largest such group. Where the run this makes completes
// another group, that one is merged in the same go.
//
// Cost: four runs of class c > 0 together are larger than class c goes, so what a merge writes has moved up a class:
// each byte is written again at most once per class, log4(total / 1 MiB) times in all. In class 0 it can be more often,
// but that is 1 MiB per checkpoint at most. Each merge leaves fewer runs, so repeating it ends.
[[nodiscard]] size_t runs_to_merge(const std::vector<RunInfo>& runs);

}  // namespace aerodb::store
