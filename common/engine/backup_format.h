// What a backup consists of: names and order of its members, their bounds, and the texts of BACKUP and LIST. Twin of
// docs/spec/BACKUP.md. Do not change what is written: files with it exist. No I/O.
//
//   BACKUP               of which node, from which position to which
//   MANIFEST             of one checkpoint, empty where there was none yet
//   log/00000001 ...     the records after the manifest up to the end position, whole, one after the other
//   runs/00000001.run    the manifest's runs, in its order
//   LIST                 size and SHA-256 of each member before it, closed by the SHA-256 of its own text
#pragma once

#include <string>
#include <vector>

#include "common/base/error.h"
#include "common/base/ids.h"
#include "common/store/run.h"
#include "common/wal/record.h"

namespace aerodb::engine {

inline constexpr uint32_t kBackupFormat = 1;
inline constexpr std::string_view kBackupMember = "BACKUP";
inline constexpr std::string_view kManifestMember = "MANIFEST";
inline constexpr std::string_view kListMember = "LIST";
inline constexpr uint64_t kMaxBackupMemberBytes = 4096;
inline constexpr uint64_t kMaxListBytes = 64ull << 20;
inline constexpr uint64_t kMaxLogMemberBytes = 16ull << 20;  // at least one record
inline constexpr size_t kMaxMembers = 1u << 19;

[[nodiscard]] std::string log_member(uint64_t number);          // "log/00000001"; first is 1
[[nodiscard]] std::string run_member(store::RunNumber number);  // "runs/00000001.run"

// The member BACKUP.
struct BackupInfo {
  ClusterId cluster;
  std::string node;  // that it was taken of
  InstanceId instance;
  // Position of the manifest; zero where there was none.
  Lsn manifest_lsn;
  CommitId manifest_commit;
  // Position at the end of the log in it.
  Lsn end_lsn;
  CommitId end_commit;
  Epoch end_epoch;
  LineageId end_lineage;
  Chain end_chain;  // after end_lsn
  friend bool operator==(const BackupInfo&, const BackupInfo&) = default;
};
[[nodiscard]] std::string encode_backup_info(const BackupInfo& info);
// BACKUP_DAMAGED, NEWER_FORMAT. Takes nothing that encode would not write.
[[nodiscard]] Result<BackupInfo> decode_backup_info(std::string_view text);

struct ListEntry {
  std::string name;
  uint64_t bytes = 0;
  Sha256 sha256{};
  friend bool operator==(const ListEntry&, const ListEntry&) = default;
};
[[nodiscard]] std::string encode_list(const std::vector<ListEntry>& entries);
// The same refusals.
[[nodiscard]] Result<std::vector<ListEntry>> decode_list(std::string_view text);

// That records follow one another: LSN, commit id, chain. At LSN 0 a first lineage_start of `cluster` must follow.
class Continuity {
 public:
  Continuity(const ClusterId& cluster, Lsn lsn, CommitId commit, const Chain& chain)
      : cluster_(cluster), lsn_(lsn), commit_(commit), chain_(chain) {}
  // WAL_DISCONTINUITY.
  [[nodiscard]] Result<void> take(const wal::RecordView& record);
  [[nodiscard]] Lsn lsn() const { return lsn_; }
  [[nodiscard]] CommitId commit() const { return commit_; }
  [[nodiscard]] const Chain& chain() const { return chain_; }  // after lsn

 private:
  ClusterId cluster_;
  Lsn lsn_;
  CommitId commit_;
  Chain chain_;
};

}  // namespace aerodb::engine
