#include "tests/sim/runtime/log_device.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "tests/sim/runtime/process.h"

namespace aerodb::sim {

struct SimLogDevice::Operation {
  SimProcess::PendingWrite pending;
  Result<void> result;
  std::move_only_function<void(Result<void>)> done;
  bool used = false;
};

SimLogDevice::SimLogDevice(SimProcess& process) : process_(process) {}
SimLogDevice::~SimLogDevice() = default;

Result<void> SimLogDevice::open(const std::vector<std::string>& paths) {
  if (in_flight_ > 0) process_.world().violation(fmt::format("{}: log opened during a write", process_.name()));
  std::vector<NodePointer> slots;
  for (const std::string& path : paths) {
    if (auto entered = process_.enter_call(SimProcess::Call::kLogOpen, 0); !entered) return entered;
    auto node = process_.machine().disk().open(path, runtime::OpenMode::kReadWrite);
    if (!node) return fail(std::move(node.error()));
    slots.push_back(std::move(*node));
  }
  slots_ = std::move(slots);
  return {};
}

SimLogDevice::Operation& SimLogDevice::make_operation() {
  auto free = std::ranges::find_if(operations_, [](const auto& operation) { return !operation->used; });
  if (free == operations_.end()) free = operations_.insert(operations_.end(), std::make_unique<Operation>());
  (*free)->used = true;
  (*free)->result = {};
  return **free;
}

void SimLogDevice::submit(uint32_t slot, uint64_t offset, ByteSpan data, runtime::Completion completion,
                          std::move_only_function<void(Result<void>)> done) {
  if (!process_.alive()) return;
  SimWorld& world = process_.world();
  if (slot >= slots_.size()) return world.violation(fmt::format("{}: log write to slot {}", process_.name(), slot));
  if (in_flight_ > 0) world.violation(fmt::format("{}: second frame unsynced", process_.name()));
  Operation& operation = make_operation();
  operation.pending = {slots_[slot], offset, data};
  operation.done = std::move(done);
  ++in_flight_;
  process_.begin_write(operation.pending);
  if (completion == runtime::Completion::kInline && world.random().below(100) < world.options().inline_percent) {
    write(operation);
    if (operation.result) sync(operation);
    if (process_.alive()) finish(operation);
    return;
  }
  world.schedule(world.pick(world.options().disk_delay_us), EventKind::kLogWrite, process_.owner(), [this, &operation] {
    write(operation);
    SimWorld& same = process_.world();
    const SimOptions& options = same.options();
    if (!operation.result) {
      same.schedule(same.pick(options.turn_delay_us), EventKind::kLogDone, process_.owner(),
                    [this, &operation] { finish(operation); });
      return;
    }
    same.schedule(same.pick(options.sync_delay_us), EventKind::kLogSync, process_.owner(), [this, &operation] {
      sync(operation);
      SimWorld& world_again = process_.world();
      world_again.schedule(world_again.pick(world_again.options().turn_delay_us), EventKind::kLogDone, process_.owner(),
                           [this, &operation] { finish(operation); });
    });
  });
}

void SimLogDevice::write(Operation& operation) {
  const auto& pending = operation.pending;
  operation.result = process_.enter_call(SimProcess::Call::kLogWrite, pending.data.size());
  process_.end_write(operation.pending);
  if (!operation.result) return;
  process_.world().trace_bytes(process_.owner(), pending.data);
  operation.result = process_.machine().disk().write(pending.node, pending.offset, pending.data);
}

void SimLogDevice::sync(Operation& operation) {
  operation.result = process_.enter_call(SimProcess::Call::kLogSync, 0);
  if (operation.result) operation.result = process_.machine().disk().sync(operation.pending.node);
}

void SimLogDevice::finish(Operation& operation) {
  auto done = std::exchange(operation.done, nullptr);
  auto result = std::move(operation.result);
  operation.pending = {};
  operation.used = false;
  --in_flight_;
  done(std::move(result));
}

void SimLogDevice::abandon() {
  for (const auto& operation : operations_) process_.end_write(operation->pending);
  auto dropped = std::exchange(operations_, {});
  in_flight_ = 0;
}

}  // namespace aerodb::sim
