#include "common/engine/snapshot.h"

#include <fmt/format.h>

#include <algorithm>

namespace aerodb::engine {

bool is_snapshot_name(std::string_view name) {
  constexpr size_t kMaxNameBytes = 128;
  const auto allowed = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '.' || c == '_' ||
           c == '-';
  };
  return !name.empty() && name.size() <= kMaxNameBytes && name.front() != '.' && std::ranges::all_of(name, allowed);
}

Result<std::vector<SnapshotFound>> list_snapshots(runtime::Disk& disk, const std::string& data_dir) {
  std::vector<SnapshotFound> snapshots;
  const std::string directory = data_dir + "/snapshots";
  auto present = disk.exists(directory);
  if (!present) return fail(std::move(present.error()));
  if (!*present) return snapshots;
  auto names = disk.list(directory);
  if (!names) return fail(std::move(names.error()));
  for (const auto& name : *names) {
    auto complete = disk.exists(fmt::format("{}/{}/{}", directory, name, store::kManifestName));
    if (!complete) return fail(std::move(complete.error()));
    snapshots.push_back({name, *complete});
  }
  return snapshots;
}

Result<void> make_snapshot(runtime::Disk& disk, const std::string& data_dir, const std::string& name,
                           const store::Manifest& manifest, uint64_t max_snapshots) {
  auto present = list_snapshots(disk, data_dir);
  if (!present) return fail(std::move(present.error()));
  if (std::ranges::find(*present, name, &SnapshotFound::name) != present->end())
    return fail(ErrorCode::kSnapshotExists, fmt::format("snapshot {}: the name is taken", name));
  if (present->size() >= max_snapshots) {
    return fail(ErrorCode::kSnapshotExists,
                fmt::format("snapshot {}: there are {} already, storage.max_snapshots", name, present->size()));
  }
  const std::string snapshots = data_dir + "/snapshots";
  const std::string directory = snapshots + "/" + name;
  const std::string runs = directory + "/runs";
  if (auto made = disk.make_directory(runs); !made) return made;
  for (const auto& info : manifest.runs) {
    const std::string run = store::run_name(info.number);
    if (auto linked = disk.link(store::run_path(data_dir, info.number), runs + "/" + run); !linked) return linked;
  }
  if (auto synced = disk.sync_directory(runs); !synced) return synced;
  if (auto synced = disk.sync_directory(directory); !synced) return synced;
  if (auto synced = disk.sync_directory(snapshots); !synced) return synced;
  store::Manifest copy = manifest;
  copy.segment_sequence = 0;
  return store::install_manifest(disk, directory, copy);
}

Result<void> remove_strays(runtime::Disk& disk, const std::string& data_dir, const store::Manifest& manifest,
                           const std::vector<std::string>& kept) {
  auto strays = store::stray_runs(disk, data_dir, manifest);
  if (!strays) return fail(std::move(strays.error()));
  auto on_disk = store::read_manifest(disk, data_dir);
  if (!on_disk) return fail(std::move(on_disk.error()));
  std::vector<std::string> named = kept;
  if (*on_disk) {
    for (const auto& run : (*on_disk)->runs) named.push_back(store::run_name(run.number));
  }
  bool removed = false;
  for (const auto& name : *strays) {
    if (std::ranges::find(named, name) != named.end()) continue;
    if (auto gone = disk.remove(fmt::format("{}/runs/{}", data_dir, name)); !gone) return gone;
    removed = true;
  }
  return removed ? disk.sync_directory(data_dir + "/runs") : Result<void>();
}

}  // namespace aerodb::engine
