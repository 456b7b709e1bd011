// The members of a tar as read-only files of a Disk, at ARCHIVE/NAME: what reads runs and manifests of a data directory
// reads those of a backup just so, where they lie.
#pragma once

#include <map>
#include <string>

#include "common/archive/tar.h"

namespace aerodb::archive {

class MemberDisk final : public runtime::Disk {
 public:
  // `disk` holds the file ARCHIVE and must outlive this and the files opened.
  MemberDisk(runtime::Disk& disk, std::string archive) : disk_(disk), archive_(std::move(archive)) {}
  void add(const TarMember& member) { members_[archive_ + "/" + member.name] = member; }

  // Each file opened has a handle of its own. Anything but reading is IO.
  Result<std::unique_ptr<runtime::File>> open(const std::string& path, runtime::OpenMode mode) override;
  Result<bool> exists(const std::string& path) override { return members_.contains(path); }
  Result<void> make_directory(const std::string& path) override;
  Result<void> sync_directory(const std::string& path) override;
  Result<void> rename(const std::string& from, const std::string& to) override;
  Result<void> remove(const std::string& path) override;
  Result<void> link(const std::string& existing, const std::string& made) override;
  Result<std::vector<std::string>> list(const std::string& path) override;
  Result<std::unique_ptr<runtime::DirectoryLock>> lock(const std::string& directory) override;
  Result<bool> locked(const std::string& /*directory*/) override { return false; }

 private:
  runtime::Disk& disk_;
  std::string archive_;
  std::map<std::string, TarMember> members_;  // by path
};

}  // namespace aerodb::archive
