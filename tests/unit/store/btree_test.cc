#include "common/store/btree.h"

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>

#include "common/base/random.h"

namespace aerodb::store {
namespace {

struct Entry {
  std::string one;
  std::string two;
  [[nodiscard]] ByteSpan first() const { return as_bytes(one); }
  [[nodiscard]] ByteSpan second() const { return as_bytes(two); }
};
using Key = std::pair<std::string, std::string>;

// A tree beside the map that it must equal. std::string compares bytes as unsigned, as the tree does.
struct Pair {
  Arena nodes;
  BTree<Entry> tree{nodes};
  std::map<Key, std::unique_ptr<Entry>> map;

  static TreeKey tree_key(const Key& key) { return {as_bytes(key.first), as_bytes(key.second)}; }
  bool insert(const Key& key) {
    if (map.contains(key)) return false;
    auto& entry = map[key] = std::make_unique<Entry>(key.first, key.second);
    tree.insert(entry.get());
    return true;
  }
  void expect_equal_walks() const {
    ASSERT_EQ(tree.size(), map.size());
    auto at = tree.first();
    for (const auto& [key, entry] : map) {
      ASSERT_EQ(at.get(), entry.get());
      at.next();
    }
    ASSERT_EQ(at.get(), nullptr);
    at = tree.last();
    for (auto entry = map.rbegin(); entry != map.rend(); ++entry) {
      ASSERT_EQ(at.get(), entry->second.get());
      at.previous();
    }
    ASSERT_EQ(at.get(), nullptr);
  }
  void expect_equal_at(const Key& key) const {
    const auto found = map.find(key);
    ASSERT_EQ(tree.find(tree_key(key)), found == map.end() ? nullptr : found->second.get());
    const auto bound = map.lower_bound(key);
    ASSERT_EQ(tree.lower_bound(tree_key(key)).get(), bound == map.end() ? nullptr : bound->second.get());
    ASSERT_EQ(tree.before(tree_key(key)).get(), bound == map.begin() ? nullptr : std::prev(bound)->second.get());
    // Steps from there, across leaves.
    auto at = tree.lower_bound(tree_key(key));
    auto expected = bound;
    for (int i = 0; i < 40 && expected != map.end(); ++i, ++expected, at.next())
      ASSERT_EQ(at.get(), expected->second.get());
    at = tree.before(tree_key(key));
    expected = bound;
    for (int i = 0; i < 40 && expected != map.begin(); ++i, at.previous())
      ASSERT_EQ(at.get(), (--expected)->second.get());
  }
};

// Short keys, long common prefixes, zero bytes and high bytes: all that a prefix compare can get wrong.
std::string random_part(SeededRandom& random) {
  static const std::string kAlphabet(
      "\0\x01"
      "ab\x7f\x80\xff",
      7);
  std::string part = random.one_in(3) ? std::string("common-prefix-") : "";
  for (uint64_t size = random.below(12); size > 0; --size) part += kAlphabet[random.below(kAlphabet.size())];
  return part;
}

TEST(BTree, EmptyTreeHasNoPlaces) {
  Arena nodes;
  const BTree<Entry> tree(nodes);
  EXPECT_EQ(tree.first().get(), nullptr);
  EXPECT_EQ(tree.last().get(), nullptr);
  EXPECT_EQ(tree.lower_bound({}).get(), nullptr);
  EXPECT_EQ(tree.before({}).get(), nullptr);
  EXPECT_EQ(tree.find({}), nullptr);
}

TEST(BTree, RandomInsertsEqualTheMap) {
  for (uint64_t seed = 1; seed <= 8; ++seed) {
    SeededRandom random(seed);
    Pair both;
    const uint64_t count = seed == 1 ? 20'000 : 1 + random.below(1'500);
    for (uint64_t i = 0; i < count; ++i) {
      both.insert({random_part(random), random.one_in(2) ? "" : random_part(random)});
      if (random.one_in(64)) both.expect_equal_at({random_part(random), random_part(random)});
    }
    both.expect_equal_walks();
    for (int i = 0; i < 2'000; ++i)
      both.expect_equal_at({random_part(random), random.one_in(2) ? "" : random_part(random)});
  }
}

TEST(BTree, AscendingAndDescendingInsertsEqualTheMap) {
  for (bool ascending : {true, false}) {
    Pair both;
    for (int i = 0; i < 5'000; ++i) {
      char text[16];
      std::snprintf(text, sizeof text, "key%08d", ascending ? i : 5'000 - i);
      ASSERT_TRUE(both.insert({text, ""}));
    }
    both.expect_equal_walks();
    SeededRandom random(3);
    for (int i = 0; i < 500; ++i) both.expect_equal_at({"key" + std::to_string(random.below(100'000'000)), ""});
    both.expect_equal_at({"", ""});
    both.expect_equal_at({"z", ""});
  }
}

TEST(BTree, LeavesOfAscendingInsertsAreFullAndOthersThreeQuartersFull) {
  Pair ascending, shuffled;
  SeededRandom random(9);
  for (uint32_t i = 0; i < 4'096; ++i) {
    char text[16];
    std::snprintf(text, sizeof text, "%08u", i);
    ascending.insert({text, ""});
    while (!shuffled.insert({std::to_string(random.next()), ""})) {
    }
  }
  EXPECT_LT(ascending.tree.bytes() * 10, shuffled.tree.bytes() * 9);
  EXPECT_GT(ascending.tree.bytes() * 4, shuffled.tree.bytes() * 3);
}

// Ids that differ only behind a long part that many share; index entries of few values and many ids. Nodes look at
// other bytes of such keys at other places of the tree.
TEST(BTree, KeysThatShareLongPartsEqualTheMap) {
  for (uint64_t seed = 1; seed <= 6; ++seed) {
    SeededRandom random(seed);
    Pair both;
    auto key = [&] {
      static const std::string kShared[] = {"order-2024-", "order-2025-north-", "user-", "", "order-2024"};
      const std::string id = kShared[random.below(5)] + std::to_string(random.below(seed % 2 == 0 ? 900 : 90'000));
      if (random.one_in(3)) return Key{id, ""};
      return Key{"value-" + std::to_string(random.below(3)), id};
    };
    for (int i = 0; i < 6'000; ++i) {
      both.insert(key());
      if (random.one_in(16)) both.expect_equal_at(key());
    }
    both.expect_equal_walks();
    for (const auto& [inserted, entry] : both.map) both.expect_equal_at(inserted);
    for (int i = 0; i < 2'000; ++i) both.expect_equal_at(key());
  }
}

TEST(BTree, FindOrInsertMakesOnlyWhatIsMissing) {
  Arena nodes;
  BTree<Entry> tree(nodes);
  std::map<std::string, std::unique_ptr<Entry>> made;
  SeededRandom random(4);
  for (int i = 0; i < 5'000; ++i) {
    const std::string id = std::to_string(random.below(1'000));
    const bool is_new = !made.contains(id);
    const auto [entry, added] = tree.find_or_insert({as_bytes(id), {}}, [&] {
      auto& place = made[id];
      EXPECT_EQ(place, nullptr);
      place = std::make_unique<Entry>(id, "");
      return place.get();
    });
    ASSERT_EQ(added, is_new);
    ASSERT_EQ(entry, made[id].get());
  }
  EXPECT_EQ(tree.size(), made.size());
}

// Each insert is told where the search for its key ended: sometimes right before, sometimes before other inserts, and
// now and then in another tree.
TEST(BTree, PlacesOfSearchesSaveTheWayDownAndDoNoHarmWhereTheyAreVoid) {
  SeededRandom random(6);
  Pair both, other;
  for (int i = 0; i < 200; ++i) other.insert({random_part(random), ""});
  struct Searched {
    Key key;
    BTree<Entry>::Place place;
  };
  for (int i = 0; i < 8'000; ++i) {
    std::vector<Searched> searched(1 + random.below(3));
    for (auto& each : searched) {
      each.key = {random_part(random), random.one_in(2) ? "" : random_part(random)};
      const auto& tree = random.one_in(8) ? other.tree : both.tree;
      (void)tree.find(Pair::tree_key(each.key), &each.place);
    }
    for (auto& each : searched) {
      const bool is_new = !both.map.contains(each.key);
      const auto [entry, added] = both.tree.find_or_insert(
          Pair::tree_key(each.key),
          [&] { return (both.map[each.key] = std::make_unique<Entry>(each.key.first, each.key.second)).get(); },
          each.place);
      ASSERT_EQ(added, is_new);
      ASSERT_EQ(entry, both.map[each.key].get());
    }
  }
  both.expect_equal_walks();
  for (const auto& [key, entry] : both.map) both.expect_equal_at(key);
}

TEST(BTreeDeathTest, InsertingAKeyTwiceIsABug) {
  Entry one{"a", ""}, two{"a", ""};
  Arena nodes;
  BTree<Entry> tree(nodes);
  tree.insert(&one);
  EXPECT_DEATH(tree.insert(&two), "");
}

TEST(BTree, BlocksOfAscendingInsertsBetweenOldKeysEqualTheMap) {
  Pair both;
  SeededRandom random(5);
  for (int block = 0; block < 60; ++block) {
    const uint64_t start = random.below(1'000'000);
    for (uint64_t i = 0; i < 70; ++i) {
      char text[16];
      std::snprintf(text, sizeof text, "%010u", static_cast<unsigned>(start + i));
      both.insert({text, block % 2 == 0 ? "" : "b"});
    }
  }
  both.expect_equal_walks();
  for (const auto& [key, entry] : both.map) both.expect_equal_at(key);
}

TEST(BTree, SecondPartsOrderEqualFirstParts) {
  Pair both;
  for (int i = 0; i < 500; ++i) both.insert({"same", std::to_string(i * 7919 % 1000)});
  both.expect_equal_walks();
  const auto at = both.tree.lower_bound({as_bytes("same"), {}});
  EXPECT_EQ(at.get(), both.map.begin()->second.get());
}

TEST(BTree, PrefixesOrderAsTheKeysDo) {
  SeededRandom random(8);
  for (int i = 0; i < 5'000; ++i) {
    const std::string a = random_part(random);
    const std::string b = random_part(random);
    if (key_prefix(as_bytes(a)) != key_prefix(as_bytes(b))) {
      EXPECT_EQ(key_prefix(as_bytes(a)) < key_prefix(as_bytes(b)), a < b);
    }
    const int order = compare_bytes(as_bytes(a), as_bytes(b));
    EXPECT_EQ(order < 0, a < b);
    EXPECT_EQ(order == 0, a == b);
  }
}

}  // namespace
}  // namespace aerodb::store
