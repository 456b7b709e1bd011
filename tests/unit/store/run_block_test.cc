// Bodies and stored blocks: what is built is found again, and nothing hostile is taken for a block.
#include <gtest/gtest.h>

#include "common/base/checksum.h"
#include "common/base/random.h"
#include "common/store/block.h"
#include "common/store/stored_block.h"

namespace aerodb::store {
namespace {

constexpr uint64_t kSeed = block_seed(7, 4711);

Bytes built(BlockBuilder& builder, ByteSpan filter = {}) {
  const auto body = builder.finish(filter);
  return {body.begin(), body.end()};
}

StoredVersion version(std::string_view id, uint64_t commit, ByteSpan document) {
  return {id, CommitId(commit), document.empty() ? 0u : 3u, document};
}

EntryKey version_key(std::string_view id, uint64_t commit) { return {as_bytes(id), {}, CommitId(commit)}; }

const Bytes kDocument = {0x81, 0xa1, 'a', 0x01};

Bytes three_versions() {
  BlockBuilder builder;
  builder.add(version("a", 9, kDocument));
  builder.add(version("a", 4, {}));
  builder.add(version("b", 7, kDocument));
  return built(builder);
}

Bytes a_partition() {
  BlockBuilder builder;
  builder.add({64, 100, BlockKind::kDocuments}, version_key("a", 9));
  builder.add({164, 50, BlockKind::kDocuments}, version_key("b", 7));
  return built(builder, build_filter({filter_hash("a"), filter_hash("b")}));
}

TEST(RunBlock, VersionsAreFoundByIdAndBound) {
  const Bytes body = three_versions();
  ASSERT_EQ(check_body(BlockKind::kDocuments, body), std::nullopt);
  const BlockView view(BlockKind::kDocuments, body);
  EXPECT_EQ(view.count(), 3u);
  EXPECT_EQ(view.version(0).id, "a");
  EXPECT_EQ(view.version(0).schema_version, 3u);
  EXPECT_EQ(Bytes(view.version(2).document.begin(), view.version(2).document.end()), kDocument);
  EXPECT_TRUE(view.version(1).document.empty());
  struct Case {
    std::string_view id;
    uint64_t bound;
    uint32_t first_not_below, first_above;
  };
  for (const auto& c : std::vector<Case>{{"a", 10, 0, 0},
                                         {"a", 9, 0, 1},
                                         {"a", 8, 1, 1},
                                         {"a", 4, 1, 2},
                                         {"a", 3, 2, 2},
                                         {"aa", 9, 2, 2},
                                         {"b", 7, 2, 3},
                                         {"b", 6, 3, 3},
                                         {"", 1, 0, 0}}) {
    EXPECT_EQ(view.lower_bound(version_key(c.id, c.bound)), c.first_not_below) << c.id << c.bound;
    EXPECT_EQ(view.upper_bound(version_key(c.id, c.bound)), c.first_above) << c.id << c.bound;
  }
}

TEST(RunBlock, IndexEntriesAreOrderedByValueThenId) {
  BlockBuilder builder;
  builder.add(as_bytes("v"), as_bytes("x"));
  builder.add(as_bytes("v"), as_bytes("y"));
  builder.add(as_bytes("w"), as_bytes(""));
  const Bytes body = built(builder);
  ASSERT_EQ(check_body(BlockKind::kIndex, body), std::nullopt);
  const BlockView view(BlockKind::kIndex, body);
  EXPECT_EQ(view.lower_bound({as_bytes("v"), as_bytes("y"), {}}), 1u);
  EXPECT_EQ(view.upper_bound({as_bytes("v"), as_bytes("y"), {}}), 2u);
  EXPECT_EQ(as_text(view.key(1).second), "y");
}

TEST(RunBlock, PartitionNamesItsChildrenAndHoldsTheirIds) {
  const Bytes body = a_partition();
  ASSERT_EQ(check_body(BlockKind::kPartition, body), std::nullopt);
  const BlockView view(BlockKind::kPartition, body);
  EXPECT_EQ(view.child(1, BlockKind::kDocuments), (BlockHandle{164, 50, BlockKind::kDocuments}));
  EXPECT_EQ(view.upper_bound(version_key("b", 7)), 2u);
  EXPECT_TRUE(view.filter().may_hold(filter_hash("a")));
  EXPECT_FALSE(view.filter().may_hold(filter_hash("c")));
}

TEST(RunBlock, SeparatorLeadsEveryLookupToTheOneBlockThatCanAnswerIt) {
  const EntryKey first = version_key("m", 20);
  const EntryKey other = version_key("k", 30);
  const EntryKey same = version_key("m", 25);
  const auto separator = [&](const EntryKey* before) { return separator_of(BlockKind::kDocuments, first, before); };
  EXPECT_EQ(compare_keys(separator(nullptr), {as_bytes("m"), {}, kBeforeVersions}), 0);
  EXPECT_EQ(compare_keys(separator(&other), {as_bytes("m"), {}, kBeforeVersions}), 0);
  EXPECT_EQ(compare_keys(separator(&same), version_key("m", 24)), 0);
  const EntryKey entry{as_bytes("value"), as_bytes("id"), {}};
  EXPECT_EQ(compare_keys(separator_of(BlockKind::kIndex, entry, &other), entry), 0);
}

// Whatever one changed byte makes of a body, either it is refused or all of it can be read within bounds.
TEST(RunBlock, NoChangedByteLeadsOutOfTheBody) {
  BlockBuilder index;
  index.add(as_bytes("v"), as_bytes("x"));
  index.add(as_bytes("w"), as_bytes("y"));
  const std::vector<std::pair<BlockKind, Bytes>> bodies = {{BlockKind::kDocuments, three_versions()},
                                                           {BlockKind::kPartition, a_partition()},
                                                           {BlockKind::kIndex, built(index)}};
  size_t refused = 0;
  for (const auto& [kind, whole] : bodies) {
    for (size_t at = 0; at < whole.size(); ++at) {
      for (const uint8_t value : {0x00, 0x01, 0x7f, 0x80, 0xff}) {
        Bytes body = whole;
        body[at] = value;
        if (check_body(kind, body)) {
          ++refused;
          continue;
        }
        const BlockView view(kind, body);
        for (uint32_t i = 0; i < view.count(); ++i) {
          const EntryKey key = view.key(i);
          EXPECT_GE(key.first.data(), body.data());
          EXPECT_LE(key.first.data() + key.first.size(), body.data() + body.size());
          EXPECT_LE(key.second.data() + key.second.size(), body.data() + body.size());
          if (kind != BlockKind::kDocuments) continue;
          const auto document = view.version(i).document;
          EXPECT_LE(document.data() + document.size(), body.data() + body.size());
        }
      }
    }
  }
  EXPECT_GT(refused, 100u);
}

TEST(RunBlock, EveryShorterBodyIsRefused) {
  for (const auto& [kind, whole] : std::vector<std::pair<BlockKind, Bytes>>{{BlockKind::kDocuments, three_versions()},
                                                                            {BlockKind::kPartition, a_partition()}}) {
    for (size_t bytes = 0; bytes < whole.size(); ++bytes)
      EXPECT_NE(check_body(kind, ByteSpan(whole).first(bytes)), std::nullopt) << bytes;
  }
}

TEST(RunBlock, BodyWithoutEntriesIsRefused) {
  BlockBuilder builder;
  EXPECT_NE(check_body(BlockKind::kDocuments, built(builder)), std::nullopt);
}

TEST(RunBlock, TombstoneWithADocumentIsRefused) {
  BlockBuilder builder;
  builder.add({"a", CommitId(1), 0, kDocument});
  EXPECT_NE(check_body(BlockKind::kDocuments, built(builder)), std::nullopt);
}

TEST(RunBlock, FilterHoldsEveryIdAndFewOthers) {
  std::vector<FilterHash> hashes;
  for (int i = 0; i < 10'000; ++i) hashes.push_back(filter_hash("id-" + std::to_string(i)));
  const Bytes bytes = build_filter(hashes);
  ASSERT_TRUE(is_filter_size(bytes.size()));
  EXPECT_LE(bytes.size(), 10'000u * kFilterBitsPerKey / 8 + kFilterLineBytes);
  const FilterView filter(bytes);
  for (const auto& hash : hashes) EXPECT_TRUE(filter.may_hold(hash));
  size_t wrong = 0;
  for (int i = 0; i < 10'000; ++i) wrong += filter.may_hold(filter_hash("other-" + std::to_string(i))) ? 1 : 0;
  EXPECT_LT(wrong, 300u);
}

struct StoredCase {
  Compression compression;
  bool compresses;
};
class StoredBlock : public ::testing::TestWithParam<StoredCase> {
 protected:
  StoredBlock() {
    BlockBuilder builder;
    SeededRandom random(1);
    Bytes document(4'000);
    for (auto& byte : document) byte = GetParam().compresses ? 'x' : static_cast<uint8_t>(random.next());
    builder.add(version("id", 5, document));
    body = built(builder);
    BlockPacker packer(GetParam().compression);
    const auto packed = packer.pack(BlockKind::kDocuments, body, kSeed);
    stored.assign(packed.begin(), packed.end());
  }
  Bytes body, stored, scratch;
};

TEST_P(StoredBlock, IsReadBack) {
  const auto raw = unpack_block(stored, BlockKind::kDocuments, kSeed, scratch);
  ASSERT_TRUE(raw) << raw.error().what;
  EXPECT_EQ(Bytes(raw->begin(), raw->end()), body);
}

TEST_P(StoredBlock, IsCompressedOnlyWhereThatMakesItSmaller) {
  const bool expected = GetParam().compression == Compression::kZstd && GetParam().compresses;
  EXPECT_EQ(stored.size() < body.size(), expected);
  EXPECT_LE(stored.size(), body.size() + kBlockTrailerBytes);
}

TEST_P(StoredBlock, EveryFlippedBitIsFound) {
  for (size_t at = 0; at < stored.size(); ++at) {
    stored[at] ^= 0x10;
    EXPECT_FALSE(unpack_block(stored, BlockKind::kDocuments, kSeed, scratch)) << at;
    stored[at] ^= 0x10;
  }
}

TEST_P(StoredBlock, IsNotTakenForAnother) {
  EXPECT_FALSE(unpack_block(stored, BlockKind::kDocuments, block_seed(8, 4711), scratch));
  EXPECT_FALSE(unpack_block(stored, BlockKind::kDocuments, block_seed(7, 4712), scratch));
  const auto other = unpack_block(stored, BlockKind::kPartition, kSeed, scratch);
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().what, "kind of the block");
}

INSTANTIATE_TEST_SUITE_P(Compressions, StoredBlock,
                         ::testing::Values(StoredCase{Compression::kNone, true}, StoredCase{Compression::kZstd, true},
                                           StoredCase{Compression::kZstd, false}));

// Blocks that say of themselves what is not so, under a checksum that holds.
class HostileBlock : public ::testing::Test {
 protected:
  Undamaged<ByteSpan> unpack(ByteSpan stored_body, uint32_t raw_bytes, uint8_t compression, uint16_t zero = 0) {
    stored.assign(stored_body.begin(), stored_body.end());
    ByteWriter out(stored);
    out.u32(raw_bytes);
    out.u8(compression);
    out.u8(static_cast<uint8_t>(BlockKind::kFooter));
    out.u16(zero);
    out.raw(xxh3_128_seeded(stored, kSeed));
    return unpack_block(stored, BlockKind::kFooter, kSeed, scratch);
  }
  Bytes stored, scratch;
};

TEST_F(HostileBlock, IsRefusedByName) {
  BlockPacker packer(Compression::kZstd);
  const Bytes raw(1'000, 'x');
  const auto packed = packer.pack(BlockKind::kFooter, raw, kSeed);
  const Bytes frame(packed.begin(), packed.end() - kBlockTrailerBytes);
  ASSERT_LT(frame.size(), 100u);
  EXPECT_TRUE(unpack(frame, 1'000, 1));
  EXPECT_EQ(unpack(frame, 1'001, 1).error().what, "raw bytes of the block");
  EXPECT_EQ(unpack(frame, 999, 1).error().what, "compressed body");
  EXPECT_EQ(unpack(frame, UINT32_MAX, 1).error().what, "raw bytes of the block");
  EXPECT_EQ(unpack(raw, 1'000, 1).error().what, "compressed body");
  EXPECT_EQ(unpack(raw, 999, 0).error().what, "raw bytes of the block");
  EXPECT_EQ(unpack(raw, 1'000, 2).error().what, "compression of the block");
  EXPECT_EQ(unpack(raw, 1'000, 0, 1).error().what, "last bytes of the trailer before its checksum");
  EXPECT_TRUE(unpack(raw, 1'000, 0));
}

TEST_F(HostileBlock, NothingLargeIsAllocatedOnItsWord) {
  EXPECT_FALSE(unpack(Bytes(10, 0), kMaxBlockBytes + 1, 1));
  EXPECT_LT(scratch.capacity(), kMaxBlockBytes);
}

TEST(RunBlock, StoredBytesShorterThanATrailerAreRefused) {
  Bytes scratch;
  const Bytes bytes(kBlockTrailerBytes, 0);
  for (size_t count = 0; count < bytes.size(); ++count)
    EXPECT_FALSE(unpack_block(ByteSpan(bytes).first(count), BlockKind::kFooter, kSeed, scratch));
}

}  // namespace
}  // namespace aerodb::store
