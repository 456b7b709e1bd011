#include "common/wire/scanner.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "common/base/random.h"
#include "tests/unit/wire/wire_test_kit.h"

namespace aerodb::wire {
namespace {

using testing::bytes_of;
using testing::joined;
using testing::ping_bytes;
using State = MessageScanner::State;

State scan_once(MessageScanner& scanner, const Bytes& bytes) {
  scanner.reset();
  return scanner.scan(bytes);
}

std::string refusal(const Bytes& bytes) {
  MessageScanner scanner;
  if (scanner.scan(bytes) != State::kRefused) return "";
  return std::string(scanner.error().row().name);
}

// [0, 1, "m", [nested]] with arrays inside one another, `depth` in all.
Bytes nested(uint32_t depth) {
  auto bytes = bytes_of({0x94, 0x00, 0x01, 0xa1, 'm'});
  for (uint32_t i = 1; i < depth; ++i) bytes.push_back(0x91);
  bytes.push_back(0xc0);
  return bytes;
}

// A request whose params hold one value of every MessagePack head.
Bytes every_head() {
  auto bytes = bytes_of({0x94, 0x00, 0x07, 0xa1, 'm', 0x91, 0xdc, 0x00, 0x1b});
  const auto add = [&bytes](std::initializer_list<int> value) {
    const auto more = bytes_of(value);
    bytes.insert(bytes.end(), more.begin(), more.end());
  };
  add({0x05});
  add({0x81, 0xa1, 'k', 0x01});
  add({0x92, 0x01, 0x02});
  add({0xa2, 'h', 'i'});
  add({0xc0});
  add({0xc2});
  add({0xc3});
  add({0xc4, 1, 9});
  add({0xc5, 0, 2, 9, 9});
  add({0xc6, 0, 0, 0, 1, 9});
  add({0xca, 0, 0, 0, 0});
  add({0xcb, 0, 0, 0, 0, 0, 0, 0, 0});
  add({0xcc, 200});
  add({0xcd, 1, 0});
  add({0xce, 0, 1, 0, 0});
  add({0xcf, 0, 0, 0, 1, 0, 0, 0, 0});
  add({0xd0, 0x80});
  add({0xd1, 0x80, 0});
  add({0xd2, 0x80, 0, 0, 0});
  add({0xd3, 0x80, 0, 0, 0, 0, 0, 0, 0});
  add({0xd9, 1, 'x'});
  add({0xda, 0, 1, 'x'});
  add({0xdb, 0, 0, 0, 1, 'x'});
  add({0xdd, 0, 0, 0, 1, 0x90});
  add({0xde, 0, 1, 0xa0, 0x80});
  add({0xdf, 0, 0, 0, 0});
  add({0xff});
  return bytes;
}

TEST(Scanner, FindsTheEndOfEveryKindOfValue) {
  const auto message = every_head();
  MessageScanner scanner;
  EXPECT_EQ(scanner.scan(joined({message, {0xc1}})), State::kComplete) << scanner.error().message;
  EXPECT_EQ(scanner.size(), message.size());
  document::Tape tape;
  EXPECT_TRUE(tape.parse(message).has_value());
}

TEST(Scanner, StopsAndGoesOnAtEveryByte) {
  const auto message = every_head();
  MessageScanner scanner;
  for (size_t size = 0; size < message.size(); ++size) {
    ASSERT_EQ(scanner.scan(ByteSpan(message).first(size)), State::kIncomplete) << size;
  }
  EXPECT_EQ(scanner.scan(message), State::kComplete);
  EXPECT_EQ(scanner.id(), 7u);
}

TEST(Scanner, ReadsKindAndId) {
  MessageScanner scanner;
  EXPECT_EQ(scan_once(scanner, bytes_of({0x94, 0x00, 0xce, 0xff, 0xff, 0xff, 0xff, 0xa1, 'm', 0x90})),
            State::kComplete);
  EXPECT_EQ(scanner.kind(), MessageKind::kRequest);
  EXPECT_EQ(scanner.id(), UINT32_MAX);
  EXPECT_EQ(scan_once(scanner, bytes_of({0x94, 0x01, 0xd0, 0x05, 0xc0, 0xc0})), State::kComplete);
  EXPECT_EQ(scanner.kind(), MessageKind::kResponse);
  EXPECT_EQ(scanner.id(), 5u);
  EXPECT_EQ(scan_once(scanner, bytes_of({0xdc, 0x00, 0x03, 0xcc, 0x02, 0xa1, 'm', 0x90})), State::kComplete);
  EXPECT_EQ(scanner.kind(), MessageKind::kNotification);
  EXPECT_EQ(scanner.id(), std::nullopt);
}

TEST(Scanner, RefusesWhatIsNoRpcMessage) {
  EXPECT_EQ(refusal(bytes_of({0x00})), "BAD_MESSAGE");
  EXPECT_EQ(refusal(bytes_of({'G', 'E', 'T', ' '})), "BAD_MESSAGE");
  EXPECT_EQ(refusal(bytes_of({0x92})), "BAD_MESSAGE");
  EXPECT_EQ(refusal(bytes_of({0x95})), "BAD_MESSAGE");
  EXPECT_EQ(refusal(bytes_of({0x84})), "BAD_MESSAGE");
  EXPECT_EQ(refusal(bytes_of({0x94, 0x03})), "BAD_MESSAGE");
  EXPECT_EQ(refusal(bytes_of({0x94, 0x02})), "BAD_MESSAGE");
  EXPECT_EQ(refusal(bytes_of({0x93, 0x00})), "BAD_MESSAGE");
  EXPECT_EQ(refusal(bytes_of({0x94, 0xa1})), "BAD_MESSAGE");
  EXPECT_EQ(refusal(bytes_of({0x94, 0x00, 0xff})), "BAD_MESSAGE");
  EXPECT_EQ(refusal(bytes_of({0x94, 0x00, 0xa1})), "BAD_MESSAGE");
  EXPECT_EQ(refusal(bytes_of({0x94, 0x00, 0xcf, 0, 0, 0, 1, 0, 0, 0, 0})), "BAD_MESSAGE");
}

TEST(Scanner, RefusesReservedByteAndExtensions) {
  for (int first : {0xc1, 0xc7, 0xc8, 0xc9, 0xd4, 0xd5, 0xd6, 0xd7, 0xd8}) {
    EXPECT_EQ(refusal(bytes_of({0x94, 0x00, 0x01, 0xa1, 'm', 0x91, first})), "BAD_MESSAGE") << first;
  }
}

TEST(Scanner, RefusesDeeperThanTheBoundOnly) {
  EXPECT_EQ(refusal(nested(kMaxMessageDepth)), "");
  EXPECT_EQ(refusal(nested(kMaxMessageDepth + 1)), "MESSAGE_TOO_DEEP");
  MessageScanner scanner;
  EXPECT_EQ(scanner.scan(nested(kMaxMessageDepth)), State::kComplete);
  document::Tape tape;
  EXPECT_TRUE(tape.parse(nested(kMaxMessageDepth), kMaxMessageDepth).has_value());
}

TEST(Scanner, RefusesDeclaredLengthsBeforeTheirBytesArrive) {
  const auto head = bytes_of({0x94, 0x00, 0x01, 0xa1, 'm', 0x91});
  for (int first : {0xdb, 0xc6, 0xdd, 0xdf}) {
    EXPECT_EQ(refusal(joined({head, bytes_of({first, 0xff, 0xff, 0xff, 0xff})})), "MESSAGE_TOO_LARGE") << first;
    EXPECT_EQ(refusal(joined({head, bytes_of({first, 0x01, 0x00, 0x00, 0x00})})), "MESSAGE_TOO_LARGE") << first;
  }
}

TEST(Scanner, AcceptsAMessageOfExactlyTheBound) {
  auto message = bytes_of({0x94, 0x00, 0x01, 0xa1, 'm', 0xc6, 0, 0, 0, 0});
  const uint32_t body = kMaxMessageBytes - static_cast<uint32_t>(message.size());
  for (int i = 0; i < 4; ++i) message[6 + static_cast<size_t>(i)] = static_cast<uint8_t>(body >> (24 - 8 * i));
  auto whole = message;
  whole.resize(kMaxMessageBytes);
  MessageScanner scanner;
  EXPECT_EQ(scanner.scan(whole), State::kComplete);
  EXPECT_EQ(scanner.size(), kMaxMessageBytes);
  ++message[9];
  EXPECT_EQ(refusal(message), "MESSAGE_TOO_LARGE");
}

TEST(Scanner, CountsTheElementsStillOwedByOuterContainers) {
  // Each array fits what is left by itself; together they can't.
  const auto head = bytes_of({0x94, 0x00, 0x01, 0xa1, 'm', 0x92});
  const auto large = bytes_of({0xdd, 0x00, 0x20, 0x00, 0x00});
  EXPECT_EQ(refusal(joined({head, large})), "");
  EXPECT_EQ(refusal(joined({head, large, large, large})), "MESSAGE_TOO_LARGE");
  // The string is short enough for the message, but not for the elements owed after it.
  EXPECT_EQ(refusal(joined({head, large, bytes_of({0xdb, 0x00, 0xf0, 0x00, 0x00})})), "MESSAGE_TOO_LARGE");
}

TEST(Scanner, ByteByByteTakesLinearTime) {
  // A scanner that began anew with each byte would take hours for this.
  constexpr uint32_t kElements = 1u << 20;
  auto message = bytes_of({0x94, 0x00, 0x01, 0xa1, 'm', 0xdd, 0x00, 0x10, 0x00, 0x00});
  message.resize(message.size() + kElements, 0xc0);
  MessageScanner scanner;
  for (size_t size = 1; size < message.size(); ++size) {
    ASSERT_EQ(scanner.scan(ByteSpan(message).first(size)), State::kIncomplete);
  }
  EXPECT_EQ(scanner.scan(message), State::kComplete);
}

TEST(Scanner, AgreesWithTheParserOnDamagedMessages) {
  SeededRandom random(7);
  const auto good = every_head();
  for (int round = 0; round < 20'000; ++round) {
    auto bytes = good;
    for (uint64_t i = 0; i <= random.below(3); ++i)
      bytes[random.below(bytes.size())] = static_cast<uint8_t>(random.next());
    MessageScanner scanner;
    if (scanner.scan(bytes) != State::kComplete) continue;
    document::Tape tape;
    const auto parsed = tape.parse(ByteSpan(bytes).first(scanner.size()), kMaxMessageDepth);
    ASSERT_TRUE(parsed.has_value()) << to_hex(bytes) << ": " << parsed.error().message;
  }
}

// The short way of a small message must not take, refuse or read anything otherwise.
TEST(Scanner, ParsesExactlyWhatItScans) {
  SeededRandom random(11);
  const auto good = every_head();
  uint32_t taken = 0;
  for (int round = 0; round < 20'000; ++round) {
    auto bytes = joined({good, good});
    for (uint64_t i = 0; i < random.below(3); ++i)
      bytes[random.below(good.size())] = static_cast<uint8_t>(random.next());
    if (random.one_in(4)) bytes.resize(random.below(bytes.size()));
    MessageScanner plain;
    MessageScanner parsing;
    document::Tape tape;
    ASSERT_EQ(parsing.scan(bytes, tape), plain.scan(bytes)) << to_hex(bytes);
    ASSERT_EQ(parsing.kind(), plain.kind()) << to_hex(bytes);
    ASSERT_EQ(parsing.id(), plain.id()) << to_hex(bytes);
    ASSERT_EQ(parsing.error().message, plain.error().message);
    if (plain.state() != State::kComplete) continue;
    ++taken;
    ASSERT_EQ(parsing.size(), plain.size()) << to_hex(bytes);
    ASSERT_EQ(tape.root().raw().size(), plain.size()) << to_hex(bytes);
  }
  EXPECT_GT(taken, 1000u);
}

TEST(Scanner, ParsesAMessageBeyondTheShortWay) {
  auto message = bytes_of({0x94, 0x00, 0x01, 0xa1, 'm', 0x91, 0xc6, 0x00, 0x02, 0x00, 0x00});
  message.resize(message.size() + 0x20000);
  MessageScanner scanner;
  document::Tape tape;
  EXPECT_EQ(scanner.scan(ByteSpan(message).first(70'000), tape), State::kIncomplete);
  ASSERT_EQ(scanner.scan(message, tape), State::kComplete);
  EXPECT_EQ(tape.root().raw().size(), message.size());
}

enum class Cut : bool { kScanned, kParsed };
std::vector<Bytes> cut(const Bytes& stream, SeededRandom& random, size_t longest_piece, Cut how) {
  document::Tape tape;
  MessageInput input;
  std::vector<Bytes> messages;
  for (size_t at = 0; at < stream.size();) {
    const auto size = std::min<size_t>(1 + random.below(longest_piece), stream.size() - at);
    // A copy that ends with the piece, so that a view kept beyond release() is found by the address sanitizer.
    const Bytes piece(stream.begin() + static_cast<ptrdiff_t>(at), stream.begin() + static_cast<ptrdiff_t>(at + size));
    at += size;
    input.feed(piece);
    while (const auto message = how == Cut::kParsed ? input.next(tape) : input.next()) {
      messages.emplace_back(message->begin(), message->end());
      EXPECT_TRUE(how == Cut::kScanned || std::ranges::equal(tape.root().raw(), *message));
    }
    input.release();
  }
  EXPECT_FALSE(input.is_half());
  return messages;
}

TEST(MessageInput, CutsTheSameMessagesWhateverThePieces) {
  std::vector<Bytes> sent;
  Bytes stream;
  SeededRandom random(3);
  for (uint32_t i = 0; i < 200; ++i) {
    sent.push_back(random.one_in(4) ? every_head() : ping_bytes(i, random.next()));
    stream.insert(stream.end(), sent.back().begin(), sent.back().end());
  }
  for (size_t longest : {1, 2, 3, 10, 100, 1000, 100'000}) {
    EXPECT_EQ(cut(stream, random, longest, Cut::kScanned), sent) << longest;
    EXPECT_EQ(cut(stream, random, longest, Cut::kParsed), sent) << longest;
  }
}

TEST(MessageInput, KeepsNothingOfMessagesThatArriveWhole) {
  MessageInput input;
  const auto message = ping_bytes(1, 2);
  for (int i = 0; i < 3; ++i) {
    input.feed(message);
    const auto seen = input.next();
    ASSERT_TRUE(seen.has_value());
    EXPECT_EQ(seen->data(), message.data());
    EXPECT_FALSE(input.next().has_value());
    input.release();
  }
  EXPECT_EQ(input.capacity(), 0u);
}

TEST(MessageInput, HoldsNoMoreThanWasReceived) {
  MessageInput input;
  // Declares 15 MiB, sends 100 bytes.
  auto message = bytes_of({0x94, 0x00, 0x01, 0xa1, 'm', 0xc6, 0x00, 0xf0, 0x00, 0x00});
  message.resize(100);
  input.feed(message);
  EXPECT_FALSE(input.next().has_value());
  input.release();
  EXPECT_TRUE(input.is_half());
  EXPECT_LE(input.capacity(), 200u);
}

TEST(MessageInput, GivesStorageOfALargeMessageBack) {
  auto message = bytes_of({0x94, 0x00, 0x01, 0xa1, 'm', 0xc6, 0x00, 0xf0, 0x00, 0x00});
  message.resize(message.size() + 0xf00000);
  MessageInput input;
  input.feed(ByteSpan(message).first(1000));
  EXPECT_FALSE(input.next().has_value());
  input.release();
  input.feed(ByteSpan(message).subspan(1000));
  EXPECT_TRUE(input.next().has_value());
  input.release();
  EXPECT_LT(input.capacity(), 1u << 20);
}

}  // namespace
}  // namespace aerodb::wire
