#include "shipper/chunk.h"

#include <gtest/gtest.h>

#include "tests/unit/shipper/fake_log.h"

namespace aerodb::shipper {
namespace {

using testing::FakeLog;
using testing::kRecordBytes;

FakeLog log_of(size_t count) {
  FakeLog log;
  log.append_many(count);
  return log;
}

TEST(FetchAnswer, IsTakenAsTheRangeAskedFor) {
  const auto log = log_of(5);
  const auto chunk = check_answer(log.fetch(Lsn(2), 3 * kRecordBytes), Lsn(2), 3 * kRecordBytes);
  ASSERT_TRUE(chunk.has_value() && chunk->has_value());
  EXPECT_EQ((*chunk)->count, 3u);
  EXPECT_EQ((*chunk)->next_lsn(), Lsn(5));
  EXPECT_EQ((*chunk)->chain_before, log.chain_before(Lsn(2)));
}

TEST(FetchAnswer, WithoutRecordsIsNoChunk) {
  const auto log = log_of(3);
  const auto chunk = check_answer(log.fetch(Lsn(4), 1000), Lsn(4), 1000);
  ASSERT_TRUE(chunk.has_value());
  EXPECT_FALSE(chunk->has_value());
}

TEST(FetchAnswer, OneRecordMayBeLargerThanAsked) {
  FakeLog log;
  log.append(100'000);
  EXPECT_TRUE(check_answer(log.fetch(Lsn(1), 1000), Lsn(1), 1000).has_value());
}

// Each row spoils a good answer from LSN 2 with three records in one way.
TEST(FetchAnswer, IsRefusedWhereItIsNotWhatWasAsked) {
  const auto log = log_of(4);
  struct Row {
    std::string_view what;
    std::function<void(FetchAnswer&, Bytes&)> spoil;
  };
  const Row rows[] = {
      {"begins at LSN", [](FetchAnswer& a, Bytes&) { a.first_lsn = Lsn(3); }},
      {"bytes but no records", [](FetchAnswer& a, Bytes&) { a.count = 0; }},
      {"larger than asked", [](FetchAnswer&, Bytes& b) { b.resize(b.size() + kRecordBytes); }},
      {"beyond the durable boundary", [](FetchAnswer& a, Bytes&) { a.durable.lsn = Lsn(3); }},
      {"inside a record header", [](FetchAnswer&, Bytes& b) { b.resize(2 * kRecordBytes + 10); }},
      {"inside a record", [](FetchAnswer&, Bytes& b) { b.pop_back(); }},
      {"inside a record", [](FetchAnswer&, Bytes& b) { b[0] = b[1] = b[2] = b[3] = 0xFF; }},
      {"out of order", [](FetchAnswer&, Bytes& b) { b[kRecordBytes + 16] = 9; }},
      {"first record denies", [](FetchAnswer& a, Bytes&) { a.chain_before = testing::chain_of(1); }},
      {"after its last record", [](FetchAnswer& a, Bytes&) { a.count = 2; }},
  };
  for (const auto& row : rows) {
    auto answer = log.fetch(Lsn(2), 3 * kRecordBytes);
    Bytes bytes = *answer.records;
    row.spoil(answer, bytes);
    answer.records = std::make_shared<const Bytes>(bytes);
    const auto checked = check_answer(answer, Lsn(2), 3 * kRecordBytes);
    ASSERT_FALSE(checked.has_value()) << row.what;
    EXPECT_EQ(checked.error().code, ErrorCode::kBadRecord);
    EXPECT_NE(checked.error().message.find(row.what), std::string::npos) << checked.error().message;
  }
}

TEST(Chunk, BeginsAnewInItsMiddle) {
  FakeLog log;
  for (size_t i = 0; i < 6; ++i) log.append(10 + 13 * i);
  const auto rest = chunk_from(log.chunk(Lsn(2), 1'000'000), Lsn(4));
  EXPECT_EQ(rest.first_lsn, Lsn(4));
  EXPECT_EQ(rest.count, 3u);
  EXPECT_EQ(rest.chain_before, log.chain_before(Lsn(4)));
  const auto wanted = log.chunk(Lsn(4), 1'000'000);
  EXPECT_TRUE(std::ranges::equal(rest.records(), wanted.records()));
}

TEST(Window, ForgetsTheOldestAndKeepsTheNewest) {
  const auto log = log_of(100);
  Window window(10 * kRecordBytes);
  window.anchor(Lsn(1));
  while (window.next_lsn() <= Lsn(100)) window.append(log.chunk(window.next_lsn(), 3 * kRecordBytes));
  EXPECT_EQ(window.next_lsn(), Lsn(101));
  EXPECT_LE(window.bytes(), 10 * kRecordBytes);
  EXPECT_GT(window.first_lsn(), Lsn(90));
  EXPECT_FALSE(window.find(Lsn(1)).has_value());
  EXPECT_FALSE(window.find(Lsn(101)).has_value());
  EXPECT_EQ(window.find(Lsn(99))->chain_before, log.chain_before(Lsn(99)));
}

TEST(Window, KeepsOneChunkLargerThanItself) {
  FakeLog log;
  log.append(50'000);
  Window window(1000);
  window.anchor(Lsn(1));
  window.append(log.chunk(Lsn(1), 1000));
  EXPECT_TRUE(window.find(Lsn(1)).has_value());
}

TEST(Window, KnowsTheChainAtItsEndOnlyWhereItWasTold) {
  const auto log = log_of(4);
  Window window(10'000);
  EXPECT_FALSE(window.chain_before(Lsn(1)).has_value());
  window.anchor(Lsn(1));
  window.append(log.chunk(Lsn(1), 2 * kRecordBytes));
  EXPECT_EQ(window.chain_before(Lsn(2)), log.chain_before(Lsn(2)));
  EXPECT_FALSE(window.chain_before(Lsn(3)).has_value());
  window.note_end_chain(log.chain_before(Lsn(3)));
  EXPECT_EQ(window.chain_before(Lsn(3)), log.chain_before(Lsn(3)));
  window.append(log.chunk(Lsn(3), 2 * kRecordBytes));
  EXPECT_FALSE(window.chain_before(Lsn(5)).has_value());
}

}  // namespace
}  // namespace aerodb::shipper
