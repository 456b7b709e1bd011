// explain.checkpoint, .halt, .promotion and .command as a node answers them: nothing is changed, and what is answered
// follows from its own evidence.
#include <map>

#include "common/document/json.h"
#include "common/rules/rederive.h"
#include "tests/unit/node/node_kit.h"

namespace aerodb::node {
namespace {

using testing::code_of;
using testing::contents;
using testing::NodeTest;
using testing::Port;
using testing::TestNode;

struct NodeExplanations : NodeTest {
  NodeExplanations() {
    for (auto* node : {&p, &r}) node->start();
    fill(p, 5);
    ship(p, r);
  }
  // The object as JSON, or the code of the refusal.
  template <class Request>
  std::string explain(TestNode& node, const wire::Method<Request, wire::ExplanationResponse>& method,
                      const std::type_identity_t<Request>& request, Port port = Port::kClient) {
    auto client = connect(node, port);
    std::string json;
    const auto asked = ask(*client, method, request, [&](const wire::ExplanationResponse& answer) {
      document::Tape tape;
      ASSERT_TRUE(tape.parse(answer.explanation.bytes));
      json = document::to_json(tape.root());
      const auto derived = rules::rederive(tape.root());
      ASSERT_TRUE(derived) << derived.error().message;
      EXPECT_TRUE(derived->follows) << derived->why;
    });
    return asked ? json : code_of(asked);
  }
  wire::ControlExplainRequest promotion() { return {"promote", std::nullopt, std::nullopt, std::nullopt}; }
  void promote_r() {
    auto control = connect(p, Port::kControl);
    ASSERT_TRUE(call(*control, wire::kControlDemote, {asked_by(), "r", r.engine().node().instance, std::nullopt}));
    ship(p, r);
    auto successor = connect(r, Port::kControl);
    auto promoted = call(*successor, wire::kControlPromote, {asked_by(), std::nullopt});
    ASSERT_TRUE(promoted) << promoted.error().message;
  }
  TestNode p{world, "p", true};
  TestNode r{world, "r", false};
};

bool has(const std::string& json, std::string_view text) { return json.find(text) != std::string::npos; }

TEST_F(NodeExplanations, TheCheckpointThatWasMadeIsAcceptedAndStaysSoAfterAStart) {
  EXPECT_TRUE(has(explain(p, wire::kExplainCheckpoint, {}), R"("status":"no checkpoint")"));
  ASSERT_EQ(checkpoint(p).stage, "done");
  EXPECT_TRUE(has(explain(p, wire::kExplainCheckpoint, {}), R"("status":"accepted")"));
  p.restart();
  const auto after = explain(p, wire::kExplainCheckpoint, {});
  EXPECT_TRUE(has(after, R"("status":"accepted")")) << after;
  p.restart();
  EXPECT_EQ(explain(p, wire::kExplainCheckpoint, {}), after);
}

// At every moment of a checkpoint: what is answered is never that of two manifests.
TEST_F(NodeExplanations, AManifestThatIsBeingReplacedIsNotExplained) {
  ASSERT_EQ(checkpoint(p).stage, "done");
  auto client = connect(p);
  const auto document = testing::document_bytes("more", 1);
  ASSERT_TRUE(call(*client, wire::kDocInsert, {"c", 1, std::nullopt, wire::Packed{document}}));
  auto maintenance = connect(p, Port::kMaintenance);
  auto started = call(*maintenance, wire::kStorageCheckpoint, {asked_by(), true});
  ASSERT_TRUE(started);
  while (p.engine().storage().running()) {
    const auto json = explain(p, wire::kExplainCheckpoint, {});
    EXPECT_TRUE(json == "OPERATION_RUNNING" || has(json, R"("status":"accepted")")) << json;
  }
  EXPECT_TRUE(has(explain(p, wire::kExplainCheckpoint, {}), R"("status":"accepted")"));
}

TEST_F(NodeExplanations, AHaltIsExplainedByTheNodeThatHalted) {
  EXPECT_TRUE(has(explain(r, wire::kExplainHalt, {}), R"("conclusion":{"status":"not halted"})"));
  Error error{ErrorCode::kReplicaDiverged, "for the test", {}};
  r.engine().halt(engine::halt_for("REPL-1", error.with("expected", "aa").with("found", "bb"), Lsn(3)));
  settle();
  const auto halted = explain(r, wire::kExplainHalt, {});
  EXPECT_TRUE(has(halted, R"("halt_expected":"aa")")) << halted;
  EXPECT_TRUE(has(halted, R"("conclusion":{"status":"halted","rule":"REPL-1","code":"REPLICA_DIVERGED")"));
  r.restart();
  EXPECT_EQ(explain(r, wire::kExplainHalt, {}), halted);
}

TEST_F(NodeExplanations, WhatAPromotionWasDecidedOnIsKeptBeforeItIsAnswered) {
  promote_r();
  // Answered: so it is there, whatever becomes of the process.
  r.restart();
  const auto granted = explain(r, wire::kExplainPromotion, {std::nullopt});
  EXPECT_TRUE(has(granted, R"("conclusion":{"status":"granted","epoch":2,"node":"r"})")) << granted;
  EXPECT_EQ(explain(r, wire::kExplainPromotion, {Epoch(2)}), granted);
  EXPECT_TRUE(has(explain(r, wire::kExplainPromotion, {Epoch(1)}), R"("status":"no promotion decided it")"));
  EXPECT_EQ(explain(r, wire::kExplainPromotion, {Epoch(3)}), "BAD_REQUEST");
}

TEST_F(NodeExplanations, ACommandIsExplainedTheSameOnBothListeners) {
  for (auto* node : {&p, &r}) {
    for (const std::string command : {"demote", "promote", "decline", "diagnose"}) {
      const wire::ControlExplainRequest request{command, "r", r.engine().node().instance, std::nullopt};
      const auto looked_at = explain(*node, wire::kExplainCommand, request);
      EXPECT_TRUE(has(looked_at, R"("explanation_type":"control.command")")) << looked_at;
      EXPECT_EQ(explain(*node, wire::kControlExplain, request, Port::kControl), looked_at);
    }
    const auto before = node->engine().newest().lsn;
    EXPECT_EQ(explain(*node, wire::kExplainCommand, {"abdicate", {}, {}, {}}), "BAD_REQUEST");
    EXPECT_EQ(explain(*node, wire::kExplainCommand, {"demote", std::string(300, 'x'), {}, {}}), "BAD_REQUEST");
    EXPECT_EQ(explain(*node, wire::kExplainCommand, {"demote", {}, {}, ByteSpan()}), "BAD_REQUEST") << "no statement";
    EXPECT_EQ(node->engine().newest().lsn, before);
  }
}

// Reading explanations changes no byte of the directory.
TEST_F(NodeExplanations, NothingIsWritten) {
  ASSERT_EQ(checkpoint(p).stage, "done");
  promote_r();
  settle();
  for (auto* node : {&p, &r}) {
    const auto before = contents(node->machine.disk());
    (void)explain(*node, wire::kExplainCheckpoint, {});
    (void)explain(*node, wire::kExplainHalt, {});
    (void)explain(*node, wire::kExplainPromotion, {std::nullopt});
    (void)explain(*node, wire::kExplainCommand, promotion());
    settle();
    EXPECT_EQ(contents(node->machine.disk()), before);
  }
}

}  // namespace
}  // namespace aerodb::node
