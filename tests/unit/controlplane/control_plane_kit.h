// A control plane, two nodes that are nothing but handlers, and operators of different users, in the simulator.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/base/assert.h"
#include "common/base/checksum.h"
#include "common/document/json.h"
#include "common/wire/client.h"
#include "controlplane/daemon/control_plane.h"
#include "tests/sim/runtime/process.h"

namespace aerodb::controlplane::testing {

inline constexpr uint32_t kAda = 1000;
inline constexpr uint32_t kBob = 1001;

// What decides in a fake node's explanation, and what only moves.
struct FakeEvidence {
  std::string role = "primary";
  uint64_t epoch = 3;
  uint64_t durable_lsn = 100;
  bool rule_holds = true;
};

inline Bytes fake_explanation(const std::string& node, const FakeEvidence& evidence) {
  Bytes packed;
  document::PackWriter out(packed);
  out.map(5);
  out.field("explanation_type", "control.command");
  out.text("observed_snapshot");
  out.map(0);
  out.text("inputs");
  out.map(1);
  out.field("node", std::string_view(node));
  out.text("rules_applied");
  out.array(1);
  out.map(4);
  out.field("rule_id", "AUTH-9");
  out.field("description", "a rule");
  out.field("evaluation", evidence.rule_holds);
  out.text("evidence");
  out.map(3);
  out.field("durable_lsn", evidence.durable_lsn);
  out.field("epoch", evidence.epoch);
  out.field("role", std::string_view(evidence.role));
  out.text("conclusion");
  out.map(2);
  out.text("binding");
  out.array(2);
  out.text("epoch");
  out.text("role");
  out.text("observed");
  out.array(1);
  out.text("durable_lsn");
  return packed;
}

// What a fake node does with a dispatched operation.
enum class Conduct : uint8_t { kAnswer, kReject, kSilent, kDie };

// What a fake node answers to a view, whatever the view: bytes are to be handed on unread.
struct NamedView {
  std::string of;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("of", self.of, "");
  }
};

class FakeNode {
 public:
  FakeNode(sim::SimWorld& world, const std::string& name)
      : status_name(name),
        name_(name),
        machine_(world.add_machine(name)),
        process_(std::make_unique<sim::SimProcess>(machine_, world, sim::ProcessOptions{.name = name})) {
    start_servers();
  }

  [[nodiscard]] ControlledNode configured() const {
    return {name_, *runtime::Endpoint::parse(machine_.address() + ":7301"),
            *runtime::Endpoint::parse(machine_.address() + ":7302")};
  }
  void stop() {
    client_.reset();
    control_.reset();
  }
  [[nodiscard]] sim::SimMachine& machine() { return machine_; }

  FakeEvidence evidence;
  Conduct conduct = Conduct::kAnswer;
  Error rejection{ErrorCode::kDemotionDenied, "demote p1: exactly these words", {}};
  InstanceId instance = *id_from_hex<InstanceId>("000102030405060708090a0b0c0d0e0f");
  std::string status_name;  // what it calls itself
  bool false_hash = false;
  std::function<void()> before_explain;  // runs when a question or an operation arrives
  std::function<void()> before_operation;

  int status_calls = 0;
  std::map<std::string, int> view_calls;  // by method
  std::optional<Error> view_error;
  std::vector<wire::EventRecord> events;  // what it shows of them
  int event_calls = 0;
  int explain_calls = 0;
  int operation_calls = 0;
  std::string last_operation;
  std::optional<wire::Request> last_request;
  std::optional<InstanceId> last_successor_instance;
  std::string last_outcome_id;

 private:
  void start_servers() {
    client_ = std::make_unique<wire::Server>(*process_, wire::ListenerKind::kClient, wire::HelloResponse{},
                                             wire::ServerLimits{});
    client_->handle(wire::kStatus, [this](const wire::Empty&, wire::Responder responder) {
      ++status_calls;
      wire::StatusResponse status;
      status.node = status_name;
      status.instance = instance;
      status.role = evidence.role;
      status.durable_lsn = Lsn(evidence.durable_lsn);
      responder.ok(status);
    });
    client_->handle(wire::kObserveEvents, [this](const wire::ObserveEventsRequest& request, wire::Responder responder) {
      ++event_calls;
      wire::ObserveEventsResponse response;
      for (const auto& event : events) {
        if (event.number > request.after_number && response.events.size() < request.limit)
          response.events.push_back(event);
      }
      responder.ok(response);
    });
    serve_view(wire::kObserveReplication);
    serve_view(wire::kObserveWal);
    serve_view(wire::kObserveStorage);
    serve_view(wire::kExplainPromotion);
    serve_view(wire::kExplainCheckpoint);
    EXPECT_TRUE(client_->listen(configured().address));
    control_ = std::make_unique<wire::Server>(*process_, wire::ListenerKind::kControl, wire::HelloResponse{},
                                              wire::ServerLimits{});
    control_->handle(wire::kControlExplain, [this](const wire::ControlExplainRequest&, wire::Responder responder) {
      ++explain_calls;
      if (before_explain) before_explain();
      const Bytes packed = fake_explanation(status_name, evidence);
      wire::ExplanationResponse response;
      response.explanation.bytes = packed;
      response.sha256 = sha256(as_bytes(*document::to_json(ByteSpan(packed))));
      if (false_hash) response.sha256[0] ^= 1;
      responder.ok(response);
    });
    control_->handle(wire::kControlDemote,
                     [this](const wire::ControlDemoteRequest& request, wire::Responder responder) {
                       last_successor_instance = request.successor_instance;
                       wire::ControlDemoteResponse answer;
                       answer.seal_lsn = Lsn(evidence.durable_lsn + 1);
                       answer.successor = request.successor;
                       operate("demote", request.request, std::move(responder), answer);
                     });
    control_->handle(wire::kControlPromote,
                     [this](const wire::ControlPromoteRequest& request, wire::Responder responder) {
                       operate("promote", request.request, std::move(responder), wire::ControlPromoteResponse{});
                     });
    control_->handle(wire::kControlDecline,
                     [this](const wire::ControlDeclineRequest& request, wire::Responder responder) {
                       operate("decline", request.request, std::move(responder), wire::ControlDeclineResponse{});
                     });
    control_->handle(wire::kControlDiagnose,
                     [this](const wire::ControlDiagnoseRequest& request, wire::Responder responder) {
                       operate("diagnose", request.request, std::move(responder), wire::StorageStartedResponse{});
                     });
    control_->handle(wire::kControlOutcome,
                     [this](const wire::ControlOutcomeRequest& request, wire::Responder responder) {
                       last_outcome_id = request.request_id;
                       wire::ControlOutcomeResponse answer;
                       answer.outcome = "recorded";
                       answer.record_type = "seal";
                       responder.ok(answer);
                     });
    EXPECT_TRUE(control_->listen(configured().control));
  }

  // Answers with the method's own name, which no reader expects, or with `view_error`.
  template <class Request, class Response>
  void serve_view(const wire::Method<Request, Response>& method) {
    const wire::Method<Request, NamedView> named{method.listener, method.name, method.help};
    client_->handle(named, [this, name = std::string(method.name)](const Request&, wire::Responder responder) {
      ++view_calls[name];
      if (view_error)
        responder.error(*view_error);
      else
        responder.ok(NamedView{name});
    });
  }
  template <class Answer>
  void operate(std::string operation, const wire::Request& request, wire::Responder responder, const Answer& answer) {
    ++operation_calls;
    last_operation = std::move(operation);
    last_request = request;
    if (before_operation) before_operation();
    switch (conduct) {
      case Conduct::kAnswer:
        responder.ok(answer);
        return;
      case Conduct::kReject:
        responder.error(rejection);
        return;
      case Conduct::kSilent:
        held_.push_back(std::move(responder));
        return;
      case Conduct::kDie:
        held_.push_back(std::move(responder));
        process_->loop().post([this] { stop(); });
        return;
    }
  }

  std::string name_;
  sim::SimMachine& machine_;
  std::unique_ptr<sim::SimProcess> process_;
  std::vector<wire::Responder> held_;
  std::unique_ptr<wire::Server> client_;
  std::unique_ptr<wire::Server> control_;
};

// An explanation that was answered, with bytes of its own.
struct Shown {
  wire::CommandExplainResponse response;
  Bytes explanation;
};
struct Done {
  wire::CommandConfirmResponse response;
  Bytes answer;
};

class Cluster {
 public:
  explicit Cluster(uint64_t seed = 1)
      : world(seed, {}), p1(world, "p1"), r1(world, "r1"), desk_machine(world.add_machine("c1")) {
    start_process();
    start_operators();
  }
  ~Cluster() { plane.reset(); }
  Cluster(const Cluster&) = delete;
  Cluster& operator=(const Cluster&) = delete;

  [[nodiscard]] ControlplaneConfig config() const {
    ControlplaneConfig config;
    config.name = "c1";
    config.audit_dir = "/audit";
    config.timeout_ms = 1000;
    config.listen_control_plane = *runtime::Endpoint::parse("unix:/c1.sock");
    config.listen_inspect = *runtime::Endpoint::parse(desk_machine.address() + ":7330");
    config.nodes = {p1.configured(), r1.configured()};
    return config;
  }
  Result<void> start() {
    plane =
        std::make_unique<ControlPlane>(*process, config(), [](uint32_t uid) { return uid == kAda ? "ada" : "bob"; });
    std::optional<Result<void>> started;
    plane->start([&](Result<void> result) { started = std::move(result); });
    run_until([&] { return started.has_value(); });
    return *started;
  }
  // As after a crash of the process or of the machine.
  void crash(sim::CrashKind kind) {
    process->crash(kind);
    plane.reset();
    process.reset();
    start_process();
    start_operators();
  }
  void restart() {
    plane.reset();
    process.reset();
    start_process();
    ASSERT_TRUE(start());
  }
  template <class Condition>
  void run_until(Condition condition) {
    for (int events = 0; !condition(); ++events) {
      AERODB_ASSERT(events < 1'000'000);
      AERODB_ASSERT(world.step());
    }
  }

  // One request over a connection of its own. `take` gets the answer while its views live.
  template <class Request, class Response, class Take>
  Result<void> ask(sim::SimProcess& from, const runtime::Endpoint& endpoint,
                   const wire::Method<Request, Response>& method, const Request& request, Take take) {
    wire::Client client(from);
    std::optional<Result<void>> connected;
    client.connect(endpoint, [&](Result<void> result) { connected = std::move(result); });
    run_until([&] { return connected.has_value(); });
    if (!*connected) return *connected;
    std::optional<Result<void>> answered;
    client.call(method, request, 60'000, [&](Result<Response> answer) {
      if (answer) take(*answer);
      answered = answer ? Result<void>{} : fail(std::move(answer.error()));
    });
    run_until([&] { return answered.has_value(); });
    return *answered;
  }

  [[nodiscard]] static wire::CommandExplainRequest demote(std::string reason = "handover") {
    return {"demote", "p1", "r1", std::nullopt, std::move(reason)};
  }
  Result<Shown> explain(const wire::CommandExplainRequest& request) { return explain(request, *ada); }
  Result<Shown> explain(const wire::CommandExplainRequest& request, sim::SimProcess& from) {
    Shown shown;
    auto asked = ask(from, desk(), wire::kCommandExplain, request, [&](const wire::CommandExplainResponse& response) {
      shown.response = response;
      shown.explanation.assign(response.explanation.bytes.begin(), response.explanation.bytes.end());
    });
    if (!asked) return fail(std::move(asked.error()));
    return shown;
  }
  Result<Done> confirm(const std::string& challenge, const std::string& phrase) {
    return confirm(challenge, phrase, *ada);
  }
  Result<Done> confirm(const std::string& challenge, const std::string& phrase, sim::SimProcess& from) {
    Done done;
    auto asked = ask(from, desk(), wire::kCommandConfirm, {challenge, phrase, true},
                     [&](const wire::CommandConfirmResponse& response) {
                       done.response = response;
                       if (response.answer) {
                         done.answer.assign(response.answer->bytes.begin(), response.answer->bytes.end());
                       }
                     });
    if (!asked) return fail(std::move(asked.error()));
    return done;
  }
  // A demotion that was explained; its challenge.
  std::string challenge() {
    auto shown = explain(demote());
    EXPECT_TRUE(shown) << shown.error().message;
    return shown ? shown->response.challenge : "";
  }
  [[nodiscard]] runtime::Endpoint desk() const { return config().listen_control_plane; }
  [[nodiscard]] runtime::Endpoint inspection() const { return config().listen_inspect; }

  // What is in the file now.
  [[nodiscard]] std::string audit_text() const {
    const auto bytes = desk_machine.disk().peek("/audit/audit.jsonl");
    return bytes ? std::string(as_text(*bytes)) : "";
  }
  [[nodiscard]] std::vector<std::string> audit_lines() const {
    std::vector<std::string> lines;
    std::string text = audit_text();
    for (size_t at = 0; at < text.size();) {
      const auto end = text.find('\n', at);
      lines.push_back(text.substr(at, end - at));
      at = end == std::string::npos ? text.size() : end + 1;
    }
    return lines;
  }
  [[nodiscard]] std::vector<std::string> stages() const {
    std::vector<std::string> stages;
    for (const auto& line : audit_lines()) stages.push_back(audit_stage_of(line));
    return stages;
  }
  void write_audit(std::string_view text) {
    auto& disk = process->blocking_disk();
    ASSERT_TRUE(disk.make_directory("/audit"));
    ASSERT_TRUE(runtime::replace_file(disk, "/audit", "audit.jsonl", as_bytes(text)));
  }

  sim::SimWorld world;
  FakeNode p1;
  FakeNode r1;
  sim::SimMachine& desk_machine;
  std::unique_ptr<sim::SimProcess> process;
  std::unique_ptr<sim::SimProcess> ada;
  std::unique_ptr<sim::SimProcess> bob;
  std::unique_ptr<ControlPlane> plane;

 private:
  void start_operators() {
    ada = std::make_unique<sim::SimProcess>(desk_machine, world, sim::ProcessOptions{.name = "ada", .uid = kAda});
    bob = std::make_unique<sim::SimProcess>(desk_machine, world, sim::ProcessOptions{.name = "bob", .uid = kBob});
  }
  void start_process() {
    process = std::make_unique<sim::SimProcess>(desk_machine, world, sim::ProcessOptions{.name = "c1", .uid = kAda});
  }
};

using Stages = std::vector<std::string>;

template <class T>
ErrorCode code_of(const Result<T>& result) {
  EXPECT_FALSE(result.has_value());
  return result ? ErrorCode::kInternal : result.error().code;
}

}  // namespace aerodb::controlplane::testing
