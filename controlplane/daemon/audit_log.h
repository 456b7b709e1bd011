// The audit log: AUDIT_DIR/audit.jsonl, one record a line, only ever appended to. Thread: the loop's.
//
// append() writes and syncs one record in a Job, one at a time, in the order asked for, and answers only then; a caller
// that waits for the answer before its next step keeps rule CTRL-4. The chain is in audit_record.h.
//
// What can go wrong:
//   - a torn end after a crash: the record was never answered, so nothing followed from it. At open() its bytes go to
//     torn-N.bin, and record N, torn_tail, names that file, its size and its hash. Kept bytes, no silent cut.
//   - the file does not verify, at open() or later: appending is refused with AUDIT_BROKEN; reading goes on.
//   - a write or sync fails: never retried. Appending is refused with AUDIT_UNAVAILABLE until the next start, since
//     nobody knows what reached the disk. Reading goes on.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/runtime/runtime.h"
#include "common/wire/messages_controlplane.h"
#include "controlplane/daemon/audit_record.h"
#include "controlplane/daemon/audit_verify.h"

namespace aerodb::controlplane {

struct AuditPlace {
  uint64_t number = 0;
  Sha256 head{};  // hash of that record's line
};

class AuditLog {
 public:
  // The runtime must outlive this; Jobs under way may outlive it, their callbacks then never run.
  AuditLog(runtime::Runtime& runtime, std::string directory);
  ~AuditLog();
  AuditLog(const AuditLog&) = delete;
  AuditLog& operator=(const AuditLog&) = delete;

  // Makes and locks the directory, verifies the file, sets a torn end aside. `done` gets IO or LOCKED where the log
  // can't even be read; a log that can be read but not appended to is open, see refusal(). Once.
  void open(std::move_only_function<void(Result<void>)> done);

  // Why nothing can be appended: AUDIT_BROKEN or AUDIT_UNAVAILABLE. nullopt: it can.
  [[nodiscard]] std::optional<Error> refusal() const { return refusal_; }

  // `done` runs in a later turn, once the record is durable, or with the refusal.
  void append(AuditEntry entry, std::move_only_function<void(Result<AuditPlace>)> done);

  // Records after place `after_number`, at most `limit` and 4 MiB of them, one at least where there is one. Places are
  // counted from 1; in a whole log they are the numbers of the records.
  void read(uint64_t after_number, uint32_t limit,
            std::move_only_function<void(Result<std::vector<wire::AuditRecordView>>)> done);

  // Reads the whole file again, between two appends; the head appended last must be in it. What is found ends
  // appending.
  void verify(std::move_only_function<void(Result<wire::AuditVerifyResponse>)> done);

  [[nodiscard]] uint64_t records() const { return line_ends_.size(); }
  [[nodiscard]] uint64_t bytes() const { return line_ends_.empty() ? 0 : line_ends_.back(); }
  [[nodiscard]] const Sha256& head() const { return head_; }

 private:
  struct Opening;
  struct Appending;
  using AppendDone = std::move_only_function<void(Result<AuditPlace>)>;

  void finish_open(Opening& opening);
  void enqueue(runtime::Callback step);
  void step_ended();
  void start_append(AuditEntry entry, AppendDone done);
  void finish_append(Appending& appending, AppendDone done);
  void break_log(const wire::AuditVerifyResponse& found);
  // Callbacks hold the duty to answer requests, so they are kept here and not in the runtime, which may drop what it
  // holds (at the end of a process) while the server is still there.
  [[nodiscard]] uint64_t keep(runtime::Callback callback);
  void run_kept(uint64_t id);
  // Runs `callback` in a later turn unless this is gone by then.
  void later(runtime::Callback callback);
  // A Job whose completion does not run when this is gone by then.
  void run_job(std::move_only_function<void(runtime::Disk&)> work, runtime::Callback done);

  runtime::Runtime& runtime_;
  std::string directory_;
  std::unique_ptr<runtime::DirectoryLock> lock_;
  std::optional<Error> refusal_;
  std::vector<uint64_t> line_ends_;  // of durable lines
  Sha256 head_{};
  bool stepping_ = false;  // an append or a verification is under way
  std::deque<runtime::Callback> steps_;
  uint64_t last_kept_ = 0;
  std::map<uint64_t, runtime::Callback> kept_;
  std::shared_ptr<const bool> alive_;
};

}  // namespace aerodb::controlplane
