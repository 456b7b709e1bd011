// Recovery writes the last valid frame again (REC-5): after a kill it may be in the page cache alone.
#include <gtest/gtest.h>

#include "common/base/fault.h"
#include "tests/unit/wal/wal_kit.h"

namespace aerodb::wal {
namespace {

using sim::CrashKind;
using testing::LogNode;
using testing::RecordMaker;

sim::SimOptions all_lost() {
  sim::SimOptions options;
  options.power_weights = {0, 1, 0, 0};
  return options;
}

// A frame that was written but never synced, then the process is killed: every byte is there, and none is durable.
// Recovery answers from it; then the power goes. How many records are left?
size_t left_after_power_loss(bool first_in_segment, Fault fault) {
  LogNode node(1, all_lost());
  node.open();
  RecordMaker maker;
  node.write({maker.next()});
  if (first_in_segment) node.write({maker.next(60'000)});
  const size_t durable = static_cast<size_t>(node.writer->durable().value());
  node.append(maker.next(4'000));
  node.writer->pump(runtime::Completion::kLater);
  while (node.process->disk_calls() > 0 && node.durable.back() == Lsn(durable)) {
    // Step until the write, the first of its three events, has happened.
    node.world.step();
    if (node.machine.disk().at_risk()) break;
  }
  EXPECT_EQ(node.writer->durable(), Lsn(durable));
  node.restart(CrashKind::kProcess);
#if AERODB_FAULTS
  plant(fault);
#endif
  node.open();
#if AERODB_FAULTS
  plant(Fault::kNone);
#endif
  EXPECT_EQ(node.scanned.size(), durable + 1);
  node.restart(CrashKind::kPower);
  auto scan = node.scan();
  EXPECT_TRUE(scan);
  (void)fault;
  return node.scanned.size() - durable;
}

TEST(Rewrite, FrameFoundInThePageCacheSurvivesThePowerLossAfterRecovery) {
  EXPECT_EQ(left_after_power_loss(false, Fault::kNone), 1u);
}

TEST(Rewrite, SegmentHeaderIsWrittenAgainWithItsFirstFrame) {
  EXPECT_EQ(left_after_power_loss(true, Fault::kNone), 1u);
}

#if AERODB_FAULTS
TEST(Rewrite, PlantedOmissionLosesWhatRecoveryAnsweredFrom) {
  EXPECT_EQ(left_after_power_loss(false, Fault::kLastFrameNotRewritten), 0u);
  EXPECT_EQ(left_after_power_loss(true, Fault::kLastFrameNotRewritten), 0u);
}
#endif

TEST(Rewrite, LeavesTheBytesAsTheyAre) {
  LogNode node;
  node.open();
  RecordMaker maker;
  for (int i = 0; i < 5; ++i) node.write({maker.next(500)});
  const Bytes before = node.file(0);
  for (int i = 0; i < 3; ++i) {
    node.restart(CrashKind::kPower);
    node.open();
    ASSERT_EQ(node.file(0), before);
  }
}

// Crashes at every disk call of recovery itself: the next recovery finds the same log.
TEST(Rewrite, RecoveryKilledAtAnyCallCanBeRepeated) {
  for (auto kind : {CrashKind::kProcess, CrashKind::kPower}) {
    for (uint64_t call = 1;; ++call) {
      LogNode node(call);
      node.open();
      RecordMaker maker;
      std::vector<Bytes> records;
      for (int i = 0; i < 3; ++i) records.push_back(maker.next(900));
      node.write(records);
      const auto end = node.writer->ring().end();
      node.put(0, end.offset + kSectorBytes, Bytes(600, 7));  // the rest of a torn frame
      node.restart(CrashKind::kPower);
      node.process->crash_at_call(call, kind);
      auto scan = node.scan();
      const bool whole = scan && repair_tail(node.disk(), "/d", node.geometry, *scan);
      node.restart(kind);
      node.open();
      ASSERT_EQ(node.scanned, records) << "call " << call;
      ASSERT_EQ(node.file(0)[end.offset + kSectorBytes], 0);
      if (whole) {
        EXPECT_GT(call, 20u);
        break;
      }
    }
  }
}

TEST(Decision, LabelsInTheirOrder) {
  TailEvidence evidence;
  evidence.end_lsn = Lsn(10);
  auto label = [&] {
    rules::NoTrace silent;
    rules::RecordingTrace recording;
    const auto decided = decide_tail(evidence, silent);
    EXPECT_EQ(decide_tail(evidence, recording), decided);
    // REC-1 holds exactly where the others do.
    EXPECT_EQ(recording.entries().back().evaluation == rules::Evaluation::kTrue, decided == TailLabel::kT1);
    return decided;
  };
  EXPECT_EQ(label(), TailLabel::kT1);
  evidence.bytes_at_end = true;
  evidence.bound_lsn = Lsn(10);
  evidence.bound_name = "init";
  EXPECT_EQ(label(), TailLabel::kT1);
  evidence.bound_lsn = Lsn(11);
  EXPECT_EQ(label(), TailLabel::kT3);
  EXPECT_EQ(tail_refusal(TailLabel::kT3, evidence).code, ErrorCode::kWalBoundLost);
  EXPECT_NE(tail_refusal(TailLabel::kT3, evidence).message.find("init says that LSN 11"), std::string::npos);
  evidence.later_segment = 1;
  EXPECT_EQ(label(), TailLabel::kT2);
  evidence.discontinuity = "a gap";
  EXPECT_EQ(label(), TailLabel::kT4);
  EXPECT_EQ(tail_label_name(TailLabel::kT4), "T4");
}

}  // namespace
}  // namespace aerodb::wal
