#include "controlplane/daemon/audit_log.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/base/assert.h"
#include "common/base/checksum.h"

namespace aerodb::controlplane {
namespace {

constexpr std::string_view kFileName = "audit.jsonl";
constexpr size_t kPieceBytes = 256 * 1024;
constexpr uint64_t kMaxReadBytes = 4ull << 20;

std::string file_path(const std::string& directory) { return fmt::format("{}/{}", directory, kFileName); }

std::string parent_of(std::string path) {
  while (path.size() > 1 && path.ends_with('/')) path.pop_back();
  const auto slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

// The findings of a file; those of an empty one where there is none.
Result<AuditFindings> scan(runtime::Disk& disk, const std::string& path, std::vector<Sha256> known_heads) {
  AuditVerifier verifier(std::move(known_heads));
  auto exists = disk.exists(path);
  if (!exists) return fail(std::move(exists.error()));
  if (!*exists) return verifier.finish();
  auto file = disk.open(path, runtime::OpenMode::kRead);
  if (!file) return fail(std::move(file.error()));
  Bytes piece(kPieceBytes);
  for (uint64_t offset = 0;;) {
    auto count = (*file)->read(offset, piece);
    if (!count) return fail(std::move(count.error()));
    if (*count == 0) return verifier.finish();
    verifier.feed(ByteSpan(piece).first(*count));
    offset += *count;
  }
}

Error unavailable(const Error& cause) {
  return Error{ErrorCode::kAuditUnavailable, fmt::format("audit log: {}", cause.message), cause.details};
}

// Moves a torn end into a file of its own and puts the record of it in its place. The file is replaced as a whole, so a
// crash leaves the torn file or the mended one, and in the first case this is done again.
Result<void> set_torn_end_aside(runtime::Disk& disk, const std::string& directory, uint64_t wall_us,
                                AuditFindings& found) {
  auto content = runtime::read_file(disk, file_path(directory), found.bytes);
  if (!content) return fail(std::move(content.error()));
  const auto torn = ByteSpan(*content).subspan(found.whole_bytes);
  const uint64_t number = found.response.records;  // the torn record never was one: its number is free
  const auto name = fmt::format("torn-{}.bin", number);
  if (auto kept = runtime::replace_file(disk, directory, name, torn); !kept) return kept;

  AuditEntry entry;
  entry.stage = AuditStage::kTornTail;
  entry.details = AuditDetails().text("file", name).number("bytes", torn.size()).bytes("sha256", sha256(torn)).finish();
  auto line = render_audit_record(number, wall_us, found.response.head, entry);
  if (!line) return fail(std::move(line.error()));
  content->resize(found.whole_bytes);
  const auto text = as_bytes(*line);
  content->insert(content->end(), text.begin(), text.end());
  content->push_back('\n');
  if (auto replaced = runtime::replace_file(disk, directory, std::string(kFileName), *content); !replaced) {
    return replaced;
  }
  found.response.head = sha256(text);
  found.line_ends.back() = content->size();
  return {};
}

}  // namespace

struct AuditLog::Opening {
  std::string directory;
  uint64_t wall_us = 0;
  Result<void> result;
  std::optional<Error> not_set_aside;
  std::unique_ptr<runtime::DirectoryLock> lock;
  AuditFindings found;
  std::move_only_function<void(Result<void>)> done;

  Result<void> work(runtime::Disk& disk) {
    if (auto made = disk.make_directory(directory); !made) return made;
    if (auto synced = disk.sync_directory(parent_of(directory)); !synced) return synced;
    auto locked = disk.lock(directory);
    if (!locked) return fail(std::move(locked.error()));
    lock = std::move(*locked);
    auto scanned = scan(disk, file_path(directory), {});
    if (!scanned) return fail(std::move(scanned.error()));
    found = std::move(*scanned);
    if (found.torn) {
      if (auto mended = set_torn_end_aside(disk, directory, wall_us, found); !mended) {
        not_set_aside = unavailable(mended.error());
      }
    } else if (found.bytes > 0) {
      // A process killed before its sync leaves the last line in the page cache alone.
      auto file = disk.open(file_path(directory), runtime::OpenMode::kReadWrite);
      if (!file) return fail(std::move(file.error()));
      if (auto synced = (*file)->sync(); !synced) return synced;
      return disk.sync_directory(directory);
    }
    return {};
  }
};

struct AuditLog::Appending {
  std::string directory;
  uint64_t offset = 0;
  std::string line;  // with its newline
  Result<void> result;

  Result<void> work(runtime::Disk& disk) const {
    auto file = disk.open(file_path(directory), runtime::OpenMode::kAppend);
    if (!file) return fail(unavailable(file.error()));
    auto size = (*file)->size();
    if (!size) return fail(unavailable(size.error()));
    if (*size != offset) {
      return fail(ErrorCode::kAuditBroken,
                  fmt::format("audit log: the file has {} bytes where this process wrote {}", *size, offset));
    }
    if (auto written = (*file)->write(offset, as_bytes(line)); !written) return fail(unavailable(written.error()));
    if (auto synced = (*file)->sync(); !synced) return fail(unavailable(synced.error()));
    if (offset > 0) return {};
    // A file just made is found after a crash only if its directory entry is durable too.
    if (auto synced = disk.sync_directory(directory); !synced) return fail(unavailable(synced.error()));
    return {};
  }
};

AuditLog::AuditLog(runtime::Runtime& runtime, std::string directory)
    : runtime_(runtime),
      directory_(std::move(directory)),
      refusal_(Error{ErrorCode::kAuditUnavailable, "audit log: not open", {}}),
      alive_(std::make_shared<const bool>(true)) {}

AuditLog::~AuditLog() = default;

uint64_t AuditLog::keep(runtime::Callback callback) {
  kept_.emplace(++last_kept_, std::move(callback));
  return last_kept_;
}

void AuditLog::run_kept(uint64_t id) {
  auto callback = std::move(kept_.extract(id).mapped());
  callback();
}

void AuditLog::later(runtime::Callback callback) {
  runtime_.loop().post([this, id = keep(std::move(callback)), alive = std::weak_ptr(alive_)] {
    if (!alive.expired()) run_kept(id);
  });
}

void AuditLog::run_job(std::move_only_function<void(runtime::Disk&)> work, runtime::Callback done) {
  runtime_.jobs().run(std::move(work), [this, id = keep(std::move(done)), alive = std::weak_ptr(alive_)] {
    if (!alive.expired()) run_kept(id);
  });
}

void AuditLog::open(std::move_only_function<void(Result<void>)> done) {
  auto opening = std::make_shared<Opening>();
  opening->directory = directory_;
  opening->wall_us = runtime_.clock().wall_us();
  opening->done = std::move(done);
  run_job([opening](runtime::Disk& disk) { opening->result = opening->work(disk); },
          [this, opening] { finish_open(*opening); });
}

void AuditLog::finish_open(Opening& opening) {
  auto done = std::move(opening.done);
  if (!opening.result) {
    done(std::move(opening.result));
    return;
  }
  lock_ = std::move(opening.lock);
  line_ends_ = std::move(opening.found.line_ends);
  head_ = opening.found.response.head;
  refusal_ = std::move(opening.not_set_aside);
  if (!opening.found.response.whole && !opening.found.torn) break_log(opening.found.response);
  done({});
}

void AuditLog::break_log(const wire::AuditVerifyResponse& found) {
  refusal_ = Error{ErrorCode::kAuditBroken,
                   fmt::format("audit log: record {}: {}", found.first_broken.value_or(0), found.why.value_or("")),
                   {}};
  refusal_->with("first_broken", found.first_broken.value_or(0));
}

void AuditLog::enqueue(runtime::Callback step) {
  if (stepping_) {
    steps_.push_back(std::move(step));
    return;
  }
  stepping_ = true;
  step();
}

void AuditLog::step_ended() {
  if (steps_.empty()) {
    stepping_ = false;
    return;
  }
  auto step = std::move(steps_.front());
  steps_.pop_front();
  step();
}

void AuditLog::append(AuditEntry entry, AppendDone done) {
  enqueue([this, entry = std::move(entry), done = std::move(done)]() mutable {
    start_append(std::move(entry), std::move(done));
  });
}

void AuditLog::start_append(AuditEntry entry, AppendDone done) {
  auto answer_later = [this](AppendDone answer, Error error) {
    later([this, answer = std::move(answer), error = std::move(error)]() mutable {
      step_ended();
      answer(fail(std::move(error)));
    });
  };
  if (refusal_) {
    answer_later(std::move(done), *refusal_);
    return;
  }
  auto line = render_audit_record(records() + 1, runtime_.clock().wall_us(), head_, entry);
  if (!line) {
    // This record can't be written, whatever the disk does; the log itself is sound.
    answer_later(std::move(done), unavailable(line.error()));
    return;
  }
  auto appending = std::make_shared<Appending>();
  appending->directory = directory_;
  appending->offset = bytes();
  appending->line = std::move(*line) + '\n';
  run_job([appending](runtime::Disk& disk) { appending->result = appending->work(disk); },
          [this, appending, done = std::move(done)]() mutable { finish_append(*appending, std::move(done)); });
}

void AuditLog::finish_append(Appending& appending, AppendDone done) {
  if (!appending.result) {
    refusal_ = std::move(appending.result.error());
    runtime_.log().write(LogLevel::kError, "audit_refused",
                         {{"code", std::string(refusal_->row().name)}, {"message", refusal_->message}});
    step_ended();
    done(fail(*refusal_));
    return;
  }
  head_ = sha256(as_bytes(std::string_view(appending.line).substr(0, appending.line.size() - 1)));
  line_ends_.push_back(appending.offset + appending.line.size());
  const AuditPlace place{records(), head_};
  step_ended();
  done(place);
}

void AuditLog::read(uint64_t after_number, uint32_t limit,
                    std::move_only_function<void(Result<std::vector<wire::AuditRecordView>>)> done) {
  struct Reading {
    std::string path;
    uint64_t first = 0;  // place of the first record wanted, counted from 0
    std::vector<uint64_t> ends;
    uint64_t begin = 0;
    Result<std::vector<wire::AuditRecordView>> result;

    Result<std::vector<wire::AuditRecordView>> work(runtime::Disk& disk) const {
      std::vector<wire::AuditRecordView> views;
      auto file = disk.open(path, runtime::OpenMode::kRead);
      if (!file) return fail(std::move(file.error()));
      uint64_t at = begin;
      for (uint64_t end : ends) {
        // A line beyond what a record may have is broken, and shown in part.
        std::string line(std::min<uint64_t>(end - at, kMaxAuditLineBytes), '\0');
        auto count = (*file)->read(at, {reinterpret_cast<uint8_t*>(line.data()), line.size()});
        if (!count) return fail(std::move(count.error()));
        line.resize(*count);
        if (line.ends_with('\n')) line.pop_back();
        views.push_back({first + views.size() + 1, audit_stage_of(line), std::move(line)});
        at = end;
      }
      return views;
    }
  };
  auto reading = std::make_shared<Reading>();
  reading->path = file_path(directory_);
  reading->first = std::min<uint64_t>(after_number, records());
  reading->begin = reading->first == 0 ? 0 : line_ends_[reading->first - 1];
  for (uint64_t place = reading->first; place < records() && reading->ends.size() < limit; ++place) {
    if (!reading->ends.empty() && line_ends_[place] - reading->begin > kMaxReadBytes) break;
    reading->ends.push_back(line_ends_[place]);
  }
  if (reading->ends.empty()) {
    later([done = std::move(done)]() mutable { done(std::vector<wire::AuditRecordView>{}); });
    return;
  }
  run_job([reading](runtime::Disk& disk) { reading->result = reading->work(disk); },
          [reading, done = std::move(done)]() mutable { done(std::move(reading->result)); });
}

void AuditLog::verify(std::move_only_function<void(Result<wire::AuditVerifyResponse>)> done) {
  struct Verifying {
    std::string path;
    Sha256 head{};
    Result<AuditFindings> result;
  };
  enqueue([this, done = std::move(done)]() mutable {
    auto verifying = std::make_shared<Verifying>();
    verifying->path = file_path(directory_);
    verifying->head = head_;
    run_job([verifying](runtime::Disk& disk) { verifying->result = scan(disk, verifying->path, {verifying->head}); },
            [this, verifying, done = std::move(done)]() mutable {
              step_ended();
              if (!verifying->result) {
                done(fail(std::move(verifying->result.error())));
                return;
              }
              auto& response = verifying->result->response;
              // A torn end after a failed append is what AUDIT_UNAVAILABLE already says.
              const bool own_failure = verifying->result->torn && refusal_;
              if (!response.whole && !own_failure) break_log(response);
              done(std::move(response));
            });
  });
}

}  // namespace aerodb::controlplane
