#include "common/base/bytes.h"

#include <gtest/gtest.h>

#include "common/base/random.h"

namespace aerodb {
namespace {

TEST(Bytes, IntegersAreLittleEndian) {
  Bytes out;
  ByteWriter writer(out);
  writer.u8(0x01);
  writer.u16(0x0302);
  writer.u32(0x07060504);
  writer.u64(0x0f0e0d0c0b0a0908);
  EXPECT_EQ(to_hex(out), "0102030405060708090a0b0c0d0e0f");
}

TEST(Bytes, ReaderGivesBackWhatWriterWrote) {
  Bytes out;
  ByteWriter writer(out);
  LineageId id;
  id.bytes[3] = 9;
  writer.u64(~uint64_t{0});
  writer.string("two words");
  writer.id(id);
  writer.zeros(3);
  writer.u16(65'535);
  ByteReader reader(out);
  EXPECT_EQ(reader.u64(), ~uint64_t{0});
  EXPECT_EQ(reader.string(), "two words");
  EXPECT_EQ(reader.id<LineageId>(), id);
  EXPECT_EQ(to_hex(reader.raw(3)), "000000");
  EXPECT_FALSE(reader.at_end());
  EXPECT_EQ(reader.remaining(), 2u);
  EXPECT_EQ(reader.u16(), 65'535);
  EXPECT_TRUE(reader.at_end());
}

TEST(Bytes, PlacedWriterWritesTheSameIntoItsPlaceAndNothingBehindIt) {
  const auto write = [](auto& writer) {
    writer.u8(1);
    writer.u16(0x0302);
    writer.u32(0x07060504);
    writer.u64(~uint64_t{1});
    writer.string("two words");
    writer.blob({});
    writer.id(LineageId{{1, 2, 3}});
  };
  Bytes expected;
  ByteWriter grows(expected);
  write(grows);
  Bytes place(expected.size() + 1, 9);
  const auto measured = std::span(place).first(expected.size());
  PlacedWriter placed(measured);
  EXPECT_FALSE(placed.at_end());
  write(placed);
  EXPECT_TRUE(placed.at_end());
  EXPECT_EQ(place.back(), 9);
  place.pop_back();
  EXPECT_EQ(place, expected);
  EXPECT_DEATH(placed.u8(0), "");
}

TEST(Bytes, ReaderStaysFailedAfterTheFirstReadPastTheEnd) {
  const Bytes in = {1, 2, 3};
  ByteReader reader(in);
  EXPECT_EQ(reader.u32(), 0u);
  EXPECT_FALSE(reader.ok());
  EXPECT_EQ(reader.u8(), 0);  // there would be a byte
  EXPECT_TRUE(reader.raw(0).empty());
  EXPECT_FALSE(reader.at_end());
}

TEST(Bytes, BlobLongerThanTheRestIsRefusedWhateverItsLength) {
  for (uint32_t length : {5u, 0x7fffffffu, 0xffffffffu}) {
    Bytes in;
    ByteWriter writer(in);
    writer.u32(length);
    writer.raw(Bytes(4, 7));
    ByteReader reader(in);
    EXPECT_TRUE(reader.blob().empty());
    EXPECT_FALSE(reader.ok());
  }
}

TEST(Bytes, HexRoundTripsAndTakesBothCases) {
  SeededRandom random(1);
  for (size_t size = 0; size < 40; ++size) {
    Bytes bytes(size);
    for (auto& byte : bytes) byte = static_cast<uint8_t>(random.next());
    EXPECT_EQ(from_hex(to_hex(bytes)), bytes);
  }
  EXPECT_EQ(from_hex("aBfF"), (Bytes{0xab, 0xff}));
}

TEST(Bytes, HexRefusesOddLengthAndOtherCharacters) {
  EXPECT_FALSE(from_hex("abc"));
  EXPECT_FALSE(from_hex("0g"));
  EXPECT_FALSE(from_hex("0x10"));
  EXPECT_FALSE(from_hex(" 1"));
}

TEST(Decimal, TakesDigitsAloneUpToTheLastNumber) {
  EXPECT_EQ(from_decimal("0"), 0U);
  EXPECT_EQ(from_decimal("007"), 7U);
  EXPECT_EQ(from_decimal("18446744073709551615"), UINT64_MAX);
  for (const auto* text : {"", " 1", "1 ", "+1", "-1", "1x", "0x10", "1.0", "18446744073709551616"}) {
    EXPECT_FALSE(from_decimal(text)) << text;
  }
}

TEST(Bytes, IdFromHexNeedsAllItsBytes) {
  const std::string text = "000102030405060708090a0b0c0d0e0f";
  auto id = id_from_hex<ClusterId>(text);
  ASSERT_TRUE(id);
  EXPECT_EQ(to_hex(*id), text);
  EXPECT_FALSE(id_from_hex<ClusterId>(text.substr(2)));
  EXPECT_FALSE(id_from_hex<ClusterId>(text + "00"));
}

TEST(Bytes, RoundUpLeavesMultiplesAlone) {
  EXPECT_EQ(round_up(0, 8), 0u);
  EXPECT_EQ(round_up(1, 8), 8u);
  EXPECT_EQ(round_up(512, 512), 512u);
  EXPECT_EQ(round_up(513, 512), 1024u);
}

}  // namespace
}  // namespace aerodb
