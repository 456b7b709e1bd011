#include "common/uv/posix_disk.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "common/uv/unique_fd.h"

namespace aerodb::uv {
namespace {

using runtime::OpenMode;

// IO, "<operation> <path>: <cause>", with detail errno.
Error io_error(std::string_view operation, std::string_view path, int error) {
  Error made{ErrorCode::kIo, fmt::format("{} {}: {}", operation, path, std::strerror(error)), {}};
  made.with("errno", static_cast<uint64_t>(error));
  return made;
}

class PosixFile final : public runtime::File {
 public:
  PosixFile(UniqueFd fd, std::string path, std::shared_ptr<MovedBytes> moved)
      : fd_(std::move(fd)), path_(std::move(path)), moved_(std::move(moved)) {}

  Result<size_t> read(uint64_t offset, std::span<uint8_t> out) override {
    size_t done = 0;
    while (done < out.size()) {
      ssize_t count = ::pread(fd_.get(), out.data() + done, out.size() - done, static_cast<off_t>(offset + done));
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) return fail(io_error("read", path_, errno));
      if (count == 0) break;
      done += static_cast<size_t>(count);
      count_moved(count);
    }
    return done;
  }
  Result<void> write(uint64_t offset, ByteSpan data) override {
    size_t done = 0;
    while (done < data.size()) {
      ssize_t count = ::pwrite(fd_.get(), data.data() + done, data.size() - done, static_cast<off_t>(offset + done));
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) return fail(io_error("write", path_, errno));
      if (count == 0) return fail(io_error("write", path_, ENOSPC));
      done += static_cast<size_t>(count);
      count_moved(count);
    }
    return {};
  }
  // Both are advice: where it is not taken nothing is lost.
  void start_writing_back(uint64_t offset, uint64_t bytes) override {
    ::sync_file_range(fd_.get(), static_cast<off_t>(offset), static_cast<off_t>(bytes), SYNC_FILE_RANGE_WRITE);
  }
  void leave_cache(uint64_t offset, uint64_t bytes) override {
    ::posix_fadvise(fd_.get(), static_cast<off_t>(offset), static_cast<off_t>(bytes), POSIX_FADV_DONTNEED);
  }
  Result<void> sync() override {
    while (::fdatasync(fd_.get()) != 0) {
      if (errno != EINTR) return fail(io_error("sync", path_, errno));
    }
    return {};
  }
  Result<uint64_t> size() override {
    struct stat found{};
    if (::fstat(fd_.get(), &found) != 0) return fail(io_error("stat", path_, errno));
    return static_cast<uint64_t>(found.st_size);
  }
  Result<void> fill_zero(uint64_t size_bytes) override {
    constexpr uint64_t kPiece = 1 << 20;
    // Shrinks a longer file; never grows one, since a hole allocates nothing.
    auto now = size();
    if (!now) return fail(std::move(now.error()));
    if (*now > size_bytes && ::ftruncate(fd_.get(), static_cast<off_t>(size_bytes)) != 0) {
      return fail(io_error("truncate", path_, errno));
    }
    const Bytes zeros(std::min(kPiece, size_bytes));
    for (uint64_t at = 0; at < size_bytes; at += kPiece) {
      auto written = write(at, ByteSpan(zeros).first(std::min(kPiece, size_bytes - at)));
      if (!written) return written;
    }
    if (::fsync(fd_.get()) != 0) return fail(io_error("sync", path_, errno));
    return {};
  }

 private:
  void count_moved(ssize_t bytes) {
    if (moved_) moved_->fetch_add(static_cast<uint64_t>(bytes), std::memory_order_relaxed);
  }

  UniqueFd fd_;
  std::string path_;
  std::shared_ptr<MovedBytes> moved_;
};

class PosixLock final : public runtime::DirectoryLock {
 public:
  explicit PosixLock(UniqueFd fd) : fd_(std::move(fd)) {}

 private:
  UniqueFd fd_;  // closing the description releases the lock
};

int flags_of(OpenMode mode) {
  switch (mode) {
    case OpenMode::kRead:
      return O_RDONLY;
    case OpenMode::kReadWrite:
      return O_RDWR;
    case OpenMode::kCreate:
      return O_RDWR | O_CREAT | O_EXCL;
    case OpenMode::kAppend:
      return O_RDWR | O_CREAT;
  }
  return O_RDONLY;
}

Result<UniqueFd> open_fd(const std::string& path, int flags) {
  int fd = -1;
  do {
    fd = ::open(path.c_str(), flags | O_CLOEXEC, 0600);
  } while (fd < 0 && errno == EINTR);
  if (fd < 0) return fail(io_error("open", path, errno));
  return UniqueFd(fd);
}

std::string parent_of(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

bool is_directory(const std::string& path) {
  struct stat found{};
  return ::stat(path.c_str(), &found) == 0 && S_ISDIR(found.st_mode);
}

}  // namespace

Result<std::unique_ptr<runtime::File>> PlainPosixDisk::open(const std::string& path, OpenMode mode) {
  auto fd = open_fd(path, flags_of(mode));
  if (!fd) return fail(std::move(fd.error()));
  return std::make_unique<PosixFile>(std::move(*fd), path, moved_);
}

Result<void> PlainPosixDisk::make_directory(const std::string& path) {
  for (size_t end = path.find('/', 1);; end = path.find('/', end + 1)) {
    const std::string piece = path.substr(0, end);
    if (!piece.ends_with('/') && !is_directory(piece)) {
      if (::mkdir(piece.c_str(), 0700) == 0) {
        if (auto synced = sync_directory(parent_of(piece)); !synced) return synced;
      } else if (errno != EEXIST || !is_directory(piece)) {
        return fail(io_error("make directory", piece, errno));
      }
    }
    if (end == std::string::npos) return {};
  }
}

Result<void> PlainPosixDisk::sync_directory(const std::string& path) {
  auto fd = open_fd(path, O_RDONLY | O_DIRECTORY);
  if (!fd) return fail(std::move(fd.error()));
  if (::fsync(fd->get()) != 0) return fail(io_error("sync directory", path, errno));
  return {};
}

Result<void> PlainPosixDisk::rename(const std::string& from, const std::string& to) {
  if (::rename(from.c_str(), to.c_str()) != 0) return fail(io_error(fmt::format("rename {} to", from), to, errno));
  return {};
}

Result<void> PlainPosixDisk::remove(const std::string& path) {
  if (std::remove(path.c_str()) != 0) return fail(io_error("remove", path, errno));
  return {};
}

Result<void> PlainPosixDisk::link(const std::string& existing, const std::string& made) {
  if (::link(existing.c_str(), made.c_str()) != 0)
    return fail(io_error(fmt::format("link {} as", existing), made, errno));
  return {};
}

Result<bool> PlainPosixDisk::exists(const std::string& path) {
  struct stat found{};
  if (::lstat(path.c_str(), &found) == 0) return true;
  if (errno == ENOENT || errno == ENOTDIR) return false;
  return fail(io_error("stat", path, errno));
}

Result<std::vector<std::string>> PlainPosixDisk::list(const std::string& path) {
  std::unique_ptr<DIR, int (*)(DIR*)> directory(::opendir(path.c_str()), ::closedir);
  if (!directory) return fail(io_error("list", path, errno));
  std::vector<std::string> names;
  for (;;) {
    errno = 0;
    const dirent* entry = ::readdir(directory.get());
    if (entry == nullptr) break;
    std::string name = entry->d_name;
    if (name != "." && name != "..") names.push_back(std::move(name));
  }
  if (errno != 0) return fail(io_error("list", path, errno));
  std::sort(names.begin(), names.end());
  return names;
}

Result<std::unique_ptr<runtime::DirectoryLock>> PlainPosixDisk::lock(const std::string& directory) {
  const std::string path = directory + "/LOCK";
  auto fd = open_fd(path, O_RDWR | O_CREAT);
  if (!fd) return fail(std::move(fd.error()));
  struct flock whole{};
  whole.l_type = F_WRLCK;
  whole.l_whence = SEEK_SET;
  while (::fcntl(fd->get(), F_OFD_SETLK, &whole) != 0) {
    if (errno == EINTR) continue;
    if (errno != EAGAIN && errno != EACCES) return fail(io_error("lock", path, errno));
    return fail(ErrorCode::kLocked, fmt::format("lock {}: another process holds {}", directory, path));
  }
  return std::make_unique<PosixLock>(std::move(*fd));
}

Result<bool> PlainPosixDisk::locked(const std::string& directory) {
  const std::string path = directory + "/LOCK";
  auto present = exists(path);
  if (!present || !*present) return present;
  auto fd = open_fd(path, O_RDONLY);
  if (!fd) return fail(std::move(fd.error()));
  struct flock whole{};
  whole.l_type = F_WRLCK;
  whole.l_whence = SEEK_SET;
  if (::fcntl(fd->get(), F_OFD_GETLK, &whole) != 0) return fail(io_error("look at lock", path, errno));
  return whole.l_type != F_UNLCK;
}

}  // namespace aerodb::uv
