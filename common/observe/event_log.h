// The durable event log of a data directory: DIR/events.jsonl, one JSON object a line, numbered from 1 without gaps.
//
// record() gives the event its number and never blocks; a Job appends and syncs what has come together, in order, one
// Job at a time. An event is shown by recent() only once it is durable, so that no number is ever seen twice. At
// max_file_bytes the file is renamed to events.1.jsonl, replacing the older one.
//
// What can go wrong:
//   - a torn end after a crash: load() skips what it can't read, goes on after the highest number, and the first
//   record()
//     reports it as event_log_torn; the unread bytes stay in the file.
//   - a failed write or sync: never retried. Nothing more is written until the next start; later events reach the
//     process's log on stderr alone. error() says so.
//   - events faster than the disk (a hostile peer can cause refusals): beyond max_pending_bytes they are dropped before
//     they get a number, counted, and reported as events_dropped.
//
// Thread: the loop's.
#pragma once

#include <deque>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/base/error.h"
#include "common/observe/events.h"
#include "common/runtime/runtime.h"

namespace aerodb::observe {

struct EventLogOptions {
  uint64_t max_file_bytes = 64ull << 20;
  uint64_t max_pending_bytes = 4ull << 20;
  size_t kept = 1000;  // in memory, for observe.events
};

class EventLog {
 public:
  // `directory` must exist. The runtime must outlive this; Jobs under way may outlive it.
  EventLog(runtime::Runtime& runtime, std::string directory, EventLogOptions options = {});
  ~EventLog();
  EventLog(const EventLog&) = delete;
  EventLog& operator=(const EventLog&) = delete;

  // Reads where the log ends and makes that durable. Blocking; once, before the first record(). Uses `disk` and nothing
  // of the runtime: it may run in a Job, while nothing else touches this. IO where the disk fails.
  [[nodiscard]] Result<void> load(runtime::Disk& disk);

  // `fields` are exactly those of the event's row, in its order (assert). Also written to the process's log.
  void record(EventId id, std::initializer_list<LogField> fields);

  // Runs `done` in a later turn, once everything recorded so far is durable or can't become so.
  void flush(runtime::Callback done);

  // Durable events with a greater number, in order, at most `limit`; the oldest ones kept where more are asked for.
  [[nodiscard]] std::vector<Event> recent(uint64_t after_number, size_t limit) const;
  [[nodiscard]] uint64_t durable_number() const { return durable_number_; }
  [[nodiscard]] uint64_t dropped() const { return dropped_; }
  // The failed write or sync, if there was one.
  [[nodiscard]] const std::optional<Error>& error() const { return error_; }

 private:
  struct Batch;
  struct Waiter {
    uint64_t number;
    runtime::Callback done;
  };
  struct Unread {
    uint64_t lines = 0;
    uint64_t bytes = 0;
    uint64_t after_number = 0;
  };
  // Takes in the lines of one file's end. `whole`: the text begins at a line.
  void absorb(std::string_view text, bool whole);
  void absorb_line(std::string_view line);
  void keep(Event event);
  void append(EventId id, std::initializer_list<LogField> fields);
  void start_batch();
  void finish_batch(Batch& batch);
  void release_waiters();

  runtime::Runtime& runtime_;
  std::string directory_;
  EventLogOptions options_;
  bool loaded_ = false;
  Unread unread_;             // not reported yet
  bool ends_in_line_ = true;  // false: the file's last line lacks its newline
  uint64_t file_bytes_ = 0;
  uint64_t last_number_ = 0;     // given out
  uint64_t durable_number_ = 0;  // shown
  uint64_t dropped_ = 0;
  uint64_t dropped_unreported_ = 0;
  std::deque<Event> kept_;
  std::vector<Event> pending_events_;
  std::string pending_text_;
  bool writing_ = false;
  std::deque<Waiter> waiters_;  // by number
  std::optional<Error> error_;
  std::shared_ptr<const bool> alive_;  // a completion that finds it gone has no log to report to
};

}  // namespace aerodb::observe
