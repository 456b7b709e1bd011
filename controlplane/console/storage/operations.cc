// aerodb checkpoint, compact, snapshot, gc, operation: a node's storage operations.
#include <fmt/format.h>

#include "controlplane/console/follow.h"
#include "controlplane/console/maintenance_verb.h"
#include "controlplane/console/storage/operations.h"
#include "controlplane/console/verbs.h"

namespace aerodb::console {
namespace {

bool finished(const wire::OperationView& operation) { return operation.stage == "done" || operation.stage == "failed"; }

// Starts an operation and stays until its end, unless told not to.
class OperationVerb : public MaintenanceVerb {
 public:
  void declare(Options& options) override {
    options.flag("--no-wait", no_wait_, "end once it has begun; `aerodb operation` shows how far it is");
    MaintenanceVerb::declare(options);
  }
  Result<ExitCode> run(Output& output) override {
    auto session = connect(output);
    if (!session) return fail(std::move(session.error()));
    auto started = start(**session);
    if (!started) return fail(std::move(started.error()));
    if (no_wait_) {
      output.message(*started);
      return ExitCode::kOk;
    }
    auto ended = wait_for_operation(**session, started->operation, output);
    if (!ended) return fail(std::move(ended.error()));
    return show_operation(*ended, output);
  }

 protected:
  virtual Result<wire::StorageStartedResponse> start(Session& session) = 0;

 private:
  bool no_wait_ = false;
};

class Checkpoint final : public OperationVerb {
 public:
  [[nodiscard]] VerbText text() const override {
    return {.path = "checkpoint",
            .summary = "Writes what is in memory to a run, so that the log before it is free and start-up is short.",
            .example = "aerodb checkpoint --node p1 --config configs/local",
            .notes =
                "Writes and reads go on meanwhile. Neighbouring runs of one size class are merged in the same\n"
                "command unless --no-merge is given.",
            .json = {shape_of<wire::OperationView>, shape_of<wire::StorageStartedResponse>}};
  }
  void declare(Options& options) override {
    options.flag("--no-merge", no_merge_, "leave the runs as they are");
    OperationVerb::declare(options);
  }

 private:
  Result<wire::StorageStartedResponse> start(Session& session) override {
    return session.ask(wire::kStorageCheckpoint, {request(), !no_merge_});
  }
  bool no_merge_ = false;
};

class Compact final : public OperationVerb {
 public:
  [[nodiscard]] VerbText text() const override {
    return {.path = "compact",
            .summary = "Merges all runs into one and drops what the floor lets go.",
            .example = "aerodb compact --node p1 --config configs/local",
            .notes = "The merged run needs its room on disk before the old ones are removed.",
            .json = {shape_of<wire::OperationView>, shape_of<wire::StorageStartedResponse>}};
  }

 private:
  Result<wire::StorageStartedResponse> start(Session& session) override {
    return session.ask(wire::kStorageCompact, {request()});
  }
};

class Snapshot final : public OperationVerb {
 public:
  [[nodiscard]] VerbText text() const override {
    return {.path = "snapshot",
            .summary = "Makes a checkpoint and keeps its files under a name, on the same disk.",
            .example = "aerodb snapshot --name before-import --node p1 --config configs/local",
            .notes =
                "The files are second names of the runs and take no room until runs are merged. Only a backup\n"
                "protects from the loss of the disk.",
            .json = {shape_of<wire::OperationView>, shape_of<wire::StorageStartedResponse>}};
  }
  void declare(Options& options) override {
    options.text("--name", "NAME", name_, "directory below snapshots/ (default: the time in UTC)");
    OperationVerb::declare(options);
  }

 private:
  Result<wire::StorageStartedResponse> start(Session& session) override {
    return session.ask(wire::kStorageSnapshot, {request(), name_});
  }
  std::optional<std::string> name_;
};

class ShowOperation final : public MaintenanceVerb {
 public:
  [[nodiscard]] VerbText text() const override {
    return {.path = "operation",
            .summary = "Shows how far a node's storage operation is, or how it ended.",
            .example = "aerodb operation --node p1 --config configs/local",
            .notes = "Numbers begin at 1 with each start of the node; it remembers the last 16.",
            .json = {shape_of<wire::OperationView>}};
  }
  void declare(Options& options) override {
    options.number("--number", number_, 1, kMaxNumber, "which one (default: the last)");
    MaintenanceVerb::declare(options);
  }
  Result<ExitCode> run(Output& output) override {
    auto session = connect(output);
    if (!session) return fail(std::move(session.error()));
    auto operation = (*session)->ask(wire::kStorageOperation, {number_});
    if (!operation) return fail(std::move(operation.error()));
    output.message(*operation);
    return ExitCode::kOk;
  }

 private:
  std::optional<uint64_t> number_;
};

class CollectGarbage final : public MaintenanceVerb {
 public:
  [[nodiscard]] VerbText text() const override {
    return {.path = "gc",
            .summary = "Raises the floor: commits below it can't be read any more, on any node.",
            .example = "aerodb gc --floor 4711 --reason 'kept for 30 days' --phrase 'drop history below 4711'",
            .notes =
                "A record of the log says so, and nothing takes it back. The versions leave the disk with the\n"
                "next merges. On a terminal the phrase is asked for; elsewhere --phrase gives it.",
            .json = {shape_of<wire::StorageGcResponse>}};
  }
  void declare(Options& options) override {
    options.number("--floor", floor_, 1, kMaxNumber, "the oldest commit that stays readable; mandatory");
    options.text("--phrase", "TEXT", phrase_, "drop history below FLOOR");
    MaintenanceVerb::declare(options);
  }
  Result<ExitCode> run(Output& output) override {
    if (floor_ == 0) return fail(ErrorCode::kUsage, "gc: --floor COMMIT is missing");
    if (reason().empty()) return fail(ErrorCode::kReasonRequired, "gc: --reason TEXT is missing");
    auto session = connect(output);
    if (!session) return fail(std::move(session.error()));
    const std::string wanted = fmt::format("drop history below {}", floor_);
    auto phrase = typed("--phrase", phrase_, wanted, output);
    if (!phrase) return fail(std::move(phrase.error()));
    auto answer = (*session)->ask(wire::kStorageGc, {request(), CommitId(floor_), *phrase});
    if (!answer) return fail(std::move(answer.error()));
    output.message(*answer);
    return ExitCode::kOk;
  }

 private:
  uint64_t floor_ = 0;
  std::string phrase_;
};

}  // namespace

Result<wire::OperationView> wait_for_operation(Session& session, uint64_t number, Output& output) {
  return follow([&] { return session.ask(wire::kStorageOperation, {number}); }, finished, output);
}

Result<ExitCode> show_operation(const wire::OperationView& operation, Output& output) {
  if (operation.error_code) {
    const auto code = error_code_from_name(*operation.error_code);
    return fail(Error{
        code.value_or(ErrorCode::kInternal),
        fmt::format("{} (operation {}): {}", operation.kind, operation.number, operation.error_message.value_or("")),
        {}}.with("lsn", operation.lsn.value()));
  }
  output.message(operation);
  return ExitCode::kOk;
}

std::unique_ptr<Verb> make_checkpoint() { return std::make_unique<Checkpoint>(); }
std::unique_ptr<Verb> make_compact() { return std::make_unique<Compact>(); }
std::unique_ptr<Verb> make_snapshot() { return std::make_unique<Snapshot>(); }
std::unique_ptr<Verb> make_gc() { return std::make_unique<CollectGarbage>(); }
std::unique_ptr<Verb> make_operation() { return std::make_unique<ShowOperation>(); }

}  // namespace aerodb::console
