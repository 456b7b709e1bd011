#include "common/engine/remove_tree.h"

namespace aerodb::engine {

Result<void> remove_tree(runtime::Disk& disk, const std::string& path) {
  if (disk.remove(path)) return {};
  auto names = disk.list(path);
  if (!names) return fail(std::move(names.error()));
  for (const auto& name : *names) {
    if (auto removed = remove_tree(disk, path + "/" + name); !removed) return removed;
  }
  return disk.remove(path);
}

Result<void> remove_if_there(runtime::Disk& disk, const std::string& path) {
  auto present = disk.exists(path);
  if (!present) return fail(std::move(present.error()));
  return *present ? remove_tree(disk, path) : Result<void>();
}

}  // namespace aerodb::engine
