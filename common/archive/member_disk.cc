#include "common/archive/member_disk.h"

#include <fmt/format.h>

#include <algorithm>

namespace aerodb::archive {
namespace {

class MemberFile final : public runtime::ReadOnlyFile {
 public:
  MemberFile(std::unique_ptr<runtime::File> archive, TarMember member)
      : archive_(std::move(archive)), member_(std::move(member)) {}
  Result<size_t> read(uint64_t offset, std::span<uint8_t> out) override {
    if (offset >= member_.bytes) return size_t{0};
    return archive_->read(member_.offset + offset, out.first(std::min<uint64_t>(out.size(), member_.bytes - offset)));
  }
  Result<uint64_t> size() override { return member_.bytes; }

 private:
  std::unique_ptr<runtime::File> archive_;
  TarMember member_;
};

}  // namespace

Result<std::unique_ptr<runtime::File>> MemberDisk::open_to_read(const std::string& path) {
  auto member = members_.find(path);
  if (member == members_.end()) return fail(ErrorCode::kIo, fmt::format("open {}: no such member", path));
  auto archive = disk_.open(archive_, runtime::OpenMode::kRead);
  if (!archive) return fail(std::move(archive.error()));
  return std::make_unique<MemberFile>(std::move(*archive), member->second);
}

Result<std::vector<std::string>> MemberDisk::list(const std::string& path) {
  return fail(ErrorCode::kIo, fmt::format("list {}: the members of an archive are opened by name", path));
}

}  // namespace aerodb::archive
