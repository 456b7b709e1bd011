#include "tests/sim/runtime/process_disk.h"

#include "tests/sim/runtime/process.h"

namespace aerodb::sim {
namespace {

using Call = SimProcess::Call;

// Waits, if a Job asks, then passes the gate of the process.
Result<void> enter(SimProcess& process, Call call, uint64_t bytes = 0) {
  const SimOptions& options = process.world().options();
  const bool slow = call == Call::kSync || call == Call::kSyncDirectory;
  process.sim_jobs().pause(slow ? options.sync_delay_us : options.disk_delay_us);
  return process.enter_call(call, bytes);
}

class ProcessFile final : public runtime::File {
 public:
  ProcessFile(SimProcess& process, NodePointer node, bool writable)
      : process_(process), node_(std::move(node)), writable_(writable) {}

  Result<size_t> read(uint64_t offset, std::span<uint8_t> out) override {
    if (auto entered = enter(process_, Call::kRead, out.size()); !entered) return fail(std::move(entered.error()));
    return process_.machine().disk().read(*node_, offset, out);
  }

  Result<void> write(uint64_t offset, ByteSpan data) override {
    if (!writable_) return fail(ErrorCode::kIo, "write: opened for reading");
    SimProcess::PendingWrite pending{node_, offset, data};
    process_.begin_write(pending);
    auto entered = enter(process_, Call::kWrite, data.size());
    process_.end_write(pending);
    if (!entered) return entered;
    process_.world().trace_bytes(process_.owner(), data);
    return process_.machine().disk().write(node_, offset, data);
  }

  Result<void> sync() override {
    if (auto entered = enter(process_, Call::kSync); !entered) return entered;
    return process_.machine().disk().sync(node_);
  }

  Result<uint64_t> size() override {
    if (auto entered = enter(process_, Call::kSize); !entered) return fail(std::move(entered.error()));
    return node_->content.size();
  }

  Result<void> fill_zero(uint64_t size_bytes) override {
    if (!writable_) return fail(ErrorCode::kIo, "fill: opened for reading");
    if (auto entered = enter(process_, Call::kFillZero, size_bytes); !entered) return entered;
    return process_.machine().disk().fill_zero(node_, size_bytes);
  }

 private:
  SimProcess& process_;
  NodePointer node_;
  bool writable_;
};

class ProcessLock final : public runtime::DirectoryLock {
 public:
  ProcessLock(Owner owner, NodePointer directory) : owner_(owner), directory_(std::move(directory)) {}
  // After the death of its process another one may hold the lock.
  ~ProcessLock() override {
    if (directory_->lock_owner == owner_) directory_->lock_owner = kWorld;
  }

 private:
  Owner owner_;
  NodePointer directory_;
};

}  // namespace

Result<std::unique_ptr<runtime::File>> ProcessDisk::open(const std::string& path, runtime::OpenMode mode) {
  if (auto entered = enter(process_, Call::kOpen); !entered) return fail(std::move(entered.error()));
  auto node = process_.machine().disk().open(path, mode);
  if (!node) return fail(std::move(node.error()));
  return std::make_unique<ProcessFile>(process_, std::move(*node), mode != runtime::OpenMode::kRead);
}

Result<void> ProcessDisk::make_directory(const std::string& path) {
  if (auto entered = enter(process_, Call::kMakeDirectory); !entered) return entered;
  return process_.machine().disk().make_directory(path);
}

Result<void> ProcessDisk::sync_directory(const std::string& path) {
  if (auto entered = enter(process_, Call::kSyncDirectory); !entered) return entered;
  return process_.machine().disk().sync_directory(path);
}

Result<void> ProcessDisk::rename(const std::string& from, const std::string& to) {
  if (auto entered = enter(process_, Call::kRename); !entered) return entered;
  return process_.machine().disk().rename(from, to);
}

Result<void> ProcessDisk::remove(const std::string& path) {
  if (auto entered = enter(process_, Call::kRemove); !entered) return entered;
  return process_.machine().disk().remove(path);
}

Result<void> ProcessDisk::link(const std::string& existing, const std::string& made) {
  if (auto entered = enter(process_, Call::kLink); !entered) return entered;
  return process_.machine().disk().link(existing, made);
}

Result<bool> ProcessDisk::exists(const std::string& path) {
  if (auto entered = enter(process_, Call::kExists); !entered) return fail(std::move(entered.error()));
  return process_.machine().disk().exists(path);
}

Result<std::vector<std::string>> ProcessDisk::list(const std::string& path) {
  if (auto entered = enter(process_, Call::kList); !entered) return fail(std::move(entered.error()));
  return process_.machine().disk().list(path);
}

Result<std::unique_ptr<runtime::DirectoryLock>> ProcessDisk::lock(const std::string& directory) {
  if (auto entered = enter(process_, Call::kLock); !entered) return fail(std::move(entered.error()));
  auto node = process_.machine().disk().lock(directory, process_.owner());
  if (!node) return fail(std::move(node.error()));
  return std::make_unique<ProcessLock>(process_.owner(), std::move(*node));
}

Result<bool> ProcessDisk::locked(const std::string& directory) {
  if (auto entered = enter(process_, Call::kLock); !entered) return fail(std::move(entered.error()));
  return process_.machine().disk().locked(directory);
}

}  // namespace aerodb::sim
