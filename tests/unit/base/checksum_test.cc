#include "common/base/checksum.h"

#include <gtest/gtest.h>

namespace aerodb {
namespace {

TEST(Checksum, Xxh3IsTheKnownOneInBigEndianOrder) {
  EXPECT_EQ(to_hex(xxh3_128({})), "99aa06d3014798d86001c324468d497f");
}

TEST(Checksum, SeedChangesTheHashAndZeroIsTheUnseededOne) {
  const auto text = as_bytes("some bytes");
  EXPECT_EQ(xxh3_128_seeded(text, 0), xxh3_128(text));
  EXPECT_NE(xxh3_128_seeded(text, 1), xxh3_128(text));
}

TEST(Checksum, StreamOverPiecesEqualsTheWhole) {
  Bytes bytes(5'000);
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<uint8_t>(i * 31);
  Xxh3Stream stream;
  for (size_t at = 0, step = 1; at < bytes.size(); at += step, ++step) {
    stream.update(ByteSpan(bytes).subspan(at, std::min(step, bytes.size() - at)));
  }
  EXPECT_EQ(stream.finish(), xxh3_128(bytes));
  stream.reset();
  EXPECT_EQ(stream.finish(), xxh3_128({}));
}

TEST(Checksum, Sha256IsTheStandardOne) {
  EXPECT_EQ(to_hex(sha256(as_bytes("abc"))), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(to_hex(sha256({})), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST(Checksum, Sha256StreamOverPiecesEqualsTheWhole) {
  const Bytes bytes(5'000, 7);
  Sha256Stream stream;
  for (size_t at = 0, step = 1; at < bytes.size(); at += step, ++step) {
    stream.update(ByteSpan(bytes).subspan(at, std::min(step, bytes.size() - at)));
  }
  EXPECT_EQ(stream.finish(), sha256(bytes));
  EXPECT_EQ(Sha256Stream().finish(), sha256({}));
}

}  // namespace
}  // namespace aerodb
