// A seal written on the directory alone: decided by the rules of demotion, the last frame of the log, and there or not
// after a crash at any moment.
#include "common/engine/offline_seal.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tests/unit/engine/backup_kit.h"

namespace aerodb::engine {
namespace {

using namespace testing;
using sim::CrashKind;

const InstanceId kSuccessor = id_of<InstanceId>(2);

struct Stopped : Origin {
  explicit Stopped(uint64_t seed = 1, NodeSettings settings = {}) : Origin(seed, std::move(settings)) { fill(); }
  Result<OfflineSealReport> seal(const std::string& to = "b", InstanceId instance = kSuccessor) {
    return seal_directory(disk(), random(), {"/d", to, instance, {"s1", "ada", "p1 does not start", std::nullopt}});
  }
};

TEST(OfflineSeal, IsTheLastRecordAndSealsTheNode) {
  Stopped s;
  const auto report = s.seal();
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(report->node.name, "a");
  EXPECT_FALSE(report->seal.repeated);
  EXPECT_EQ(report->seal.seal_lsn, s.end.lsn.next());
  EXPECT_EQ(report->seal.seal_number, 1u);
  EXPECT_EQ(report->seal.epoch, Epoch(1));
  EXPECT_EQ(report->seal.successor, "b");
  EXPECT_EQ(report->seal.position.commit, s.end.commit);
  EXPECT_EQ(report->seal.position.digest, s.end.digest);
  s.node.machine.power_loss();
  s.end_process();
  ASSERT_FALSE(s.node.start());
  EXPECT_EQ(s.node.engine->role(), rules::Role::kSealed);
  EXPECT_EQ(s.node.engine->visible().chain, report->seal.position.chain);
  EXPECT_EQ(code_of(s.node.write({insert("late")})), "SEALED");
  EXPECT_EQ(s.node.engine->visible_authority().outcome("s1")->lsn, report->seal.seal_lsn);
}

TEST(OfflineSeal, TheSuccessorIsPromotedByIt) {
  Stopped s;
  ASSERT_TRUE(s.seal());
  s.end_process();
  TestNode b(s.world, {.name = "b", .instance = 2, .primary = false});
  ASSERT_FALSE(b.start());
  ASSERT_FALSE(s.node.start());
  // The manifest covers the first records; the ring still holds them.
  ASSERT_FALSE(ship(s.node, b));
  const auto promoted = b.promote(promotion());
  ASSERT_TRUE(promoted) << promoted.error().message;
  ASSERT_TRUE(b.write({insert("after")}));
  ASSERT_FALSE(ship(b, s.node));
  expect_same_state(s.node, b, {"x1", "x2", "after"});
}

TEST(OfflineSeal, TheSameAgainAnswersTheSameSeal) {
  Stopped s;
  const auto first = s.seal();
  ASSERT_TRUE(first);
  const auto log = s.picture("/d/wal/");
  const auto again = s.seal();
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_TRUE(again->seal.repeated);
  EXPECT_EQ(again->seal.seal_lsn, first->seal.seal_lsn);
  EXPECT_EQ(again->seal.position.chain, first->seal.position.chain);
  EXPECT_EQ(s.picture("/d/wal/"), log);
  const auto other = s.seal("c", id_of<InstanceId>(3));
  ASSERT_EQ(code_of(other), "DEMOTION_DENIED");
  EXPECT_EQ(other.error().detail("rules_not_holding"), "AUTH-9 AUTH-11");
}

TEST(OfflineSeal, IsDecidedByTheRulesOfDemotion) {
  Stopped s;
  auto itself = s.seal("a", s.node.file.instance);
  ASSERT_EQ(code_of(itself), "DEMOTION_DENIED");
  EXPECT_EQ(itself.error().detail("rules_not_holding"), "AUTH-10");

  ASSERT_TRUE(write_fence(s.disk(), "/d", {id_of<LineageId>(7), Lsn(9), Chain{}, "b", kSuccessor}));
  auto fenced = s.seal();
  ASSERT_EQ(code_of(fenced), "DEMOTION_DENIED");
  EXPECT_EQ(fenced.error().detail("rules_not_holding"), "AUTH-3");
  ASSERT_TRUE(s.disk().remove("/d/FENCED"));

  ASSERT_TRUE(write_halt(s.disk(), "/d", {"WAL-5", "IO", "a sync failed", Lsn(13)}));
  auto halted = s.seal();
  ASSERT_EQ(code_of(halted), "DEMOTION_DENIED");
  EXPECT_EQ(halted.error().detail("rules_not_holding"), "AUTH-7");
  ASSERT_TRUE(s.disk().remove("/d/HALT"));

  Origin replica(1, {.name = "r", .instance = 5, .primary = false});
  ASSERT_FALSE(replica.node.start());
  auto refused = seal_directory(replica.disk(), replica.random(), {"/d", "b", kSuccessor, {"s1", "ada", "x", {}}});
  ASSERT_EQ(code_of(refused), "LOCKED") << "its process runs";
  replica.stop();
  replica.end_process();
  refused = seal_directory(replica.disk(), replica.random(), {"/d", "b", kSuccessor, {"s1", "ada", "x", {}}});
  ASSERT_EQ(code_of(refused), "DEMOTION_DENIED");
  EXPECT_EQ(refused.error().detail("rules_not_holding"), "AUTH-9");

  const auto silent = seal_directory(s.disk(), s.random(), {"/d", "b", kSuccessor, {"s1", "ada", "", {}}});
  EXPECT_EQ(code_of(silent), "REASON_REQUIRED");
  EXPECT_TRUE(s.seal());
}

const wal::RingGeometry kSmall{4, 16 << 10};

TEST(OfflineSeal, GoesIntoTheReserveWhereCommitsAreRefused) {
  Origin origin(1, {.geometry = kSmall});
  ASSERT_FALSE(origin.node.start());
  ASSERT_TRUE(origin.node.register_schema(kSchema1));
  Result<Position> written;
  for (int i = 0; written; ++i) written = origin.node.write({insert(fmt::format("x{}", i))});
  ASSERT_EQ(code_of(written), "WAL_FULL");
  origin.stop();
  const auto sealed = seal_directory(origin.disk(), origin.random(), {"/d", "b", kSuccessor, {"s1", "ada", "x", {}}});
  ASSERT_TRUE(sealed) << sealed.error().message;
  EXPECT_EQ(sealed->seal.seal_lsn, origin.end.lsn.next());
}

TEST(OfflineSeal, BeginsASegmentWhereTheLastOneIsFull) {
  Origin origin(1, {.geometry = kSmall});
  ASSERT_FALSE(origin.node.start());
  ASSERT_TRUE(origin.node.register_schema(kSchema1));
  const auto& ring = origin.node.engine->writer().ring();
  for (int i = 0; ring.left_in_segment(ring.end()) > 0; ++i)
    ASSERT_TRUE(origin.node.write({insert(fmt::format("x{}", i))}));
  origin.stop();
  const auto sealed = seal_directory(origin.disk(), origin.random(), {"/d", "b", kSuccessor, {"s1", "ada", "x", {}}});
  ASSERT_TRUE(sealed) << sealed.error().message;
  const auto after = open_directory(origin.disk(), {"/d", kSmall, "a"});
  ASSERT_TRUE(after) << after.error().message;
  EXPECT_EQ((*after)->scan.end.cursor.segment_sequence, 2u);
  EXPECT_EQ((*after)->scan.end.segment->first_lsn, sealed->seal.seal_lsn);
}

TEST(OfflineSeal, AFullRingIsNamed) {
  // Schemas use up the reserve too.
  Origin origin(1, {.geometry = {2, 4 << 10}});
  ASSERT_FALSE(origin.node.start());
  std::optional<Error> full;
  for (int i = 0; !full; ++i) {
    auto schema =
        fmt::format(R"({{"collection":"c{}","version":1,"fields":{{"_id":{{"type":"string","required":true}}}}}})", i);
    auto registered = origin.node.register_schema(schema);
    if (!registered) full = registered.error();
  }
  ASSERT_EQ(code_of(full), "WAL_FULL");
  origin.stop();
  const auto before = origin.picture("/d/wal/");
  auto sealed = seal_directory(origin.disk(), origin.random(), {"/d", "b", kSuccessor, {"s1", "ada", "x", {}}});
  EXPECT_EQ(code_of(sealed), "WAL_FULL");
  EXPECT_EQ(origin.picture("/d/wal/"), before);
}

// True where the seal came to its end.
bool seal_killed_at(uint64_t call, CrashKind kind, uint64_t seed) {
  Stopped s(seed);
  s.end_process();
  s.process().crash_at_call(call, kind);
  const bool ended = s.seal().has_value();
  EXPECT_TRUE(ended || !s.process().alive());
  s.end_process();
  {
    const auto opened = open_directory(s.disk(), {"/d", s.node.settings.geometry, "a"});
    EXPECT_TRUE(opened) << opened.error().message;
    if (!opened) return true;
    const auto role = (*opened)->state.authority().role_of((*opened)->node.instance);
    EXPECT_TRUE(role == rules::Role::kSealed || (!ended && role == rules::Role::kPrimary));
  }
  // The same command finishes what is missing, and never writes a second seal.
  const auto again = s.seal();
  EXPECT_TRUE(again) << again.error().message;
  if (!again) return true;
  EXPECT_EQ(again->seal.seal_lsn, s.end.lsn.next());
  EXPECT_EQ(again->seal.seal_number, 1u);
  return ended;
}

TEST(OfflineSeal, KilledAtAnyCallItStandsOrDoesNotAndTheSameCommandFinishesIt) {
  for (uint64_t round = 0; round < kill_rounds(); ++round) {
    for (const auto kind : {CrashKind::kProcess, CrashKind::kPower}) {
      uint64_t call = 1;
      while (!seal_killed_at(call, kind, round * 10'000 + call)) {
        ASSERT_FALSE(HasFailure()) << "call " << call << " round " << round;
        ++call;
      }
      EXPECT_GT(call, 50u);
    }
  }
}

}  // namespace
}  // namespace aerodb::engine
