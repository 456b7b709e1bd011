#include "common/archive/member_disk.h"

#include <fmt/format.h>

#include <algorithm>

namespace aerodb::archive {
namespace {

std::unexpected<Error> read_only(std::string_view call, const std::string& path) {
  return fail(ErrorCode::kIo, fmt::format("{} {}: the members of an archive are only read", call, path));
}

class MemberFile final : public runtime::File {
 public:
  MemberFile(std::unique_ptr<runtime::File> archive, TarMember member)
      : archive_(std::move(archive)), member_(std::move(member)) {}
  Result<size_t> read(uint64_t offset, std::span<uint8_t> out) override {
    if (offset >= member_.bytes) return size_t{0};
    return archive_->read(member_.offset + offset, out.first(std::min<uint64_t>(out.size(), member_.bytes - offset)));
  }
  Result<void> write(uint64_t, ByteSpan) override { return read_only("write", member_.name); }
  Result<void> sync() override { return read_only("sync", member_.name); }
  Result<uint64_t> size() override { return member_.bytes; }
  Result<void> fill_zero(uint64_t) override { return read_only("fill", member_.name); }

 private:
  std::unique_ptr<runtime::File> archive_;
  TarMember member_;
};

}  // namespace

Result<std::unique_ptr<runtime::File>> MemberDisk::open(const std::string& path, runtime::OpenMode mode) {
  if (mode != runtime::OpenMode::kRead) return read_only("open", path);
  auto member = members_.find(path);
  if (member == members_.end()) return fail(ErrorCode::kIo, fmt::format("open {}: no such member", path));
  auto archive = disk_.open(archive_, runtime::OpenMode::kRead);
  if (!archive) return fail(std::move(archive.error()));
  return std::make_unique<MemberFile>(std::move(*archive), member->second);
}

Result<void> MemberDisk::make_directory(const std::string& path) { return read_only("make directory", path); }
Result<void> MemberDisk::sync_directory(const std::string& path) { return read_only("sync directory", path); }
Result<void> MemberDisk::rename(const std::string& from, const std::string& /*to*/) {
  return read_only("rename", from);
}
Result<void> MemberDisk::remove(const std::string& path) { return read_only("remove", path); }
Result<void> MemberDisk::link(const std::string& existing, const std::string& /*made*/) {
  return read_only("link", existing);
}
Result<std::vector<std::string>> MemberDisk::list(const std::string& path) { return read_only("list", path); }
Result<std::unique_ptr<runtime::DirectoryLock>> MemberDisk::lock(const std::string& directory) {
  return read_only("lock", directory);
}

}  // namespace aerodb::archive
