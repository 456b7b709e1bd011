// Where frames become durable. One write in flight at most (rule WAL-3); the device says when it is on stable storage.
#pragma once

#include <functional>
#include <string>

#include "common/base/bytes.h"
#include "common/base/error.h"

namespace aerodb::runtime {

// How a write may be carried out. Inline saves two thread switches and is used while one connection is active.
enum class Completion : uint8_t {
  kLater,   // on the device's own thread; `done` runs in a later turn of the loop
  kInline,  // allowed to be carried out before submit() returns; `done` then runs inside submit()
};

class LogDevice {
 public:
  virtual ~LogDevice() = default;
  // Opens the segment files `paths`, slot i being paths[i], in place of those it had open. Blocking; before the first
  // submit, and again only while no write is in flight. Where it fails, what was open stays open.
  virtual Result<void> open(const std::vector<std::string>& paths) = 0;
  // Writes `data` at `offset` of slot `slot` and makes it durable. `data` must stay valid until `done` ran.
  // Requires that no write is in flight. `done` gets the error of the write or of the sync; neither is retried.
  virtual void submit(uint32_t slot, uint64_t offset, ByteSpan data, Completion completion,
                      std::move_only_function<void(Result<void>)> done) = 0;
};

}  // namespace aerodb::runtime
