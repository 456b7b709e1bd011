// Runs whose every checksum holds, and that are not what they say: found, named, and never followed.
#include <gtest/gtest.h>

#include <functional>

#include "common/store/block.h"
#include "common/store/run_footer.h"
#include "common/store/stored_block.h"
#include "tests/unit/store/run_kit.h"

namespace aerodb::store {
namespace {

using namespace testing;

// A run whose frame and blocks are made by hand, every checksum holding, and that yet is not what it says.
class HostileRun : public ::testing::Test, public RunKit {
 protected:
  HostileRun() { options = complete({}); }
  // Block by block from the start; what is put is at the answered place.
  BlockHandle put_block(BlockKind kind, ByteSpan body) {
    BlockPacker packer(Compression::kNone);
    const auto stored = packer.pack(kind, body, block_seed(1, kRunHeaderBytes + blocks.size()));
    const BlockHandle handle{kRunHeaderBytes + blocks.size(), static_cast<uint32_t>(stored.size()), kind};
    blocks.insert(blocks.end(), stored.begin(), stored.end());
    return handle;
  }
  BlockHandle put_block(BlockKind kind, BlockBuilder builder, ByteSpan filter = {}) {
    return put_block(kind, builder.finish(filter));
  }
  void end_section(const std::string& collection, const std::string& index_path, const BlockHandle& top,
                   uint32_t height, uint64_t entries) {
    RunSection section;
    section.collection = collection;
    section.path = index_path;
    section.top = top;
    section.height = height;
    section.entries = entries;
    section.bytes = kRunHeaderBytes + blocks.size() - section_begin;
    section_begin = kRunHeaderBytes + blocks.size();
    footer.sections.push_back(section);
  }
  // Puts header, footer and tail around the blocks, and the whole in place.
  Bytes framed(ByteSpan footer_body) {
    Bytes bytes = encode_run_header({1, options.first_commit, options.last_commit});
    bytes.insert(bytes.end(), blocks.begin(), blocks.end());
    BlockPacker packer(Compression::kNone);
    const auto stored = packer.pack(BlockKind::kFooter, footer_body, block_seed(1, bytes.size()));
    const BlockHandle place{bytes.size(), static_cast<uint32_t>(stored.size()), BlockKind::kFooter};
    bytes.insert(bytes.end(), stored.begin(), stored.end());
    const Bytes tail = encode_run_tail(ByteSpan(bytes).first(kRunHeaderBytes), place);
    bytes.insert(bytes.end(), tail.begin(), tail.end());
    return bytes;
  }
  void install(const Bytes& bytes) {
    if (disk().exists(run_path("/d", 1)).value_or(false)) {
      ASSERT_TRUE(disk().remove(run_path("/d", 1)));
    }
    ASSERT_TRUE(disk().make_directory("/d/runs"));
    auto file = disk().open(run_path("/d", 1), runtime::OpenMode::kCreate);
    ASSERT_TRUE(file);
    ASSERT_TRUE((*file)->write(0, bytes));
  }
  // What opening and, where that does not find it, verification says is wrong; empty: nothing.
  std::string trouble() {
    install(framed(encode_run_footer(footer)));
    const auto described = Run::describe(disk(), run_path("/d", 1));
    if (!described) {
      expect_named(described.error(), run_path("/d", 1));
      return std::string(described.error().detail("what").value_or(""));
    }
    const auto verified = verify_run(disk(), run_path("/d", 1), *described, {{"c", {"n"}}});
    if (verified) return {};
    expect_named(verified.error(), run_path("/d", 1));
    return std::string(verified.error().detail("what").value_or(""));
  }
  // A block of documents and its partition, by versions; the separator as it should be unless given.
  void documents(const std::vector<TestVersion>& versions, std::optional<EntryKey> separator = std::nullopt,
                 std::optional<std::vector<std::string>> filtered = std::nullopt) {
    BlockBuilder builder, partition;
    std::vector<FilterHash> hashes;
    for (const auto& v : versions) {
      const RunVersion view = view_of(v);
      builder.add(StoredVersion{view.id, view.commit, view.schema_version, view.document});
      hashes.push_back(filter_hash(v.id));
      ++footer.versions;
      if (view.schema_version == 0) ++footer.tombstones;
    }
    if (filtered) {
      hashes.clear();
      for (const auto& id : *filtered) hashes.push_back(filter_hash(id));
    }
    const EntryKey expected{as_bytes(versions.front().id), {}, kBeforeVersions};
    partition.add(put_block(BlockKind::kDocuments, builder), separator.value_or(expected));
    const auto top = put_block(BlockKind::kPartition, partition, build_filter(hashes));
    end_section("c", "", top, 1, versions.size());
  }
  void index(const std::vector<std::pair<int64_t, std::string>>& entries) {
    BlockBuilder builder, inner;
    for (const auto& [n, id] : entries) builder.add(index_key_of_int(n), as_bytes(id));
    const Bytes first = index_key_of_int(entries.front().first);
    inner.add(put_block(BlockKind::kIndex, builder), {first, as_bytes(entries.front().second), {}});
    end_section("c", "n", put_block(BlockKind::kInner, inner), 1, entries.size());
    footer.index_entries += entries.size();
  }
  void digest(const std::vector<TestVersion>& versions) {
    // As a writer gives it.
    RunKit other;
    other.write(versions);
    footer.versions_digest = other.info.versions_digest;
  }
  RunWriterOptions options;
  Bytes blocks;
  uint64_t section_begin = kRunHeaderBytes;
  RunFooter footer;
};

TEST_F(HostileRun, MadeByHandAsAWriterWouldPasses) {
  const std::vector<TestVersion> versions = {put("a", 5, 1), put("a", 3, 2), put("b", 4)};
  documents(versions);
  index({{1, "a"}, {2, "a"}});
  digest(versions);
  EXPECT_EQ(trouble(), "");
}

TEST_F(HostileRun, EntriesOutOfOrderAreFound) {
  documents({put("b", 4), put("a", 5)});
  EXPECT_EQ(trouble(), "order of entry 1");
}

TEST_F(HostileRun, VersionsOutOfOrderAreFound) {
  documents({put("a", 4), put("a", 5)});
  EXPECT_EQ(trouble(), "order of entry 1");
}

TEST_F(HostileRun, SameVersionTwiceIsFound) {
  documents({put("a", 4), put("a", 4)});
  EXPECT_EQ(trouble(), "order of entry 1");
}

TEST_F(HostileRun, WrongSeparatorIsFound) {
  documents({put("b", 4), put("c", 5)}, EntryKey{as_bytes("b"), {}, CommitId(4)});
  EXPECT_EQ(trouble(), "separator");
}

TEST_F(HostileRun, FilterThatLacksAnIdIsFound) {
  documents({put("b", 4), put("d", 5)}, std::nullopt, std::vector<std::string>{"b"});
  EXPECT_EQ(trouble(), "filter");
}

TEST_F(HostileRun, CommitOutsideOfTheRunIsFound) {
  documents({put("a", 1'000'001)});
  EXPECT_EQ(trouble(), "commit");
}

TEST_F(HostileRun, WrongCountsAreFound) {
  const std::vector<TestVersion> versions = {put("a", 5), removed("b", 4)};
  documents(versions);
  digest(versions);
  ASSERT_EQ(trouble(), "");
  ++footer.versions;
  EXPECT_EQ(trouble(), "versions");
  --footer.versions;
  --footer.tombstones;
  EXPECT_EQ(trouble(), "tombstones");
  ++footer.tombstones;
  ++footer.index_entries;
  EXPECT_EQ(trouble(), "index entries");
  --footer.index_entries;
  ++footer.sections[0].entries;
  EXPECT_EQ(trouble(), "entries");
  --footer.sections[0].entries;
  footer.versions_digest.bytes[0] ^= 1;
  EXPECT_EQ(trouble(), "digest of versions");
}

TEST_F(HostileRun, IndexThatTheDocumentsDoNotGiveIsFound) {
  struct Case {
    std::vector<std::pair<int64_t, std::string>> entries;
    std::string what;
  };
  for (const auto& c : std::vector<Case>{{{{1, "a"}, {2, "a"}, {3, "b"}}, "index, by its documents"},
                                         {{{1, "a"}}, "index, by its documents"},
                                         {{{1, "a"}, {2, "b"}}, "index, by its documents"},
                                         {{{1, "a"}, {1, "a"}}, "order of entry 1"},
                                         {{{2, "a"}, {1, "a"}}, "order of entry 1"},
                                         {{}, "index n of c"}}) {
    blocks.clear();
    section_begin = kRunHeaderBytes;
    footer = RunFooter();
    const std::vector<TestVersion> versions = {put("a", 5, 1), put("a", 3, 2), put("b", 4)};
    documents(versions);
    if (!c.entries.empty()) index(c.entries);
    digest(versions);
    EXPECT_EQ(trouble(), c.what);
  }
}

TEST_F(HostileRun, BlockThatNothingNamesIsFound) {
  BlockBuilder builder;
  const Bytes document = document_of("z");
  builder.add(StoredVersion{"z", CommitId(1), 1, document});
  put_block(BlockKind::kDocuments, builder);
  documents({put("a", 5)});
  EXPECT_EQ(trouble(), "offset of a block");
}

TEST_F(HostileRun, ChildrenThatLeadAnywhereAreNotFollowed) {
  for (const auto& [child, what] : std::vector<std::pair<BlockHandle, std::string>>{
           {{0, 100, BlockKind::kDocuments}, "offset of a block"},
           {{kRunHeaderBytes, UINT32_MAX, BlockKind::kDocuments}, "place of a block"},
           {{UINT64_MAX - 10, 100, BlockKind::kDocuments}, "offset of a block"}}) {
    blocks.clear();
    section_begin = kRunHeaderBytes;
    footer = RunFooter();
    BlockBuilder partition;
    partition.add(child, {as_bytes("a"), {}, kBeforeVersions});
    const auto top = put_block(BlockKind::kPartition, partition, build_filter({filter_hash("a")}));
    end_section("c", "", top, 1, 1);
    EXPECT_EQ(trouble(), what);
    // Lookups meet the same block without having verified anything.
    const auto described = Run::describe(disk(), run_path("/d", 1));
    ASSERT_TRUE(described);
    const auto opened = Run::open(disk(), run_path("/d", 1), *described);
    ASSERT_TRUE(opened);
    TestBlocks test_blocks(disk());
    EXPECT_EQ((*opened)->find(test_blocks, "c", "a", CommitId(9)), std::nullopt);
    ASSERT_TRUE(test_blocks.trouble());
    EXPECT_EQ(test_blocks.trouble()->detail("what"), "place of a block");
  }
}

TEST_F(HostileRun, NodeThatNamesItselfIsNotFollowedForEver) {
  BlockBuilder inner;
  inner.add({kRunHeaderBytes, 0, BlockKind::kInner}, {as_bytes("a"), {}, kBeforeVersions});
  const auto body = inner.finish();
  // The handle's length is part of what it names: find it out first.
  const auto stored_bytes = static_cast<uint32_t>(body.size() + kBlockTrailerBytes);
  BlockBuilder again;
  again.add({kRunHeaderBytes, stored_bytes, BlockKind::kInner}, {as_bytes("a"), {}, kBeforeVersions});
  end_section("c", "", put_block(BlockKind::kInner, again), kMaxRunHeight, 1);
  EXPECT_EQ(trouble(), "kind of the block");
}

// A few nodes can name one block more often than anybody can read it.
TEST_F(HostileRun, BlockNamedTwiceIsNotScannedTwice) {
  BlockBuilder builder, partition;
  const Bytes document = document_of("a");
  builder.add(StoredVersion{"a", CommitId(1), 1, document});
  const auto block = put_block(BlockKind::kDocuments, builder);
  partition.add(block, {as_bytes("a"), {}, kBeforeVersions});
  partition.add(block, {as_bytes("a"), {}, CommitId(0)});
  end_section("c", "", put_block(BlockKind::kPartition, partition, build_filter({filter_hash("a")})), 1, 2);
  EXPECT_EQ(trouble(), "offset of a block");
  const auto described = Run::describe(disk(), run_path("/d", 1));
  ASSERT_TRUE(described);
  const auto opened = Run::open(disk(), run_path("/d", 1), *described);
  ASSERT_TRUE(opened);
  RunScan scan(*opened, std::move(*disk().open(run_path("/d", 1), runtime::OpenMode::kRead)));
  EXPECT_TRUE(scan.next());
  const auto second = scan.next();
  ASSERT_FALSE(second);
  expect_named(second.error(), run_path("/d", 1));
}

TEST_F(HostileRun, FooterOfAnotherLengthIsRefused) {
  documents({put("a", 5)});
  Bytes body = encode_run_footer(footer);
  for (size_t bytes = 0; bytes < body.size(); ++bytes) {
    install(framed(ByteSpan(body).first(bytes)));
    EXPECT_FALSE(Run::describe(disk(), run_path("/d", 1))) << bytes;
  }
  body.push_back(0);
  install(framed(body));
  EXPECT_FALSE(Run::describe(disk(), run_path("/d", 1)));
}

TEST_F(HostileRun, EveryChangedByteOfTheFooterIsFound) {
  documents({put("a", 5)});
  digest({put("a", 5)});
  const Bytes body = encode_run_footer(footer);
  for (size_t at = 0; at < body.size(); ++at) {
    for (const uint8_t value : {0x00, 0x01, 0x7f, 0xff}) {
      Bytes changed = body;
      changed[at] = value;
      install(framed(changed));
      const auto described = Run::describe(disk(), run_path("/d", 1));
      const bool passes = described && verify_run(disk(), run_path("/d", 1), *described, {});
      EXPECT_EQ(passes, changed == body) << at;
    }
  }
}

TEST_F(HostileRun, SectionsThatDoNotFillTheFileAreRefused) {
  documents({put("a", 5)});
  index({{1, "a"}});
  const RunFooter good = footer;
  const auto with_change = [&](const std::function<void(RunFooter&)>& change) {
    footer = good;
    change(footer);
    return trouble();
  };
  EXPECT_EQ(with_change([](RunFooter& f) { f.sections.pop_back(); }), "end of the last section");
  EXPECT_EQ(with_change([](RunFooter& f) { std::swap(f.sections[0], f.sections[1]); }), "top's offset of index n of c");
  EXPECT_EQ(with_change([](RunFooter& f) { f.sections[1].path = ""; }), "order of sections");
  EXPECT_EQ(with_change([](RunFooter& f) { f.sections[0].collection = ""; }), "collection of a section");
  EXPECT_EQ(with_change([](RunFooter& f) { f.sections[0].height = 0; }), "height of documents of c");
  EXPECT_EQ(with_change([](RunFooter& f) { f.sections[0].height = kMaxRunHeight + 1; }), "height of documents of c");
  EXPECT_EQ(with_change([](RunFooter& f) { f.sections[0].entries = 0; }), "entries of documents of c");
  EXPECT_EQ(with_change([](RunFooter& f) { f.sections[0].bytes = UINT64_MAX; }), "bytes of documents of c");
  EXPECT_EQ(with_change([](RunFooter& f) { f.sections[0].top.stored_bytes = UINT32_MAX; }),
            "top's bytes of documents of c");
  EXPECT_EQ(with_change([](RunFooter& f) { ++f.sections[0].top.offset; }), "top's offset of documents of c");
  EXPECT_EQ(with_change([](RunFooter& f) { f.sections[0].height = 2; }), "kind of the block");
}

TEST_F(HostileRun, NewerFormatIsSaidOnlyWhereTheChecksumHolds) {
  documents({put("a", 5)});
  Bytes bytes = framed(encode_run_footer(footer));
  bytes[4] = kRunFormat + 1;
  install(bytes);
  EXPECT_EQ(Run::describe(disk(), run_path("/d", 1)).error().code, ErrorCode::kRunDamaged);
  const auto tail = ByteSpan(bytes).last(kRunTailBytes);
  ByteReader in(tail);
  const BlockHandle place{in.u64(), in.u32(), BlockKind::kFooter};
  const Bytes sealed = encode_run_tail(ByteSpan(bytes).first(kRunHeaderBytes), place);
  std::copy(sealed.begin(), sealed.end(), bytes.end() - kRunTailBytes);
  install(bytes);
  EXPECT_EQ(Run::describe(disk(), run_path("/d", 1)).error().code, ErrorCode::kNewerFormat);
}

}  // namespace
}  // namespace aerodb::store
