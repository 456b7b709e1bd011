#include "tests/sim/peek_disk.h"

#include <algorithm>

namespace aerodb::sim {
namespace {

std::unexpected<Error> read_only() { return fail(ErrorCode::kIo, "peek: this disk is read-only"); }

class PeekFile final : public runtime::File {
 public:
  explicit PeekFile(Bytes content) : content_(std::move(content)) {}
  Result<size_t> read(uint64_t offset, std::span<uint8_t> out) override {
    if (offset >= content_.size()) return size_t{0};
    const size_t count = std::min<size_t>(out.size(), content_.size() - offset);
    std::copy_n(content_.begin() + static_cast<std::ptrdiff_t>(offset), count, out.begin());
    return count;
  }
  Result<void> write(uint64_t, ByteSpan) override { return read_only(); }
  Result<void> sync() override { return read_only(); }
  Result<uint64_t> size() override { return content_.size(); }
  Result<void> fill_zero(uint64_t) override { return read_only(); }

 private:
  Bytes content_;
};

}  // namespace

Result<std::unique_ptr<runtime::File>> PeekDisk::open(const std::string& path, runtime::OpenMode mode) {
  if (mode != runtime::OpenMode::kRead) return read_only();
  auto content = disk_.peek(path);
  if (!content) return fail(ErrorCode::kIo, "peek " + path + ": no such file");
  return std::make_unique<PeekFile>(std::move(*content));
}
Result<void> PeekDisk::make_directory(const std::string&) { return read_only(); }
Result<void> PeekDisk::sync_directory(const std::string&) { return read_only(); }
Result<void> PeekDisk::rename(const std::string&, const std::string&) { return read_only(); }
Result<void> PeekDisk::remove(const std::string&) { return read_only(); }
Result<void> PeekDisk::link(const std::string&, const std::string&) { return read_only(); }
Result<bool> PeekDisk::exists(const std::string& path) { return disk_.exists(path); }
Result<std::vector<std::string>> PeekDisk::list(const std::string& path) { return disk_.list(path); }
Result<std::unique_ptr<runtime::DirectoryLock>> PeekDisk::lock(const std::string&) { return read_only(); }

}  // namespace aerodb::sim
