// A file written from its beginning in pieces of at most kSyncEveryBytes, each synced before the next, so that syncs of
// the log never wait long behind it. Blocking.
#pragma once

#include <functional>
#include <memory>

#include "common/runtime/disk.h"

namespace aerodb::store {

class PacedFile {
 public:
  // after_sync(bytes synced so far), where given; may sleep.
  PacedFile(std::unique_ptr<runtime::File> file, std::function<void(uint64_t written)> after_sync)
      : file_(std::move(file)), after_sync_(std::move(after_sync)) {}
  [[nodiscard]] Result<void> append(ByteSpan bytes);
  // Writes and syncs what is still held back.
  [[nodiscard]] Result<void> flush();
  // Begins again at the start of the file; what lies there is overwritten. Requires that nothing is held back.
  void rewind();
  [[nodiscard]] uint64_t size() const { return written_ + held_.size(); }
  [[nodiscard]] runtime::File& file() { return *file_; }

 private:
  [[nodiscard]] Result<void> write_held();
  [[nodiscard]] Result<void> sync_written();
  std::unique_ptr<runtime::File> file_;
  std::function<void(uint64_t written)> after_sync_;
  Bytes held_;
  uint64_t written_ = 0;
  bool synced_ = true;  // all that is written
};

}  // namespace aerodb::store
