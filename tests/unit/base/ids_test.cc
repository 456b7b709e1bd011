#include "common/base/ids.h"

#include <gtest/gtest.h>

#include "common/base/bytes.h"
#include "common/base/random.h"

namespace aerodb {
namespace {

Digest digest(std::string_view hex) { return id_from_hex<Digest>(hex).value(); }

TEST(Ids, NumbersOrderByValueAndNextIsOneMore) {
  EXPECT_LT(Lsn(1), Lsn(2));
  EXPECT_EQ(Lsn(1).next(), Lsn(2));
  EXPECT_EQ(CommitId().value(), 0u);
}

TEST(Ids, DigestArithmeticIsModulo2To128) {
  const Digest ones = digest("ffffffffffffffffffffffffffffffff");
  const Digest one = digest("00000000000000000000000000000001");
  EXPECT_EQ(digest_add(ones, one), Digest{});
  EXPECT_EQ(digest_subtract(Digest{}, one), ones);
  // big-endian: a carry goes towards the first byte
  EXPECT_EQ(digest_add(digest("000000000000000000000000000000ff"), one), digest("00000000000000000000000000000100"));
}

TEST(Ids, DigestSumsDoNotDependOnOrderAndSubtractionUndoesAddition) {
  SeededRandom random(7);
  for (int round = 0; round < 200; ++round) {
    Digest a, b, c;
    for (size_t i = 0; i < 16; ++i) {
      a.bytes[i] = static_cast<uint8_t>(random.next());
      b.bytes[i] = static_cast<uint8_t>(random.next());
      c.bytes[i] = static_cast<uint8_t>(random.next());
    }
    EXPECT_EQ(digest_add(digest_add(a, b), c), digest_add(digest_add(c, a), b));
    EXPECT_EQ(digest_subtract(digest_add(a, b), b), a);
  }
}

TEST(Ids, ZeroIdIsZero) {
  LineageId id;
  EXPECT_TRUE(id.is_zero());
  id.bytes[15] = 1;
  EXPECT_FALSE(id.is_zero());
}

TEST(SeededRandomNumbers, SameSeedGivesTheNumbersOfSplitMix64) {
  SeededRandom random(1234567);
  EXPECT_EQ(random.next(), 6457827717110365317u);
  EXPECT_EQ(random.next(), 3203168211198807973u);
  EXPECT_EQ(random.next(), 9817491932198370423u);
}

}  // namespace
}  // namespace aerodb
