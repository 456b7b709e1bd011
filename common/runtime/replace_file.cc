// Apart, so that a link test can show that read-only programs are without it.
#include "common/runtime/disk.h"

namespace aerodb::runtime {

Result<void> replace_file(Disk& disk, const std::string& directory, const std::string& name, ByteSpan content,
                          const std::function<void(ReplaceStep)>& on_step) {
  const auto done = [&](ReplaceStep step) {
    if (on_step) on_step(step);
  };
  const std::string path = directory + "/" + name;
  const std::string temporary = path + ".tmp";
  auto stale = disk.exists(temporary);
  if (!stale) return fail(std::move(stale.error()));
  if (*stale) {
    if (auto removed = disk.remove(temporary); !removed) return removed;
  }
  {
    auto file = disk.open(temporary, OpenMode::kCreate);
    if (!file) return fail(std::move(file.error()));
    if (auto written = (*file)->write(0, content); !written) return written;
    if (auto synced = (*file)->sync(); !synced) return synced;
  }
  done(ReplaceStep::kSynced);
  if (auto renamed = disk.rename(temporary, path); !renamed) return renamed;
  done(ReplaceStep::kRenamed);
  if (auto synced = disk.sync_directory(directory); !synced) return synced;
  done(ReplaceStep::kDirectorySynced);
  return {};
}

}  // namespace aerodb::runtime
