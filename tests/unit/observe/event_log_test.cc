#include "common/observe/event_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/observe/event_json.h"
#include "tests/unit/observe/fake_runtime.h"

namespace aerodb::observe {
namespace {

using testing::ElementsAre;

constexpr const char* kFile = "d/events.jsonl";
constexpr const char* kOlder = "d/events.1.jsonl";

std::vector<uint64_t> numbers(const std::vector<Event>& events) {
  std::vector<uint64_t> result;
  for (const Event& event : events) result.push_back(event.number);
  return result;
}

class EventLogTest : public testing::Test {
 protected:
  std::unique_ptr<EventLog> open(EventLogOptions options = {}) {
    auto log = std::make_unique<EventLog>(runtime_, "d", options);
    auto loaded = log->load(runtime_.disk);
    EXPECT_TRUE(loaded) << loaded.error().message;
    return log;
  }
  static void note(EventLog& log, const std::string& reason = "r") {
    log.record(EventId::kStopped, {{"reason", reason}, {"durable_lsn", uint64_t{7}}});
  }
  FakeRuntime runtime_;
};

TEST_F(EventLogTest, WritesOneLineAnEventInOrder) {
  auto log = open();
  note(*log, "first");
  log->record(EventId::kDeclined,
              {{"seal_lsn", uint64_t{9}}, {"lineage", std::string("ab")}, {"request_id", std::string("q\"\n")}});
  runtime_.run();
  EXPECT_EQ(
      runtime_.disk.synced[kFile],
      "{\"number\":1,\"wall_us\":1000001,\"event\":\"stopped\",\"fields\":{\"reason\":\"first\",\"durable_lsn\":7}}\n"
      "{\"number\":2,\"wall_us\":1000002,\"event\":\"declined\",\"fields\":{\"seal_lsn\":9,\"lineage\":\"ab\","
      "\"request_id\":\"q\\\"\\n\"}}\n");
  EXPECT_THAT(runtime_.logged, ElementsAre("stopped", "declined"));
}

TEST_F(EventLogTest, ShowsAnEventOnlyOnceItIsDurable) {
  auto log = open();
  note(*log);
  EXPECT_TRUE(log->recent(0, 10).empty());
  EXPECT_EQ(log->durable_number(), 0u);
  runtime_.run();
  ASSERT_EQ(log->recent(0, 10).size(), 1u);
  EXPECT_EQ(log->recent(0, 10)[0], (Event{1, 1'000'001, "stopped", {"reason=r", "durable_lsn=7"}}));
}

TEST_F(EventLogTest, OneJobAtATimeTakesAllThatCameMeanwhile) {
  auto log = open();
  for (int i = 0; i < 5; ++i) note(*log);
  EXPECT_EQ(runtime_.job_count(), 1u);
  runtime_.run_job();
  EXPECT_EQ(log->durable_number(), 1u);
  EXPECT_EQ(runtime_.job_count(), 1u);
  runtime_.run_job();
  EXPECT_EQ(log->durable_number(), 5u);
  EXPECT_EQ(runtime_.disk.sync_count, 2u);
}

TEST_F(EventLogTest, RecentPagesAndKeepsABound) {
  auto log = open({.kept = 4});
  for (int i = 0; i < 10; ++i) note(*log);
  runtime_.run();
  EXPECT_THAT(numbers(log->recent(0, 100)), ElementsAre(7, 8, 9, 10));
  EXPECT_THAT(numbers(log->recent(8, 1)), ElementsAre(9));
  EXPECT_THAT(numbers(log->recent(10, 100)), ElementsAre());
}

TEST_F(EventLogTest, NumbersGoOnAfterARestart) {
  std::vector<Event> before;
  {
    auto log = open();
    for (int i = 0; i < 3; ++i) note(*log);
    runtime_.run();
    before = log->recent(0, 10);
  }
  auto log = open();
  EXPECT_EQ(log->recent(0, 10), before);
  note(*log);
  runtime_.run();
  EXPECT_THAT(numbers(log->recent(0, 10)), ElementsAre(1, 2, 3, 4));
}

TEST_F(EventLogTest, WhatIsFoundAtStartIsSyncedBeforeItIsShown) {
  {
    auto log = open();
    note(*log);
    runtime_.run();
  }
  runtime_.disk.synced.clear();
  auto log = open();
  EXPECT_EQ(runtime_.disk.synced[kFile], runtime_.disk.files[kFile]);
}

TEST_F(EventLogTest, TornLastLineIsReportedOnceAndNumbersGoOn) {
  {
    auto log = open();
    for (int i = 0; i < 3; ++i) note(*log);
    runtime_.run();
  }
  std::string& file = runtime_.disk.files[kFile];
  file.resize(file.size() - 10);
  {
    auto log = open();
    note(*log, "after");
    runtime_.run();
    EXPECT_THAT(numbers(log->recent(0, 10)), ElementsAre(1, 2, 3, 4));
    EXPECT_EQ(log->recent(2, 1)[0].name, "event_log_torn");
    EXPECT_EQ(log->recent(2, 1)[0].fields[0], "lines=1");
    EXPECT_EQ(log->recent(2, 1)[0].fields[2], "after_number=2");
    EXPECT_EQ(log->recent(3, 1)[0].fields[0], "reason=after");
  }
  auto log = open();
  note(*log);
  runtime_.run();
  EXPECT_THAT(numbers(log->recent(0, 10)), ElementsAre(1, 2, 3, 4, 5));
  EXPECT_EQ(log->recent(4, 1)[0].name, "stopped");
}

TEST_F(EventLogTest, MissingLastNewlineLosesNothing) {
  {
    auto log = open();
    for (int i = 0; i < 2; ++i) note(*log);
    runtime_.run();
  }
  runtime_.disk.files[kFile].pop_back();
  {
    auto log = open();
    note(*log, "third");
    runtime_.run();
  }
  auto log = open();
  EXPECT_THAT(numbers(log->recent(0, 10)), ElementsAre(1, 2, 3));
  EXPECT_EQ(log->recent(2, 1)[0].fields[0], "reason=third");
}

TEST_F(EventLogTest, DamageInTheMiddleIsReportedAndSkipped) {
  {
    auto log = open();
    for (int i = 0; i < 3; ++i) note(*log);
    runtime_.run();
  }
  std::string& file = runtime_.disk.files[kFile];
  file[file.find("{\"number\":2")] = '\0';
  auto log = open();
  EXPECT_EQ(runtime_.job_count(), 0u) << "load() leaves the runtime alone";
  note(*log);
  runtime_.run();
  EXPECT_THAT(numbers(log->recent(0, 10)), ElementsAre(1, 3, 4, 5));
  EXPECT_EQ(log->recent(3, 1)[0].fields, (std::vector<std::string>{"lines=1", "bytes=88", "after_number=1"}));
}

TEST_F(EventLogTest, FullFileBecomesTheOlderOne) {
  {
    auto log = open({.max_file_bytes = 1000});
    for (int i = 0; i < 40; ++i) {
      note(*log);
      runtime_.run();
    }
    EXPECT_LE(runtime_.disk.files[kFile].size(), 1000u);
    EXPECT_LE(runtime_.disk.files[kOlder].size(), 1000u);
    EXPECT_EQ(runtime_.disk.files.size(), 2u);
  }
  auto log = open({.max_file_bytes = 1000});
  EXPECT_EQ(log->durable_number(), 40u);
  EXPECT_GT(log->recent(0, 100).size(), 10u);
  EXPECT_EQ(numbers(log->recent(39, 1)), std::vector<uint64_t>{40});
}

TEST_F(EventLogTest, NumberIsFoundInTheOlderFileAlone) {
  runtime_.disk.files[kOlder] = render_event(41, 5, "stopped", {}).line;
  auto log = open();
  note(*log);
  runtime_.run();
  EXPECT_THAT(numbers(log->recent(0, 10)), ElementsAre(41, 42));
}

TEST_F(EventLogTest, OnlyTheEndOfALongFileIsRead) {
  std::string& file = runtime_.disk.files[kFile];
  uint64_t number = 0;
  while (file.size() < (5u << 20))
    file += render_event(++number, 5, "stopped", {{"reason", std::string(1000, 'x')}}).line;
  auto log = open();
  EXPECT_EQ(log->durable_number(), number);
  EXPECT_EQ(numbers(log->recent(0, 1)), std::vector<uint64_t>{number - 999});
  note(*log);
  runtime_.run();
  EXPECT_EQ(log->recent(number, 1)[0].name, "stopped") << "the first, partial line is not damage";
}

TEST_F(EventLogTest, FailedSyncIsNeverRetried) {
  auto log = open();
  note(*log);
  runtime_.run();
  runtime_.disk.fail_sync = true;
  note(*log);
  note(*log);
  bool flushed = false;
  log->flush([&] { flushed = true; });
  runtime_.run();
  EXPECT_TRUE(flushed);
  ASSERT_TRUE(log->error());
  EXPECT_EQ(log->error()->code, ErrorCode::kIo);
  runtime_.disk.fail_sync = false;
  note(*log);
  EXPECT_EQ(runtime_.job_count(), 0u);
  EXPECT_THAT(numbers(log->recent(0, 10)), ElementsAre(1));
  EXPECT_THAT(runtime_.logged, ElementsAre("stopped", "stopped", "stopped", "events_not_durable", "stopped"));
}

TEST_F(EventLogTest, FlushWaitsForWhatWasRecordedBefore) {
  auto log = open();
  bool empty = false;
  log->flush([&] { empty = true; });
  EXPECT_FALSE(empty) << "a later turn";
  runtime_.run();
  EXPECT_TRUE(empty);
  note(*log);
  note(*log);
  uint64_t durable = 0;
  log->flush([&] { durable = log->durable_number(); });
  note(*log);
  runtime_.run();
  EXPECT_GE(durable, 2u);
}

TEST_F(EventLogTest, FloodIsDroppedBeforeItGetsNumbersAndReported) {
  auto log = open({.max_pending_bytes = 500});
  for (int i = 0; i < 100; ++i) note(*log);
  EXPECT_GT(log->dropped(), 80u);
  const uint64_t dropped = log->dropped();
  runtime_.run();
  const auto events = log->recent(0, 1000);
  for (size_t i = 0; i < events.size(); ++i) EXPECT_EQ(events[i].number, i + 1);
  EXPECT_EQ(events.back().name, "events_dropped");
  EXPECT_EQ(events.back().fields[0], "count=" + std::to_string(dropped));
  EXPECT_EQ(events.size(), 100 - dropped + 1);
}

TEST_F(EventLogTest, JobMayOutliveTheLog) {
  auto log = open();
  note(*log);
  log.reset();
  runtime_.run();
  EXPECT_FALSE(runtime_.disk.synced[kFile].empty());
}

TEST_F(EventLogTest, FieldsMustBeThoseOfTheTable) {
  auto log = open();
  EXPECT_DEATH(log->record(EventId::kStopped, {{"reason", std::string("r")}}), "equal");
  EXPECT_DEATH(log->record(EventId::kStopped, {{"durable_lsn", uint64_t{7}}, {"reason", std::string("r")}}), "equal");
}

TEST(EventJson, LongAndBrokenTextIsBounded) {
  const auto rendered =
      render_event(1, 2, "peer_refused", {{"peer", std::string(1 << 20, '\x01')}, {"code", std::string("\xff")}});
  EXPECT_LT(rendered.line.size(), 7 * kMaxEventTextBytes);
  EXPECT_EQ(rendered.event.fields[0], "peer=" + std::string(kMaxEventTextBytes, '\x01') + "...");
  EXPECT_EQ(rendered.event.fields[1], "code=\xef\xbf\xbd");
  EXPECT_EQ(parse_event(rendered.line), rendered.event);
}

TEST(EventJson, LargestEventIsReadBack) {
  size_t most = 0;
  for (const EventRow& row : event_table()) most = std::max(most, event_fields(row).size());
  EXPECT_LT(most * (6 * kMaxEventTextBytes + 256) + 256, kMaxEventLineBytes);
}

TEST(EventJson, RefusesOtherLines) {
  for (std::string_view line :
       {"", "1", "{", "{\"number\":1}", "{\"number\":-1,\"wall_us\":1,\"event\":\"a\",\"fields\":{}}",
        "{\"number\":1,\"wall_us\":1,\"event\":1,\"fields\":{}}",
        "{\"number\":1,\"wall_us\":1,\"event\":\"a\",\"fields\":[]}"}) {
    EXPECT_FALSE(parse_event(line)) << line;
  }
  EXPECT_TRUE(parse_event("{\"number\":1,\"wall_us\":1,\"event\":\"of a later version\",\"fields\":{\"x\":true}}"));
}

}  // namespace
}  // namespace aerodb::observe
