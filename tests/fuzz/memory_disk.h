// A runtime::Disk of files in memory, for fuzz targets: no faults, no directories but names.
#pragma once

#include <algorithm>
#include <map>
#include <memory>

#include "common/runtime/disk.h"

namespace aerodb::fuzz {

class MemoryFile final : public runtime::File {
 public:
  explicit MemoryFile(Bytes& bytes) : bytes_(bytes) {}
  Result<size_t> read(uint64_t offset, std::span<uint8_t> out) override {
    if (offset >= bytes_.size()) return size_t{0};
    const size_t count = std::min<size_t>(out.size(), bytes_.size() - offset);
    std::copy_n(bytes_.begin() + static_cast<ptrdiff_t>(offset), count, out.begin());
    return count;
  }
  Result<void> write(uint64_t offset, ByteSpan data) override {
    bytes_.resize(std::max<size_t>(bytes_.size(), offset + data.size()));
    std::ranges::copy(data, bytes_.begin() + static_cast<ptrdiff_t>(offset));
    return {};
  }
  Result<void> sync() override { return {}; }
  Result<uint64_t> size() override { return bytes_.size(); }
  Result<void> fill_zero(uint64_t size_bytes) override {
    bytes_.assign(size_bytes, 0);
    return {};
  }

 private:
  Bytes& bytes_;
};

// Files must not be removed while they are open.
class MemoryDisk final : public runtime::Disk {
 public:
  std::map<std::string, Bytes> files;

  Result<std::unique_ptr<runtime::File>> open(const std::string& path, runtime::OpenMode mode) override {
    const bool there = files.contains(path);
    if (mode == runtime::OpenMode::kCreate ? there : !there && mode != runtime::OpenMode::kAppend)
      return fail(ErrorCode::kIo, "open " + path);
    return std::make_unique<MemoryFile>(files[path]);
  }
  Result<void> make_directory(const std::string&) override { return {}; }
  Result<void> sync_directory(const std::string&) override { return {}; }
  Result<void> rename(const std::string& from, const std::string& to) override {
    auto node = files.extract(from);
    if (node.empty()) return fail(ErrorCode::kIo, "rename " + from);
    files.erase(to);
    node.key() = to;
    files.insert(std::move(node));
    return {};
  }
  Result<void> remove(const std::string& path) override {
    if (files.erase(path) == 0) return fail(ErrorCode::kIo, "remove " + path);
    return {};
  }
  Result<void> link(const std::string& existing, const std::string&) override {
    return fail(ErrorCode::kIo, "link " + existing);
  }
  Result<bool> exists(const std::string& path) override { return files.contains(path); }
  Result<std::vector<std::string>> list(const std::string& path) override {
    std::vector<std::string> names;
    for (const auto& [name, bytes] : files) {
      if (name.starts_with(path + "/")) names.push_back(name.substr(path.size() + 1));
    }
    return names;
  }
  Result<std::unique_ptr<runtime::DirectoryLock>> lock(const std::string& directory) override {
    return fail(ErrorCode::kIo, "lock " + directory);
  }
  Result<bool> locked(const std::string&) override { return false; }
};

}  // namespace aerodb::fuzz
