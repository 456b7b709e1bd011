// Reading a backup. Opening reads it whole and checks that it is what write_backup writes: members by name, order and
// bound, each with the size and SHA-256 that LIST says, and not one byte beside them. What the members say is for
// verify.h. Every byte is hostile; memory is bounded by one member of the log and by LIST and MANIFEST. Blocking.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "common/archive/member_disk.h"
#include "common/engine/backup.h"

namespace aerodb::engine {

class BackupArchive {
 public:
  // BACKUP_DAMAGED names the member; NEWER_FORMAT, IO. `disk` must outlive this.
  [[nodiscard]] static Result<std::unique_ptr<BackupArchive>> open(runtime::Disk& disk, const std::string& path,
                                                                   const ProgressFunction& progress);

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] const BackupInfo& info() const { return info_; }
  [[nodiscard]] const store::Manifest& manifest() const { return manifest_; }       // number 0: none
  [[nodiscard]] const std::vector<ListEntry>& members() const { return entries_; }  // in order, LIST apart
  // The members as files below path(): store::run_path(path(), number) and so on.
  [[nodiscard]] runtime::Disk& files() { return files_; }

  // Every record of the log in order; LSNs, commit ids and chains are checked, and that it ends where BACKUP says.
  // BACKUP_DAMAGED names the member. What `visit` refuses ends the reading with its error.
  using Visit = std::function<Result<void>(const wal::RecordView& record)>;
  [[nodiscard]] Result<void> read_log(const Visit& visit);

  // `error` as trouble of this backup: BACKUP_DAMAGED, naming `member`; IO, NEWER_FORMAT and MEMORY_FULL stay what
  // they are.
  [[nodiscard]] Error damaged(std::string_view member, Error error) const;

 private:
  BackupArchive(runtime::Disk& disk, std::string path);
  [[nodiscard]] Result<void> check_members(const std::vector<ListEntry>& listed);
  [[nodiscard]] Result<void> check_runs() const;
  [[nodiscard]] Result<void> read_log_member(const ListEntry& member, Continuity& continuity, const Visit& visit);

  std::string path_;
  archive::MemberDisk files_;
  BackupInfo info_;
  store::Manifest manifest_;
  std::vector<ListEntry> entries_;
};

}  // namespace aerodb::engine
