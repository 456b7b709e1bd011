// What every Disk that only shows files has in common: whatever would change something is IO.
#pragma once

#include <atomic>

#include "common/runtime/disk.h"

namespace aerodb::runtime {

class ReadOnlyFile : public File {
 public:
  Result<void> write(uint64_t offset, ByteSpan data) final;
  Result<void> sync() final;
  Result<void> fill_zero(uint64_t size_bytes) final;
};

class ReadOnlyDisk : public Disk {
 public:
  Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) final;
  Result<void> make_directory(const std::string& path) final;
  Result<void> sync_directory(const std::string& path) final;
  Result<void> rename(const std::string& from, const std::string& to) final;
  Result<void> remove(const std::string& path) final;
  Result<void> link(const std::string& existing, const std::string& made) final;
  Result<std::unique_ptr<DirectoryLock>> lock(const std::string& directory) final;

 protected:
  [[nodiscard]] virtual Result<std::unique_ptr<File>> open_to_read(const std::string& path) = 0;
};

// Another Disk's files, until `stopped`: from then on every read is NOT_READY, so that a long reader ends soon.
class StoppableDisk final : public ReadOnlyDisk {
 public:
  // `disk` must outlive this and the files opened; `stopped` may be set on any thread.
  StoppableDisk(Disk& disk, const std::atomic<bool>& stopped) : disk_(disk), stopped_(stopped) {}
  Result<bool> exists(const std::string& path) override { return disk_.exists(path); }
  Result<std::vector<std::string>> list(const std::string& path) override { return disk_.list(path); }
  Result<bool> locked(const std::string& directory) override { return disk_.locked(directory); }

 private:
  Result<std::unique_ptr<File>> open_to_read(const std::string& path) override;
  Disk& disk_;
  const std::atomic<bool>& stopped_;
};

}  // namespace aerodb::runtime
