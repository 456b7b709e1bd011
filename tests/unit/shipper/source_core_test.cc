#include "shipper/source_core.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/shipper/fake_log.h"

namespace aerodb::shipper {
namespace {

using ::testing::ElementsAre;
using testing::FakeLog;
using ::testing::IsEmpty;
using testing::kRecordBytes;
using SourceKind = SourceEvent::Kind;
using Transcript = std::vector<std::string>;

std::string line_of(const SourceEffect& effect) {
  using Effect = SourceEffect::Kind;
  const auto from = effect.ask.from.value();
  switch (effect.kind) {
    case Effect::kConnect:
      return fmt::format("connect {}", effect.connection);
    case Effect::kClose:
      return "close";
    case Effect::kArmTimer:
      return fmt::format("arm {}", effect.ms);
    case Effect::kAskPosition:
      return fmt::format("position? on {}", effect.connection);
    case Effect::kFetch:
      return fmt::format("fetch {} wait {}{}", from, effect.ask.wait_ms, effect.ask.own ? " own" : "");
    case Effect::kTellPosition:
      return "tell position";
    case Effect::kTellLost:
      return "tell lost";
    case Effect::kTellHeard:
      return effect.empty ? "tell heard, empty" : "tell heard";
    case Effect::kTellReleased:
      return fmt::format("tell released {}", from);
    case Effect::kGive:
      return fmt::format("give {}+{} to {}", from, effect.chunk.count, effect.ask.own->target);
    case Effect::kGiveReleased:
      return fmt::format("give released {} to {}", from, effect.ask.own->target);
  }
  return "";
}

// A core, a log that stands for the source, and short names for what can happen.
struct SourceCoreTest : ::testing::Test {
  SourceCoreTest() { log.append_many(10); }
  static SourceSettings settings(uint32_t reconnect_ms) {
    return {.name = "p1",
            .reconnect_ms = reconnect_ms,
            .fetch_max_bytes = 2 * kRecordBytes,
            .fetch_wait_ms = 1000,
            .window_bytes = 100'000};
  }
  Transcript step(const SourceEvent& event) {
    Transcript lines;
    for (const auto& effect : core.step(event)) lines.push_back(line_of(effect));
    return lines;
  }
  Transcript happens(SourceKind kind) { return step({.kind = kind, .connection = connection}); }
  Transcript fails(SourceKind kind, ErrorCode code, FetchAsk ask = {}) {
    SourceEvent event{.kind = kind, .connection = connection, .ask = ask};
    event.error = {code, "m", {}};
    return step(event);
  }
  Transcript answers_position(const std::string& node = "p1", uint8_t cluster = 1) {
    wire::WalPositionResponse position;
    position.node = node;
    position.cluster.bytes.fill(cluster);
    position.durable = log.receipt();
    SourceEvent event{.kind = SourceKind::kPosition, .connection = connection};
    event.position = position;
    return step(event);
  }
  Transcript answers_fetch(FetchAsk ask) {
    return step({.kind = SourceKind::kFetched,
                 .connection = connection,
                 .ask = ask,
                 .answer = log.fetch(ask.from, 2 * kRecordBytes)});
  }
  Transcript wants_tail(uint64_t lsn) { return step({.kind = SourceKind::kTailWanted, .ask = {.from = Lsn(lsn)}}); }
  static FetchAsk tail(uint64_t lsn) { return {.from = Lsn(lsn), .wait_ms = 1000}; }
  static FetchAsk own(uint64_t lsn) { return {.from = Lsn(lsn), .own = OwnFetch{3, 7}}; }
  void get_ready() {
    happens(SourceKind::kStart);
    ++connection;
    happens(SourceKind::kConnected);
    answers_position();
    ASSERT_EQ(core.state(), SourceState::kReady);
  }

  FakeLog log;
  SourceCore core{settings(500)};
  uint64_t connection = 0;
};

TEST_F(SourceCoreTest, ConnectsAndAsksWhoIsThere) {
  EXPECT_THAT(happens(SourceKind::kStart), ElementsAre("connect 1", "arm 10000"));
  connection = 1;
  EXPECT_THAT(happens(SourceKind::kConnected), ElementsAre("position? on 1"));
  EXPECT_EQ(core.state(), SourceState::kAskingPosition);
  EXPECT_FALSE(core.view().ready);
  EXPECT_THAT(answers_position(), ElementsAre("arm 1000", "tell position"));
  EXPECT_EQ(core.state(), SourceState::kReady);
  EXPECT_EQ(core.view().durable_lsn(), Lsn(10));
}

TEST_F(SourceCoreTest, TriesAgainAfterTheFixedTimeOnly) {
  happens(SourceKind::kStart);
  connection = 1;
  EXPECT_THAT(fails(SourceKind::kConnectFailed, ErrorCode::kUnreachable), ElementsAre("close", "arm 500"));
  EXPECT_THAT(happens(SourceKind::kTimerDue), ElementsAre("connect 2", "arm 10000"));
  EXPECT_THAT(happens(SourceKind::kTimerDue), ElementsAre("close", "arm 500"));
  EXPECT_EQ(core.error()->code, ErrorCode::kTimedOut);
}

TEST_F(SourceCoreTest, NeverTriesAgainWhereReconnectMsIsZero) {
  core = SourceCore(settings(0));
  get_ready();
  EXPECT_THAT(fails(SourceKind::kLost, ErrorCode::kConnectionLost), ElementsAre("close", "tell lost"));
  EXPECT_EQ(core.state(), SourceState::kStopped);
  EXPECT_THAT(happens(SourceKind::kTimerDue), IsEmpty());
}

TEST_F(SourceCoreTest, DropsWhatItKnewWhenTheConnectionIsLost) {
  get_ready();
  wants_tail(9);
  answers_fetch(tail(9));
  EXPECT_THAT(fails(SourceKind::kLost, ErrorCode::kConnectionLost), ElementsAre("close", "tell lost", "arm 500"));
  EXPECT_FALSE(core.view().ready);
  EXPECT_FALSE(core.view().window.anchored());
  EXPECT_FALSE(core.view().chain_before(Lsn(11)).has_value());
  EXPECT_EQ(core.view().durable_lsn(), Lsn(10)) << "shown as last heard";
  EXPECT_THAT(answers_fetch(tail(11)), IsEmpty()) << "an answer of the lost connection";
}

TEST_F(SourceCoreTest, TakesAnEarlierEndAfterAReconnect) {
  get_ready();
  fails(SourceKind::kLost, ErrorCode::kConnectionLost);
  happens(SourceKind::kTimerDue);
  ++connection;
  happens(SourceKind::kConnected);
  log.cut_to(Lsn(6));
  answers_position();
  EXPECT_EQ(core.view().durable_lsn(), Lsn(6));
}

TEST_F(SourceCoreTest, AnOlderAnswerDoesNotMoveTheBoundaryBack) {
  get_ready();
  wants_tail(9);
  happens(SourceKind::kPositionWanted);
  log.cut_to(Lsn(8));
  answers_position();
  EXPECT_EQ(core.view().durable_lsn(), Lsn(10));
}

TEST_F(SourceCoreTest, StopsAtAnotherNode) {
  happens(SourceKind::kStart);
  connection = 1;
  happens(SourceKind::kConnected);
  EXPECT_THAT(answers_position("p2"), ElementsAre("close"));
  EXPECT_EQ(core.state(), SourceState::kStopped);
  EXPECT_EQ(core.error()->code, ErrorCode::kWrongNode);
}

TEST_F(SourceCoreTest, StopsAtAnotherClusterThanBefore) {
  get_ready();
  EXPECT_THAT(answers_position("p1", 2), ElementsAre("close", "tell lost"));
  EXPECT_EQ(core.state(), SourceState::kStopped);
  EXPECT_EQ(core.error()->code, ErrorCode::kWrongNode);
}

TEST_F(SourceCoreTest, FetchesTheTailOnceForAnyNumberOfWishes) {
  get_ready();
  EXPECT_THAT(wants_tail(5), ElementsAre("fetch 5 wait 1000"));
  EXPECT_THAT(wants_tail(5), IsEmpty());
  EXPECT_THAT(answers_fetch(tail(5)), ElementsAre("tell heard"));
  EXPECT_THAT(wants_tail(5), IsEmpty()) << "the window has it by now";
  EXPECT_THAT(wants_tail(7), ElementsAre("fetch 7 wait 1000"));
}

TEST_F(SourceCoreTest, AnEmptyAnswerTellsTheChainAtTheEnd) {
  get_ready();
  wants_tail(11);
  EXPECT_THAT(answers_fetch(tail(11)), ElementsAre("tell heard, empty"));
  EXPECT_EQ(core.view().chain_before(Lsn(11)), log.end_chain());
}

TEST_F(SourceCoreTest, MovesTheWindowToWhoIsFurthestAhead) {
  get_ready();
  wants_tail(3);
  EXPECT_THAT(wants_tail(8), ElementsAre("tell heard"));
  EXPECT_EQ(core.view().window.next_lsn(), Lsn(8));
  EXPECT_THAT(answers_fetch(tail(3)), ElementsAre("fetch 8 wait 1000")) << "that of the old place is dropped";
  EXPECT_THAT(answers_fetch(tail(8)), ElementsAre("tell heard"));
  EXPECT_EQ(core.view().window.first_lsn(), Lsn(8));
}

TEST_F(SourceCoreTest, GivesATargetBehindTheWindowWhatItAloneNeeds) {
  get_ready();
  EXPECT_THAT(step({.kind = SourceKind::kOwnWanted, .ask = own(2)}), ElementsAre("fetch 2 wait 0 own"));
  EXPECT_THAT(answers_fetch(own(2)), ElementsAre("give 2+2 to 3"));
  EXPECT_THAT(fails(SourceKind::kFetchFailed, ErrorCode::kLogReleased, own(4)), ElementsAre("give released 4 to 3"));
  EXPECT_EQ(core.state(), SourceState::kReady);
}

TEST_F(SourceCoreTest, TellsWhenTheTailItWasAskedForIsReleased) {
  get_ready();
  wants_tail(1);
  EXPECT_THAT(fails(SourceKind::kFetchFailed, ErrorCode::kLogReleased, tail(1)), ElementsAre("tell released 1"));
  EXPECT_FALSE(core.view().window.anchored());
  EXPECT_THAT(wants_tail(5), ElementsAre("fetch 5 wait 1000"));
}

TEST_F(SourceCoreTest, AnAnswerThatWasNotAskedForBreaksTheConnection) {
  get_ready();
  wants_tail(5);
  EXPECT_THAT(step({.kind = SourceKind::kFetched, .connection = 1, .ask = tail(5), .answer = log.fetch(Lsn(6), 1000)}),
              ElementsAre("close", "tell lost", "arm 500"));
  EXPECT_EQ(core.error()->code, ErrorCode::kBadRecord);
}

TEST_F(SourceCoreTest, NoRecordsWhereItSaidThereAreBreaksTheConnection) {
  get_ready();
  step({.kind = SourceKind::kOwnWanted, .ask = own(2)});
  FetchAnswer nothing{Lsn(2), 0, {}, log.receipt(), std::make_shared<const Bytes>()};
  EXPECT_THAT(step({.kind = SourceKind::kFetched, .connection = 1, .ask = own(2), .answer = nothing}),
              ElementsAre("close", "tell lost", "arm 500"));
}

TEST_F(SourceCoreTest, AnErrorOtherThanReleasedBreaksTheConnection) {
  for (auto code : {ErrorCode::kBusy, ErrorCode::kHalted, ErrorCode::kTimedOut, ErrorCode::kBadRequest}) {
    core = SourceCore(settings(500));
    connection = 0;
    get_ready();
    wants_tail(5);
    EXPECT_THAT(fails(SourceKind::kFetchFailed, code, tail(5)), ElementsAre("close", "tell lost", "arm 500"));
  }
}

TEST_F(SourceCoreTest, WithoutDemandAsksForThePositionNowAndThen) {
  get_ready();
  EXPECT_THAT(happens(SourceKind::kTimerDue), ElementsAre("position? on 1", "arm 1000"));
  EXPECT_THAT(happens(SourceKind::kTimerDue), ElementsAre("arm 1000")) << "one question at a time";
  EXPECT_THAT(happens(SourceKind::kPositionWanted), IsEmpty());
  EXPECT_THAT(answers_position(), ElementsAre("tell position"));
  wants_tail(11);
  EXPECT_THAT(happens(SourceKind::kTimerDue), ElementsAre("arm 1000")) << "a waiting fetch is heard anyway";
}

TEST_F(SourceCoreTest, AnEmptySourceHasNoChainToShow) {
  log.cut_to(Lsn());
  get_ready();
  EXPECT_FALSE(core.view().chain_before(Lsn(1)).has_value());
  wants_tail(1);
  answers_fetch(tail(1));
  EXPECT_EQ(core.view().chain_before(Lsn(1)), testing::kGenesis);
}

TEST(SourceTransitions, LeadOutOfEveryStateButStopped) {
  for (auto state : {SourceState::kDisconnected, SourceState::kConnecting, SourceState::kAskingPosition,
                     SourceState::kReady, SourceState::kStopped}) {
    const bool leaves = std::ranges::any_of(source_transitions(), [&](auto& row) { return row.from == state; });
    EXPECT_EQ(leaves, state != SourceState::kStopped) << source_state_name(state);
  }
}

}  // namespace
}  // namespace aerodb::shipper
