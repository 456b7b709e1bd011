// Resume, acceptance of a lineage and export of orphans over the listeners: what they refuse, what they end, and that a
// node answers again afterwards.
#include <gmock/gmock.h>

#include <fmt/format.h>

#include "common/base/checksum.h"
#include "common/engine/orphans.h"
#include "common/node/repairs.h"
#include "common/node/translate.h"
#include "tests/unit/node/node_kit.h"

namespace aerodb::node {
namespace {

using testing::code_of;
using testing::document_bytes;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::NodeTest;
using testing::Port;
using testing::TestNode;

constexpr auto kDataDir = "/var/lib/aerodb";
constexpr auto kFile = "/orphans.jsonl";

struct RepairCommandTest : NodeTest {
  template <class Request>
  std::string repair(TestNode& node, const wire::Method<Request, wire::RepairStatusResponse>& method,
                     const std::type_identity_t<Request>& request) {
    auto client = connect(node, Port::kMaintenance);
    auto begun = call(*client, method, request);
    if (!begun) settle();  // until its event is durable
    if (!begun) return code_of(begun);
    while (node.node->repairs().running() && world.step()) {
    }
    settle();
    // The node answers again, and tells how it ended.
    auto status = call(*connect(node, Port::kMaintenance), wire::kRepairStatus, {});
    EXPECT_TRUE(status) << status.error().message;
    if (!status || !status->finished) return "running";
    EXPECT_EQ(status->stage, status->error_code ? "failed" : "done");
    message = status->error_message.value_or("");
    return status->error_code.value_or("OK");
  }
  std::string resume(TestNode& node, TestNode* source = nullptr, std::optional<LineageId> lineage = std::nullopt) {
    wire::RepairResumeRequest request{asked_by(), lineage, std::nullopt};
    if (source != nullptr) request.source = source->endpoint(Port::kReplication).text();
    return repair(node, wire::kRepairResume, request);
  }
  std::string export_to(TestNode& node, TestNode* source, const std::string& file = kFile) {
    wire::RepairExportRequest request{asked_by(), file, std::nullopt};
    if (source != nullptr) request.source = source->endpoint(Port::kReplication).text();
    return repair(node, wire::kOrphansExport, request);
  }
  void put(TestNode& node, const std::string& id) {
    auto client = connect(node);
    const auto document = document_bytes(id, 1);
    ASSERT_TRUE(call(*client, wire::kDocInsert, {"c", 1, std::nullopt, wire::Packed{document}}));
  }
  void halt(TestNode& node, const std::string& rule, const std::string& code) {
    node.engine().halt({rule, code, "for the test", node.engine().visible().lsn.next()});
    settle();
    ASSERT_EQ(node.node->state(), rules::NodeState::kHalted);
  }
  static bool halted_on_disk(TestNode& node) { return node.machine.disk().exists(std::string(kDataDir) + "/HALT"); }
  // `node` goes on in a lineage of its own.
  LineageId end_lineage(TestNode& node, const std::string& lost, const std::vector<std::string>& absent = {}) {
    wire::EndLineageRequest request;
    request.request = asked_by();
    request.lost = lost;
    for (const auto& name : absent) request.peers.push_back({name, "192.0.2.1:1"});
    request.absent = absent;
    request.phrase = fmt::format("end the lineage of {}", lost);
    request.loss_phrase =
        fmt::format("give up what {} acknowledged after LSN {}", lost, node.engine().newest().lsn.value());
    auto client = connect(node, Port::kMaintenance);
    auto ended = call(*client, wire::kEndLineage, request);
    EXPECT_TRUE(ended) << ended.error().message;
    return ended ? ended->lineage : LineageId{};
  }
  std::vector<std::string> stages(TestNode& node) {
    std::vector<std::string> stages;
    for (const auto& event : node.events()) {
      if (event.name == "repair_stage") stages.push_back(event.fields.at(2));
    }
    return stages;
  }
  std::vector<std::string> lines(TestNode& node, const std::string& file = kFile) {
    const auto bytes = node.machine.disk().peek(file).value_or(Bytes());
    std::vector<std::string> lines;
    std::string_view rest = as_text(bytes);
    for (size_t end = 0; (end = rest.find('\n')) != std::string_view::npos; rest.remove_prefix(end + 1))
      lines.emplace_back(rest.substr(0, end));
    return lines;
  }

  std::string message;  // of the last repair
  TestNode p{world, "p", true};
  TestNode r{world, "r", false};
};

// --- resume

TEST_F(RepairCommandTest, AHaltForADiskErrorEndsWhereEverythingVerifies) {
  p.start();
  fill(p, 30);
  checkpoint(p);
  put(p, "later");
  world.options().rate(sim::FaultKind::kSyncFailed) = 1;
  auto writer = connect(p);
  const auto document = document_bytes("unknown", 1);
  EXPECT_EQ(code_of(call(*writer, wire::kDocInsert, {"c", 1, std::nullopt, wire::Packed{document}})),
            "OUTCOME_UNKNOWN");
  world.options().rate(sim::FaultKind::kSyncFailed) = 0;
  settle();
  ASSERT_EQ(p.node->state(), rules::NodeState::kHalted);
  p.restart();
  ASSERT_EQ(p.node->state(), rules::NodeState::kHalted);
  EXPECT_EQ(resume(p), "OK") << message;
  EXPECT_EQ(p.node->state(), rules::NodeState::kReady);
  EXPECT_THAT(stages(p), ElementsAre("stage=verifying", "stage=reopening", "stage=done"));
  EXPECT_THAT(p.last_event("repair_requested"), HasSubstr("kind=resume"));
  EXPECT_THAT(p.last_event("repair_requested"), HasSubstr("halted by WAL-5"));
  const auto& view = p.node->repairs().view();
  EXPECT_GT(view.total_bytes, 0u);
  EXPECT_EQ(view.end_lsn, p.engine().visible().lsn);
  put(p, "after");
  p.machine.power_loss();
  p.crash();
  p.start();
  EXPECT_EQ(p.node->state(), rules::NodeState::kReady);
}

TEST_F(RepairCommandTest, AHaltStandsWhereSomethingDoesNotVerify) {
  p.start();
  fill(p, 30);
  checkpoint(p);
  halt(p, "WAL-5", "IO");
  const auto run = std::string(kDataDir) + "/runs/00000001.run";
  ASSERT_TRUE(p.machine.disk().damage(run, 700, 1));
  EXPECT_EQ(resume(p), "RESUME_DENIED");
  EXPECT_THAT(message, HasSubstr("00000001.run"));
  EXPECT_EQ(p.node->state(), rules::NodeState::kHalted);
  EXPECT_TRUE(halted_on_disk(p));
  ASSERT_TRUE(p.machine.disk().damage(run, 700, 1));
  EXPECT_EQ(resume(p), "OK") << message;
  EXPECT_FALSE(halted_on_disk(p));
}

TEST_F(RepairCommandTest, AHaltForADivergenceAlsoNeedsASourceWithThisVeryHistory) {
  p.start();
  r.start();
  fill(p, 20);
  ship(p, r);
  halt(r, "REPL-3", "REPLICA_DIVERGED");
  EXPECT_EQ(resume(r), "RESUME_DENIED");
  EXPECT_THAT(r.last_event("command_denied"), HasSubstr("code=RESUME_DENIED\nrule=FAIL-4"));
  // Of the same cluster, but another history of the same length.
  TestNode other(world, "other", true);
  other.start();
  fill(other, 20);
  EXPECT_EQ(resume(r, &other), "RESUME_DENIED");
  EXPECT_THAT(message, HasSubstr("LSN 22 ends this log"));
  EXPECT_TRUE(halted_on_disk(r));
  put(p, "later");
  EXPECT_EQ(resume(r, &p), "OK") << message;
  EXPECT_EQ(r.node->state(), rules::NodeState::kReady);
  ship(p, r);
  EXPECT_EQ(r.engine().visible().chain, p.engine().visible().chain);
}

TEST_F(RepairCommandTest, ASourceThatCannotBeComparedLeavesTheHalt) {
  p.start();
  r.start();
  fill(p, 5);
  ship(p, r);
  halt(r, "REPL-1", "REPLICA_DIVERGED");
  EXPECT_EQ(resume(r, &r), "BAD_REQUEST") << "itself";
  EXPECT_EQ(repair(r, wire::kRepairResume, {asked_by(), std::nullopt, "nonsense"}), "BAD_REQUEST");
  TestNode empty(world, "empty", false);
  empty.start();
  EXPECT_EQ(resume(r, &empty), "SOURCE_BEHIND");
  p.crash();
  EXPECT_THAT(resume(r, &p), ::testing::AnyOf("UNREACHABLE", "TIMED_OUT"));
  EXPECT_EQ(resume(r, nullptr, LineageId{{1}}), "HALTED") << "a halted node accepts no lineage";
  EXPECT_TRUE(halted_on_disk(r));
  p.start();
  EXPECT_EQ(resume(r, &p), "OK") << message;
}

TEST_F(RepairCommandTest, ANodeThatIsNotHaltedHasNothingToResume) {
  p.start();
  EXPECT_EQ(resume(p), "NOTHING_TO_DO");
  auto client = connect(p, Port::kMaintenance);
  auto status = call(*client, wire::kRepairStatus, {});
  ASSERT_TRUE(status);
  EXPECT_FALSE(status->kind) << "a refusal is no repair";
  halt(p, "WAL-5", "IO");
  wire::Request silent = asked_by();
  silent.reason.clear();
  EXPECT_EQ(repair(p, wire::kRepairResume, {silent, std::nullopt, std::nullopt}), "REASON_REQUIRED");
  // One at a time.
  ASSERT_TRUE(call(*client, wire::kRepairResume, {asked_by(), std::nullopt, std::nullopt}));
  EXPECT_EQ(code_of(call(*client, wire::kRepairResume, {asked_by(), std::nullopt, std::nullopt})), "OPERATION_RUNNING");
  settle();
  EXPECT_EQ(p.node->state(), rules::NodeState::kReady);
}

// --- another lineage

struct ForkTest : RepairCommandTest {
  void SetUp() override {
    for (auto* node : {&p, &r, &s}) node->start();
    fill(p, 20);
    ship(p, r);
    ship(p, s);
  }
  std::string try_ship(TestNode& source, TestNode& target) {
    auto from = connect(source, Port::kReplication);
    auto to = connect(target, Port::kReplication);
    auto position = call(*from, wire::kWalPosition, {});
    EXPECT_TRUE(position);
    return code_of(call(*to, wire::kReplicaOpen,
                        {"s", InstanceId{{9}}, position->node, position->instance, position->cluster, position->durable,
                         position->ancestry}));
  }
  TestNode s{world, "s", false};
};

TEST_F(ForkTest, AReplicaFollowsAnotherLineageOnceItIsAccepted) {
  const auto lineage = end_lineage(r, "p");
  put(r, "new");
  EXPECT_EQ(try_ship(r, s), "LINEAGE_CHANGED");
  EXPECT_EQ(resume(s, nullptr, lineage), "BAD_REQUEST") << "without a source";
  EXPECT_EQ(resume(s, &p, lineage), "LINEAGE_UNKNOWN");
  EXPECT_EQ(resume(s, &r, lineage), "OK") << message;
  EXPECT_THAT(s.last_event("lineage_accepted"), HasSubstr("fork_lsn=22\nrequest_id=r1"));
  EXPECT_EQ(resume(s, &r, lineage), "NOTHING_TO_DO");
  s.machine.power_loss();
  s.crash();
  s.start();
  EXPECT_EQ(resume(s, &r, lineage), "NOTHING_TO_DO") << "it outlives the process";
  ship(r, s);
  EXPECT_EQ(s.engine().visible().chain, r.engine().visible().chain);
  EXPECT_EQ(s.engine().visible().lineage, lineage);
  EXPECT_EQ(resume(s, &r, lineage), "NOTHING_TO_DO") << "its log is of it now";
  EXPECT_EQ(resume(r, &s, LineageId{{1}}), "NOT_A_REPLICA");
}

TEST_F(ForkTest, ALogThatEndsBeforeTheForkIsComparedThere) {
  put(p, "x");
  ship(p, r);
  const auto lineage = end_lineage(r, "p");
  EXPECT_EQ(resume(s, &r, lineage), "OK") << message;
  EXPECT_THAT(s.last_event("lineage_accepted"), HasSubstr("fork_lsn=23"));
  ship(r, s);
  EXPECT_EQ(s.engine().visible().chain, r.engine().visible().chain);
}

TEST_F(ForkTest, ALogThatGoesOnBeyondTheForkIsNotLetOnTheOtherSide) {
  const auto lineage = end_lineage(r, "p");
  put(p, "x");
  ship(p, s);
  EXPECT_EQ(resume(s, &r, lineage), "LINEAGE_CHANGED");
  EXPECT_FALSE(s.engine().accepted_lineage());
  EXPECT_EQ(try_ship(r, s), "LINEAGE_CHANGED");
}

// --- export of orphans

TEST_F(ForkTest, AFormerPrimaryExportsWhatTheNewLineageDoesNotHave) {
  put(p, "lost1");
  put(p, "lost2");
  const auto end = p.engine().visible();
  end_lineage(r, "p");
  put(r, "new");
  p.restart();  // the chain at the fork is not in memory any more
  EXPECT_EQ(export_to(p, &r), "OK") << message;
  const auto written = lines(p);
  ASSERT_EQ(written.size(), 4u);
  EXPECT_THAT(written[0], HasSubstr(R"("fork_lsn":22,"fork_commit":20,"end_lsn":24)"));
  EXPECT_THAT(written[1], HasSubstr(R"("_id":"lost1")"));
  EXPECT_THAT(written[2], HasSubstr(R"("_id":"lost2")"));
  EXPECT_THAT(written[3], HasSubstr(R"("versions":2)"));
  const auto& view = p.node->repairs().view();
  EXPECT_EQ(view.orphans, 2u);
  EXPECT_EQ(view.fork_lsn, Lsn(22));
  EXPECT_EQ(view.fork_commit, CommitId(20));
  EXPECT_EQ(view.sha256, sha256(p.machine.disk().peek(kFile).value()));
  EXPECT_THAT(stages(p), ElementsAre("stage=asking", "stage=writing", "stage=done"));
  sim::SimProcess hand(p.machine, world, {.name = "hand"});
  const auto marker = engine::read_orphans_marker(hand.blocking_disk(), kDataDir);
  ASSERT_TRUE(marker && *marker);
  EXPECT_EQ((*marker)->end_lsn, end.lsn);
  EXPECT_EQ((*marker)->end_chain, end.chain);
  EXPECT_EQ((*marker)->fork_lsn, Lsn(22));
  EXPECT_EQ(p.node->state(), rules::NodeState::kReady);
  EXPECT_EQ(p.engine().visible().chain, end.chain);
}

TEST_F(ForkTest, AFencedNodeKnowsItsForkItself) {
  put(p, "lost");
  end_lineage(r, "p");
  EXPECT_EQ(export_to(p, nullptr), "BAD_REQUEST") << "not fenced yet";
  p.crash();
  // Replicas and former primaries hear of a lineage from whoever wants to feed them.
  p.primary = true;
  p.start();
  p.engine().fence({r.engine().visible().lineage, Lsn(22), s.engine().visible().chain, "r", r.engine().node().instance},
                   [](Result<void> written) { EXPECT_TRUE(written); });
  settle();
  EXPECT_EQ(export_to(p, nullptr), "OK") << message;
  EXPECT_EQ(p.node->repairs().view().orphans, 1u);
  EXPECT_TRUE(p.engine().fence_reason());
  EXPECT_EQ(resume(p, &r, r.engine().visible().lineage), "FENCED");
}

TEST_F(ForkTest, NothingToExportIsSaid) {
  EXPECT_EQ(export_to(s, &p), "NOTHING_TO_DO");
  EXPECT_FALSE(s.machine.disk().exists(kFile));
  put(p, "x");
  EXPECT_EQ(export_to(s, &p), "NOTHING_TO_DO") << "the source is further on";
  EXPECT_EQ(s.node->state(), rules::NodeState::kReady);
  ship(p, s);
}

TEST_F(ForkTest, WhatASourceThatFellBehindLacksIsExported) {
  put(p, "x");
  ship(p, s);
  EXPECT_EQ(export_to(s, &r), "OK") << message;
  EXPECT_EQ(s.node->repairs().view().orphans, 1u);
  EXPECT_EQ(s.node->repairs().view().fork_lsn, Lsn(22));
}

TEST_F(ForkTest, LogsWithNothingInCommonAreExportedWhole) {
  TestNode other(world, "other", true);
  other.start();
  fill(other, 25);
  EXPECT_EQ(export_to(s, &other), "OK") << message;
  EXPECT_EQ(s.node->repairs().view().fork_lsn, Lsn(0));
  EXPECT_EQ(s.node->repairs().view().orphans, 20u);
}

TEST_F(ForkTest, LogsThatPartWithinAnEpochAreExportedFromItsStart) {
  const auto lineage = end_lineage(r, "p");
  put(r, "x");
  put(r, "y");
  ASSERT_EQ(resume(s, &r, lineage), "OK") << message;
  ship(r, s);
  // A source with r's ancestry and other records, as after a disk that lost what it had synced.
  sim::SimProcess process(world.add_machine("other"), world, {.name = "other"});
  wire::Server server(process, wire::ListenerKind::kReplication, {}, {});
  server.handle(wire::kWalPosition, [this](const auto&, wire::Responder responder) {
    const auto& engine = r.engine();
    responder.ok(wire::WalPositionResponse{"r", engine.node().instance, engine.node().cluster, Lsn(1),
                                           receipt_of(engine.visible()), ancestry_of(engine.visible_authority()),
                                           std::nullopt, std::nullopt, std::nullopt});
  });
  server.handle(wire::kWalFetch, [this](const auto& request, wire::Responder responder) {
    responder.ok(wire::WalFetchResponse{request.from_lsn, 0, Chain{{1}}, receipt_of(r.engine().visible()), {}});
  });
  runtime::Endpoint endpoint;
  endpoint.host = process.machine().address();
  endpoint.port = 1;
  ASSERT_TRUE(server.listen(endpoint));
  EXPECT_EQ(repair(s, wire::kOrphansExport, {asked_by(), kFile, endpoint.text()}), "OK") << message;
  EXPECT_EQ(s.node->repairs().view().fork_lsn, Lsn(22)) << "where the epoch began";
  EXPECT_EQ(s.node->repairs().view().orphans, 2u);
}

TEST_F(ForkTest, ExportRefusesPathsThatItMustNotTake) {
  EXPECT_EQ(export_to(s, &p, "orphans.jsonl"), "BAD_REQUEST");
  put(p, "x");
  ship(p, s);
  EXPECT_EQ(export_to(s, &r, std::string(kDataDir) + "/NODE"), "BACKUP_EXISTS");
  EXPECT_EQ(export_to(s, &r, "/no/such/place"), "IO");
  EXPECT_EQ(s.node->state(), rules::NodeState::kReady);
  TestNode empty(world, "empty", false);
  empty.start();
  EXPECT_EQ(export_to(empty, &p), "NOTHING_TO_DO");
}

TEST_F(ForkTest, AHaltedNodeExportsAndStaysHalted) {
  put(p, "x");
  ship(p, s);
  halt(s, "REPL-3", "REPLICA_DIVERGED");
  EXPECT_EQ(export_to(s, &r), "OK") << message;
  EXPECT_EQ(s.node->state(), rules::NodeState::kHalted);
}

}  // namespace
}  // namespace aerodb::node
