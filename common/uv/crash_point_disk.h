// Disk and File with crash points around every call. In test builds only, as crash_points.h.
//
// A point comes with the wrapping, so a call added to runtime::Disk or runtime::File does not compile without its own.
#pragma once

#include <memory>
#include <string>

#include "common/runtime/disk.h"
#include "common/uv/crash_points.h"

namespace aerodb::uv {

#if AERODB_FAULTS

// Thread: as that of the disk inside.
class CrashPointDisk : public runtime::Disk {
 public:
  // `points` is not owned.
  CrashPointDisk(std::unique_ptr<runtime::Disk> inside, CrashPoints& points);
  Result<std::unique_ptr<runtime::File>> open(const std::string& path, runtime::OpenMode mode) override;
  Result<void> make_directory(const std::string& path) override;
  Result<void> sync_directory(const std::string& path) override;
  Result<void> rename(const std::string& from, const std::string& to) override;
  Result<void> remove(const std::string& path) override;
  Result<void> link(const std::string& existing, const std::string& made) override;
  Result<bool> exists(const std::string& path) override;
  Result<std::vector<std::string>> list(const std::string& path) override;
  Result<std::unique_ptr<runtime::DirectoryLock>> lock(const std::string& directory) override;
  Result<bool> locked(const std::string& directory) override;

 private:
  std::unique_ptr<runtime::Disk> inside_;
  CrashPoints& points_;
};

// Opens a segment for the log device, whose writes and syncs are the operations submit_write and submit_sync.
[[nodiscard]] Result<std::unique_ptr<runtime::File>> open_with_submit_points(runtime::Disk& disk,
                                                                             const std::string& path,
                                                                             CrashPoints& points);

#endif

}  // namespace aerodb::uv
