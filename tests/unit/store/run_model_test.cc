// Random runs against a std::map: every lookup at every bound, and cursors both ways from every key.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "common/base/random.h"
#include "common/document/canonical.h"
#include "tests/unit/store/run_kit.h"

namespace aerodb::store {
namespace {

using namespace testing;

class RunModel : public ::testing::TestWithParam<uint64_t>, public RunKit {
 protected:
  static constexpr uint64_t kCommits = 60;
  RunModel() : random(GetParam()) {
    const uint64_t ids = 1 + random.below(400);
    const uint64_t pad = random.below(4'000);
    const uint64_t versions = 1 + random.below(1'500);
    for (uint64_t i = 0; i < versions; ++i) {
      const auto id = fmt::format("{}", random.below(ids));
      const uint64_t commit = 1 + random.below(kCommits);
      const bool tombstone = random.one_in(5);
      model[id][commit] =
          tombstone ? Bytes() : document_of(id, static_cast<int64_t>(random.below(50)) - 25, random.below(pad + 1));
    }
    std::vector<TestVersion> list;
    for (const auto& [id, of_id] : model) {
      for (const auto& [commit, document] : of_id) {
        list.push_back({"c", id, commit, document});
        Bytes key;
        if (!document.empty() && document::index_key_of(document, "n", key)) index.insert({key, id});
      }
    }
    RunWriterOptions options = with(random.one_in(2) ? Compression::kZstd : Compression::kNone);
    options.sort_bytes = random.one_in(2) ? 16u << 20 : 2'000;
    write(std::move(list), options);
  }
  std::string probe() {
    auto id = fmt::format("{}", random.below(450));
    if (random.one_in(3)) id += '\0';
    return id;
  }
  SeededRandom random;
  std::map<std::string, std::map<uint64_t, Bytes>> model;
  std::set<std::pair<Bytes, std::string>> index;
};

TEST_P(RunModel, LookupsAgree) {
  TestBlocks blocks(disk());
  for (int i = 0; i < 3'000; ++i) {
    const auto id = probe();
    const uint64_t bound = random.below(kCommits + 2);
    const auto found = run->find(blocks, "c", id, CommitId(bound));
    ASSERT_TRUE(found);
    const auto of_id = model.find(id);
    const bool has = of_id != model.end() && of_id->second.begin()->first <= bound;
    ASSERT_EQ(static_cast<bool>(*found), has) << id << " at " << bound;
    if (!has) continue;
    const auto expected = std::prev(of_id->second.upper_bound(bound));
    ASSERT_EQ(found->commit, CommitId(expected->first));
    ASSERT_EQ(Bytes(found->document.begin(), found->document.end()), expected->second);
  }
}

TEST_P(RunModel, CursorsOverIdsAgree) {
  TestBlocks blocks(disk());
  const auto cursor = run->cursor("c", "");
  for (int i = 0; i < 500; ++i) {
    const auto id = probe();
    auto at = model.lower_bound(id);
    auto state = cursor->seek(blocks, {as_bytes(id), {}}, Direction::kAscending);
    for (int step = 0; step < 10 && at != model.end(); ++step, ++at, state = cursor->next(blocks)) {
      ASSERT_EQ(state, CursorState::kAt);
      ASSERT_EQ(as_text(cursor->key().first), at->first);
    }
    ASSERT_EQ(state == CursorState::kEnd, at == model.end());
    at = model.lower_bound(id);
    state = cursor->seek(blocks, {as_bytes(id), {}}, Direction::kDescending);
    for (int step = 0; step < 10 && at != model.begin(); ++step, state = cursor->next(blocks)) {
      --at;
      ASSERT_EQ(state, CursorState::kAt);
      ASSERT_EQ(as_text(cursor->key().first), at->first);
    }
    ASSERT_EQ(state == CursorState::kEnd, at == model.begin());
  }
}

TEST_P(RunModel, CursorsOverTheIndexAgree) {
  if (index.empty()) {
    EXPECT_EQ(run->cursor("c", "n"), nullptr);
    return;
  }
  TestBlocks blocks(disk());
  const auto cursor = run->cursor("c", "n");
  for (int i = 0; i < 500; ++i) {
    const Bytes value = index_key_of_int(static_cast<int64_t>(random.below(54)) - 27);
    const auto id = probe();
    const TreeKey key{value, as_bytes(id)};
    const auto place = index.lower_bound({value, id});
    const auto is_at = [&](auto expected) {
      return compare_bytes(cursor->key().first, expected->first) == 0 &&
             as_text(cursor->key().second) == expected->second;
    };
    auto state = cursor->seek(blocks, key, Direction::kAscending);
    ASSERT_EQ(state == CursorState::kEnd, place == index.end());
    if (place != index.end()) {
      ASSERT_TRUE(is_at(place));
      state = cursor->next(blocks);
      ASSERT_EQ(state == CursorState::kEnd, std::next(place) == index.end());
      ASSERT_TRUE(state == CursorState::kEnd || is_at(std::next(place)));
    }
    state = cursor->seek(blocks, key, Direction::kDescending);
    ASSERT_EQ(state == CursorState::kEnd, place == index.begin());
    ASSERT_TRUE(state == CursorState::kEnd || is_at(std::prev(place)));
  }
}

TEST_P(RunModel, VerificationAgreesWithWriting) {
  const auto verified = verify();
  EXPECT_TRUE(verified) << verified.error().message;
  uint64_t versions = 0;
  for (const auto& [id, of_id] : model) versions += of_id.size();
  EXPECT_EQ(info.versions, versions);
  EXPECT_EQ(info.index_entries, index.size());
}

INSTANTIATE_TEST_SUITE_P(Seeds, RunModel, ::testing::Range<uint64_t>(1, 21));

}  // namespace
}  // namespace aerodb::store
