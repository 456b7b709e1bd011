// A read-only runtime::Disk over the present content of a SimDisk: rolls no faults, takes no time, leaves no trace. For
// the model, which looks at logs from outside.
#pragma once

#include "common/runtime/disk.h"
#include "tests/sim/runtime/disk.h"

namespace aerodb::sim {

class PeekDisk final : public runtime::Disk {
 public:
  explicit PeekDisk(const SimDisk& disk) : disk_(disk) {}
  Result<std::unique_ptr<runtime::File>> open(const std::string& path, runtime::OpenMode mode) override;
  Result<void> make_directory(const std::string& path) override;
  Result<void> sync_directory(const std::string& path) override;
  Result<void> rename(const std::string& from, const std::string& to) override;
  Result<void> remove(const std::string& path) override;
  Result<void> link(const std::string& existing, const std::string& made) override;
  Result<bool> exists(const std::string& path) override;
  Result<std::vector<std::string>> list(const std::string& path) override;
  Result<std::unique_ptr<runtime::DirectoryLock>> lock(const std::string& directory) override;
  Result<bool> locked(const std::string& directory) override { return disk_.locked(directory); }

 private:
  const SimDisk& disk_;
};

}  // namespace aerodb::sim
