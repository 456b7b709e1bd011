// What is proven before what: by numbers, by a command's request id, by a seal, by the begin of a lineage; never by a
// clock.
#include <gmock/gmock.h>

#include <algorithm>
#include <random>

#include "tests/unit/console/timeline_kit.h"

namespace aerodb::console::timeline {
namespace {

using namespace testing;
using ::testing::ElementsAre;

TEST(TimelineOrder, NumbersOrderOneSourceAndNothingOrdersTwoWithoutAFact) {
  const auto t =
      order(entries_of({node("p1", {event(1, "start"), event(2, "stopped")}), node("r1", {event(1, "start")})}));
  EXPECT_EQ(relation(t, "p1:1", "p1:2"), '<');
  EXPECT_EQ(relation(t, "p1:1", "r1:1"), '?');
  EXPECT_EQ(relation(t, "p1:2", "r1:1"), '?');
}

TEST(TimelineOrder, ClocksThatLieOrderNothing) {
  const auto t = order(entries_of({node("p1", {event(1, "start", {}, 900), event(2, "stopped", {}, 100)}),
                                   node("r1", {event(1, "start", {}, 500)})}));
  EXPECT_EQ(relation(t, "p1:1", "p1:2"), '<');
  EXPECT_EQ(relation(t, "p1:2", "r1:1"), '?');
  EXPECT_THAT(listing(t), ElementsAre("p1:1", "p1:2", "r1:1"));
}

TEST(TimelineOrder, ARequestStandsBetweenItsDispatchAndItsAnswer) {
  AuditLines audit;
  audit.add_command("q", "demote", "p1");
  const auto t = order(
      entries_of({node("p1", {event(1, "start"), sealed(2, 9, kLineageA, "q"), event(3, "stopped")})}, audit.records));
  EXPECT_EQ(relation(t, "4", "p1:2"), '<');
  EXPECT_EQ(relation(t, "p1:2", "5"), '<');
  EXPECT_EQ(relation(t, "p1:1", "4"), '?');
  EXPECT_EQ(relation(t, "p1:1", "5"), '<');
  EXPECT_EQ(relation(t, "1", "p1:3"), '<');
  EXPECT_EQ(relation(t, "5", "p1:3"), '?');
  EXPECT_THAT(listing(t), ElementsAre("1", "2", "3", "4", "p1:1", "p1:2", "5", "p1:3"));
}

TEST(TimelineOrder, AnUnknownOutcomeIsAfterNoEvent) {
  AuditLines audit;
  audit.add(controlplane::AuditStage::kDispatched, "q", "demote", "p1");
  audit.add(controlplane::AuditStage::kUnknown, "q", "demote", "p1");
  const auto t = order(entries_of({node("p1", {sealed(1, 9, kLineageA, "q")})}, audit.records));
  EXPECT_EQ(relation(t, "1", "p1:1"), '<');
  EXPECT_EQ(relation(t, "2", "p1:1"), '?');
}

TEST(TimelineOrder, ARequestOfAnotherNodeOrOfNobodyProvesNothing) {
  AuditLines audit;
  audit.add_command("q", "demote", "p1");
  const auto t = order(entries_of(
      {node("r1", {sealed(1, 9, kLineageA, "q"), event(2, "repair_stage", {"request_id="})})}, audit.records));
  EXPECT_EQ(relation(t, "4", "r1:1"), '?');
  EXPECT_EQ(relation(t, "5", "r1:2"), '?');
}

TEST(TimelineOrder, ASealIsBeforeThePromotionOnALogThatHoldsIt) {
  const auto t = order(entries_of({node("p1", {event(1, "start"), sealed(2, 9, kLineageA), event(3, "stopped")}),
                                   node("r1", {event(1, "start"), promoted(2, 10, kLineageA)})}));
  EXPECT_EQ(relation(t, "p1:2", "r1:2"), '<');
  EXPECT_EQ(relation(t, "p1:1", "r1:2"), '<');
  EXPECT_EQ(relation(t, "p1:3", "r1:2"), '?');
  EXPECT_EQ(relation(t, "p1:2", "r1:1"), '?');
}

TEST(TimelineOrder, ASealOfAnotherLineageOrOfALaterLsnProvesNothing) {
  const auto other =
      order(entries_of({node("p1", {sealed(1, 9, kLineageA)}), node("r1", {promoted(1, 10, kLineageB)})}));
  EXPECT_EQ(relation(other, "p1:1", "r1:1"), '?');
  const auto later =
      order(entries_of({node("p1", {sealed(1, 10, kLineageA)}), node("r1", {promoted(1, 10, kLineageA)})}));
  EXPECT_EQ(relation(later, "p1:1", "r1:1"), '?');
}

TEST(TimelineOrder, AnEventThatNamesNoLineageProvesNothing) {
  const auto t = order(entries_of({node("p1", {event(1, "sealed", {"lsn=9", "epoch=1"})}),
                                   node("r1", {event(1, "promoted", {"lsn=10", "epoch=2"})})}));
  EXPECT_EQ(relation(t, "p1:1", "r1:1"), '?');
}

TEST(TimelineOrder, ASealIsBeforeItsDeclineAndBeforeTheEndOfItsLineageBehindIt) {
  const auto decline = event(1, "declined", {"seal_lsn=9", "lineage=" + kLineageA, "request_id=d"});
  const auto behind = event(1, "lineage_ended", {"parent=" + kLineageA, "lineage=" + kLineageB, "fork_lsn=9"});
  const auto before = event(1, "lineage_ended", {"parent=" + kLineageA, "lineage=" + kLineageB, "fork_lsn=8"});
  const auto t = order(entries_of(
      {node("p1", {sealed(1, 9, kLineageA)}), node("r1", {decline}), node("r2", {behind}), node("r3", {before})}));
  EXPECT_EQ(relation(t, "p1:1", "r1:1"), '<');
  EXPECT_EQ(relation(t, "p1:1", "r2:1"), '<');
  EXPECT_EQ(relation(t, "p1:1", "r3:1"), '?');
}

TEST(TimelineOrder, APromotionIsNotBeforeWhatOthersDidOnItsLog) {
  const auto t =
      order(entries_of({node("r1", {promoted(1, 10, kLineageA)}), node("r2", {promoted(1, 20, kLineageA)})}));
  EXPECT_EQ(relation(t, "r1:1", "r2:1"), '?');
}

TEST(TimelineOrder, ALineageBeginsBeforeAnyOtherNodeKnowsOfIt) {
  const auto ended = event(2, "lineage_ended", {"parent=" + kLineageA, "lineage=" + kLineageB, "fork_lsn=9"});
  const auto accepted = event(2, "lineage_accepted", {"lineage=" + kLineageB, "fork_lsn=9", "request_id=d"});
  const auto t = order(entries_of(
      {node("r1", {event(1, "start"), ended, event(3, "stopped")}), node("r2", {event(1, "start"), accepted}),
       node("p1", {event(1, "fenced", {"lineage=" + kLineageB, "fork_lsn=9"})}), node("r3", {sealed(1, 12, kLineageB)}),
       node("r4", {event(1, "fenced", {"lineage=" + kLineageA, "fork_lsn=3"})})}));
  for (const auto* after : {"r2:2", "p1:1", "r3:1"}) EXPECT_EQ(relation(t, "r1:2", after), '<') << after;
  EXPECT_EQ(relation(t, "r1:2", "r2:1"), '?');
  EXPECT_EQ(relation(t, "r1:3", "r2:2"), '?');
  EXPECT_EQ(relation(t, "r1:2", "r4:1"), '?');
}

TEST(TimelineOrder, FactsThatContradictEachOtherProveNothingAndAreNamed) {
  AuditLines audit;
  audit.add_command("q", "demote", "p1");
  audit.add_command("s", "demote", "p1");
  // Somebody sent q again, himself, after s.
  const auto t =
      order(entries_of({node("p1", {sealed(1, 9, kLineageA, "s"), sealed(2, 10, kLineageA, "q")})}, audit.records));
  EXPECT_EQ(t.entries.size(), 12u);
  EXPECT_EQ(t.listing.size(), 12u);
  ASSERT_EQ(t.contradictions.size(), 2u);
  EXPECT_EQ(relation(t, "5", "p1:2"), '?');
  EXPECT_EQ(relation(t, "9", "p1:1"), '?');
  EXPECT_EQ(relation(t, "4", "p1:2"), '<');
  EXPECT_EQ(relation(t, "p1:1", "10"), '<');
}

TEST(TimelineOrder, IsTheSameHoweverTheEntriesCame) {
  AuditLines audit;
  audit.add_command("q", "demote", "p1");
  audit.add_command("s", "promote", "r1");
  auto entries = entries_of({node("p1", {event(1, "start"), sealed(2, 9, kLineageA, "q")}),
                             node("r1", {event(1, "start"), promoted(2, 10, kLineageA, "s"), event(3, "stopped")}),
                             node("r2", {event(1, "start"), event(2, "stopped")})},
                            audit.records);
  const auto expected = listing(order(entries));
  std::mt19937 random(7);
  for (int i = 0; i < 50; ++i) {
    std::ranges::shuffle(entries, random);
    EXPECT_EQ(listing(order(entries)), expected);
  }
  auto doubled = entries;
  doubled.insert(doubled.end(), entries.begin(), entries.end());
  EXPECT_EQ(listing(order(doubled)), expected);
}

TEST(TimelineOrder, NothingStandsBeforeWhatIsProvenToBeBeforeIt) {
  AuditLines audit;
  for (int i = 0; i < 5; ++i) audit.add_command(fmt::format("q{}", i), "demote", i % 2 == 0 ? "p1" : "r1");
  std::vector<wire::EventRecord> p1;
  std::vector<wire::EventRecord> r1;
  for (uint64_t i = 0; i < 5; ++i) {
    auto& events = i % 2 == 0 ? p1 : r1;
    events.push_back(event(events.size() + 1, "start"));
    events.push_back(sealed(events.size() + 1, 10 * (i + 1), kLineageA, fmt::format("q{}", i)));
  }
  const auto t = order(entries_of({node("p1", p1), node("r1", r1)}, audit.records));
  EXPECT_TRUE(t.contradictions.empty());
  for (size_t i = 0; i < t.listing.size(); ++i) {
    for (size_t j = i + 1; j < t.listing.size(); ++j) EXPECT_FALSE(t.is_before(t.listing[j], t.listing[i]));
  }
}

std::vector<std::string> selected(const Timeline& t, const std::vector<std::string>& from,
                                  const std::vector<std::string>& to) {
  std::vector<std::string> names;
  const auto inside = select(t, *range_of(from, to));
  for (const size_t i : *inside) names.push_back(text_of(t.entries[i].name));
  return names;
}

TEST(TimelineRange, LeavesOutOnlyWhatIsProvenToBeOutside) {
  AuditLines audit;
  audit.add_command("q", "demote", "p1");
  audit.add_command("s", "promote", "r1");
  const auto t = order(entries_of({node("p1", {event(1, "start"), sealed(2, 9, kLineageA, "q"), event(3, "stopped")}),
                                   node("r1", {promoted(1, 10, kLineageA, "s")}), node("r2", {event(1, "start")})},
                                  audit.records));
  EXPECT_THAT(selected(t, {"6"}, {"10"}), ElementsAre("6", "7", "8", "9", "r1:1", "10", "p1:3", "r2:1"));
  EXPECT_THAT(selected(t, {"1"}, {"4"}), ElementsAre("1", "2", "3", "4", "p1:1", "r2:1"));
  EXPECT_THAT(selected(t, {"p1:2"}, {"p1:2"}), ElementsAre("p1:2", "r2:1"));
  EXPECT_THAT(selected(t, {"6", "p1:3"}, {"r1:1"}), ElementsAre("6", "7", "8", "9", "r1:1", "p1:3", "r2:1"));
}

TEST(TimelineRange, RefusesEndsThatAreNone) {
  for (const auto* text : {"", "x", "0", ":3", "p1:", "p1:x", "p1:0", "9007199254740992"})
    EXPECT_FALSE(range_of({text}, {}).has_value()) << text;
  const auto t = order(entries_of({node("p1", {event(1, "start")})}));
  EXPECT_FALSE(select(t, *range_of({"p1:2"}, {})).has_value());
  EXPECT_FALSE(select(t, *range_of({}, {"1"})).has_value());
}

}  // namespace
}  // namespace aerodb::console::timeline
