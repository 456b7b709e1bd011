// runtime::Disk on plain POSIX calls; needs no loop, so start-up code and offline tools use it as well.
//
// Thread: any, one call at a time on one File. Every error is IO, names operation, path and cause, and carries `errno`.
// Directories get mode 0700 and files 0600: a data directory belongs to one account.
//
// In test builds PosixDisk is PlainPosixDisk with crash points around every call, so whoever uses it has them.
#pragma once

#include <atomic>
#include <memory>

#include "common/runtime/disk.h"
#include "common/uv/crash_point_disk.h"

namespace aerodb::uv {

// Bytes that the files of a disk have read and written; only grows. Thread: any.
using MovedBytes = std::atomic<uint64_t>;

class PlainPosixDisk final : public runtime::Disk {
 public:
  explicit PlainPosixDisk(std::shared_ptr<MovedBytes> moved = nullptr) : moved_(std::move(moved)) {}
  Result<std::unique_ptr<runtime::File>> open(const std::string& path, runtime::OpenMode mode) override;
  // Each directory made is durable in its parent before the next is made.
  Result<void> make_directory(const std::string& path) override;
  Result<void> sync_directory(const std::string& path) override;
  Result<void> rename(const std::string& from, const std::string& to) override;
  // A file or an empty directory.
  Result<void> remove(const std::string& path) override;
  Result<void> link(const std::string& existing, const std::string& made) override;
  Result<bool> exists(const std::string& path) override;
  Result<std::vector<std::string>> list(const std::string& path) override;
  // An open-file-description lock: two holders in one process exclude each other as well. LOCKED names the file.
  Result<std::unique_ptr<runtime::DirectoryLock>> lock(const std::string& directory) override;
  Result<bool> locked(const std::string& directory) override;

 private:
  std::shared_ptr<MovedBytes> moved_;  // nullptr: nobody counts
};

#if AERODB_FAULTS
class PosixDisk final : public CrashPointDisk {
 public:
  explicit PosixDisk(std::shared_ptr<MovedBytes> moved = nullptr)
      : CrashPointDisk(std::make_unique<PlainPosixDisk>(std::move(moved)), CrashPoints::of_process()) {}
};
#else
using PosixDisk = PlainPosixDisk;
#endif

}  // namespace aerodb::uv
