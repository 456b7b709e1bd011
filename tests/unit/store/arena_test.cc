#include "common/store/arena.h"

#include <gtest/gtest.h>

#include <cstring>

#include "common/base/random.h"

namespace aerodb::store {
namespace {

TEST(Arena, PiecesAreAlignedApartAndStayWhereTheyAre) {
  Arena arena;
  SeededRandom random(2);
  struct Piece {
    uint8_t* at;
    size_t bytes;
  };
  std::vector<Piece> pieces;
  for (int i = 0; i < 3'000; ++i) {
    const size_t bytes = random.below(random.one_in(50) ? 200'000 : 300);
    Piece piece{arena.allocate(bytes), bytes};
    ASSERT_EQ(reinterpret_cast<uintptr_t>(piece.at) % 8, 0u);
    if (bytes > 0) std::memset(piece.at, i & 0xff, bytes);
    pieces.push_back(piece);
  }
  for (int i = 0; i < 3'000; ++i) {
    for (size_t at = 0; at < pieces[static_cast<size_t>(i)].bytes; ++at)
      ASSERT_EQ(pieces[static_cast<size_t>(i)].at[at], i & 0xff);
  }
}

TEST(Arena, CountsWhatItTookFromTheSystem) {
  Arena arena;
  EXPECT_EQ(arena.bytes(), 0u);
  (void)arena.allocate(1);
  const auto chunk = arena.bytes();
  EXPECT_GT(chunk, 0u);
  (void)arena.allocate(1);
  EXPECT_EQ(arena.bytes(), chunk);
  (void)arena.allocate(1 << 20);
  EXPECT_EQ(arena.bytes(), chunk + (1 << 20));
  // A large piece leaves the current chunk in use.
  (void)arena.allocate(8);
  EXPECT_EQ(arena.bytes(), chunk + (1 << 20));
}

}  // namespace
}  // namespace aerodb::store
