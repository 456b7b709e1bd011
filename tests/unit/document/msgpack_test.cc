#include "common/document/msgpack.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <msgpack.hpp>
#include <optional>
#include <span>

#include "common/base/random.h"
#include "common/document/packed.h"
#include "tests/unit/document/support.h"

namespace aerodb::document {
namespace {

using testing::bytes_of_hex;
using testing::code_of;

std::string_view parse_code(std::string_view hex, uint32_t max_depth = kMaxDepth) {
  Bytes bytes = bytes_of_hex(hex);
  Tape tape;
  return code_of(tape.parse(bytes, max_depth));
}

// A random value of every type and width.
template <class Writer>
void pack_random(SeededRandom& random, Writer& out, uint32_t depth) {
  switch (random.below(depth == 0 ? 7 : 9)) {
    case 0:
      out.nil();
      break;
    case 1:
      out.boolean(random.one_in(2));
      break;
    case 2:
      out.integer(static_cast<int64_t>(random.next()) >> random.below(64));
      break;
    case 3:
      out.unsigned_integer(random.next() >> random.below(64));
      break;
    case 4:
      out.number(static_cast<double>(random.below(1000)) / 8);
      break;
    case 5:
      out.text(std::string(random.below(random.one_in(50) ? 70000 : 40), 'x'));
      break;
    case 6:
      out.bytes(Bytes(random.below(random.one_in(50) ? 70000 : 40), 0xff));
      break;
    case 7: {
      auto count = static_cast<uint32_t>(random.below(20));
      out.array(count);
      for (uint32_t i = 0; i < count; ++i) pack_random(random, out, depth - 1);
      break;
    }
    default: {
      auto count = static_cast<uint32_t>(random.below(20));
      out.map(count);
      for (uint32_t i = 0; i < count; ++i) {
        out.text(std::to_string(i));
        pack_random(random, out, depth - 1);
      }
    }
  }
}

// Whether both read the same value. An extension type is the same as nothing of ours.
bool same_as_library(Cursor ours, const msgpack::object& theirs) {
  const auto text = [](const auto& body) { return std::string_view(body.ptr, body.size); };
  switch (theirs.type) {
    case msgpack::type::NIL:
      return ours.is_nil();
    case msgpack::type::BOOLEAN:
      return ours.boolean() == theirs.via.boolean;
    case msgpack::type::POSITIVE_INTEGER:
      return ours.unsigned_integer() == theirs.via.u64;
    case msgpack::type::NEGATIVE_INTEGER:
      return ours.integer() == theirs.via.i64;
    case msgpack::type::FLOAT32:
    case msgpack::type::FLOAT64:
      return std::isnan(theirs.via.f64) ? std::isnan(ours.number().value_or(0)) : ours.number() == theirs.via.f64;
    case msgpack::type::STR:
      return ours.text() == text(theirs.via.str);
    case msgpack::type::BIN:
      return ours.bytes() && as_text(*ours.bytes()) == text(theirs.via.bin);
    case msgpack::type::EXT:
      return false;
    case msgpack::type::ARRAY: {
      if (ours.type() != Type::kArray || ours.token().size != theirs.via.array.size) return false;
      Cursor at = ours.first();
      for (uint32_t i = 0; i < theirs.via.array.size; ++i, at = at.skip()) {
        if (!same_as_library(at, theirs.via.array.ptr[i])) return false;
      }
      return at.index() == ours.skip().index();
    }
    case msgpack::type::MAP: {
      if (ours.type() != Type::kMap || ours.token().size != theirs.via.map.size) return false;
      Cursor at = ours.first();
      for (uint32_t i = 0; i < theirs.via.map.size; ++i, at = at.skip().skip()) {
        const auto& pair = theirs.via.map.ptr[i];
        if (!same_as_library(at, pair.key) || !same_as_library(at.skip(), pair.val)) return false;
      }
      return at.index() == ours.skip().index();
    }
  }
  return false;
}

// One whole value, as the library reads it.
std::optional<msgpack::object_handle> unpack_by_library(const Bytes& bytes) {
  // It makes room for what an array only declares.
  constexpr size_t kMost = 1u << 20;
  try {
    size_t end = 0;
    auto handle = msgpack::unpack(reinterpret_cast<const char*>(bytes.data()), bytes.size(), end, nullptr, nullptr,
                                  msgpack::unpack_limit(kMost, kMost, kMost, kMost, kMost));
    if (end == bytes.size()) return handle;
  } catch (const msgpack::unpack_error&) {
  }
  return std::nullopt;
}

bool holds_extension(const msgpack::object& value) {
  if (value.type == msgpack::type::ARRAY) {
    const std::span all(value.via.array.ptr, value.via.array.size);
    return std::ranges::any_of(all, holds_extension);
  }
  if (value.type == msgpack::type::MAP) {
    const std::span all(value.via.map.ptr, value.via.map.size);
    return std::ranges::any_of(all,
                               [](const auto& pair) { return holds_extension(pair.key) || holds_extension(pair.val); });
  }
  return value.type == msgpack::type::EXT;
}

TEST(Tape, AndTheLibraryReadTheSameOfWhatIsWritten) {
  SeededRandom random(19);
  for (int round = 0; round < 500; ++round) {
    Bytes bytes;
    PackWriter out(bytes);
    pack_random(random, out, 4);
    Tape tape;
    ASSERT_EQ(code_of(tape.parse(bytes)), "");
    const auto handle = unpack_by_library(bytes);
    ASSERT_TRUE(handle.has_value()) << "round " << round;
    ASSERT_TRUE(same_as_library(tape.root(), handle->get())) << "round " << round;
  }
}

TEST(Tape, AndTheLibraryTakeTheSameRandomBytes) {
  SeededRandom random(23);
  for (int round = 0; round < 50000; ++round) {
    Bytes bytes(1 + random.below(20));
    for (auto& byte : bytes) byte = static_cast<uint8_t>(random.next());
    if (random.one_in(2)) bytes[0] = static_cast<uint8_t>(0x90 + random.below(4));
    Tape tape;
    const bool taken = tape.parse(bytes).has_value();
    const auto handle = unpack_by_library(bytes);
    ASSERT_EQ(taken, handle && !holds_extension(handle->get())) << to_hex(bytes);
    ASSERT_TRUE(!taken || same_as_library(tape.root(), handle->get())) << to_hex(bytes);
  }
}

TEST(Tape, ParsesTheValueAtTheFrontAlone) {
  Tape tape;
  const Bytes two = bytes_of_hex("92010203c1");
  EXPECT_EQ(tape.parse_front(two), 3u);
  EXPECT_EQ(to_hex(tape.root().raw()), "920102");
  for (auto* hex : {"", "92", "9201", "c1", "d40100", "9191"}) {
    const Bytes bytes = bytes_of_hex(hex);
    EXPECT_EQ(tape.parse_front(bytes), 0u) << hex;
    EXPECT_TRUE(tape.tokens().empty()) << hex;
  }
  const Bytes nested = bytes_of_hex("9190");
  EXPECT_EQ(tape.parse_front(nested, 1), 0u);
  EXPECT_EQ(tape.parse_front(nested, 2), 2u);
}

TEST(Tape, ReadsEveryType) {
  Bytes bytes;
  PackWriter out(bytes);
  out.map(9);
  out.text("nil"), out.nil();
  out.field("yes", true);
  out.field("minus", -5);
  out.field("most", std::numeric_limits<int64_t>::min());
  out.field("beyond", std::numeric_limits<uint64_t>::max());
  out.text("half"), out.number(0.5);
  out.field("text", "ab");
  out.text("raw"), out.bytes(bytes_of_hex("0102"));
  out.text("list"), out.array(2), out.integer(1), out.integer(2);
  Tape tape;
  ASSERT_EQ(code_of(tape.parse(bytes)), "");
  Cursor root = tape.root();
  EXPECT_EQ(root.token().size, 9u);
  EXPECT_TRUE(root.find("nil")->is_nil());
  EXPECT_EQ(root.find("yes")->boolean(), true);
  EXPECT_EQ(root.find("minus")->integer(), -5);
  EXPECT_EQ(root.find("minus")->unsigned_integer(), std::nullopt);
  EXPECT_EQ(root.find("most")->integer(), std::numeric_limits<int64_t>::min());
  EXPECT_EQ(root.find("beyond")->type(), Type::kUint);
  EXPECT_EQ(root.find("beyond")->integer(), std::nullopt);
  EXPECT_EQ(root.find("beyond")->unsigned_integer(), std::numeric_limits<uint64_t>::max());
  EXPECT_EQ(root.find("half")->number(), 0.5);
  EXPECT_EQ(root.find("half")->integer(), std::nullopt);
  EXPECT_EQ(root.find("text")->text(), "ab");
  EXPECT_EQ(root.find("text")->bytes(), std::nullopt);
  EXPECT_EQ(to_hex(*root.find("raw")->bytes()), "0102");
  EXPECT_EQ(root.find("raw")->text(), std::nullopt);
  EXPECT_EQ(root.find("list")->first().skip().integer(), 2);
  EXPECT_EQ(to_hex(root.find("list")->raw()), "920102");
  EXPECT_FALSE(root.find("absent").has_value());
  EXPECT_FALSE(root.find("list")->find("text").has_value());
}

TEST(Tape, WidensFloat32) {
  Bytes bytes = bytes_of_hex("ca3f000000");
  Tape tape;
  ASSERT_EQ(code_of(tape.parse(bytes)), "");
  EXPECT_EQ(tape.root().number(), 0.5);
}

TEST(Tape, OffsetsAreThoseOfTheSource) {
  SeededRandom random(7);
  for (int round = 0; round < 500; ++round) {
    Bytes bytes;
    PackWriter out(bytes);
    pack_random(random, out, 4);
    Tape tape;
    ASSERT_EQ(code_of(tape.parse(bytes)), "") << "round " << round;
    const auto& tokens = tape.tokens();
    EXPECT_EQ(tokens[0].begin, 0u);
    EXPECT_EQ(tokens[0].end, bytes.size());
    EXPECT_EQ(tokens[0].next, tokens.size());
    // Each value, cut out by its offsets, is a value of the same type and number of tokens.
    for (uint32_t i = 0; i < tokens.size(); ++i) {
      Tape part;
      ASSERT_EQ(code_of(part.parse(tape.root().at(i).raw())), "") << "round " << round << ", token " << i;
      ASSERT_EQ(part.root().type(), tokens[i].type);
      ASSERT_EQ(part.root().token().size, tokens[i].size);
      ASSERT_EQ(part.tokens().size(), tokens[i].next - i);
    }
  }
}

TEST(Tape, RefusesTruncationAtEveryByte) {
  Bytes bytes;
  PackWriter out(bytes);
  out.map(4);
  out.field("a", std::string(300, 'x'));
  out.field("b", int64_t{1} << 40);
  out.text("c"), out.array(20);
  for (int i = 0; i < 20; ++i) out.number(i);
  out.text("d"), out.bytes(Bytes(40));
  for (size_t size = 0; size < bytes.size(); ++size) {
    Bytes part(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size));
    Tape tape;
    ASSERT_EQ(code_of(tape.parse(part)), "BAD_MESSAGE") << size << " bytes";
    EXPECT_TRUE(tape.tokens().empty());
  }
}

TEST(Tape, RefusesTrailingBytes) { EXPECT_EQ(parse_code("0101"), "BAD_MESSAGE"); }
TEST(Tape, RefusesReservedByte) { EXPECT_EQ(parse_code("91c1"), "BAD_MESSAGE"); }

TEST(Tape, RefusesExtensionTypes) {
  for (auto* hex : {"d40100", "d5010000", "d60100000000", "d7010000000000000000", "c7000100", "c8000001",
                    "c90000000001", "92a161d40100"}) {
    EXPECT_EQ(parse_code(hex), "BAD_MESSAGE") << hex;
  }
}

TEST(Tape, RefusesDeepNesting) {
  auto nested = [](uint32_t depth, std::string_view inside) {
    std::string hex;
    for (uint32_t i = 1; i < depth; ++i) hex += i % 2 == 0 ? "8100" : "91";
    return hex + std::string(inside);
  };
  EXPECT_EQ(parse_code(nested(32, "90")), "");
  EXPECT_EQ(parse_code(nested(33, "90")), "MESSAGE_TOO_DEEP");
  EXPECT_EQ(parse_code(nested(33, "80")), "MESSAGE_TOO_DEEP");
  EXPECT_EQ(parse_code(nested(100000, "90")), "MESSAGE_TOO_DEEP");
  EXPECT_EQ(parse_code("01", 0), "");
  EXPECT_EQ(parse_code("90", 0), "MESSAGE_TOO_DEEP");
  EXPECT_EQ(parse_code("9190", 1), "MESSAGE_TOO_DEEP");
  // Depth counts what is open at once, not what was.
  EXPECT_EQ(parse_code("9391009100919100", 3), "");
}

TEST(Tape, ReservesNothingFromDeclaredLengths) {
  for (auto* hex : {"ddffffffff01", "dfffffffff0101", "dbffffffff61", "c6ffffffff61", "ddffffffffddffffffff01"}) {
    Bytes bytes = bytes_of_hex(hex);
    Tape tape;
    EXPECT_EQ(code_of(tape.parse(bytes)), "BAD_MESSAGE") << hex;
    EXPECT_LT(tape.tokens().capacity(), 64u) << hex;
  }
}

TEST(Tape, IsUsableAfterARefusal) {
  Bytes bad = bytes_of_hex("9291c1");
  Bytes good = bytes_of_hex("920102");
  Tape tape;
  EXPECT_EQ(code_of(tape.parse(bad)), "BAD_MESSAGE");
  ASSERT_EQ(code_of(tape.parse(good)), "");
  EXPECT_EQ(tape.root().token().size, 2u);
}

TEST(Tape, NeverReadsPastRandomBytes) {
  SeededRandom random(11);
  for (int round = 0; round < 20000; ++round) {
    // Its own allocation of the exact size, so that a sanitizer sees the first byte too many.
    Bytes bytes(random.below(24));
    for (auto& byte : bytes) byte = static_cast<uint8_t>(random.next());
    Tape tape;
    if (!tape.parse(bytes)) continue;
    EXPECT_EQ(tape.tokens()[0].end, bytes.size());
  }
}

TEST(PackWriter, IntegersTakeTheirShortestForm) {
  auto packed = [](int64_t v) {
    Bytes bytes;
    PackWriter(bytes).integer(v);
    return to_hex(bytes);
  };
  EXPECT_EQ(packed(0), "00");
  EXPECT_EQ(packed(127), "7f");
  EXPECT_EQ(packed(128), "cc80");
  EXPECT_EQ(packed(255), "ccff");
  EXPECT_EQ(packed(256), "cd0100");
  EXPECT_EQ(packed(65535), "cdffff");
  EXPECT_EQ(packed(65536), "ce00010000");
  EXPECT_EQ(packed(4294967295), "ceffffffff");
  EXPECT_EQ(packed(4294967296), "cf0000000100000000");
  EXPECT_EQ(packed(-1), "ff");
  EXPECT_EQ(packed(-32), "e0");
  EXPECT_EQ(packed(-33), "d0df");
  EXPECT_EQ(packed(-128), "d080");
  EXPECT_EQ(packed(-129), "d1ff7f");
  EXPECT_EQ(packed(-32769), "d2ffff7fff");
  EXPECT_EQ(packed(std::numeric_limits<int64_t>::min()), "d38000000000000000");
}

TEST(PackWriter, FloatsAreAlwaysFloat64) {
  auto packed = [](double v) {
    Bytes bytes;
    PackWriter(bytes).number(v);
    return to_hex(bytes);
  };
  EXPECT_EQ(packed(1.0), "cb3ff0000000000000");
  EXPECT_EQ(packed(0.0), "cb0000000000000000");
  EXPECT_EQ(packed(-0.0), "cb8000000000000000");
  EXPECT_EQ(packed(0.1), "cb3fb999999999999a");
}

TEST(PackWriter, FieldsOfIdsAndNumbers) {
  Bytes bytes;
  PackWriter out(bytes);
  out.field("c", CommitId(300));
  out.field("h", Chain{});
  EXPECT_EQ(to_hex(bytes), "a163cd012ca168c41000000000000000000000000000000000");
}

TEST(StagedPackWriter, WritesTheSameOnceItEnds) {
  for (uint64_t seed = 0; seed < 200; ++seed) {
    Bytes at_once = {1, 2, 3};
    Bytes staged = at_once;
    SeededRandom random(seed);
    PackWriter out(at_once);
    pack_random(random, out, 4);
    {
      SeededRandom again(seed);
      StagedPackWriter writer(staged);
      pack_random(again, writer, 4);
      ASSERT_EQ(writer.size(), at_once.size());
    }
    ASSERT_EQ(staged, at_once) << "seed " << seed;
  }
}

// The walk without a Tape takes the same steps.
TEST(PackedReader, AgreesWithTheTape) {
  SeededRandom random(13);
  for (int round = 0; round < 500; ++round) {
    Bytes bytes;
    PackWriter out(bytes);
    pack_random(random, out, 4);
    Tape tape;
    ASSERT_EQ(code_of(tape.parse(bytes)), "");
    PackedReader reader(bytes);
    for (const auto& expected : tape.tokens()) {
      Token token;
      ASSERT_TRUE(reader.next(token));
      ASSERT_TRUE(reader.shortest());
      ASSERT_EQ(token.type, expected.type);
      ASSERT_EQ(token.size, expected.size);
      ASSERT_EQ(token.begin, expected.begin);
      ASSERT_EQ(token.unsigned_integer, expected.unsigned_integer);
    }
    EXPECT_TRUE(reader.at_end());
    PackedReader skipper(bytes);
    Token head;
    ASSERT_TRUE(skipper.next(head) && skipper.skip(head));
    EXPECT_TRUE(skipper.at_end());
  }
}

TEST(PackedReader, KnowsLongerHeads) {
  for (auto* hex : {"cc7f", "cd00ff", "ce0000ffff", "cf00000000ffffffff", "d0e0", "d07f", "d1ff80", "d2ffff8000",
                    "d3ffffffff80000000", "ca00000000", "d90161", "da0001ff", "db00000001ff", "c50001ff",
                    "c600000001ff", "dc000f", "dd0000000f", "de000f", "df0000ffff"}) {
    Bytes bytes = bytes_of_hex(hex);
    PackedReader reader(bytes);
    Token token;
    ASSERT_TRUE(reader.next(token)) << hex;
    EXPECT_FALSE(reader.shortest()) << hex;
  }
}

TEST(PackedReader, NeverReadsPastRandomBytes) {
  SeededRandom random(17);
  for (int round = 0; round < 20000; ++round) {
    Bytes bytes(random.below(24));
    for (auto& byte : bytes) byte = static_cast<uint8_t>(random.next());
    PackedReader reader(bytes);
    Token token;
    bool whole = reader.next(token) && reader.skip(token) && reader.at_end();
    Tape tape;
    auto parsed = tape.parse(bytes);
    EXPECT_EQ(whole, parsed.has_value()) << to_hex(bytes);
  }
}

}  // namespace
}  // namespace aerodb::document
