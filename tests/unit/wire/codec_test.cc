#include "common/wire/codec.h"

#include <gtest/gtest.h>

#include "common/wire/messages_common.h"

namespace aerodb::wire {
namespace {

struct Inner {
  uint32_t count = 0;
  std::optional<Lsn> lsn;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("count", self.count, "");
    visit("lsn", self.lsn, "");
  }
  friend bool operator==(const Inner&, const Inner&) = default;
};

struct Everything {
  bool flag = false;
  uint8_t small = 0;
  int32_t whole = 0;
  uint64_t wide = 0;
  double number = 0;
  CommitId commit;
  LineageId lineage;
  Sha256 hash{};
  std::string text;
  std::string_view view;
  ByteSpan bytes;
  Packed packed;
  Inner inner;
  std::optional<std::string> maybe;
  std::vector<Inner> list;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("flag", self.flag, "");
    visit("small", self.small, "");
    visit("whole", self.whole, "");
    visit("wide", self.wide, "");
    visit("number", self.number, "");
    visit("commit", self.commit, "");
    visit("lineage", self.lineage, "");
    visit("hash", self.hash, "");
    visit("text", self.text, "");
    visit("view", self.view, "");
    visit("bytes", self.bytes, "");
    visit("packed", self.packed, "");
    visit("inner", self.inner, "");
    visit("maybe", self.maybe, "");
    visit("list", self.list, "");
  }
};

struct One {
  template <class T>
  struct Of {
    T value{};
    template <class Self, class Visit>
    static void fields(Self& self, Visit&& visit) {
      visit("value", self.value, "");
    }
  };
};

// A message packed by hand, decoded; views stay valid as long as this lives.
class Packer {
 public:
  Packer() : out(bytes_) {}
  template <class Message>
  Result<Message> decoded() {
    AERODB_ASSERT(tape_.parse(bytes_).has_value());
    return decode<Message>(tape_.root());
  }
  [[nodiscard]] const Bytes& bytes() const { return bytes_; }

 private:
  Bytes bytes_;
  document::Tape tape_;

 public:
  document::PackWriter out;
};

// "CODE path" of decoding {"value": whatever write packs} as a struct of one T; "" where it is accepted.
template <class T, class Write>
std::string refusal(Write write) {
  Packer packer;
  packer.out.map(1);
  packer.out.text("value");
  write(packer.out);
  const auto result = packer.decoded<One::Of<T>>();
  if (result) return "";
  EXPECT_EQ(result.error().details.size(), 1u);
  return std::string(result.error().row().name) + " " + result.error().details.at(0).value;
}

using Out = document::PackWriter;

TEST(Codec, BringsEveryKindOfMemberBack) {
  const Bytes raw{1, 2, 3};
  const Bytes nested{0x92, 0x01, 0xa1, 'x'};
  Everything sent;
  sent.flag = true;
  sent.small = 255;
  sent.whole = -70'000;
  sent.wide = UINT64_MAX;
  sent.number = 0.25;
  sent.commit = CommitId(kMaxNumber);
  sent.lineage.bytes[15] = 9;
  sent.hash[31] = 8;
  sent.text = "text";
  sent.view = "view";
  sent.bytes = raw;
  sent.packed.bytes = nested;
  sent.inner = {4, Lsn(5)};
  sent.list = {{1, std::nullopt}, {2, Lsn(3)}};
  Packer packer;
  encode(sent, packer.out);
  const auto got = packer.decoded<Everything>();
  ASSERT_TRUE(got.has_value()) << got.error().message;
  EXPECT_TRUE(got->flag);
  EXPECT_EQ(got->small, 255);
  EXPECT_EQ(got->whole, -70'000);
  EXPECT_EQ(got->wide, UINT64_MAX);
  EXPECT_EQ(got->number, 0.25);
  EXPECT_EQ(got->commit, sent.commit);
  EXPECT_EQ(got->lineage, sent.lineage);
  EXPECT_EQ(got->hash, sent.hash);
  EXPECT_EQ(got->text, "text");
  EXPECT_EQ(got->view, "view");
  EXPECT_EQ(Bytes(got->bytes.begin(), got->bytes.end()), raw);
  EXPECT_EQ(Bytes(got->packed.bytes.begin(), got->packed.bytes.end()), nested);
  EXPECT_EQ(got->inner, sent.inner);
  EXPECT_EQ(got->maybe, std::nullopt);
  EXPECT_EQ(got->list, sent.list);
}

TEST(Codec, ViewsPointIntoTheMessage) {
  Packer packer;
  encode(One::Of<std::string_view>{"seen"}, packer.out);
  const auto got = packer.decoded<One::Of<std::string_view>>();
  ASSERT_TRUE(got.has_value());
  const auto* first = reinterpret_cast<const uint8_t*>(got->value.data());
  EXPECT_GE(first, packer.bytes().data());
  EXPECT_LT(first, packer.bytes().data() + packer.bytes().size());
}

TEST(Codec, WritesAbsentAsNilAndReadsNilOrMissingAsAbsent) {
  Bytes bytes;
  document::PackWriter out(bytes);
  encode(One::Of<std::optional<uint32_t>>{}, out);
  EXPECT_EQ(to_hex(bytes), "81a576616c7565c0");
  Packer nil;
  encode(One::Of<std::optional<uint32_t>>{}, nil.out);
  EXPECT_EQ(nil.decoded<One::Of<std::optional<uint32_t>>>()->value, std::nullopt);
  Packer missing;
  missing.out.map(0);
  EXPECT_EQ(missing.decoded<One::Of<std::optional<uint32_t>>>()->value, std::nullopt);
}

TEST(Codec, ReadsKeysInAnyOrder) {
  Packer packer;
  packer.out.map(2);
  packer.out.field("lsn", 7u);
  packer.out.field("count", 1u);
  EXPECT_EQ(*packer.decoded<Inner>(), (Inner{1, Lsn(7)}));
}

TEST(Codec, RefusesMissingUnknownAndDoubleKeys) {
  Packer missing;
  missing.out.map(1);
  missing.out.field("lsn", 7u);
  const auto lacks = missing.decoded<Inner>();
  EXPECT_EQ(lacks.error().code, ErrorCode::kMissingField);
  EXPECT_EQ(lacks.error().details.at(0).value, "count");

  Packer unknown;
  unknown.out.map(2);
  unknown.out.field("count", 7u);
  unknown.out.field("colour", 7u);
  const auto extra = unknown.decoded<Inner>();
  EXPECT_EQ(extra.error().code, ErrorCode::kUnknownField);
  EXPECT_EQ(extra.error().details.at(0).value, "colour");

  Packer twice;
  twice.out.map(2);
  twice.out.field("count", 7u);
  twice.out.field("count", 7u);
  const auto doubled = twice.decoded<Inner>();
  EXPECT_EQ(doubled.error().code, ErrorCode::kBadRequest);
  EXPECT_EQ(doubled.error().message, "field count is given twice");
}

TEST(Codec, RefusesKeysThatAreNoStringsAndWhatIsNoMap) {
  Packer packer;
  packer.out.map(1);
  packer.out.unsigned_integer(1);
  packer.out.nil();
  EXPECT_EQ(packer.decoded<Inner>().error().code, ErrorCode::kBadRequest);
  Packer array;
  array.out.array(0);
  EXPECT_EQ(array.decoded<Inner>().error().code, ErrorCode::kBadRequest);
}

TEST(Codec, RefusesIntegersOutOfRange) {
  EXPECT_EQ(refusal<uint32_t>([](Out& out) { out.unsigned_integer(UINT32_MAX); }), "");
  EXPECT_EQ(refusal<uint32_t>([](Out& out) { out.unsigned_integer(uint64_t{UINT32_MAX} + 1); }), "BAD_REQUEST value");
  EXPECT_EQ(refusal<uint32_t>([](Out& out) { out.integer(-1); }), "BAD_REQUEST value");
  EXPECT_EQ(refusal<uint8_t>([](Out& out) { out.integer(256); }), "BAD_REQUEST value");
  EXPECT_EQ(refusal<int32_t>([](Out& out) { out.integer(INT32_MIN); }), "");
  EXPECT_EQ(refusal<int32_t>([](Out& out) { out.integer(int64_t{INT32_MIN} - 1); }), "BAD_REQUEST value");
  EXPECT_EQ(refusal<int64_t>([](Out& out) { out.unsigned_integer(UINT64_MAX); }), "BAD_REQUEST value");
  EXPECT_EQ(refusal<Lsn>([](Out& out) { out.unsigned_integer(kMaxNumber); }), "");
  EXPECT_EQ(refusal<Lsn>([](Out& out) { out.unsigned_integer(kMaxNumber + 1); }), "BAD_REQUEST value");
  EXPECT_EQ(refusal<std::optional<CommitId>>([](Out& out) { out.unsigned_integer(UINT64_MAX); }), "BAD_REQUEST value");
}

TEST(Codec, RefusesOtherTypes) {
  const std::string bad = "BAD_REQUEST value";
  EXPECT_EQ(refusal<bool>([](Out& out) { out.integer(1); }), bad);
  EXPECT_EQ(refusal<uint64_t>([](Out& out) { out.number(1.0); }), bad);
  EXPECT_EQ(refusal<uint64_t>([](Out& out) { out.text("1"); }), bad);
  EXPECT_EQ(refusal<uint64_t>([](Out& out) { out.nil(); }), bad);
  EXPECT_EQ(refusal<Lsn>([](Out& out) { out.number(1.0); }), bad);
  EXPECT_EQ(refusal<double>([](Out& out) { out.text("1"); }), bad);
  EXPECT_EQ(refusal<std::string>([](Out& out) { out.bytes(Bytes{1}); }), bad);
  EXPECT_EQ(refusal<std::string_view>([](Out& out) { out.nil(); }), bad);
  EXPECT_EQ(refusal<ByteSpan>([](Out& out) { out.text("x"); }), bad);
  EXPECT_EQ(refusal<Chain>([](Out& out) { out.text("0123456789abcdef"); }), bad);
  EXPECT_EQ(refusal<std::vector<uint32_t>>([](Out& out) { out.map(0); }), bad);
  EXPECT_EQ(refusal<Inner>([](Out& out) { out.array(0); }), bad);
}

TEST(Codec, RefusesHashesOfAnotherSize) {
  EXPECT_EQ(refusal<Chain>([](Out& out) { out.bytes(Bytes(16)); }), "");
  EXPECT_EQ(refusal<Chain>([](Out& out) { out.bytes(Bytes(15)); }), "BAD_REQUEST value");
  EXPECT_EQ(refusal<Chain>([](Out& out) { out.bytes(Bytes(17)); }), "BAD_REQUEST value");
  EXPECT_EQ(refusal<Sha256>([](Out& out) { out.bytes(Bytes(32)); }), "");
  EXPECT_EQ(refusal<Sha256>([](Out& out) { out.bytes({}); }), "BAD_REQUEST value");
}

TEST(Codec, TakesAnIntegerForAFloatWhereExact) {
  EXPECT_EQ(refusal<double>([](Out& out) { out.integer(-3); }), "");
  EXPECT_EQ(refusal<double>([](Out& out) { out.integer(INT64_MAX); }), "BAD_REQUEST value");
}

TEST(Codec, NamesTheWholePathOfAFault) {
  EXPECT_EQ(refusal<std::vector<Inner>>([](Out& out) {
              out.array(2);
              encode(Inner{}, out);
              out.map(1);
              out.field("count", "one");
            }),
            "BAD_REQUEST value[1].count");
  EXPECT_EQ(refusal<Inner>([](Out& out) { out.map(0); }), "MISSING_FIELD value.count");
}

TEST(Codec, ShortensKeysFromOutside) {
  Packer packer;
  packer.out.map(1);
  packer.out.text("\x1b[31m" + std::string(1000, 'x'));
  packer.out.nil();
  const auto result = packer.decoded<Inner>();
  EXPECT_EQ(result.error().code, ErrorCode::kUnknownField);
  EXPECT_LT(result.error().message.size(), 150u);
  EXPECT_EQ(result.error().message.find('\x1b'), std::string::npos);
}

TEST(Codec, ErrorsComeBackWhole) {
  const auto sent = Error{ErrorCode::kBehind, "get c/1: not yet", {}}.with("lsn", uint64_t{9}).with("node", "n1");
  Packer packer;
  encode_error(sent, packer.out);
  document::Tape tape;
  ASSERT_TRUE(tape.parse(packer.bytes()).has_value());
  EXPECT_EQ(tape.root().find("code")->text(), "BEHIND");
  EXPECT_EQ(tape.root().find("severity")->text(), "reject");
  EXPECT_EQ(tape.root().find("rule")->text(), "REPL-5");
  EXPECT_EQ(tape.root().token().size, 5u);
  const auto got = decode_error(tape.root());
  EXPECT_EQ(got.code, sent.code);
  EXPECT_EQ(got.message, sent.message);
  ASSERT_EQ(got.details.size(), 2u);
  EXPECT_EQ(got.details[0].value, "9");
  EXPECT_EQ(got.details[1].key, "node");
}

TEST(Codec, AnUnknownCodeBecomesInternalAndKeepsItsName) {
  Packer packer;
  packer.out.map(2);
  packer.out.field("code", "OUT_OF_COFFEE");
  packer.out.field("message", "none left");
  document::Tape tape;
  ASSERT_TRUE(tape.parse(packer.bytes()).has_value());
  const auto got = decode_error(tape.root());
  EXPECT_EQ(got.code, ErrorCode::kInternal);
  EXPECT_EQ(got.message, "none left");
  EXPECT_EQ(got.details.at(0).value, "OUT_OF_COFFEE");
}

TEST(Codec, AnErrorThatIsNoMapIsTakenAsText) {
  Packer packer;
  packer.out.text("went wrong");
  document::Tape tape;
  ASSERT_TRUE(tape.parse(packer.bytes()).has_value());
  EXPECT_EQ(decode_error(tape.root()).message, "went wrong");
}

}  // namespace
}  // namespace aerodb::wire
