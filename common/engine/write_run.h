// The disk work of writing and merging runs. Blocking, for Jobs.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/rules/checkpoint_rules.h"
#include "common/store/merge.h"
#include "common/store/run_writer.h"

namespace aerodb::engine {

using Runs = std::vector<std::shared_ptr<const store::Run>>;

// What the loop and the Job that writes a run both see.
struct WriteProgress {
  std::atomic<uint64_t> bytes = 0;    // written so far
  std::atomic<bool> stopped = false;  // nobody wants the run any more
};

// What a Job that writes a run brings back.
struct WrittenRun {
  std::optional<Error> error;
  std::shared_ptr<const store::Run> run;
  std::vector<rules::SyncStepEvidence> steps;  // carried out for it, in order
};

[[nodiscard]] WrittenRun write_run(runtime::Disk& disk, const std::string& data_dir, store::RunWriterOptions options,
                                   const WriteProgress& progress, store::VersionSource& source);
// `runs` ascending by commits; they become one.
[[nodiscard]] WrittenRun merge_runs(runtime::Disk& disk, const std::string& data_dir,
                                    const store::RunWriterOptions& options, const WriteProgress& progress,
                                    const Runs& runs, const store::MergeOptions& merge);

}  // namespace aerodb::engine
