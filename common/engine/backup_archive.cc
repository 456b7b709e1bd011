#include "common/engine/backup_archive.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/base/checksum.h"

namespace aerodb::engine {
namespace {

constexpr size_t kPieceBytes = 1u << 20;

std::unexpected<Error> bad(std::string what) { return fail(ErrorCode::kBackupDamaged, std::move(what)); }

// Which member may come next, and how large it may be.
class Order {
 public:
  Result<uint64_t> bound_of(const std::string& name) {
    if (members_++ >= kMaxMembers) return bad(fmt::format("more than {} members", kMaxMembers));
    switch (stage_) {
      case Stage::kBackup:
        return only(name, kBackupMember, Stage::kManifest, kMaxBackupMemberBytes);
      case Stage::kManifest:
        return only(name, kManifestMember, Stage::kLog, store::kMaxManifestBytes);
      case Stage::kLog:
        if (name == log_member(log_members_ + 1)) {
          log_members_ += 1;
          return kMaxLogMemberBytes;
        }
        [[fallthrough]];
      case Stage::kRuns:
        if (is_run(name)) {
          stage_ = Stage::kRuns;
          return kMaxNumber;
        }
        return only(name, kListMember, Stage::kEnd, kMaxListBytes);
      case Stage::kEnd:
        break;
    }
    return bad(fmt::format("{} stands behind {}", name, kListMember));
  }
  [[nodiscard]] bool complete() const { return stage_ == Stage::kEnd; }

 private:
  enum class Stage : uint8_t { kBackup, kManifest, kLog, kRuns, kEnd };
  Result<uint64_t> only(const std::string& name, std::string_view expected, Stage next, uint64_t bound) {
    if (name != expected) return bad(fmt::format("expected {}, found {}", expected, name));
    stage_ = next;
    return bound;
  }
  static bool is_run(const std::string& name) {
    constexpr std::string_view kFolder = "runs/";
    if (!name.starts_with(kFolder)) return false;
    const auto number = store::run_number_of(std::string_view(name).substr(kFolder.size()));
    return number && run_member(*number) == name;
  }
  Stage stage_ = Stage::kBackup;
  uint64_t log_members_ = 0;
  size_t members_ = 0;
};

// One pass over the whole file: each member is read, hashed, and written once more against the file's own bytes, so
// that headers, padding and the end mark are proven too.
class Pass {
 public:
  Pass(runtime::File& file, std::string path, const ProgressFunction& progress)
      : file_(file), path_(std::move(path)), check_(file), again_(check_), progress_(progress) {}

  Result<void> run(archive::MemberDisk& files) {
    auto size = file_.size();
    if (!size) return fail(std::move(size.error()));
    size_ = *size;
    auto tar = archive::TarReader::open(file_, path_);
    if (!tar) return fail(behind(std::move(tar.error())));
    while (true) {
      auto member = (*tar)->next();
      if (!member) return fail(behind(std::move(member.error())));
      if (!*member) break;
      if (auto taken = take(**tar, **member); !taken) return taken;
      files.add(**member);
    }
    if (!order_.complete()) return fail(behind({ErrorCode::kBackupDamaged, "the archive ends", {}}));
    if (auto same = compared(again_.finish()); !same) return same;
    if (again_.bytes_written() != size_)
      return fail(
          behind({ErrorCode::kBackupDamaged, fmt::format("{} bytes too many", size_ - again_.bytes_written()), {}}));
    return {};
  }

  std::vector<ListEntry> entries;  // LIST included
  Bytes backup, manifest, list;    // contents

 private:
  Result<void> take(archive::TarReader& tar, const archive::TarMember& member) {
    auto bound = order_.bound_of(member.name);
    if (!bound) return fail(behind(std::move(bound.error())));
    places_.push_back({member.name, member.offset, member.offset + member.bytes});
    if (member.bytes > *bound) {
      return fail(behind({ErrorCode::kBackupDamaged,
                          fmt::format("{} has {} bytes, at most {}", member.name, member.bytes, *bound),
                          {}}));
    }
    if (auto same = compared(again_.begin(member.name, member.bytes)); !same) return same;
    Bytes* content = content_of(member.name);
    Sha256Stream hash;
    Bytes piece(std::min<uint64_t>(kPieceBytes, member.bytes));
    for (uint64_t left = member.bytes; left > 0;) {
      auto count = tar.read(piece);
      if (!count) return fail(behind(std::move(count.error())));
      if (*count == 0 || *count > left) return fail(behind({ErrorCode::kBackupDamaged, "its size is another", {}}));
      const auto bytes = ByteSpan(piece).first(*count);
      hash.update(bytes);
      if (content != nullptr) content->insert(content->end(), bytes.begin(), bytes.end());
      if (auto same = compared(again_.add(bytes)); !same) return same;
      left -= *count;
      if (progress_) progress_(member.offset + member.bytes - left, size_);
    }
    entries.push_back({member.name, member.bytes, hash.finish()});
    return {};
  }

  Bytes* content_of(const std::string& name) {
    return name == kBackupMember     ? &backup
           : name == kManifestMember ? &manifest
           : name == kListMember     ? &list
                                     : nullptr;
  }

  // A difference is named by the place it lies in.
  Result<void> compared(Result<void> result) {
    if (result || !check_.difference()) return result;
    const uint64_t at = *check_.difference();
    std::string place = "the end mark";
    for (auto found = places_.rbegin(); found != places_.rend() && at < round_up(found->end, 512); ++found) {
      place = at < found->begin ? "the header of " + found->name
              : at < found->end ? found->name
                                : "the padding behind " + found->name;
    }
    return fail(Error{ErrorCode::kBackupDamaged,
                      fmt::format("backup {}: {} is not what a backup has at byte {}", path_, place, at),
                      {}}
                    .with("member", place)
                    .with("offset", at));
  }

  // Trouble found where the last member begun lies, or behind it.
  Error behind(Error error) const {
    const std::string last = places_.empty() ? "its beginning" : places_.back().name;
    error.message = fmt::format("backup {}: behind {}: {}", path_, last, error.message);
    return std::move(error).with("member", last);
  }

  struct Place {
    std::string name;
    uint64_t begin;  // of the content
    uint64_t end;
  };
  runtime::File& file_;
  std::string path_;
  archive::TarCheck check_;
  archive::TarWriter again_;
  const ProgressFunction& progress_;
  Order order_;
  std::vector<Place> places_;
  uint64_t size_ = 0;
};

}  // namespace

BackupArchive::BackupArchive(runtime::Disk& disk, std::string path) : path_(std::move(path)), files_(disk, path_) {}

Error BackupArchive::damaged(std::string_view member, Error error) const {
  const bool own =
      error.code == ErrorCode::kIo || error.code == ErrorCode::kNewerFormat || error.code == ErrorCode::kMemoryFull;
  if (!own) error.code = ErrorCode::kBackupDamaged;
  error.message = fmt::format("backup {}: {}: {}", path_, member, error.message);
  return std::move(error).with("member", member);
}

Result<std::unique_ptr<BackupArchive>> BackupArchive::open(runtime::Disk& disk, const std::string& path,
                                                           const ProgressFunction& progress) {
  auto file = disk.open(path, runtime::OpenMode::kRead);
  if (!file) return fail(std::move(file.error()));
  auto backup = std::unique_ptr<BackupArchive>(new BackupArchive(disk, path));
  Pass pass(**file, path, progress);
  if (auto passed = pass.run(backup->files_); !passed) return fail(std::move(passed.error()));
  pass.entries.pop_back();
  backup->entries_ = std::move(pass.entries);

  auto listed = decode_list(as_text(pass.list));
  if (!listed) return fail(backup->damaged(kListMember, std::move(listed.error())));
  if (auto same = backup->check_members(*listed); !same) return fail(std::move(same.error()));
  auto info = decode_backup_info(as_text(pass.backup));
  if (!info) return fail(backup->damaged(kBackupMember, std::move(info.error())));
  backup->info_ = std::move(*info);
  if (!pass.manifest.empty()) {
    auto manifest = store::decode_manifest(pass.manifest, std::string(kManifestMember));
    if (!manifest) return fail(backup->damaged(kManifestMember, std::move(manifest.error())));
    backup->manifest_ = std::move(*manifest);
  }
  if (auto fits = backup->check_runs(); !fits) return fail(backup->damaged(kManifestMember, std::move(fits.error())));
  return backup;
}

Result<void> BackupArchive::check_members(const std::vector<ListEntry>& listed) {
  for (size_t i = 0; i < std::max(listed.size(), entries_.size()); ++i) {
    if (i >= listed.size()) return fail(damaged(entries_[i].name, {ErrorCode::kBackupDamaged, "LIST lacks it", {}}));
    if (i >= entries_.size()) return fail(damaged(listed[i].name, {ErrorCode::kBackupDamaged, "it is missing", {}}));
    if (listed[i] == entries_[i]) continue;
    Error error{ErrorCode::kBackupDamaged, "its name, size or SHA-256 is not the one in LIST", {}};
    return fail(
        damaged(entries_[i].name,
                std::move(error).with("expected", to_hex(listed[i].sha256)).with("found", to_hex(entries_[i].sha256))));
  }
  return {};
}

// The manifest belongs to BACKUP, and its runs are the members.
Result<void> BackupArchive::check_runs() const {
  if (manifest_.lsn != info_.manifest_lsn || manifest_.commit != info_.manifest_commit)
    return bad("its position is not the one in BACKUP");
  if (manifest_.number != 0 && (manifest_.cluster != info_.cluster || manifest_.segment_sequence != 0))
    return bad("it is of another cluster, or places itself in a ring");
  auto member = std::ranges::find_if(entries_, [](const auto& entry) { return entry.name.starts_with("runs/"); });
  for (const auto& run : manifest_.runs) {
    const bool same = member != entries_.end() && member->name == run_member(run.number) &&
                      member->bytes == run.bytes && member->sha256 == run.sha256;
    if (!same) return bad(fmt::format("its run {} is not the member in that place", run.number));
    ++member;
  }
  if (member != entries_.end()) return bad(fmt::format("it does not name {}", member->name));
  return {};
}

Result<void> BackupArchive::read_log(const Visit& visit) {
  Continuity continuity(info_.cluster, info_.manifest_lsn, info_.manifest_commit, manifest_.chain);
  for (const auto& member : entries_) {
    if (!member.name.starts_with("log/")) continue;
    if (auto read = read_log_member(member, continuity, visit); !read) return read;
  }
  if (continuity.lsn() == info_.end_lsn && continuity.commit() == info_.end_commit &&
      continuity.chain() == info_.end_chain)
    return {};
  return fail(damaged(kBackupMember,
                      {ErrorCode::kBackupDamaged,
                       fmt::format("it says that the log ends at LSN {}, commit {}, chain {}, and it ends at LSN {}, "
                                   "commit {}, chain {}",
                                   info_.end_lsn.value(), info_.end_commit.value(), to_hex(info_.end_chain),
                                   continuity.lsn().value(), continuity.commit().value(), to_hex(continuity.chain())),
                       {}}));
}

Result<void> BackupArchive::read_log_member(const ListEntry& member, Continuity& continuity, const Visit& visit) {
  auto content = runtime::read_file(files_, path_ + "/" + member.name, kMaxLogMemberBytes);
  if (!content) return fail(damaged(member.name, std::move(content.error())));
  ByteSpan rest = *content;
  if (rest.empty()) return fail(damaged(member.name, {ErrorCode::kBackupDamaged, "it holds no record", {}}));
  while (!rest.empty()) {
    auto record = wal::read_record(rest);
    if (!record) return fail(damaged(member.name, std::move(record.error())));
    if (auto taken = continuity.take(*record); !taken) return fail(damaged(member.name, std::move(taken.error())));
    if (auto visited = visit(*record); !visited) return fail(damaged(member.name, std::move(visited.error())));
    rest = rest.subspan(record->bytes.size());
  }
  return {};
}

}  // namespace aerodb::engine
