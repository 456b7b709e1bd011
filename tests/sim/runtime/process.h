// Machines and the processes that run on them. A SimProcess is one incarnation: it is created, hands out a Runtime and
// a Disk, and dies once; the next start is another SimProcess on the same machine.
//
// After its death every call on its handles fails with IO, its callbacks never run, its Jobs are run to their end with
// every Disk call failing, its locks are free and its connections are gone for their peers. Order for the owner:
// crash() (again, where alive() turned false by itself), destroy the objects built on it, destroy it. Callbacks that
// never ran are destroyed with it, after those objects, as at the end of a real process: what they own may tell a live
// server from one that is gone.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/runtime/runtime.h"
#include "tests/sim/runtime/disk.h"
#include "tests/sim/runtime/jobs.h"
#include "tests/sim/runtime/log_device.h"
#include "tests/sim/runtime/network.h"
#include "tests/sim/runtime/process_disk.h"

namespace aerodb::sim {

class SimMachine {
 public:
  SimMachine(SimWorld& world, uint32_t index, std::string name);
  [[nodiscard]] uint32_t index() const { return index_; }
  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] const std::string& address() const { return address_; }
  [[nodiscard]] SimDisk& disk() { return disk_; }
  // False from a power loss to the start of the next process: connects then time out instead of being refused.
  [[nodiscard]] bool up() const { return up_; }
  // All processes on it die, then the disk loses what it must.
  void power_loss();

  // For SimProcess.
  [[nodiscard]] const std::vector<SimProcess*>& processes() const { return processes_; }
  void enter(SimProcess& process);
  void leave(SimProcess& process);

 private:
  SimWorld& world_;
  uint32_t index_;
  std::string name_;
  std::string address_;
  SimDisk disk_;
  bool up_ = true;
  std::vector<SimProcess*> processes_;
};

struct ProcessOptions {
  std::string name;
  uint32_t uid = 1000;       // what peers see of it on Unix sockets
  int64_t wall_skew_us = 0;  // its wall clock minus the world's
  LogSink* log = nullptr;    // not owned; null: silent
};

class SimProcess final : public runtime::Runtime {
 public:
  SimProcess(SimMachine& machine, SimWorld& world, ProcessOptions options);
  ~SimProcess() override;  // an incarnation still alive ends like a process that exits: as by crash(kProcess)

  runtime::Loop& loop() override { return loop_; }
  runtime::Clock& clock() override { return clock_; }
  runtime::Random& random() override { return random_; }
  runtime::Network& network() override { return network_; }
  runtime::Jobs& jobs() override { return jobs_; }
  LogSink& log() override { return *log_; }
  runtime::LogDevice& log_device() override { return log_device_; }
  // For start-up and for files read on the loop: calls take no time. Within a Job the same handles yield.
  [[nodiscard]] runtime::Disk& blocking_disk() { return disk_; }

  // Dies now. Called again, or from within this process's own code, it only makes sure that what is left of it is
  // cleared away, at the latest before the next event.
  void crash(CrashKind kind);
  // Dies by itself at the `calls`-th disk or log call from now (1: the next), before that call does anything.
  void crash_at_call(uint64_t calls, CrashKind kind) { fuse_ = {calls, kind}; }
  // The `calls`-th disk or log call from now (1: the next) fails, once, whatever call it is; 0: none does. Nothing
  // comes of it on a machine whose disk is not faulty.
  void fail_at_call(uint64_t calls) { failing_call_ = calls; }
  [[nodiscard]] uint64_t disk_calls() const { return disk_calls_; }
  [[nodiscard]] bool alive() const { return alive_; }

  [[nodiscard]] const std::string& name() const { return options_.name; }
  [[nodiscard]] Owner owner() const { return owner_; }
  [[nodiscard]] uint32_t uid() const { return options_.uid; }
  [[nodiscard]] SimMachine& machine() { return machine_; }
  [[nodiscard]] SimWorld& world() { return world_; }
  void set_wall_skew(int64_t skew_us) { options_.wall_skew_us = skew_us; }

  // For the parts of this runtime.
  enum class Call : uint8_t {
    kOpen,
    kMakeDirectory,
    kSyncDirectory,
    kRename,
    kRemove,
    kLink,
    kExists,
    kList,
    kLock,
    kRead,
    kWrite,
    kSync,
    kSize,
    kFillZero,
    kLogOpen,
    kLogWrite,
    kLogSync,
  };
  // Every disk call passes here first: dead processes get IO, the fuse burns, and calls without a fault kind of their
  // own fail by kCallError.
  [[nodiscard]] Result<void> enter_call(Call call, uint64_t bytes);
  // A write under way, to be cut by a crash. Entries are pointers; the caller takes each back.
  struct PendingWrite {
    NodePointer node;
    uint64_t offset = 0;
    ByteSpan data;
  };
  void begin_write(PendingWrite& write) { pending_writes_.push_back(&write); }
  void end_write(PendingWrite& write) { std::erase(pending_writes_, &write); }
  SimJobs& sim_jobs() { return jobs_; }
  void die(CrashKind kind);  // the part of a crash that can't wait
  void reap();               // the part that needs the process's code off the stack
  void reap_when_safe();
  void bury(runtime::Callback callback) { buried_.push_back(std::move(callback)); }

 private:
  class LoopFace final : public runtime::Loop {
   public:
    explicit LoopFace(SimProcess& process) : process_(process) {}
    void post(runtime::Callback callback) override;
    runtime::TimerId after(uint64_t delay_us, runtime::Callback callback) override;
    void cancel(runtime::TimerId timer) override;

   private:
    SimProcess& process_;
  };
  class ClockFace final : public runtime::Clock {
   public:
    explicit ClockFace(SimProcess& process);
    uint64_t monotonic_us() override;
    uint64_t wall_us() override;

   private:
    SimProcess& process_;
    uint64_t monotonic_base_us_;  // differs by incarnation, as after a reboot
  };
  class RandomFace final : public runtime::Random {
   public:
    explicit RandomFace(uint64_t seed) : random_(seed) {}
    uint64_t next() override { return random_.next(); }

   private:
    SeededRandom random_;
  };
  struct Fuse {
    uint64_t calls = 0;  // 0: none
    CrashKind kind = CrashKind::kProcess;
  };

  SimWorld& world_;
  SimMachine& machine_;
  ProcessOptions options_;
  Owner owner_;
  bool alive_ = true;
  bool burning_ = false;  // dying of the fuse, with its code on the stack
  Fuse fuse_;
  uint64_t failing_call_ = 0;
  uint64_t disk_calls_ = 0;
  uint64_t calls_after_death_ = 0;
  std::vector<PendingWrite*> pending_writes_;
  std::vector<runtime::Callback> buried_;  // never to run
  std::unique_ptr<LogSink> silent_log_;
  LogSink* log_;
  LoopFace loop_;
  ClockFace clock_;
  RandomFace random_;
  ProcessNetwork network_;
  ProcessDisk disk_;
  SimJobs jobs_;
  SimLogDevice log_device_;
};

}  // namespace aerodb::sim
