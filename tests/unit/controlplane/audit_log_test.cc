// The audit log on a disk that can fail, fill up and lose what was not synced.
#include <algorithm>

#include "tests/unit/controlplane/control_plane_kit.h"

namespace aerodb::controlplane {
namespace {

using namespace testing;

Result<std::vector<wire::AuditRecordView>> read_audit(Cluster& cluster, uint64_t after, uint32_t limit) {
  std::vector<wire::AuditRecordView> records;
  auto asked = cluster.ask(*cluster.ada, cluster.desk(), wire::kAuditRead, {after, limit},
                           [&](const wire::AuditReadResponse& response) { records = response.records; });
  if (!asked) return fail(std::move(asked.error()));
  return records;
}

wire::AuditVerifyResponse verify(Cluster& cluster) {
  wire::AuditVerifyResponse found;
  EXPECT_TRUE(cluster.ask(*cluster.ada, cluster.desk(), wire::kAuditVerify, {},
                          [&](const wire::AuditVerifyResponse& response) { found = response; }));
  return found;
}

TEST(AuditLog, IsReadInPagesVerbatim) {
  Cluster cluster;
  ASSERT_TRUE(cluster.start());
  ASSERT_FALSE(cluster.challenge().empty());
  ASSERT_FALSE(cluster.challenge().empty());
  const auto lines = cluster.audit_lines();
  ASSERT_EQ(lines.size(), 4u);
  const auto page = read_audit(cluster, 1, 2);
  ASSERT_TRUE(page);
  ASSERT_EQ(page->size(), 2u);
  EXPECT_EQ((*page)[0].number, 2u);
  EXPECT_EQ((*page)[0].stage, "explained");
  EXPECT_EQ((*page)[0].line, lines[1]);
  EXPECT_EQ((*page)[1].line, lines[2]);
  EXPECT_EQ(read_audit(cluster, 4, 10)->size(), 0u);
  EXPECT_EQ(read_audit(cluster, kMaxNumber, 10)->size(), 0u);
  EXPECT_EQ(code_of(read_audit(cluster, 0, 0)), ErrorCode::kBadRequest);
  EXPECT_EQ(code_of(read_audit(cluster, 0, 1001)), ErrorCode::kBadRequest);
}

TEST(AuditLog, ChainGoesOnAcrossARestart) {
  Cluster cluster;
  ASSERT_TRUE(cluster.start());
  cluster.challenge();
  cluster.restart();
  cluster.challenge();
  EXPECT_EQ(cluster.stages(), (Stages{"requested", "explained", "requested", "explained"}));
  const auto found = verify(cluster);
  EXPECT_TRUE(found.whole);
  EXPECT_EQ(found.records, 4u);
  EXPECT_TRUE(verify_audit(as_bytes(cluster.audit_text())).whole);
}

TEST(AuditLog, NothingAnsweredIsLostWithThePower) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    Cluster cluster(seed);
    ASSERT_TRUE(cluster.start());
    cluster.challenge();
    const auto before = cluster.audit_text();
    cluster.crash(sim::CrashKind::kPower);
    ASSERT_EQ(cluster.audit_text(), before);
  }
}

// One explanation, cut short by a power loss at the `call`-th disk call.
void explain_and_lose_power(Cluster& cluster, uint64_t call) {
  cluster.process->crash_at_call(call, sim::CrashKind::kPower);
  wire::Client client(*cluster.ada);
  client.connect(cluster.desk(), [&](Result<void> connected) {
    if (!connected) return;
    // Long enough for records of several sectors.
    client.call(wire::kCommandExplain, Cluster::demote(std::string(1000, 'x')), 0,
                [](Result<wire::CommandExplainResponse>) {});
  });
  cluster.world.run_for(10'000'000);
}

TEST(AuditLog, PowerLossAtAnyDiskCallLeavesALogThatOpensAndGoesOn) {
  int torn = 0;
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    for (uint64_t call = 1; call <= 12; ++call) {
      Cluster cluster(seed);
      ASSERT_TRUE(cluster.start());
      explain_and_lose_power(cluster, call);
      cluster.crash(sim::CrashKind::kPower);
      ASSERT_TRUE(cluster.start());
      ASSERT_EQ(cluster.plane->audit().refusal(), std::nullopt) << seed << ", " << call;
      ASSERT_FALSE(cluster.challenge().empty());
      ASSERT_TRUE(verify(cluster).whole) << seed << ", " << call;
      torn += static_cast<int>(std::ranges::count(cluster.stages(), "torn_tail"));
    }
  }
  EXPECT_GT(torn, 0);
}

TEST(AuditLog, PowerLossWhileATornEndIsSetAsideLosesNeither) {
  const std::string torn = "{\"number\":3,\"stage\":\"dispa";
  for (uint64_t call = 1; call <= 25; ++call) {
    Cluster cluster(call);
    ASSERT_TRUE(cluster.start());
    cluster.challenge();
    const std::string whole = cluster.audit_text();
    cluster.crash(sim::CrashKind::kProcess);
    cluster.write_audit(whole + torn);
    cluster.process->crash_at_call(call, sim::CrashKind::kPower);
    cluster.plane = std::make_unique<ControlPlane>(*cluster.process, cluster.config());
    cluster.plane->start([](Result<void>) {});
    cluster.world.run_for(10'000'000);
    cluster.crash(sim::CrashKind::kPower);
    ASSERT_TRUE(cluster.start());
    ASSERT_EQ(cluster.plane->audit().refusal(), std::nullopt) << call;
    ASSERT_EQ(cluster.stages(), (Stages{"requested", "explained", "torn_tail"})) << call;
    const auto kept = cluster.desk_machine.disk().peek("/audit/torn-3.bin");
    ASSERT_TRUE(kept);
    ASSERT_EQ(as_text(*kept), torn);
    ASSERT_TRUE(verify(cluster).whole);
  }
}

TEST(AuditLog, TornEndIsSetAsideAndRecorded) {
  Cluster cluster;
  ASSERT_TRUE(cluster.start());
  cluster.challenge();
  const std::string whole = cluster.audit_text();
  cluster.crash(sim::CrashKind::kProcess);
  const std::string torn = "{\"number\":3,\"stage\":\"dispa";
  cluster.write_audit(whole + torn);
  ASSERT_TRUE(cluster.start());
  EXPECT_EQ(cluster.plane->audit().refusal(), std::nullopt);
  EXPECT_EQ(cluster.stages(), (Stages{"requested", "explained", "torn_tail"}));
  EXPECT_TRUE(cluster.audit_text().starts_with(whole));
  const auto kept = cluster.desk_machine.disk().peek("/audit/torn-3.bin");
  ASSERT_TRUE(kept);
  EXPECT_EQ(as_text(*kept), torn);
  const auto record = cluster.audit_lines()[2];
  EXPECT_NE(record.find("\"torn-3.bin\""), std::string::npos);
  EXPECT_NE(record.find(to_hex(sha256(as_bytes(torn)))), std::string::npos);
  EXPECT_FALSE(cluster.challenge().empty());
  EXPECT_TRUE(verify(cluster).whole);
}

TEST(AuditLog, BrokenLogRefusesCommandsAndStaysReadable) {
  Cluster cluster;
  ASSERT_TRUE(cluster.start());
  cluster.challenge();
  std::string text = cluster.audit_text();
  cluster.crash(sim::CrashKind::kProcess);
  text.replace(text.find("handover"), 8, "whatever");
  cluster.write_audit(text);
  ASSERT_TRUE(cluster.start());
  const auto refused = cluster.explain(Cluster::demote());
  EXPECT_EQ(code_of(refused), ErrorCode::kAuditBroken);
  ASSERT_EQ(refused.error().details.size(), 1u);
  EXPECT_EQ(refused.error().details[0].key, "first_broken");
  EXPECT_EQ(refused.error().details[0].value, "1");
  EXPECT_EQ(code_of(cluster.confirm("00", "demote p1")), ErrorCode::kAuditBroken);
  EXPECT_EQ(read_audit(cluster, 0, 10)->size(), 2u);
  EXPECT_FALSE(verify(cluster).whole);
  EXPECT_EQ(cluster.audit_text(), text);
  EXPECT_EQ(cluster.p1.explain_calls, 1);
}

TEST(AuditLog, FileChangedUnderARunningDeskEndsItsCommands) {
  Cluster cluster;
  ASSERT_TRUE(cluster.start());
  const auto challenge = cluster.challenge();
  const auto first = cluster.audit_lines()[0];
  cluster.write_audit(first + "\n");
  EXPECT_EQ(code_of(cluster.confirm(challenge, "demote p1")), ErrorCode::kAuditBroken);
  EXPECT_EQ(cluster.p1.operation_calls, 0);
}

TEST(AuditLog, VerifyFindsACutEndByTheHeadInMemory) {
  Cluster cluster;
  ASSERT_TRUE(cluster.start());
  cluster.challenge();
  cluster.write_audit(cluster.audit_lines()[0] + "\n");
  const auto found = verify(cluster);
  EXPECT_FALSE(found.whole);
  EXPECT_EQ(found.first_broken, 2u);
  EXPECT_EQ(code_of(cluster.explain(Cluster::demote())), ErrorCode::kAuditBroken);
}

TEST(AuditLog, FullDiskBeforeDispatchMeansNoDispatch) {
  Cluster cluster;
  ASSERT_TRUE(cluster.start());
  const auto challenge = cluster.challenge();
  // The last question before the audit of the confirmation.
  cluster.p1.before_explain = [&] { cluster.desk_machine.disk().set_full(true); };
  EXPECT_EQ(code_of(cluster.confirm(challenge, "demote p1")), ErrorCode::kAuditUnavailable);
  EXPECT_EQ(cluster.p1.operation_calls, 0);
  // Room again, but nobody knows what reached the disk: refused until the next start.
  cluster.desk_machine.disk().set_full(false);
  cluster.p1.before_explain = nullptr;
  EXPECT_EQ(code_of(cluster.explain(Cluster::demote())), ErrorCode::kAuditUnavailable);
  EXPECT_EQ(read_audit(cluster, 0, 10)->size(), 2u);
  cluster.restart();
  EXPECT_FALSE(cluster.challenge().empty());
}

TEST(AuditLog, FailedSyncOfTheDispatchRecordMeansNoDispatch) {
  Cluster cluster;
  ASSERT_TRUE(cluster.start());
  const auto challenge = cluster.challenge();
  // Of the three records to come, let the second fail: calls of one append are open, size, write, sync.
  bool armed = false;
  cluster.world.observe([&](const sim::TraceEntry&) {
    if (!armed && cluster.stages().size() == 3) {
      armed = true;
      cluster.world.options().rate(sim::FaultKind::kSyncFailed) = 1;
    }
  });
  const auto refused = cluster.confirm(challenge, "demote p1");
  EXPECT_EQ(code_of(refused), ErrorCode::kAuditUnavailable);
  EXPECT_TRUE(armed);
  EXPECT_EQ(cluster.p1.operation_calls, 0);
}

TEST(AuditLog, SecondDeskOnOneLogIsLockedOut) {
  Cluster cluster;
  ASSERT_TRUE(cluster.start());
  sim::SimProcess other(cluster.desk_machine, cluster.world, {.name = "c2"});
  AuditLog log(other, "/audit");
  std::optional<Result<void>> opened;
  log.open([&](Result<void> result) { opened = std::move(result); });
  cluster.run_until([&] { return opened.has_value(); });
  EXPECT_EQ(code_of(*opened), ErrorCode::kLocked);
}

TEST(AuditLog, DestroyedWhileWritingCallsNobody) {
  Cluster cluster;
  bool called = false;
  {
    AuditLog log(*cluster.process, "/audit");
    std::optional<Result<void>> opened;
    log.open([&](Result<void> result) { opened = std::move(result); });
    cluster.run_until([&] { return opened.has_value(); });
    log.append({}, [&](Result<AuditPlace>) { called = true; });
    log.append({}, [&](Result<AuditPlace>) { called = true; });
    log.verify([&](Result<wire::AuditVerifyResponse>) { called = true; });
  }
  EXPECT_TRUE(cluster.world.run_to_idle());
  EXPECT_FALSE(called);
}

}  // namespace
}  // namespace aerodb::controlplane
