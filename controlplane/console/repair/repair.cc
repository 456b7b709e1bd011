// aerodb resume, bootstrap, repair: what an operator does about a node that halted or was left behind.
#include "controlplane/console/repair/repair.h"

#include <fmt/format.h>

#include "controlplane/console/follow.h"
#include "controlplane/console/maintenance_verb.h"
#include "controlplane/console/node/init.h"
#include "controlplane/console/verbs.h"

namespace aerodb::console {
namespace {

// Begins a repair and stays until its end, unless told not to.
class RepairVerb : public MaintenanceVerb {
 public:
  void declare(Options& options) override {
    options.flag("--no-wait", no_wait_, "end once it has begun; `aerodb repair` shows how far it is");
    MaintenanceVerb::declare(options);
  }
  Result<ExitCode> run(Output& output) override {
    if (auto checked = check_reason(); !checked) return fail(std::move(checked.error()));
    auto session = connect(output);
    if (!session) return fail(std::move(session.error()));
    auto begun = begin(**session, output);
    if (!begun) return fail(std::move(begun.error()));
    if (!no_wait_) return follow_repair(**session, output);
    output.message(*begun);
    return ExitCode::kOk;
  }

 protected:
  virtual Result<wire::RepairStatusResponse> begin(Session& session, Output& output) = 0;

 private:
  bool no_wait_ = false;
};

class Resume final : public RepairVerb {
 public:
  [[nodiscard]] VerbText text() const override {
    return {.path = "resume",
            .summary = "Ends a halt whose cause is gone, or lets a replica follow another lineage.",
            .example = "aerodb resume --node r1 --config configs/local --reason 'disk replaced'",
            .notes =
                "Log, runs and state are verified first; where they don't hold, or the cause is still there,\n"
                "RESUME_DENIED says what was found and nothing has changed. After a divergence --from names the\n"
                "node whose history this one is compared with. With --accept-lineage the node is not halted:\n"
                "its source goes on in another lineage, and this log ends at or before the fork.",
            .json = {shape_of<wire::RepairStatusResponse>}};
  }
  void declare(Options& options) override {
    options.text("--accept-lineage", "LINEAGE", lineage_, "32 hex digits, as LINEAGE_CHANGED named it");
    options.text("--from", "NODE", from_, "HOST:PORT of a replication listener, or a name beside --config");
    RepairVerb::declare(options);
  }

 private:
  Result<wire::RepairStatusResponse> begin(Session& session, Output& /*output*/) override {
    wire::RepairResumeRequest asked{request(), std::nullopt, std::nullopt};
    if (auto read = read_id("--accept-lineage", lineage_, asked.accept_lineage); !read)
      return fail(std::move(read.error()));
    if (!from_.empty()) {
      auto source = replication_listener(from_, target().config());
      if (!source) return fail(std::move(source.error()));
      asked.source = source->text();
    }
    return session.ask(wire::kRepairResume, asked);
  }
  std::string lineage_;
  std::string from_;
};

class Bootstrap final : public RepairVerb {
 public:
  [[nodiscard]] VerbText text() const override {
    return {.path = "bootstrap",
            .summary = "Gives a replica the snapshot of another node in place of its own log and runs.",
            .example = "aerodb bootstrap --from p1 --node r1 --config configs/local --reason 'new replica'",
            .notes =
                "Takes the files of the source's last checkpoint, verifies them, and opens the node with them;\n"
                "the log goes on from there by the shipper. Until the last step the node is as it was, and a\n"
                "transfer that broke off goes on where it was when the command is given again. A node with a log\n"
                "of its own needs --discard and its phrase, and first `aerodb orphans export` where that log\n"
                "holds what the source does not have.",
            .json = {shape_of<wire::RepairStatusResponse>}};
  }
  void declare(Options& options) override {
    options.required_text("--from", "NODE", from_, "HOST:PORT of a replication listener, or a name beside --config");
    options.flag("--discard", discard_, "replace a log that is not empty");
    options.text("--phrase", "TEXT", phrase_, "with --discard: discard the history of NODE");
    RepairVerb::declare(options);
  }

 private:
  Result<wire::RepairStatusResponse> begin(Session& session, Output& output) override {
    auto source = replication_listener(from_, target().config());
    if (!source) return fail(std::move(source.error()));
    wire::RepairBootstrapRequest asked{request(), source->text(), discard_, std::nullopt};
    if (discard_) {
      auto hello = session.ask(wire::kHelloMaintenance, {wire::kProtocolVersion, "aerodb"});
      if (!hello) return fail(std::move(hello.error()));
      auto phrase = typed("--phrase", phrase_, fmt::format("discard the history of {}", hello->node), output);
      if (!phrase) return fail(std::move(phrase.error()));
      asked.phrase = *phrase;
    }
    return session.ask(wire::kRepairBootstrap, asked);
  }
  std::string from_;
  bool discard_ = false;
  std::string phrase_;
};

class ShowRepair final : public MaintenanceVerb {
 public:
  [[nodiscard]] VerbText text() const override {
    return {.path = "repair",
            .summary = "Shows how far a node's resume, bootstrap or export of orphans is, or how it ended.",
            .example = "aerodb repair --node r1 --config configs/local",
            .json = {shape_of<wire::RepairStatusResponse>}};
  }
  Result<ExitCode> run(Output& output) override {
    auto session = connect(output);
    if (!session) return fail(std::move(session.error()));
    auto status = (*session)->ask(wire::kRepairStatus, {});
    if (!status) return fail(std::move(status.error()));
    output.message(*status);
    return ExitCode::kOk;
  }
};

}  // namespace

Result<ExitCode> follow_repair(Session& session, Output& output) {
  auto status = follow([&] { return session.ask(wire::kRepairStatus, {}); },
                       [](const wire::RepairStatusResponse& view) { return view.finished; }, output);
  if (!status) return fail(std::move(status.error()));
  if (status->error_code) {
    const auto code = error_code_from_name(*status->error_code).value_or(ErrorCode::kInternal);
    return fail(code, fmt::format("{}: {}", status->kind.value_or(""), status->error_message.value_or("")));
  }
  output.message(*status);
  return ExitCode::kOk;
}

std::unique_ptr<Verb> make_resume() { return std::make_unique<Resume>(); }
std::unique_ptr<Verb> make_bootstrap() { return std::make_unique<Bootstrap>(); }
std::unique_ptr<Verb> make_repair() { return std::make_unique<ShowRepair>(); }

}  // namespace aerodb::console
