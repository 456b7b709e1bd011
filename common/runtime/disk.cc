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

}  // namespace aerodb::runtime
