// A disk on which nothing can be changed, whoever asks: what a dead directory is read through.
#pragma once

#include <memory>
#include <string>

#include "common/runtime/disk.h"

namespace aerodb::explainer {

class ReadOnlyDisk final : public runtime::Disk {
 public:
  // `inside` must outlive this.
  explicit ReadOnlyDisk(runtime::Disk& inside) : inside_(inside) {}

  // Anything but kRead is NOT_PERMITTED; writes of a file opened so fail at the file itself.
  Result<std::unique_ptr<runtime::File>> open(const std::string& path, runtime::OpenMode mode) override {
    if (mode != runtime::OpenMode::kRead) return refused(path);
    return inside_.open(path, mode);
  }
  Result<bool> exists(const std::string& path) override { return inside_.exists(path); }
  Result<std::vector<std::string>> list(const std::string& path) override { return inside_.list(path); }
  Result<bool> locked(const std::string& directory) override { return inside_.locked(directory); }
  Result<void> make_directory(const std::string& path) override { return refused(path); }
  Result<void> sync_directory(const std::string& path) override { return refused(path); }
  Result<void> rename(const std::string& from, const std::string& /*to*/) override { return refused(from); }
  Result<void> remove(const std::string& path) override { return refused(path); }
  Result<void> link(const std::string& /*existing*/, const std::string& made) override { return refused(made); }
  Result<std::unique_ptr<runtime::DirectoryLock>> lock(const std::string& directory) override {
    return refused(directory);
  }

 private:
  static std::unexpected<Error> refused(const std::string& path) {
    return fail(ErrorCode::kNotPermitted, "change " + path + ": a directory at rest is only read");
  }
  runtime::Disk& inside_;
};

}  // namespace aerodb::explainer
