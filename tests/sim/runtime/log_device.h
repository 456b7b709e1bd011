// The log device of one incarnation. A write is three events (write, sync, completion), between any two of which the
// process can die; or, inline, none.
//
// The real device asserts that one write is in flight at most. This one carries a second one out as well, independently
// of the first, and reports a violation, so that a seed can show what comes of it.
#pragma once

#include <memory>
#include <vector>

#include "common/runtime/log_device.h"
#include "tests/sim/runtime/disk.h"

namespace aerodb::sim {

class SimLogDevice final : public runtime::LogDevice {
 public:
  explicit SimLogDevice(SimProcess& process);
  ~SimLogDevice() override;
  Result<void> open(const std::vector<std::string>& paths) override;
  void submit(uint32_t slot, uint64_t offset, ByteSpan data, runtime::Completion completion,
              std::move_only_function<void(Result<void>)> done) override;
  void abandon();  // the process is dead: destroys the callbacks
  [[nodiscard]] size_t in_flight() const { return in_flight_; }

 private:
  struct Operation;
  void write(Operation& operation);
  void sync(Operation& operation);
  void finish(Operation& operation);
  Operation& make_operation();

  SimProcess& process_;
  std::vector<NodePointer> slots_;
  std::vector<std::unique_ptr<Operation>> operations_;  // reused
  size_t in_flight_ = 0;
};

}  // namespace aerodb::sim
