// The Disk of one incarnation: handles on its machine's SimDisk that die with it. Called from a Job, each call first
// lets the rest of the world run; called from anywhere else it takes no time.
#pragma once

#include "common/runtime/disk.h"

namespace aerodb::sim {

class SimProcess;

class ProcessDisk final : public runtime::Disk {
 public:
  explicit ProcessDisk(SimProcess& process) : process_(process) {}
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
  SimProcess& process_;
};

}  // namespace aerodb::sim
