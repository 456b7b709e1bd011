// A read-only runtime::Disk over the present content of a SimDisk: rolls no faults, takes no time, leaves no trace. For
// the model, which looks at logs from outside.
#pragma once

#include "common/runtime/read_only_disk.h"
#include "tests/sim/runtime/disk.h"

namespace aerodb::sim {

class PeekDisk final : public runtime::ReadOnlyDisk {
 public:
  explicit PeekDisk(const SimDisk& disk) : disk_(disk) {}
  Result<bool> exists(const std::string& path) override;
  Result<std::vector<std::string>> list(const std::string& path) override;
  Result<bool> locked(const std::string& directory) override { return disk_.locked(directory); }

 private:
  Result<std::unique_ptr<runtime::File>> open_to_read(const std::string& path) override;
  const SimDisk& disk_;
};

}  // namespace aerodb::sim
