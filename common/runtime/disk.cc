#include "common/runtime/disk.h"

#include <fmt/format.h>

namespace aerodb::runtime {

std::string parent_directory(const std::string& path) {
  const size_t slash = path.find_last_of('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

Result<Bytes> read_file(Disk& disk, const std::string& path, uint64_t max_bytes) {
  auto file = disk.open(path, OpenMode::kRead);
  if (!file) return fail(std::move(file.error()));
  auto size = (*file)->size();
  if (!size) return fail(std::move(size.error()));
  if (*size > max_bytes)
    return fail(ErrorCode::kIo, fmt::format("read {}: {} bytes, at most {} expected", path, *size, max_bytes));
  Bytes content(*size);
  auto count = (*file)->read(0, content);
  if (!count) return fail(std::move(count.error()));
  if (*count != content.size())
    return fail(ErrorCode::kIo, fmt::format("read {}: {} of {} bytes", path, *count, content.size()));
  return content;
}

Result<void> replace_file(Disk& disk, const std::string& directory, const std::string& name, ByteSpan content) {
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
  if (auto renamed = disk.rename(temporary, path); !renamed) return renamed;
  return disk.sync_directory(directory);
}

}  // namespace aerodb::runtime
