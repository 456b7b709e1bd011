// node.halt: what stands in HALT and FENCED, and what is refused for it.
#include <gtest/gtest.h>

#include "common/engine/halt_evidence.h"
#include "tests/unit/engine/explanation_kit.h"
#include "tests/unit/engine/node_kit.h"

namespace aerodb::engine {
namespace {

using namespace testing;
using sim::CrashKind;

struct StoppedNode {
  StoppedNode() : world(1, {}), node(world, {}) {
    EXPECT_FALSE(node.start());
    EXPECT_TRUE(node.register_schema(kSchema1));
    EXPECT_TRUE(node.write({insert("x")}));
  }
  void halt() {
    Error error{ErrorCode::kDigestMismatch, "apply record: LSN 9: the state digest differs", {}};
    node.engine->halt(halt_for("REC-6", error.with("expected", "aa").with("found", "bb"), Lsn(9)));
    node.run();
  }
  void fence() {
    const Fence fence{id_of<LineageId>(0x0f), Lsn(2), *node.engine->chain_at(Lsn(2)), "b", id_of<InstanceId>(9)};
    node.engine->fence(fence, [](const Result<void>& done) { EXPECT_TRUE(done); });
    node.run();
  }
  [[nodiscard]] rules::HaltEvidence evidence() {
    const auto& engine = *node.engine;
    const auto& fence = engine.fence_reason();
    return halt_evidence_of({engine.node(), engine.state(), engine.role(), true, engine.visible(), engine.halt_reason(),
                             fence, fence ? engine.chain_at(fence->fork_lsn) : std::nullopt});
  }
  [[nodiscard]] Shown shown() { return Shown(rules::explain_halt(evidence(), kLineage)); }
  sim::SimWorld world;
  TestNode node;
};

TEST(HaltExplanation, HasEveryRuleInOrderAndTheFailingOneLast) {
  StoppedNode n;
  const auto none = n.shown();
  EXPECT_EQ(none.rules, "FAIL-2 FAIL-4 AUTH-3 ");
  EXPECT_EQ(none.broken + none.open, "");
  EXPECT_EQ(none.said("status"), "\"not halted\"");
  n.halt();
  const auto halted = n.shown();
  EXPECT_EQ(halted.rules, "FAIL-2 FAIL-4 AUTH-3 REC-6 ");
  EXPECT_EQ(halted.broken, "FAIL-2 REC-6 ");
  EXPECT_EQ(halted.said("status"), "\"halted\"");
  EXPECT_EQ(halted.said("rule"), "\"REC-6\"");
  EXPECT_EQ(halted.said("code"), "\"DIGEST_MISMATCH\"");
  EXPECT_EQ(halted.said("until"), R"(["aerodb resume","aerodb bootstrap"])");
}

TEST(HaltExplanation, EvidenceIsWhatTheRecordsSayAndRefusalsAreThoseOfTheNode) {
  StoppedNode n;
  n.fence();
  const auto fenced = n.evidence();
  const auto fence = **read_fence(n.node.process->blocking_disk(), "/d");
  EXPECT_EQ(fenced.fork_lsn, fence.fork_lsn);
  EXPECT_EQ(fenced.fork_chain, fence.fork_chain);
  EXPECT_EQ(fenced.own_chain_at_fork, fence.fork_chain);
  EXPECT_EQ(fenced.fence_lineage, fence.lineage);
  EXPECT_EQ(fenced.fence_node, fence.node);
  EXPECT_EQ(fenced.fence_instance, fence.instance);
  const auto shown = n.shown();
  EXPECT_EQ(shown.broken, "AUTH-3 ");
  EXPECT_EQ(shown.said("until"), R"(["aerodb bootstrap"])");
  EXPECT_NE(shown.said("refused").find("\"writes\",\"code\":\"" + std::string(code_of(n.node.write({insert("a")})))),
            std::string::npos);
  EXPECT_NE(shown.said("refused").find("\"document reads\",\"code\":\"" + std::string(code_of(n.node.get("x")))),
            std::string::npos);

  n.halt();
  const auto e = n.evidence();
  const auto halt = **read_halt(n.node.process->blocking_disk(), "/d");
  EXPECT_EQ(e.halt_rule, halt.rule);
  EXPECT_EQ(e.halt_code, halt.code);
  EXPECT_EQ(e.halt_reason, halt.reason);
  EXPECT_EQ(e.halt_lsn, halt.lsn);
  EXPECT_EQ(halt.expected, "aa");
  EXPECT_EQ(halt.found, "bb");
  EXPECT_EQ(e.halt_expected, halt.expected);
  EXPECT_EQ(e.halt_found, halt.found);
  const auto refused = n.shown().said("refused");
  for (const auto& [requests, code] : std::initializer_list<std::pair<std::string, std::string>>{
           {"writes", std::string(code_of(n.node.write({insert("a")})))},
           {"document reads", std::string(code_of(n.node.get("x")))},
           {"records of a source", std::string(code_of(n.node.append({}, 0)))},
           {"storage operations", std::string(code_of(n.node.checkpoint()))},
           {"promote", std::string(code_of(n.node.promote(promotion())))},
           {"decline", std::string(code_of(n.node.decline(declining())))}}) {
    EXPECT_NE(refused.find("{\"requests\":\"" + requests + "\",\"code\":\"" + code + "\""), std::string::npos)
        << requests << ' ' << code << "\n"
        << refused;
  }
}

TEST(HaltExplanation, SaysTheSameTwiceAndAfterEachStart) {
  StoppedNode n;
  n.halt();
  const auto before = n.shown();
  EXPECT_EQ(n.shown().json, before.json);
  for (auto kind : {CrashKind::kPower, CrashKind::kProcess}) {
    n.node.restart(kind);
    EXPECT_EQ(n.shown().json, before.json);
  }
}

TEST(HaltExplanation, WhatOnlyTheCommandFindsOutIsMissing) {
  StoppedNode n;
  n.halt();
  const auto halted = n.shown();
  EXPECT_EQ(halted.open, "FAIL-4 ");
  EXPECT_EQ(halted.missing("FAIL-4"), R"(["cause_gone"])");
  EXPECT_EQ(halted.said("status"), "\"halted\"") << "another rule decided already";
  auto e = n.evidence();
  e.halt_rule = "REPL-99";  // of a newer binary
  const Shown unknown(rules::explain_halt(e, kLineage));
  EXPECT_EQ(unknown.rules, "FAIL-2 FAIL-4 AUTH-3 ");
  EXPECT_EQ(unknown.said("rule"), "\"REPL-99\"");
}

// A halted node writes nothing, whenever it halted.
TEST(HaltExplanation, StorageOperationsAreRefusedAfterARestartToo) {
  StoppedNode n;
  n.halt();
  EXPECT_EQ(code_of(n.node.checkpoint()), "HALTED");
  n.node.restart(CrashKind::kProcess);
  EXPECT_EQ(code_of(n.node.checkpoint()), "HALTED");
  EXPECT_EQ(code_of(n.node.snapshot("s")), "HALTED");
}

}  // namespace
}  // namespace aerodb::engine
