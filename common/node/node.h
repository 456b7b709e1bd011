// A node as a process: opens its data directory, serves the four listeners, stops in good order. What primary and
// replica share; which writes and records are admitted is decided by the authority in the log, not by the program's
// name. Thread: the loop's. Runs on any runtime.
//
// Start: claim the directory (Job) -> listen, answering NOT_READY -> recover the log (Job) -> check the role against
// the binary -> engine -> READY or HALTED.
//
// Repairs need the directory for themselves. with_closed_directory() takes the same way once more: the engine leaves
// service, comes to rest and goes; a Job works on the directory under the lock that was never let go of; then claim,
// recover, engine. Listeners and connections stay.
#pragma once

#include <atomic>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>

#include "common/engine/engine.h"
#include "common/node/node_config.h"
#include "common/node/restart.h"
#include "common/observe/event_log.h"
#include "common/observe/metrics.h"
#include "common/wire/server.h"

namespace aerodb::node {

class Repairs;

// Which binary this is. aerodb-primary opens directories of role primary and sealed; aerodb-replica those of role
// replica, sealed, and primary after a promotion.
enum class Binary : uint8_t { kPrimary, kReplica };
[[nodiscard]] std::string_view binary_name(Binary binary);

// What becomes of a node whose log, runs or state do not verify at its start.
enum class Damaged : uint8_t {
  kEnds,             // the start fails
  kStaysForRepairs,  // HALTED with what was found: it answers status and takes repairs alone
};

class Node final : private engine::EngineEvents, private engine::StorageEvents {
 public:
  Node(runtime::Runtime& runtime, NodeConfig config, Binary binary, Damaged damaged = Damaged::kEnds);
  ~Node() override;

  // `done` runs once: success when the node answers (READY, or HALTED for a reason that its status names), or why it
  // can't be started.
  void start(std::move_only_function<void(Result<void>)> done);
  // Ends a storage operation under way, takes no more requests, waits until everything admitted is durable, records the
  // clean stop. Then `done`.
  void stop(std::string_view reason, runtime::Callback done);
  // Nothing may be added to the log any more: what waited for others is answered NOT_READY.
  [[nodiscard]] bool stopping() const { return stopping_; }

  // Work on the directory while nothing has it open but its lock: ends the engine (every request is answered
  // NOT_READY, everything held OUTCOME_UNKNOWN, every hold, pin and session ends), waits until it is at rest, runs
  // `work` in a Job, and opens the directory as at a start, whatever `work` answered. `done` gets work's answer; the
  // node answers again then. Where the directory can't be opened any more the node ends its process as a start would
  // (on_lost). Refused at once, through `done`: NOT_READY before recovery ended and while the node stops,
  // OPERATION_RUNNING while another is under way. A stop meanwhile waits for it.
  using ClosedWork = std::move_only_function<Result<void>(runtime::Disk&)>;
  void with_closed_directory(std::string_view why, ClosedWork work, std::move_only_function<void(Result<void>)> done);
  // Told why a directory could not be opened again: the process ends with that error.
  void on_lost(std::move_only_function<void(const Error&)> callback) { lost_ = std::move(callback); }
  // Told each time an engine goes, before it does: whatever refers to it must be let go of. engine() is empty already.
  void on_engine_end(std::function<void()> callback) { engine_ends_.push_back(std::move(callback)); }
  [[nodiscard]] Repairs& repairs() { return *repairs_; }

  // nullptr before recovery ended, and while the directory is closed.
  [[nodiscard]] engine::Engine* engine() { return engine_.get(); }
  [[nodiscard]] rules::NodeState state() const;
  // How far a start is: the last record replayed; 0 before the first.
  [[nodiscard]] Lsn replayed_to() const { return replayed_to_->load(std::memory_order_relaxed); }
  [[nodiscard]] const NodeConfig& config() const { return config_; }
  [[nodiscard]] Binary binary() const { return binary_; }
  [[nodiscard]] runtime::Runtime& runtime() { return runtime_; }
  [[nodiscard]] wire::Server& client() { return client_; }
  [[nodiscard]] wire::Server& replication() { return replication_; }
  [[nodiscard]] wire::Server& control() { return control_; }
  [[nodiscard]] wire::Server& maintenance() { return maintenance_; }
  // For requests of documents; for records from a shipper.
  [[nodiscard]] Restarts& client_restarts() { return client_restarts_; }
  [[nodiscard]] Restarts& replication_restarts() { return replication_restarts_; }
  [[nodiscard]] observe::EventLog& events() { return events_; }
  [[nodiscard]] observe::Metrics& metrics() { return metrics_; }
  // What NODE says. Empty before the directory was claimed.
  [[nodiscard]] const engine::NodeFile* identity() const { return identity_ ? &*identity_ : nullptr; }
  // The refusal while there is no engine.
  [[nodiscard]] Error not_ready() const;

  // Expires with the node, for completions of Jobs that outlive it.
  [[nodiscard]] std::weak_ptr<const bool> alive() const { return alive_; }

  // Called at each move of the durable boundary, and when the node halts.
  void on_progress(std::function<void()> callback) { progress_.push_back(std::move(callback)); }
  // A listener beside the node's own: opened with them, once the directory is this process's. Before start().
  void listen_too(std::move_only_function<Result<void>()> listen) { listen_too_ = std::move(listen); }
  // What a role adds to observe.replication.
  void set_replication_view(std::function<void(wire::NodeReplicationResponse&)> view) {
    replication_view_ = std::move(view);
  }
  [[nodiscard]] const std::function<void(wire::NodeReplicationResponse&)>& replication_view() const {
    return replication_view_;
  }

 private:
  void on_durable(const engine::Position& position) override;
  void on_halt(const engine::Halt& halt) override;
  void on_operation(const engine::OperationStatus& status) override;
  [[nodiscard]] engine::OpenOptions open_options() const;
  [[nodiscard]] engine::EngineOptions engine_options() const;
  using Claimed = Result<std::unique_ptr<engine::OpenedNode>>;
  void claimed(Claimed opened);
  void recovered(Result<void> result);
  [[nodiscard]] Result<void> listen();
  [[nodiscard]] Result<void> check_role() const;
  void record_recovery(uint64_t recovery_us);
  void finish_opening(Result<void> result);
  void work_on_closed(ClosedWork work, std::move_only_function<void(Result<void>)> done);
  void reopened(Result<void> opened, Result<void> worked, std::move_only_function<void(Result<void>)> done);
  void drain();

  runtime::Runtime& runtime_;
  NodeConfig config_;
  Binary binary_;
  Damaged damaged_;
  observe::Metrics metrics_;
  observe::EventLog events_;
  std::optional<engine::NodeFile> identity_;
  std::shared_ptr<std::atomic<Lsn>> replayed_to_ = std::make_shared<std::atomic<Lsn>>();  // written by a Job
  std::unique_ptr<engine::OpenedNode> opened_;                                            // between claim and engine
  std::unique_ptr<engine::Engine> engine_;
  std::unique_ptr<engine::Engine> ending_;  // left service, not at rest yet
  // After the engine, so that they end first: what the engine still holds then answers into nothing.
  wire::Server client_;
  wire::Server replication_;
  wire::Server control_;
  wire::Server maintenance_;
  Restarts client_restarts_;
  Restarts replication_restarts_;
  std::vector<std::function<void()>> progress_;
  std::function<void(wire::NodeReplicationResponse&)> replication_view_;
  std::vector<std::function<void()>> engine_ends_;
  std::move_only_function<void(const Error&)> lost_;
  std::move_only_function<Result<void>()> listen_too_;
  std::unique_ptr<Repairs> repairs_;
  std::move_only_function<void(Result<void>)> opening_done_;
  runtime::Callback stopped_;
  std::string stop_reason_;
  bool stopping_ = false;
  bool closed_ = false;             // with_closed_directory() is under way
  uint64_t operations_before_ = 0;  // storage operations of engines that went
  uint64_t recovery_started_us_ = 0;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

// Method handlers, one file a group. Each registers its methods on the node's servers, before start().
void serve_documents(Node& node);           // documents.cc    schema.*, doc.*
void serve_observation(Node& node);         // observation.cc  ping, status, observe.*, evidence.versions
void serve_collections(Node& node);         // observe_collections.cc  observe.mvcc, observe.indexes
void serve_stats(Node& node);               // stats.cc        observe.stats
void serve_explanations(Node& node);        // explanations.cc explain.*
void serve_explain_recovery(Node& node);    // explain_recovery.cc explain.recovery
void serve_explain_checkpoint(Node& node);  // explain_checkpoint.cc explain.checkpoint
void serve_explain_halt(Node& node);        // explain_halt.cc explain.halt
void serve_explain_promotion(Node& node);   // explain_promotion.cc explain.promotion
void serve_explain_query(Node& node);       // explain_query.cc explain.query
void serve_log(Node& node);                 // log_source.cc   wal.*, evidence.records, storage.read_log
void serve_control(Node& node);             // control.cc      control.*, explain.command
void serve_diagnose(Node& node);            // diagnose.cc     control.diagnose
void serve_storage(Node& node);             // storage.cc      observe.storage, pin.*, storage.* but those of holds
void serve_holds(Node& node);      // holds.cc        storage.hold, .read_run, .release; manifest.get, manifest.fetch
void serve_bootstrap(Node& node);  // bootstrap.cc    replica.bootstrap
void serve_repairs(Node& node);    // repair_commands.cc replica.resume, orphans.export, repair.status
void serve_lineage(Node& node);    // end_lineage.cc  node.end_lineage

// The event of a command that was refused.
void note_denied(Node& node, std::string_view command, const std::string& request_id, const Error& error);

[[nodiscard]] wire::ObserveWalResponse observe_wal(Node& node);  // for stats too; needs an engine

}  // namespace aerodb::node
