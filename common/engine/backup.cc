#include "common/engine/backup.h"

#include <fmt/format.h>

#include "common/archive/tar.h"
#include "common/base/checksum.h"

namespace aerodb::engine {
namespace {

Result<void> refuse_existing(runtime::Disk& disk, const std::string& path) {
  auto present = disk.exists(path);
  if (!present) return fail(std::move(present.error()));
  if (*present) return fail(ErrorCode::kBackupExists, fmt::format("backup: {} exists", path));
  return {};
}

// One backup being written.
class Members {
 public:
  Members(runtime::File& file, BackupSource& source, const ProgressFunction& progress)
      : tar_(file), source_(source), contents_(source.contents()), progress_(progress) {
    for (const auto& run : contents_.manifest.runs) total_ += run.bytes;
  }

  Result<BackupReport> write() {
    const auto info = encode_backup_info(contents_.info);
    if (auto added = add_whole(std::string(kBackupMember), as_bytes(info)); !added) return failed(added);
    const Bytes manifest = contents_.manifest.number == 0 ? Bytes() : store::encode_manifest(contents_.manifest);
    if (auto added = add_whole(std::string(kManifestMember), manifest); !added) return failed(added);
    if (auto added = add_log(); !added) return failed(added);
    for (const auto& run : contents_.manifest.runs) {
      if (auto added = add_run(run); !added) return failed(added);
    }
    const auto list = encode_list(entries_);
    if (auto added = add_whole(std::string(kListMember), as_bytes(list)); !added) return failed(added);
    if (auto finished = tar_.finish(); !finished) return failed(finished);
    report_.info = contents_.info;
    report_.runs = contents_.manifest.runs.size();
    report_.bytes = tar_.bytes_written();
    return report_;
  }

 private:
  static std::unexpected<Error> failed(Result<void>& result) { return fail(std::move(result.error())); }

  Result<void> add_whole(const std::string& name, ByteSpan content) {
    entries_.push_back({name, content.size(), sha256(content)});
    if (auto begun = tar_.begin(name, content.size()); !begun) return begun;
    return tar_.add(content);
  }

  // Records gather until the next one would not fit into one member any more.
  Result<void> add_log() {
    const auto& info = contents_.info;
    Continuity continuity(info.cluster, info.manifest_lsn, info.manifest_commit, contents_.manifest.chain);
    report_.digest = contents_.manifest.digest;
    auto read = source_.read_log([&](ByteSpan piece) -> Result<void> {
      while (!piece.empty()) {
        auto record = wal::read_record(piece);
        if (!record) return fail(std::move(record.error()));
        if (auto taken = continuity.take(*record); !taken) return taken;
        if (auto added = add_record(*record); !added) return added;
        piece = piece.subspan(record->bytes.size());
      }
      return {};
    });
    if (!read) return read;
    if (continuity.lsn() != info.end_lsn || continuity.chain() != info.end_chain ||
        continuity.commit() != info.end_commit) {
      return fail(ErrorCode::kWalDiscontinuity,
                  fmt::format("backup: the log read ends at LSN {} with chain {}, expected LSN {} with chain {}",
                              continuity.lsn().value(), to_hex(continuity.chain()), info.end_lsn.value(),
                              to_hex(info.end_chain)));
    }
    return flush_log();
  }

  Result<void> add_record(const wal::RecordView& record) {
    if (log_.size() + record.bytes.size() > kMaxLogMemberBytes) {
      if (auto flushed = flush_log(); !flushed) return flushed;
    }
    log_.insert(log_.end(), record.bytes.begin(), record.bytes.end());
    report_.records += 1;
    report_.log_bytes += record.bytes.size();
    report_.digest = record.header.digest_after;
    return {};
  }

  Result<void> flush_log() {
    if (log_.empty()) return {};
    auto added = add_whole(log_member(++log_members_), log_);
    log_.clear();
    return added;
  }

  Result<void> add_run(const store::RunInfo& run) {
    const std::string name = run_member(run.number);
    auto differs = [&](std::string_view what) {
      return fail(ErrorCode::kRunDamaged, fmt::format("backup {}: {} is not that of the manifest", name, what));
    };
    if (auto begun = tar_.begin(name, run.bytes); !begun) return begun;
    Sha256Stream hash;
    uint64_t read_bytes = 0;
    auto read = source_.read_run(run, [&](ByteSpan piece) -> Result<void> {
      read_bytes += piece.size();
      if (read_bytes > run.bytes) return differs("its size");
      hash.update(piece);
      done_ += piece.size();
      if (progress_) progress_(done_, total_);
      return tar_.add(piece);
    });
    if (!read) return read;
    if (read_bytes != run.bytes) return differs("its size");
    if (hash.finish() != run.sha256) return differs("its SHA-256");
    entries_.push_back({name, run.bytes, run.sha256});
    return {};
  }

  archive::TarWriter tar_;
  BackupSource& source_;
  const BackupContents& contents_;
  const ProgressFunction& progress_;
  std::vector<ListEntry> entries_;
  Bytes log_;  // of the member being gathered
  uint64_t log_members_ = 0;
  uint64_t done_ = 0;
  uint64_t total_ = 0;
  BackupReport report_;
};

}  // namespace

Result<BackupReport> write_backup(runtime::Disk& disk, const std::string& path, BackupSource& source,
                                  const ProgressFunction& progress) {
  if (source.contents().info.end_lsn == Lsn())
    return fail(ErrorCode::kNothingToDo, fmt::format("backup {}: the node's log is empty", path));
  const std::string partial = path + ".partial";
  if (auto free = refuse_existing(disk, path); !free) return fail(std::move(free.error()));
  if (auto free = refuse_existing(disk, partial); !free) return fail(std::move(free.error()));
  auto file = disk.open(partial, runtime::OpenMode::kCreate);
  if (!file) return fail(std::move(file.error()));
  auto report = Members(**file, source, progress).write();
  file->reset();
  Result<void> ended;
  if (!report) ended = fail(std::move(report.error()));
  if (ended) ended = refuse_existing(disk, path);
  if (ended) ended = disk.rename(partial, path);
  if (!ended) {
    // The error stands as it is, whether or not the file can be removed.
    static_cast<void>(disk.remove(partial));
    return fail(std::move(ended.error()));
  }
  if (auto synced = disk.sync_directory(runtime::parent_directory(path)); !synced)
    return fail(std::move(synced.error()));
  return report;
}

}  // namespace aerodb::engine
