// The pairs of docs/spec/SEMANTIC_EQUIVALENCE.md: two nodes take the same random operations and differ in how they keep
// the data. Everything a client can see must be equal.
#include <fmt/format.h>

#include <functional>

#include "common/engine/query_record.h"
#include "tests/unit/engine/node_kit.h"

namespace aerodb::engine::testing {
namespace {

constexpr int kIds = 12;
constexpr int kSteps = 60;

std::string id_of_number(uint64_t number) { return "d" + std::to_string(number); }

// One operation, drawn before it is known which nodes take it.
Op random_op(SeededRandom& random) {
  const std::string id = id_of_number(random.below(kIds));
  const std::string fields =
      R"("n":)" + std::to_string(random.below(9)) + R"(,"s":")" + std::string(random.below(40), 'x') + '"';
  switch (random.below(5)) {
    case 0:
    case 1:
      return insert(id, fields);
    case 2:
    case 3:
      return update(id, fields);
    default:
      return remove(id);
  }
}

// Every answer from the floor on, every version chain, and queries by both indexes.
std::string picture(TestNode& node) {
  std::string text = to_hex(node.engine->visible().digest) + to_hex(node.engine->visible().chain) + '\n';
  const CommitId newest = node.engine->visible().commit;
  for (uint64_t at = std::max<uint64_t>(1, node.engine->floor().value()); at <= newest.value(); at += 3) {
    for (int i = 0; i < kIds; ++i) text += *node.get(id_of_number(i), CommitId(at)) + ';';
    for (const std::string_view field : {"n", "s", "_id"}) {
      QueryRequest request;
      request.collection = "c";
      request.schema_version = 1;
      request.sort = field;
      request.descending = at % 2 == 0;
      request.limit = 7;
      request.at_commit = CommitId(at);
      auto [answer, record] = node.explained(request);
      EXPECT_TRUE(answer) << answer.error().message;
      if (!answer) return text;
      text += to_hex(answer->plan_hash) + record->explain().json;
      for (const auto& v : answer->versions) text += *document::to_json(answer->document(v)) + ';';
    }
    text += '\n';
  }
  for (int i = 0; i < kIds; ++i) {
    for (const auto& v : node.chain(id_of_number(i), newest)) {
      text += fmt::format("{}@{} {} {} after {},", v.commit.value(), v.lsn.value(), v.kind, to_hex(v.hash),
                          v.prev_commit.value());
    }
    text += '\n';
  }
  return text;
}

struct Pair {
  NodeSettings plain;
  NodeSettings other;
  // Done to the second node now and then.
  std::function<void(TestNode& node, SeededRandom& random)> twist = [](TestNode&, SeededRandom&) {};
  bool raises_floor = false;
};

void expect_equal(const Pair& pair) {
  for (uint64_t seed = 1; seed <= 6; ++seed) {
    sim::SimWorld world(seed, {});
    sim::SimWorld other_world(seed, {});
    TestNode plain(world, pair.plain);
    TestNode other(other_world, pair.other);
    SeededRandom random(seed);
    SeededRandom twists(seed + 1000);
    ASSERT_FALSE(plain.start());
    ASSERT_FALSE(other.start());
    ASSERT_TRUE(plain.register_schema(kSchema1));
    ASSERT_TRUE(other.register_schema(kSchema1));
    for (int step = 0; step < kSteps; ++step) {
      std::vector<Op> ops = {random_op(random)};
      if (random.one_in(5)) ops.push_back(random_op(random));
      const auto a = plain.write(ops);
      const auto b = other.write(ops);
      ASSERT_EQ(code_of(a), code_of(b)) << "seed " << seed << " step " << step;
      if (a) {
        ASSERT_EQ(a->digest, b->digest) << "seed " << seed << " step " << step;
      }
      if (pair.raises_floor && step % 20 == 19) {
        const CommitId floor(plain.engine->visible().commit.value() - 3);
        ASSERT_TRUE(plain.raise_floor(floor));
        ASSERT_TRUE(other.raise_floor(floor));
      }
      if (twists.one_in(4)) pair.twist(other, twists);
    }
    ASSERT_EQ(picture(plain), picture(other)) << "seed " << seed;
  }
}

// Where nothing came since the last one there is nothing to do; anything else must succeed.
void checkpoint(TestNode& node, bool merge) {
  const auto code = code_of(node.checkpoint(merge));
  EXPECT_TRUE(code.empty() || code == "NOTHING_TO_DO") << code;
}
void compact(TestNode& node) {
  const auto code = code_of(node.compact());
  EXPECT_TRUE(code.empty() || code == "NOTHING_TO_DO") << code;
}

TEST(SemanticEquivalence, CheckpointsChangeNoAnswer) {
  expect_equal({.plain = {}, .other = {}, .twist = [](TestNode& node, SeededRandom&) { checkpoint(node, false); }});
}

TEST(SemanticEquivalence, MergesChangeNoAnswer) {
  expect_equal({.plain = {}, .other = {}, .twist = [](TestNode& node, SeededRandom& random) {
                  checkpoint(node, random.one_in(2));
                  if (random.one_in(3)) compact(node);
                }});
}

TEST(SemanticEquivalence, GroupCommitChangesNoRecord) {
  NodeSettings alone;
  alone.writer.group_commit = false;
  expect_equal({.plain = {}, .other = alone});  // the picture holds the chain, which covers every byte of every record
}

TEST(SemanticEquivalence, RestartsChangeNoAnswer) {
  expect_equal({.plain = {}, .other = {}, .twist = [](TestNode& node, SeededRandom& random) {
                  if (random.one_in(2)) checkpoint(node, true);
                  node.restart(random.one_in(2) ? sim::CrashKind::kPower : sim::CrashKind::kProcess);
                }});
}

TEST(SemanticEquivalence, ColdReadsChangeNoAnswer) {
  NodeSettings cold;
  cold.storage.cache_bytes = 1;
  expect_equal({.plain = {}, .other = cold, .twist = [](TestNode& node, SeededRandom&) { checkpoint(node, true); }});
}

TEST(SemanticEquivalence, CompressionChangesNoAnswer) {
  NodeSettings compressed;
  compressed.storage.compression = store::Compression::kZstd;
  expect_equal(
      {.plain = {}, .other = compressed, .twist = [](TestNode& node, SeededRandom&) { checkpoint(node, true); }});
}

TEST(SemanticEquivalence, CollectionChangesNoAnswerAboveTheFloor) {
  expect_equal({.plain = {},
                .other = {},
                .twist =
                    [](TestNode& node, SeededRandom&) {
                      checkpoint(node, true);
                      compact(node);
                    },
                .raises_floor = true});
}

TEST(SemanticEquivalence, ShippingChangesNoAnswer) {
  for (uint64_t seed = 1; seed <= 6; ++seed) {
    sim::SimWorld world(seed, {});
    TestNode primary(world, {});
    NodeSettings settings{.name = "b", .instance = 2, .primary = false};
    settings.storage.cache_bytes = 1;
    TestNode replica(world, settings);
    SeededRandom random(seed);
    ASSERT_FALSE(primary.start());
    ASSERT_FALSE(replica.start());
    ASSERT_TRUE(primary.register_schema(kSchema1));
    for (int step = 0; step < kSteps; ++step) {
      (void)primary.write({random_op(random)});
      if (random.one_in(9)) checkpoint(primary, true);
      if (step == kSteps / 2) {
        ASSERT_TRUE(primary.raise_floor(CommitId(5)));
      }
      if (!random.one_in(6)) continue;
      const auto refused = ship(primary, replica, 1 + random.below(4000));
      ASSERT_FALSE(refused) << refused->message;
      if (random.one_in(2)) checkpoint(replica, true);
      if (random.one_in(3)) compact(replica);
    }
    ASSERT_FALSE(ship(primary, replica));
    ASSERT_EQ(picture(primary), picture(replica)) << "seed " << seed;
  }
}

}  // namespace
}  // namespace aerodb::engine::testing
