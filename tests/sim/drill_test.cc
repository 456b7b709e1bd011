// An hour of operations, by the handbook (docs/operations.md), on the real code of every role in one simulated world: a
// planned switchover, a dead primary whose disk is there, one whose disk is lost, and the rejoin of it. The report of
// that hour holds every audit record and every event, and it is kept, byte for byte: tests/sim/reports/drill.txt.
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "common/document/json.h"
#include "common/engine/offline_seal.h"
#include "controlplane/console/timeline/report.h"
#include "controlplane/daemon/control_plane.h"
#include "shipper/shipper.h"
#include "tests/documents.h"
#include "tests/sim/node_kit.h"
#include "tests/sim/workload.h"

namespace aerodb::sim {
namespace {

using namespace testing;
using console::timeline::Logs;

constexpr uint32_t kAda = 1000;
constexpr uint64_t kMinuteUs = 60'000'000;

class DrillTest : public ::testing::Test {
 protected:
  void SetUp() override {
    for (TestNode* node : nodes_) node->start();
    start_control_plane();
    ASSERT_TRUE(ask(p1_, Port::kClient, wire::kSchemaRegister, {wire::Packed{schema_bytes(0, 1)}}));
    ship(p1_, {&r1_, &r2_});
    write(p1_, 5);
    wait_for_all(p1_);
  }
  void TearDown() override {
    plane_.reset();
    end_shipper();
  }

  // --- what stands in the handbook, one step each

  void demote(TestNode& node, TestNode& successor) {
    command({"demote", node.machine.name(), successor.machine.name(), std::nullopt, reason_});
  }
  void promote(TestNode& node) { command({"promote", node.machine.name(), std::nullopt, std::nullopt, reason_}); }
  void seal_offline(TestNode& node, TestNode& successor) {
    SimProcess console(node.machine, world_, {.name = "aerodb"});
    const auto sealed = engine::seal_directory(
        console.blocking_disk(), console.random(),
        {std::string(kDataDir), successor.machine.name(), successor.identity.instance, {id(), "ada", reason_, {}}});
    ASSERT_TRUE(sealed) << sealed.error().message;
  }
  void end_lineage(TestNode& node, TestNode& lost, TestNode& peer) {
    wire::EndLineageRequest request;
    request.request = by_ada();
    request.lost = lost.machine.name();
    request.peers.push_back({peer.machine.name(), peer.endpoint(Port::kReplication).text()});
    request.phrase = "end the lineage of " + request.lost;
    request.loss_phrase =
        fmt::format("give up what {} acknowledged after LSN {}", request.lost, node.engine().visible().lsn.value());
    const auto ended = ask(node, Port::kMaintenance, wire::kEndLineage, request);
    ASSERT_TRUE(ended) << ended.error().message;
  }
  void accept_lineage(TestNode& node, TestNode& source) {
    wire::RepairResumeRequest request;
    request.request = by_ada();
    request.source = source.endpoint(Port::kReplication).text();
    request.accept_lineage = source.engine().visible().lineage;
    repair(node, wire::kRepairResume, request);
  }
  void export_orphans(TestNode& node) {
    wire::RepairExportRequest request;
    request.request = by_ada();
    request.file = "/orphans.jsonl";
    repair(node, wire::kOrphansExport, request);
  }
  void checkpoint(TestNode& node) {
    ASSERT_TRUE(ask(node, Port::kMaintenance, wire::kStorageCheckpoint, {by_ada(), true}));
    ASSERT_TRUE(run_until(world_, [&] { return !node.engine().storage().running(); }));
  }
  void bootstrap(TestNode& node, TestNode& source) {
    wire::RepairBootstrapRequest request;
    request.request = by_ada();
    request.source = source.endpoint(Port::kReplication).text();
    request.discard = true;
    request.phrase = "discard the history of " + node.machine.name();
    repair(node, wire::kRepairBootstrap, request);
  }
  // Ends the shipper there was.
  void ship(TestNode& source, const std::vector<TestNode*>& targets) {
    end_shipper();
    shipper::ShipperConfig config;
    config.name = "s1";
    config.listen_shipper = endpoint_on(desk_machine_, 7);
    config.source_name = source.machine.name();
    config.source_address = source.endpoint(Port::kReplication);
    for (const TestNode* target : targets)
      config.targets.push_back({target->machine.name(), target->endpoint(Port::kReplication)});
    shipper_process_ = std::make_unique<SimProcess>(desk_machine_, world_, ProcessOptions{.name = "s1"});
    shipper_ = std::make_unique<shipper::Shipper>(*shipper_process_, std::move(config));
    ASSERT_TRUE(shipper_->start());
  }
  void end_shipper() {
    if (shipper_process_) shipper_process_->crash(CrashKind::kProcess);
    shipper_.reset();
    shipper_process_.reset();
  }
  void start_as(TestNode& node, node::Binary binary) {
    if (node.process) node.stop();
    node.primary = binary == node::Binary::kPrimary;
    node.start();
  }

  // --- what users do meanwhile, and time

  void write(TestNode& node, int documents) {
    for (int i = 0; i < documents; ++i) {
      Bytes document;
      document::PackWriter out(document);
      out.map(2);
      out.field("_id", fmt::format("d{}", ++documents_));
      out.field("n", documents_);
      const auto written =
          ask(node, Port::kClient, wire::kDocInsert, {collection_name(0), 1, std::nullopt, wire::Packed{document}});
      ASSERT_TRUE(written) << written.error().message;
    }
  }
  void wait_for(TestNode& node, TestNode& source) {
    const Lsn end = source.engine().visible().lsn;
    ASSERT_TRUE(run_until(world_, [&] { return node.engine().visible().lsn >= end; }))
        << node.machine.name() << " is at " << node.engine().visible().lsn.value() << " of " << end.value();
  }
  void wait_for_all(TestNode& source) {
    for (TestNode* node : nodes_) {
      if (node->process) wait_for(*node, source);
    }
  }
  void expect_one_history() {
    const auto& end = p1_.engine().visible();
    for (TestNode* node : nodes_) {
      EXPECT_EQ(node->engine().visible().chain, end.chain) << node->machine.name();
      EXPECT_EQ(node->engine().visible().lineage, end.lineage) << node->machine.name();
    }
  }
  void pass(uint64_t minutes) { world_.run_for(minutes * kMinuteUs); }

  // --- what the control plane shows

  template <class Request, class Response>
  Result<Response> ask_desk(const runtime::Endpoint& endpoint, const wire::Method<Request, Response>& method,
                            const std::type_identity_t<Request>& request) {
    const auto client = connect(world_, ada_, endpoint);
    return call(world_, *client, method, request);
  }
  Logs fetch_logs() {
    Logs logs;
    logs.audit = *ask_desk(config_.listen_inspect, wire::kAuditVerify, {});
    logs.records = ask_desk(config_.listen_inspect, wire::kAuditRead, {0, 1000})->records;
    wire::InspectEventsRequest request;
    request.limit = 1000;
    logs.nodes = ask_desk(config_.listen_inspect, wire::kInspectEvents, request)->nodes;
    return logs;
  }
  // Of a line of JSON, one member as text.
  static std::string value_of(const std::string& line, std::string_view key) {
    const auto json = document::parse_json(line);
    const auto value = json ? json->root().find(key) : std::nullopt;
    if (!value) return "";
    if (const auto number = value->unsigned_integer()) return std::to_string(*number);
    return std::string(value->text().value_or(""));
  }
  // Lines of a file as it is on a machine's disk.
  static std::vector<std::string> lines_of(SimMachine& machine, const std::string& path) {
    std::vector<std::string> lines;
    const auto bytes = machine.disk().peek(path);
    EXPECT_TRUE(bytes) << path;
    const auto text = as_text(*bytes);
    for (size_t at = 0; at < text.size();) {
      const auto end = std::min(text.find('\n', at), text.size());
      lines.emplace_back(text.substr(at, end - at));
      at = end + 1;
    }
    return lines;
  }

  SimWorld world_{1, SimOptions{}};
  TestNode p1_{world_, "p1", true};
  TestNode r1_{world_, "r1", false};
  TestNode r2_{world_, "r2", false};
  const std::array<TestNode*, 3> nodes_{&p1_, &r1_, &r2_};
  SimMachine& desk_machine_{world_.add_machine("c1")};
  std::string reason_;

 private:
  void start_control_plane() {
    config_.name = "c1";
    config_.audit_dir = "/audit";
    config_.listen_control_plane = *runtime::Endpoint::parse("unix:/c1.sock");
    config_.listen_inspect = endpoint_on(desk_machine_, 8);
    for (const TestNode* node : nodes_)
      config_.nodes.push_back({node->machine.name(), node->endpoint(Port::kClient), node->endpoint(Port::kControl)});
    plane_ = std::make_unique<controlplane::ControlPlane>(plane_process_, config_, [](uint32_t) { return "ada"; });
    std::optional<Result<void>> started;
    plane_->start([&](Result<void> result) { started = std::move(result); });
    ASSERT_TRUE(run_until(world_, [&] { return started.has_value(); }));
    ASSERT_TRUE(*started) << started->error().message;
  }
  template <class Request, class Response>
  Result<Response> ask(TestNode& node, Port port, const wire::Method<Request, Response>& method,
                       const std::type_identity_t<Request>& request) {
    const auto client = connect(world_, ada_, node.endpoint(port));
    return call(world_, *client, method, request);
  }
  void command(const wire::CommandExplainRequest& request) {
    const auto asked = ask_desk(config_.listen_control_plane, wire::kCommandExplain, request);
    ASSERT_TRUE(asked) << asked.error().message;
    const auto done = ask_desk(config_.listen_control_plane, wire::kCommandConfirm,
                               {asked->challenge, fmt::format("{} {}", request.command, request.node), true});
    ASSERT_TRUE(done) << done.error().message;
    ASSERT_EQ(done->outcome, "answered") << done->error_message.value_or("");
  }
  template <class Request>
  void repair(TestNode& node, const wire::Method<Request, wire::RepairStatusResponse>& method, const Request& request) {
    const auto begun = ask(node, Port::kMaintenance, method, request);
    ASSERT_TRUE(begun) << begun.error().message;
    std::optional<wire::RepairStatusResponse> status;
    ASSERT_TRUE(run_until(world_, [&] {
      world_.run_for(kMinuteUs / 600);
      auto answer = ask(node, Port::kMaintenance, wire::kRepairStatus, {});
      if (answer) status = std::move(*answer);
      return status && status->finished;
    }));
    ASSERT_FALSE(status->error_code) << *status->error_message;
  }
  std::string id() { return fmt::format("{:032x}", ++requests_); }
  wire::Request by_ada() { return {id(), "ada", reason_, std::nullopt}; }

  SimProcess plane_process_{desk_machine_, world_, {.name = "c1", .uid = kAda}};
  SimProcess ada_{desk_machine_, world_, {.name = "aerodb", .uid = kAda}};
  controlplane::ControlplaneConfig config_;
  std::unique_ptr<controlplane::ControlPlane> plane_;
  std::unique_ptr<SimProcess> shipper_process_;
  std::unique_ptr<shipper::Shipper> shipper_;
  uint64_t requests_ = 0;
  int64_t documents_ = 0;
};

TEST_F(DrillTest, TheReportOfTheHourHoldsEveryRecordAndEvent) {
  {
    SCOPED_TRACE("planned switchover");
    reason_ = "new board for p1";
    pass(5);
    demote(p1_, r1_);
    wait_for(r1_, p1_);
    promote(r1_);
    start_as(p1_, node::Binary::kReplica);
    ship(r1_, {&p1_, &r2_});
    write(r1_, 3);
    wait_for_all(r1_);
    expect_one_history();
  }
  {
    SCOPED_TRACE("the primary died, its disk is there");
    reason_ = "r1 lost its power supply";
    pass(10);
    r1_.crash(CrashKind::kPower);
    seal_offline(r1_, p1_);
    start_as(r1_, node::Binary::kPrimary);
    wait_for(p1_, r1_);
    promote(p1_);
    start_as(r1_, node::Binary::kReplica);
    ship(p1_, {&r1_, &r2_});
    write(p1_, 3);
    wait_for_all(p1_);
    expect_one_history();
  }
  {
    SCOPED_TRACE("the primary died, its disk is lost");
    reason_ = "p1 is gone, its disk with it";
    pass(10);
    end_shipper();
    write(p1_, 2);  // acknowledged, and nowhere else
    p1_.crash(CrashKind::kPower);
    pass(5);
    end_lineage(r1_, p1_, r2_);
    accept_lineage(r2_, r1_);
    ship(r1_, {&r2_});
    write(r1_, 3);
    wait_for(r2_, r1_);
  }
  {
    SCOPED_TRACE("rejoin");
    reason_ = "p1 was found again";
    pass(20);
    start_as(p1_, node::Binary::kPrimary);
    ship(r1_, {&p1_, &r2_});
    ASSERT_TRUE(run_until(world_, [&] { return p1_.engine().fence_reason().has_value(); }));
    export_orphans(p1_);
    EXPECT_EQ(std::ranges::count(lines_of(p1_.machine, "/orphans.jsonl"), "document",
                                 [](const auto& line) { return value_of(line, "kind"); }),
              2);
    checkpoint(r1_);
    start_as(p1_, node::Binary::kReplica);
    bootstrap(p1_, r1_);
    ship(r1_, {&p1_, &r2_});
    write(r1_, 1);
    wait_for_all(r1_);
    expect_one_history();
  }
  pass(5);

  const auto report = console::timeline::report_of(fetch_logs(), {});
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_TRUE(report->audit.whole);
  EXPECT_TRUE(report->contradictions.empty());
  // Complete: by the files of the machines, not by what was fetched.
  std::map<std::string, std::string> shown;
  for (const auto& entry : report->entries)
    EXPECT_TRUE(shown.emplace(entry.entry, entry.node ? entry.what : entry.verbatim).second);
  std::map<std::string, std::string> written;
  for (auto& line : lines_of(desk_machine_, "/audit/audit.jsonl"))
    written.emplace(std::to_string(written.size() + 1), std::move(line));
  for (TestNode* node : nodes_) {
    for (const auto& line : lines_of(node->machine, fmt::format("{}/events.jsonl", kDataDir)))
      written.emplace(fmt::format("{}:{}", node->machine.name(), value_of(line, "number")), value_of(line, "event"));
  }
  EXPECT_EQ(shown, written);
  documents::expect_file("tests/sim/reports/drill.txt", console::timeline::text_of(*report));
}

}  // namespace
}  // namespace aerodb::sim
