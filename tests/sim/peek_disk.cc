#include "tests/sim/peek_disk.h"

#include <algorithm>

namespace aerodb::sim {
namespace {

class PeekFile final : public runtime::ReadOnlyFile {
 public:
  explicit PeekFile(Bytes content) : content_(std::move(content)) {}
  Result<size_t> read(uint64_t offset, std::span<uint8_t> out) override {
    if (offset >= content_.size()) return size_t{0};
    const size_t count = std::min<size_t>(out.size(), content_.size() - offset);
    std::copy_n(content_.begin() + static_cast<std::ptrdiff_t>(offset), count, out.begin());
    return count;
  }
  Result<uint64_t> size() override { return content_.size(); }

 private:
  Bytes content_;
};

}  // namespace

Result<std::unique_ptr<runtime::File>> PeekDisk::open_to_read(const std::string& path) {
  auto content = disk_.peek(path);
  if (!content) return fail(ErrorCode::kIo, "peek " + path + ": no such file");
  return std::make_unique<PeekFile>(std::move(*content));
}
Result<bool> PeekDisk::exists(const std::string& path) { return disk_.exists(path); }
Result<std::vector<std::string>> PeekDisk::list(const std::string& path) { return disk_.list(path); }

}  // namespace aerodb::sim
