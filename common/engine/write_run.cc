#include "common/engine/write_run.h"

#include <ranges>

namespace aerodb::engine {

WrittenRun write_run(runtime::Disk& disk, const std::string& data_dir, store::RunWriterOptions options,
                     const WriteProgress& progress, store::VersionSource& source) {
  WrittenRun written;
  options.on_step = [&written, number = options.number](store::RunWriteStep step) {
    const bool file = step == store::RunWriteStep::kFileSynced;
    written.steps.push_back({file ? rules::SyncStep::kRunSynced : rules::SyncStep::kRunsDirectorySynced,
                             rules::InstalledBy::kOperation, number, std::nullopt});
  };
  const auto ended = [&written](Error error) {
    written.error = std::move(error);
    return std::move(written);
  };
  auto writer = store::RunWriter::create(disk, data_dir, std::move(options));
  if (!writer) return ended(std::move(writer.error()));
  while (true) {
    if (progress.stopped) return ended({ErrorCode::kNotReady, "write run: the operation was ended", {}});
    auto version = source.next();
    if (!version) return ended(std::move(version.error()));
    if (!*version) break;
    if (auto added = (*writer)->add(**version); !added) return ended(std::move(added.error()));
  }
  auto info = (*writer)->finish();
  if (!info) return ended(std::move(info.error()));
  auto run = store::Run::open(disk, store::run_path(data_dir, info->number), *info);
  if (!run) return ended(std::move(run.error()));
  written.run = std::move(*run);
  return written;
}

WrittenRun merge_runs(runtime::Disk& disk, const std::string& data_dir, const store::RunWriterOptions& options,
                      const WriteProgress& progress, const Runs& runs, const store::MergeOptions& merge) {
  std::vector<std::unique_ptr<store::VersionSource>> sources;
  for (const auto& run : std::views::reverse(runs)) {
    auto file = disk.open(run->path(), runtime::OpenMode::kRead);
    if (!file) return {std::move(file.error()), nullptr, {}};
    sources.push_back(store::versions_of(run, std::move(*file)));
  }
  auto merged = store::merge_versions(std::move(sources), merge);
  return write_run(disk, data_dir, options, progress, *merged);
}

}  // namespace aerodb::engine
