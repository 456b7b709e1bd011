#include "common/runtime/read_only_disk.h"

#include <fmt/format.h>

namespace aerodb::runtime {
namespace {

std::unexpected<Error> read_only(std::string_view call, std::string_view path) {
  return fail(ErrorCode::kIo, fmt::format("{} {}: here files are only read", call, path));
}

class StoppableFile final : public ReadOnlyFile {
 public:
  StoppableFile(std::unique_ptr<File> file, const std::atomic<bool>& stopped)
      : file_(std::move(file)), stopped_(stopped) {}
  Result<size_t> read(uint64_t offset, std::span<uint8_t> out) override {
    if (stopped_) return fail(ErrorCode::kNotReady, "read: the operation was ended");
    return file_->read(offset, out);
  }
  Result<uint64_t> size() override { return file_->size(); }

 private:
  std::unique_ptr<File> file_;
  const std::atomic<bool>& stopped_;
};

}  // namespace

Result<void> ReadOnlyFile::write(uint64_t, ByteSpan) { return read_only("write", "file"); }
Result<void> ReadOnlyFile::sync() { return read_only("sync", "file"); }
Result<void> ReadOnlyFile::fill_zero(uint64_t) { return read_only("fill", "file"); }

Result<std::unique_ptr<File>> ReadOnlyDisk::open(const std::string& path, OpenMode mode) {
  if (mode != OpenMode::kRead) return read_only("open", path);
  return open_to_read(path);
}
Result<void> ReadOnlyDisk::make_directory(const std::string& path) { return read_only("make directory", path); }
Result<void> ReadOnlyDisk::sync_directory(const std::string& path) { return read_only("sync directory", path); }
Result<void> ReadOnlyDisk::rename(const std::string& from, const std::string&) { return read_only("rename", from); }
Result<void> ReadOnlyDisk::remove(const std::string& path) { return read_only("remove", path); }
Result<void> ReadOnlyDisk::link(const std::string& existing, const std::string&) { return read_only("link", existing); }
Result<std::unique_ptr<DirectoryLock>> ReadOnlyDisk::lock(const std::string& directory) {
  return read_only("lock", directory);
}

Result<std::unique_ptr<File>> StoppableDisk::open_to_read(const std::string& path) {
  auto file = disk_.open(path, OpenMode::kRead);
  if (!file) return file;
  return std::make_unique<StoppableFile>(std::move(*file), stopped_);
}

}  // namespace aerodb::runtime
