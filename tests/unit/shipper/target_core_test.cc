#include "shipper/target_core.h"

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
using TargetKind = TargetEvent::Kind;
using State = TargetState;
using Transcript = std::vector<std::string>;

constexpr uint64_t kWindowBytes = 10 * kRecordBytes;

// A core between a log that stands for the source, and a target played by the test.
struct Stage {
  explicit Stage(uint32_t reconnect_ms = 500) : core(source, reconnect_ms, kWindowBytes) {
    log.append_many(20);
    source_comes();
  }
  void source_comes() {
    source.ready = true;
    source.durable = log.receipt();
  }
  void source_goes() {
    source.ready = false;
    source.window.clear();
  }
  // Puts records into the shared window: `chunks` of two each, from `first` on.
  void window_holds(uint64_t first, int chunks) {
    source.window.anchor(Lsn(first));
    for (int i = 0; i < chunks; ++i) window_grows();
  }
  void window_grows() { source.window.append(log.chunk(source.window.next_lsn(), 2 * kRecordBytes)); }

  Transcript step(const TargetEvent& event) {
    Transcript lines;
    for (const auto& effect : core.step(event)) lines.push_back(line_of(effect));
    return lines;
  }
  std::string line_of(const TargetEffect& effect) {
    using Effect = TargetEffect::Kind;
    switch (effect.kind) {
      case Effect::kConnect:
        connection = effect.number;
        return fmt::format("connect {}", effect.number);
      case Effect::kClose:
        return "close";
      case Effect::kArmTimer:
        return fmt::format("arm {}", effect.ms);
      case Effect::kWantPosition:
        return "position?";
      case Effect::kOpen:
        round = effect.number;
        return "open";
      case Effect::kAppend: {
        const bool true_chain = effect.chain_before == log.chain_before(effect.lsn);
        return fmt::format("append {}+{} in {}{}", effect.lsn.value(), effect.chunk.count, effect.session,
                           true_chain ? "" : " WITH ANOTHER CHAIN");
      }
      case Effect::kWantTail:
        return fmt::format("tail {}", effect.lsn.value());
      case Effect::kWantOwn:
        return fmt::format("own {}", effect.lsn.value());
    }
    return "";
  }
  Transcript happens(TargetKind kind) { return step({.kind = kind}); }
  Transcript connects() { return step({.kind = TargetKind::kConnected, .number = connection}); }
  Transcript loses_connection() {
    return step({.kind = TargetKind::kLost, .number = connection, .error = {ErrorCode::kConnectionLost, "m", {}}});
  }
  Transcript opens_at(uint64_t lsn) {
    return step({.kind = TargetKind::kOpened, .number = round, .session = 9, .lsn = Lsn(lsn)});
  }
  Transcript takes(uint64_t records) {
    return step({.kind = TargetKind::kAppended, .number = round, .bytes = records * kRecordBytes});
  }
  Transcript refuses(ErrorCode code) {
    return step({.kind = TargetKind::kRefused, .number = round, .error = {code, "m", {}}});
  }
  Transcript is_given(uint64_t lsn, uint32_t records) {
    return step({.kind = TargetKind::kGiven, .number = round, .chunk = log.chunk(Lsn(lsn), records * kRecordBytes)});
  }
  Transcript source_heard(bool empty = false) { return step({.kind = TargetKind::kSourceHeard, .empty = empty}); }

  void get_opening() {
    happens(TargetKind::kStart);
    connects();
    happens(TargetKind::kSourcePosition);
    ASSERT_EQ(core.state(), State::kOpening);
  }
  // With the target's end at `lsn`, proven; answers what it does then. The chain must be known.
  Transcript get_streaming(uint64_t lsn) {
    get_opening();
    opens_at(lsn);
    EXPECT_EQ(core.state(), State::kProving);
    auto lines = takes(0);
    EXPECT_EQ(core.state(), State::kStreaming);
    return lines;
  }

  FakeLog log;
  SourceView source{1'000'000};
  TargetCore core;
  uint64_t connection = 0;
  uint64_t round = 0;
};

TEST(TargetCore, GoesThroughPositionOpenAndProofBeforeRecords) {
  Stage s;
  s.window_holds(1, 10);
  EXPECT_THAT(s.happens(TargetKind::kStart), ElementsAre("connect 1", "arm 10000"));
  EXPECT_THAT(s.connects(), ElementsAre("position?"));
  EXPECT_EQ(s.core.state(), State::kWaitingForPosition);
  EXPECT_THAT(s.happens(TargetKind::kSourcePosition), ElementsAre("open"));
  EXPECT_THAT(s.opens_at(14), ElementsAre("append 15+0 in 9"));
  EXPECT_EQ(s.core.state(), State::kProving);
  EXPECT_THAT(s.source_heard(), IsEmpty()) << "nothing is sent before the proof is answered";
  EXPECT_THAT(s.takes(0), ElementsAre("append 15+2 in 9", "append 17+2 in 9", "append 19+2 in 9", "tail 21"));
  EXPECT_EQ(s.core.state(), State::kStreaming);
}

TEST(TargetCore, ProvesWithTheDurableReceiptAtTheSourcesEnd) {
  Stage s;
  s.get_opening();
  EXPECT_THAT(s.opens_at(20), ElementsAre("append 21+0 in 9"));
}

TEST(TargetCore, AFreshTargetWaitsForTheChainBeforeTheFirstRecord) {
  Stage s;
  s.get_opening();
  EXPECT_THAT(s.opens_at(0), ElementsAre("tail 1"));
  EXPECT_EQ(s.core.state(), State::kSeekingChain);
  s.window_holds(1, 1);
  EXPECT_THAT(s.source_heard(), ElementsAre("append 1+0 in 9"));
  EXPECT_THAT(s.takes(0), ElementsAre("append 1+2 in 9", "tail 3"));
}

TEST(TargetCore, BehindTheWindowFetchesForItselfOneAtATimeUntilItIsInside) {
  Stage s;
  s.window_holds(7, 7);
  s.get_opening();
  EXPECT_THAT(s.opens_at(2), ElementsAre("own 3"));
  EXPECT_THAT(s.source_heard(), IsEmpty());
  EXPECT_THAT(s.is_given(3, 1), ElementsAre("append 3+0 in 9"));
  EXPECT_THAT(s.takes(0), ElementsAre("append 3+1 in 9", "own 4"));
  EXPECT_THAT(s.source_heard(), IsEmpty()) << "one at a time";
  // Ends in the middle of the window's second piece, whose rest comes from the window.
  EXPECT_THAT(s.is_given(4, 6), ElementsAre("append 4+6 in 9", "append 10+1 in 9", "append 11+2 in 9"));
  EXPECT_THAT(s.takes(1), IsEmpty()) << "9 of 10 records are in flight, the next piece has 2";
  EXPECT_THAT(s.takes(6), ElementsAre("append 13+2 in 9", "append 15+2 in 9", "append 17+2 in 9"));
}

TEST(TargetCore, SendsNoRecordsGivenBeforeTheProofIsAnswered) {
  Stage s;
  s.window_holds(7, 1);
  s.get_opening();
  EXPECT_THAT(s.opens_at(2), ElementsAre("own 3"));
  s.window_holds(3, 1);
  EXPECT_THAT(s.source_heard(), ElementsAre("append 3+0 in 9"));
  EXPECT_THAT(s.is_given(3, 4), IsEmpty());
  EXPECT_THAT(s.takes(0), ElementsAre("append 3+4 in 9", "tail 7"));
}

TEST(TargetCore, DropsWhatItWasGivenAfterTheWindowServedIt) {
  Stage s;
  s.window_holds(1, 1);
  s.get_opening();
  s.opens_at(1);
  s.source.window.anchor(Lsn(9));
  EXPECT_THAT(s.takes(0), ElementsAre("own 2"));
  s.window_holds(2, 1);
  EXPECT_THAT(s.source_heard(), ElementsAre("append 2+2 in 9"));
  EXPECT_THAT(s.is_given(2, 5), ElementsAre("tail 4"));
}

TEST(TargetCore, KeepsTheBytesInFlightBelowTheWindow) {
  Stage s;
  s.window_holds(1, 10);
  const auto sent = s.get_streaming(1);
  EXPECT_THAT(
      sent, ElementsAre("append 2+1 in 9", "append 3+2 in 9", "append 5+2 in 9", "append 7+2 in 9", "append 9+2 in 9"));
  EXPECT_EQ(s.core.in_flight_bytes(), 9 * kRecordBytes);
  EXPECT_THAT(s.takes(1), ElementsAre("append 11+2 in 9"));
}

TEST(TargetCore, ARecordLargerThanTheWindowGoesAlone) {
  Stage s;
  s.log.append(5000);
  s.log.append();
  s.source_comes();
  s.window_holds(19, 1);
  s.window_grows();
  s.window_grows();
  EXPECT_THAT(s.get_streaming(18), ElementsAre("append 19+2 in 9"));
  EXPECT_THAT(s.takes(2), ElementsAre("append 21+1 in 9"));
}

TEST(TargetCore, SaysItIsThereAfterAnEmptyAnswerOfTheSource) {
  Stage s;
  EXPECT_THAT(s.get_streaming(20), ElementsAre("tail 21"));
  s.source.window.anchor(Lsn(21));
  EXPECT_THAT(s.source_heard(true), ElementsAre("tail 21", "append 21+0 in 9"));
  EXPECT_THAT(s.source_heard(true), ElementsAre("tail 21")) << "not while one is unanswered";
  EXPECT_THAT(s.takes(0), ElementsAre("tail 21"));
  EXPECT_THAT(s.source_heard(false), ElementsAre("tail 21"));
}

TEST(TargetCore, AheadOfTheSourceWaitsAndMovesNothing) {
  Stage s;
  s.get_opening();
  EXPECT_THAT(s.opens_at(22), ElementsAre("arm 500"));
  EXPECT_EQ(s.core.state(), State::kWaitingForSource);
  EXPECT_THAT(s.happens(TargetKind::kTimerDue), ElementsAre("position?", "arm 500"));
  s.log.append();
  s.source_comes();
  EXPECT_THAT(s.happens(TargetKind::kSourcePosition), IsEmpty());
  s.log.append();
  s.source_comes();
  EXPECT_THAT(s.happens(TargetKind::kSourcePosition), ElementsAre("open"));
  EXPECT_THAT(s.opens_at(22), ElementsAre("append 23+0 in 9"));
}

TEST(TargetCore, ToldThatTheSourceIsBehindWaitsUntilItMoves) {
  Stage s;
  s.get_opening();
  EXPECT_THAT(s.refuses(ErrorCode::kSourceBehind), ElementsAre("arm 500"));
  EXPECT_THAT(s.happens(TargetKind::kSourcePosition), IsEmpty());
  s.log.append();
  s.source_comes();
  EXPECT_THAT(s.happens(TargetKind::kSourcePosition), ElementsAre("open"));
}

TEST(TargetCore, FullKeepsTheConnectionAndOpensAgainAfterTheFixedTime) {
  Stage s;
  s.window_holds(1, 10);
  s.get_streaming(18);
  EXPECT_THAT(s.refuses(ErrorCode::kReplicaFull), ElementsAre("arm 500"));
  EXPECT_EQ(s.core.state(), State::kFull);
  EXPECT_EQ(s.core.error()->code, ErrorCode::kReplicaFull);
  EXPECT_EQ(s.core.in_flight_bytes(), 0u);
  EXPECT_THAT(s.refuses(ErrorCode::kNotNext), IsEmpty()) << "what was in flight behind it";
  EXPECT_THAT(s.happens(TargetKind::kSourcePosition), IsEmpty()) << "asked for by another target";
  EXPECT_THAT(s.happens(TargetKind::kTimerDue), ElementsAre("position?"));
  EXPECT_THAT(s.happens(TargetKind::kSourcePosition), ElementsAre("open"));
}

// What each answer leads to, while streaming with reconnect_ms 500 and with 0.
TEST(TargetCore, EveryRefusalHasOneOutcome) {
  struct Row {
    ErrorCode code;
    State then;
    State never_again;
  };
  const Row rows[] = {
      {ErrorCode::kConnectionLost, State::kDisconnected, State::kStopped},
      {ErrorCode::kTimedOut, State::kDisconnected, State::kStopped},
      {ErrorCode::kUnreachable, State::kDisconnected, State::kStopped},
      {ErrorCode::kBusy, State::kDisconnected, State::kStopped},
      {ErrorCode::kNotReady, State::kDisconnected, State::kStopped},
      {ErrorCode::kOutcomeUnknown, State::kDisconnected, State::kStopped},
      {ErrorCode::kNotNext, State::kDisconnected, State::kStopped},
      {ErrorCode::kStaleSession, State::kDisconnected, State::kStopped},
      {ErrorCode::kSourceBehind, State::kWaitingForSource, State::kStopped},
      {ErrorCode::kReplicaFull, State::kFull, State::kStopped},
      {ErrorCode::kSupersededByInstance, State::kStopped, State::kStopped},
      {ErrorCode::kReplicaDiverged, State::kStopped, State::kStopped},
      {ErrorCode::kLineageChanged, State::kStopped, State::kStopped},
      {ErrorCode::kBootstrapRequired, State::kStopped, State::kStopped},
      {ErrorCode::kHalted, State::kStopped, State::kStopped},
      {ErrorCode::kWrongRole, State::kStopped, State::kStopped},
      {ErrorCode::kNotAReplica, State::kStopped, State::kStopped},
      {ErrorCode::kBadRecord, State::kStopped, State::kStopped},
      {ErrorCode::kDigestMismatch, State::kStopped, State::kStopped},
      {ErrorCode::kUnknownMethod, State::kStopped, State::kStopped},
      {ErrorCode::kInternal, State::kStopped, State::kStopped},
  };
  for (const auto& row : rows) {
    for (uint32_t reconnect_ms : {500u, 0u}) {
      Stage s(reconnect_ms);
      s.get_streaming(20);
      s.refuses(row.code);
      const auto& name = error_row(row.code).name;
      EXPECT_EQ(s.core.state(), reconnect_ms > 0 ? row.then : row.never_again) << name;
      EXPECT_EQ(s.core.error()->code, row.code);
    }
  }
}

TEST(TargetCore, StoppedStaysStopped) {
  Stage s;
  s.get_streaming(20);
  EXPECT_THAT(s.refuses(ErrorCode::kReplicaDiverged), ElementsAre("close"));
  EXPECT_THAT(s.happens(TargetKind::kTimerDue), IsEmpty());
  EXPECT_THAT(s.happens(TargetKind::kSourceLost), IsEmpty());
  EXPECT_THAT(s.happens(TargetKind::kSourcePosition), IsEmpty());
  EXPECT_THAT(s.source_heard(true), IsEmpty());
  EXPECT_THAT(s.loses_connection(), IsEmpty());
  EXPECT_THAT(s.happens(TargetKind::kStart), IsEmpty());
  EXPECT_EQ(s.core.error()->code, ErrorCode::kReplicaDiverged);
}

TEST(TargetCore, ALostConnectionBeginsAgainWithTheProof) {
  Stage s;
  s.get_streaming(20);
  EXPECT_THAT(s.loses_connection(), ElementsAre("close", "arm 500"));
  EXPECT_THAT(s.happens(TargetKind::kSourcePosition), IsEmpty());
  EXPECT_THAT(s.happens(TargetKind::kTimerDue), ElementsAre("connect 2", "arm 10000"));
  EXPECT_THAT(s.connects(), ElementsAre("position?"));
  EXPECT_THAT(s.happens(TargetKind::kSourcePosition), ElementsAre("open"));
  EXPECT_THAT(s.opens_at(20), ElementsAre("append 21+0 in 9"));
}

TEST(TargetCore, GivesUpAConnectionThatDoesNotComeAbout) {
  Stage s;
  s.happens(TargetKind::kStart);
  EXPECT_THAT(s.happens(TargetKind::kTimerDue), ElementsAre("close", "arm 500"));
  EXPECT_EQ(s.core.error()->code, ErrorCode::kTimedOut);
}

TEST(TargetCore, OpensAnotherSessionWhenTheSourceComesBack) {
  for (uint64_t end : {20u, 22u}) {  // streaming, and waiting for the source
    Stage s;
    s.get_opening();
    s.opens_at(end);
    s.takes(0);
    s.source_goes();
    EXPECT_THAT(s.happens(TargetKind::kSourceLost), IsEmpty());
    EXPECT_EQ(s.core.state(), State::kWaitingForPosition);
    EXPECT_THAT(s.takes(0), IsEmpty()) << "an answer of the session given up";
    s.source_comes();
    EXPECT_THAT(s.happens(TargetKind::kSourcePosition), ElementsAre("open"));
  }
}

TEST(TargetCore, AnswersOfAnOlderSessionChangeNothing) {
  Stage s;
  s.window_holds(1, 10);
  s.get_streaming(18);
  const auto old_round = s.round;
  s.refuses(ErrorCode::kReplicaFull);
  s.happens(TargetKind::kTimerDue);
  s.happens(TargetKind::kSourcePosition);
  ASSERT_NE(s.round, old_round);
  s.round = old_round;
  EXPECT_THAT(s.opens_at(4), IsEmpty());
  EXPECT_THAT(s.takes(2), IsEmpty());
  EXPECT_THAT(s.refuses(ErrorCode::kReplicaDiverged), IsEmpty());
  EXPECT_THAT(s.is_given(4, 2), IsEmpty());
  EXPECT_EQ(s.core.state(), State::kOpening);
}

TEST(TargetCore, NeedsABootstrapWhereTheSourceNoLongerHoldsItsLog) {
  {
    Stage s;
    s.window_holds(7, 2);
    s.get_opening();
    s.opens_at(2);
    EXPECT_THAT(s.step({.kind = TargetKind::kGivenReleased, .number = s.round}), ElementsAre("close"));
    EXPECT_EQ(s.core.error()->code, ErrorCode::kBootstrapRequired);
  }
  {
    Stage s;
    s.get_opening();
    s.opens_at(2);
    EXPECT_THAT(s.step({.kind = TargetKind::kSourceReleased, .lsn = Lsn(9)}), IsEmpty()) << "another target's";
    EXPECT_THAT(s.step({.kind = TargetKind::kSourceReleased, .lsn = Lsn(3)}), ElementsAre("close"));
    EXPECT_EQ(s.core.state(), State::kStopped);
    EXPECT_EQ(s.core.error()->code, ErrorCode::kBootstrapRequired);
  }
}

TEST(TargetCore, TakesNoMoreThanSoManyAppendsInFlight) {
  Stage s;
  s.log.append_many(400, 0);
  s.source_comes();
  TargetCore roomy(s.source, 500, 1'000'000);
  s.source.window.anchor(Lsn(21));
  while (s.source.window.next_lsn() <= Lsn(420)) s.source.window.append(s.log.chunk(s.source.window.next_lsn(), 1));
  auto number = [](const TargetEffects& effects) { return effects.empty() ? 0 : effects.front().number; };
  const auto connection = number(roomy.step({.kind = TargetKind::kStart}));
  (void)roomy.step({.kind = TargetKind::kConnected, .number = connection});
  const auto round = number(roomy.step({.kind = TargetKind::kSourcePosition}));
  (void)roomy.step({.kind = TargetKind::kOpened, .number = round, .session = 9, .lsn = Lsn(20)});
  const auto sent = roomy.step({.kind = TargetKind::kAppended, .number = round});
  EXPECT_EQ(sent.size(), kMaxAppendsInFlight);
}

TEST(TargetTransitions, LeadOutOfEveryStateButStoppedAndNowhereTwice) {
  const auto rows = target_transitions();
  for (int i = 0; i <= static_cast<int>(State::kStopped); ++i) {
    const auto state = static_cast<State>(i);
    const bool leaves = std::ranges::any_of(rows, [&](auto& row) { return row.from == state; });
    EXPECT_EQ(leaves, state != State::kStopped) << target_state_name(state);
  }
  for (const auto& row : rows) {
    const auto same =
        std::ranges::count_if(rows, [&](auto& other) { return other.from == row.from && other.to == row.to; });
    EXPECT_EQ(same, 1) << target_state_name(row.from) << " to " << target_state_name(row.to);
  }
}

}  // namespace
}  // namespace aerodb::shipper
