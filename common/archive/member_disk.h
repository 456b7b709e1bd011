// The members of a tar as read-only files of a Disk, at ARCHIVE/NAME: what reads runs and manifests of a data directory
// reads those of a backup just so, where they lie.
#pragma once

#include <map>
#include <string>

#include "common/archive/tar.h"
#include "common/runtime/read_only_disk.h"

namespace aerodb::archive {

class MemberDisk final : public runtime::ReadOnlyDisk {
 public:
  // `disk` holds the file ARCHIVE and must outlive this and the files opened.
  MemberDisk(runtime::Disk& disk, std::string archive) : disk_(disk), archive_(std::move(archive)) {}
  void add(const TarMember& member) { members_[archive_ + "/" + member.name] = member; }

  Result<bool> exists(const std::string& path) override { return members_.contains(path); }
  // IO: nobody lists them.
  Result<std::vector<std::string>> list(const std::string& path) override;
  Result<bool> locked(const std::string& /*directory*/) override { return false; }

 private:
  // Each file opened has a handle of its own.
  Result<std::unique_ptr<runtime::File>> open_to_read(const std::string& path) override;
  runtime::Disk& disk_;
  std::string archive_;
  std::map<std::string, TarMember> members_;  // by path
};

}  // namespace aerodb::archive
