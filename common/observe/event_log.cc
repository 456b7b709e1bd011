#include "common/observe/event_log.h"

#include <algorithm>
#include <utility>

#include "common/base/assert.h"
#include "common/observe/event_json.h"

namespace aerodb::observe {
namespace {

constexpr std::string_view kCurrent = "/events.jsonl";
constexpr std::string_view kPrevious = "/events.1.jsonl";
// Holds far more than the events kept in memory; the rest of a file is not read at start.
constexpr uint64_t kTailBytes = 4ull << 20;

struct Tail {
  std::string text;
  uint64_t file_bytes = 0;
};

// The end of a file; empty where there is no such file.
Result<Tail> read_tail(runtime::Disk& disk, const std::string& path) {
  Tail tail;
  auto exists = disk.exists(path);
  if (!exists) return fail(std::move(exists.error()));
  if (!*exists) return tail;
  auto file = disk.open(path, runtime::OpenMode::kRead);
  if (!file) return fail(std::move(file.error()));
  auto size = (*file)->size();
  if (!size) return fail(std::move(size.error()));
  tail.file_bytes = *size;
  tail.text.resize(std::min(*size, kTailBytes));
  auto count =
      (*file)->read(*size - tail.text.size(), {reinterpret_cast<uint8_t*>(tail.text.data()), tail.text.size()});
  if (!count) return fail(std::move(count.error()));
  tail.text.resize(*count);
  return tail;
}

}  // namespace

struct EventLog::Batch {
  std::string directory;
  std::string text;
  std::vector<Event> events;
  uint64_t offset = 0;
  bool replace = false;  // the current file becomes the previous one first
  Result<void> result;

  Result<void> write(runtime::Disk& disk) const {
    const std::string path = directory + std::string(kCurrent);
    if (replace) {
      if (auto renamed = disk.rename(path, directory + std::string(kPrevious)); !renamed) return renamed;
    }
    auto file = disk.open(path, runtime::OpenMode::kAppend);
    if (!file) return fail(std::move(file.error()));
    if (auto written = (*file)->write(offset, as_bytes(text)); !written) return written;
    if (auto synced = (*file)->sync(); !synced) return synced;
    // A file just made is found after a crash only if its directory entry is durable too.
    return offset == 0 ? disk.sync_directory(directory) : Result<void>{};
  }
};

EventLog::EventLog(runtime::Runtime& runtime, std::string directory, EventLogOptions options)
    : runtime_(runtime),
      directory_(std::move(directory)),
      options_(options),
      alive_(std::make_shared<const bool>(true)) {}

EventLog::~EventLog() = default;

Result<void> EventLog::load(runtime::Disk& disk) {
  AERODB_ASSERT(!loaded_);
  auto previous = read_tail(disk, directory_ + std::string(kPrevious));
  if (!previous) return fail(std::move(previous.error()));
  auto current = read_tail(disk, directory_ + std::string(kCurrent));
  if (!current) return fail(std::move(current.error()));
  absorb(previous->text, previous->text.size() == previous->file_bytes);
  absorb(current->text, current->text.size() == current->file_bytes);
  // A process killed before its sync leaves lines in the page cache alone: durable before they are shown.
  if (current->file_bytes > 0) {
    auto file = disk.open(directory_ + std::string(kCurrent), runtime::OpenMode::kReadWrite);
    if (!file) return fail(std::move(file.error()));
    if (auto synced = (*file)->sync(); !synced) return synced;
    if (auto synced = disk.sync_directory(directory_); !synced) return synced;
  }
  file_bytes_ = current->file_bytes;
  ends_in_line_ = current->text.empty() || current->text.back() == '\n';
  durable_number_ = last_number_;
  loaded_ = true;
  return {};
}

void EventLog::absorb(std::string_view text, bool whole) {
  if (!whole) text.remove_prefix(std::min(text.find('\n'), text.size()));
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    if (end > 0) absorb_line(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

void EventLog::absorb_line(std::string_view line) {
  auto event = parse_event(line);
  if (!event || event->number <= last_number_) {
    if (unread_.lines == 0) unread_.after_number = last_number_;
    ++unread_.lines;
    unread_.bytes += line.size();
    return;
  }
  // What could not be read before this event is what it reports.
  if (event->name == event_row(EventId::kEventLogTorn).name) unread_ = {};
  last_number_ = event->number;
  keep(std::move(*event));
}

void EventLog::keep(Event event) {
  kept_.push_back(std::move(event));
  if (kept_.size() > options_.kept) kept_.pop_front();
}

void EventLog::record(EventId id, std::initializer_list<LogField> fields) {
  AERODB_ASSERT(loaded_);
  if (unread_.lines > 0) {
    const Unread unread = std::exchange(unread_, {});
    record(EventId::kEventLogTorn,
           {{"lines", unread.lines}, {"bytes", unread.bytes}, {"after_number", unread.after_number}});
  }
  const EventRow& row = event_row(id);
  const auto names = event_fields(row);
  AERODB_ASSERT(std::ranges::equal(names, fields, {}, {}, &LogField::key));
  runtime_.log().write(row.level, row.name, fields);
  if (error_) return;
  if (pending_text_.size() >= options_.max_pending_bytes) {
    ++dropped_;
    ++dropped_unreported_;
    return;
  }
  append(id, fields);
  if (!writing_) start_batch();
}

void EventLog::append(EventId id, std::initializer_list<LogField> fields) {
  auto rendered = render_event(++last_number_, runtime_.clock().wall_us(), event_row(id).name, fields);
  pending_events_.push_back(std::move(rendered.event));
  pending_text_ += rendered.line;
}

void EventLog::start_batch() {
  auto batch = std::make_shared<Batch>();
  batch->directory = directory_;
  batch->replace = file_bytes_ > 0 && file_bytes_ + pending_text_.size() > options_.max_file_bytes;
  batch->offset = batch->replace ? 0 : file_bytes_;
  if (!ends_in_line_ && !batch->replace) batch->text = "\n";
  batch->text += pending_text_;
  batch->events = std::move(pending_events_);
  pending_text_.clear();
  pending_events_.clear();
  ends_in_line_ = true;
  file_bytes_ = batch->offset + batch->text.size();
  writing_ = true;
  runtime_.jobs().run([batch](runtime::Disk& disk) { batch->result = batch->write(disk); },
                      [this, batch, alive = std::weak_ptr<const bool>(alive_)] {
                        if (!alive.expired()) finish_batch(*batch);
                      });
}

void EventLog::finish_batch(Batch& batch) {
  writing_ = false;
  if (!batch.result) {
    error_ = std::move(batch.result.error());
    pending_events_.clear();
    pending_text_.clear();
    runtime_.log().write(LogLevel::kError, "events_not_durable",
                         {{"directory", directory_}, {"after_number", durable_number_}, {"message", error_->message}});
  } else {
    durable_number_ = batch.events.back().number;
    for (Event& event : batch.events) keep(std::move(event));
    if (dropped_unreported_ > 0) {
      const uint64_t count = std::exchange(dropped_unreported_, 0);
      append(EventId::kEventsDropped, {{"count", count}});
    }
    if (!pending_events_.empty()) start_batch();
  }
  release_waiters();
}

void EventLog::flush(runtime::Callback done) {
  // Before a load that succeeded nothing was recorded, whatever it has read.
  if (!loaded_ || error_ || durable_number_ == last_number_) {
    runtime_.loop().post(std::move(done));
  } else {
    waiters_.push_back({last_number_, std::move(done)});
  }
}

void EventLog::release_waiters() {
  while (!waiters_.empty() && (error_ || waiters_.front().number <= durable_number_)) {
    runtime_.loop().post(std::move(waiters_.front().done));
    waiters_.pop_front();
  }
}

std::vector<Event> EventLog::recent(uint64_t after_number, size_t limit) const {
  auto first = std::ranges::upper_bound(kept_, after_number, {}, &Event::number);
  const auto count = std::min(limit, static_cast<size_t>(kept_.end() - first));
  return {first, first + static_cast<ptrdiff_t>(count)};
}

}  // namespace aerodb::observe
