// Serves records by LSN: from memory where the newest frames hold them, from the segment files through a Job otherwise.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "common/runtime/jobs.h"
#include "common/wal/writer.h"

namespace aerodb::wal {

struct Records {
  Lsn first_lsn;
  uint32_t count = 0;
  Bytes bytes;  // whole records, verbatim
};

// Thread: the loop's. The writer must outlive the reader.
class Reader {
 public:
  // `places`: what recovery found on disk.
  Reader(Writer& writer, runtime::Jobs& jobs, std::string data_dir, Places places);
  ~Reader();
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  // Records from `from` on, at most max_bytes unless the first alone is larger, none above the durable boundary.
  // Requires 1 <= from <= durable. `done` may run before this returns. LOG_RELEASED where the ring no longer holds
  // them.
  void read(Lsn from, uint64_t max_bytes, std::move_only_function<void(Result<Records>)> done);
  // The same from the segment files alone, whatever memory holds.
  void read_files(Lsn from, uint64_t max_bytes, std::move_only_function<void(Result<Records>)> done);
  // Oldest LSN that the ring still holds.
  [[nodiscard]] Lsn first_lsn() const { return places_.first_lsn(); }
  // The segment that holds a durable record; 0 where the ring holds it no longer, or not yet.
  [[nodiscard]] uint64_t segment_of(Lsn lsn) const;
  // Whether a Job reads segment files; and who is told when none does any more.
  [[nodiscard]] bool reading() const { return jobs_under_way_ > 0; }
  void on_idle(std::function<void()> callback) { on_idle_ = std::move(callback); }

 private:
  void note(const FramePlace& place);
  Writer& writer_;
  runtime::Jobs& jobs_;
  std::string data_dir_;
  Places places_;
  uint32_t jobs_under_way_ = 0;
  std::function<void()> on_idle_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace aerodb::wal
