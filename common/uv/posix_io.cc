#include "common/uv/posix_io.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace aerodb::uv {

Error io_error(std::string_view operation, std::string_view path, int error) {
  Error made{ErrorCode::kIo, fmt::format("{} {}: {}", operation, path, std::strerror(error)), {}};
  made.with("errno", static_cast<uint64_t>(error));
  return made;
}

Result<size_t> read_at(int fd, const std::string& path, uint64_t offset, std::span<uint8_t> out) {
  size_t done = 0;
  while (done < out.size()) {
    ssize_t count = ::pread(fd, out.data() + done, out.size() - done, static_cast<off_t>(offset + done));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail(io_error("read", path, errno));
    if (count == 0) break;
    done += static_cast<size_t>(count);
  }
  return done;
}

Result<void> write_at(int fd, const std::string& path, uint64_t offset, ByteSpan data) {
  size_t done = 0;
  while (done < data.size()) {
    ssize_t count = ::pwrite(fd, data.data() + done, data.size() - done, static_cast<off_t>(offset + done));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail(io_error("write", path, errno));
    if (count == 0) return fail(io_error("write", path, ENOSPC));
    done += static_cast<size_t>(count);
  }
  return {};
}

Result<void> sync_data(int fd, const std::string& path) {
  while (::fdatasync(fd) != 0) {
    if (errno != EINTR) return fail(io_error("sync", path, errno));
  }
  return {};
}

}  // namespace aerodb::uv
