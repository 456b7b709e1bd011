#include "common/uv/crash_point_disk.h"

#if AERODB_FAULTS

#include <string_view>
#include <utility>

namespace aerodb::uv {
namespace {

using runtime::OpenMode;

// `call` between its two points.
template <class Call>
auto around(CrashPoints& points, const std::string& class_name, std::string_view operation, Call call) {
  points.pass(class_name, operation, CrashMoment::kBefore);
  auto result = call();
  points.pass(class_name, operation, CrashMoment::kAfter);
  return result;
}

struct FileOperations {
  std::string_view write = "write";
  std::string_view sync = "sync";
};

class CrashPointFile final : public runtime::File {
 public:
  CrashPointFile(std::unique_ptr<runtime::File> inside, std::string class_name, CrashPoints& points,
                 FileOperations operations = {})
      : inside_(std::move(inside)), class_(std::move(class_name)), points_(points), operations_(operations) {}

  Result<size_t> read(uint64_t offset, std::span<uint8_t> out) override {
    points_.pass(class_, "read", CrashMoment::kBefore);
    return inside_->read(offset, out);
  }
  Result<uint64_t> size() override {
    points_.pass(class_, "size", CrashMoment::kBefore);
    return inside_->size();
  }
  Result<void> write(uint64_t offset, ByteSpan data) override {
    return around_with_half(
        operations_.write, [&] { return inside_->write(offset, data); },
        [&] { return inside_->write(offset, data.first(data.size() / 2)); });
  }
  void start_writing_back(uint64_t offset, uint64_t bytes) override { inside_->start_writing_back(offset, bytes); }
  void leave_cache(uint64_t offset, uint64_t bytes) override { inside_->leave_cache(offset, bytes); }
  Result<void> sync() override {
    return around(points_, class_, operations_.sync, [&] { return inside_->sync(); });
  }
  Result<void> fill_zero(uint64_t size_bytes) override {
    return around_with_half(
        "fill_zero", [&] { return inside_->fill_zero(size_bytes); },
        [&] { return inside_->fill_zero(size_bytes / 2); });
  }

 private:
  template <class Call, class Half>
  Result<void> around_with_half(std::string_view operation, Call call, Half half) {
    return around(points_, class_, operation, [&] {
      if (points_.reach(class_, operation, CrashMoment::kHalf)) {
        static_cast<void>(half());  // the process is at its end
        CrashPoints::die();
      }
      return call();
    });
  }

  std::unique_ptr<runtime::File> inside_;
  std::string class_;
  CrashPoints& points_;
  FileOperations operations_;
};

}  // namespace

CrashPointDisk::CrashPointDisk(std::unique_ptr<runtime::Disk> inside, CrashPoints& points)
    : inside_(std::move(inside)), points_(points) {}

Result<std::unique_ptr<runtime::File>> CrashPointDisk::open(const std::string& path, OpenMode mode) {
  std::string class_name = crash_class_of_file(path);
  auto open = [&] { return inside_->open(path, mode); };
  const bool may_create = mode == OpenMode::kCreate || mode == OpenMode::kAppend;
  if (!may_create) points_.pass(class_name, "open", CrashMoment::kBefore);
  auto file = may_create ? around(points_, class_name, "create", open) : open();
  if (!file) return file;
  return std::make_unique<CrashPointFile>(std::move(*file), std::move(class_name), points_);
}

Result<void> CrashPointDisk::make_directory(const std::string& path) {
  return around(points_, crash_class_of_directory(path), "make_directory",
                [&] { return inside_->make_directory(path); });
}

Result<void> CrashPointDisk::sync_directory(const std::string& path) {
  return around(points_, crash_class_of_directory(path), "sync_directory",
                [&] { return inside_->sync_directory(path); });
}

Result<void> CrashPointDisk::rename(const std::string& from, const std::string& to) {
  std::string class_name = crash_class_of_path(to);
  if (class_name == "other") class_name = crash_class_of_path(from);
  return around(points_, class_name, "rename", [&] { return inside_->rename(from, to); });
}

Result<void> CrashPointDisk::remove(const std::string& path) {
  return around(points_, crash_class_of_path(path), "remove", [&] { return inside_->remove(path); });
}

Result<void> CrashPointDisk::link(const std::string& existing, const std::string& made) {
  return around(points_, crash_class_of_file(made), "link", [&] { return inside_->link(existing, made); });
}

Result<bool> CrashPointDisk::exists(const std::string& path) {
  points_.pass(crash_class_of_path(path), "exists", CrashMoment::kBefore);
  return inside_->exists(path);
}

Result<std::vector<std::string>> CrashPointDisk::list(const std::string& path) {
  points_.pass(crash_class_of_directory(path), "list", CrashMoment::kBefore);
  return inside_->list(path);
}

Result<std::unique_ptr<runtime::DirectoryLock>> CrashPointDisk::lock(const std::string& directory) {
  return around(points_, crash_class_of_file(directory + "/LOCK"), "lock", [&] { return inside_->lock(directory); });
}

Result<bool> CrashPointDisk::locked(const std::string& directory) {
  points_.pass(crash_class_of_file(directory + "/LOCK"), "locked", CrashMoment::kBefore);
  return inside_->locked(directory);
}

Result<std::unique_ptr<runtime::File>> open_with_submit_points(runtime::Disk& disk, const std::string& path,
                                                               CrashPoints& points) {
  std::string class_name = crash_class_of_file(path);
  points.pass(class_name, "open", CrashMoment::kBefore);
  auto segment = disk.open(path, OpenMode::kReadWrite);
  if (!segment) return segment;
  return std::make_unique<CrashPointFile>(std::move(*segment), std::move(class_name), points,
                                          FileOperations{"submit_write", "submit_sync"});
}

}  // namespace aerodb::uv

#endif
