// Damage: found wherever it is, named with file, section, offset, expected and found, and never followed.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <functional>

#include "tests/unit/store/run_kit.h"

namespace aerodb::store {
namespace {

using namespace testing;

class RunDamage : public ::testing::TestWithParam<Compression>, public RunKit {
 protected:
  // Documents in two collections, several blocks, an index.
  void write_some() {
    std::vector<TestVersion> versions;
    for (int i = 0; i < 12; ++i)
      versions.push_back(put(fmt::format("{:02}", i), i + 1, i % 3, i % 4 == 0 ? 3'000 : 20));
    versions.push_back(removed("04", 90));
    versions.push_back({"d", "x", 50, document_of("x", 1)});
    write(versions, with(GetParam()));
  }
};
INSTANTIATE_TEST_SUITE_P(Compressions, RunDamage, ::testing::Values(Compression::kNone, Compression::kZstd));

TEST_P(RunDamage, AFlippedBitAnywhereIsFoundAndNamed) {
  write_some();
  ASSERT_TRUE(verify());
  for (uint64_t at = 0; at < info.bytes; ++at) {
    const auto mask = static_cast<uint8_t>(1u << (at % 8));
    flip(at, mask);
    const auto verified = verify();
    ASSERT_FALSE(verified) << "byte " << at;
    expect_named(verified.error(), path());
    flip(at, mask);
  }
  EXPECT_TRUE(verify());
}

TEST_P(RunDamage, TheBlockWithTheFlippedBitIsNamed) {
  write_some();
  const RunSection& documents = *run->section("c", "");
  const RunSection& index = *run->section("c", "n");
  flip(kRunHeaderBytes + 40, 1);
  auto verified = verify();
  ASSERT_FALSE(verified);
  EXPECT_EQ(verified.error().detail("section"), "documents of c");
  EXPECT_EQ(verified.error().detail("offset"), std::to_string(kRunHeaderBytes));
  EXPECT_EQ(verified.error().detail("what"), "checksum of the block");
  flip(kRunHeaderBytes + 40, 1);
  flip(kRunHeaderBytes + documents.bytes + 3, 1);
  verified = verify();
  ASSERT_FALSE(verified);
  EXPECT_EQ(verified.error().detail("section"), "index n of c");
  EXPECT_EQ(verified.error().detail("offset"), std::to_string(kRunHeaderBytes + documents.bytes));
  flip(kRunHeaderBytes + documents.bytes + 3, 1);
  flip(index.top.offset, 1);
  verified = verify();
  ASSERT_FALSE(verified);
  EXPECT_EQ(verified.error().detail("offset"), std::to_string(index.top.offset));
}

TEST_P(RunDamage, EveryShorterFileIsRefused) {
  write_some();
  const Bytes whole = file();
  for (size_t bytes = 0; bytes < whole.size(); bytes += bytes < 200 || bytes + 300 > whole.size() ? 1 : 97) {
    replace(ByteSpan(whole).first(bytes));
    const auto opened = Run::open(disk(), path(), info);
    ASSERT_FALSE(opened) << bytes;
    expect_named(opened.error(), path());
    EXPECT_FALSE(Run::describe(disk(), path())) << bytes;
  }
}

TEST_P(RunDamage, ReadsSayItAndAnswerNothing) {
  write_some();
  flip(kRunHeaderBytes + 40, 1);
  TestBlocks blocks(disk());
  EXPECT_EQ(run->find(blocks, "c", "00", CommitId(1'000)), std::nullopt);
  ASSERT_TRUE(blocks.trouble());
  expect_named(*blocks.trouble(), path());
  EXPECT_EQ(run->cursor("c", "")->seek_end(blocks, Direction::kAscending), CursorState::kCold);
  auto opened = disk().open(path(), runtime::OpenMode::kRead);
  ASSERT_TRUE(opened);
  RunScan scan(run, std::move(*opened));
  const auto first = scan.next();
  ASSERT_FALSE(first);
  expect_named(first.error(), path());
}

TEST_P(RunDamage, AFileCutWhileOpenIsSaid) {
  write_some();
  const Bytes whole = file();
  replace(ByteSpan(whole).first(kRunHeaderBytes + 10));
  TestBlocks blocks(disk());
  EXPECT_EQ(run->find(blocks, "c", "00", CommitId(1'000)), std::nullopt);
  ASSERT_TRUE(blocks.trouble());
  expect_named(*blocks.trouble(), path());
}

TEST_P(RunDamage, ARunIsNotTakenForAnother) {
  write_some();
  struct Case {
    std::string_view what;
    std::function<void(RunInfo&)> change;
  };
  for (const auto& c : std::vector<Case>{
           {"size", [](RunInfo& i) { ++i.bytes; }},
           {"run number", [](RunInfo& i) { ++i.number; }},
           {"first commit", [](RunInfo& i) { i.first_commit = CommitId(2); }},
           {"last commit", [](RunInfo& i) { i.last_commit = CommitId(2); }},
           {"versions", [](RunInfo& i) { ++i.versions; }},
           {"tombstones", [](RunInfo& i) { ++i.tombstones; }},
           {"index entries", [](RunInfo& i) { ++i.index_entries; }},
           {"digest of versions", [](RunInfo& i) { i.versions_digest.bytes[3] ^= 1; }},
       }) {
    RunInfo other = info;
    c.change(other);
    const auto opened = Run::open(disk(), path(), other);
    ASSERT_FALSE(opened) << c.what;
    expect_named(opened.error(), path());
    EXPECT_TRUE(opened.error().detail("what").value_or("").starts_with(c.what)) << opened.error().message;
  }
  RunInfo other = info;
  other.sha256[0] ^= 1;
  EXPECT_TRUE(Run::open(disk(), path(), other));
  const auto verified = verify_run(disk(), path(), other, indexes);
  ASSERT_FALSE(verified);
  EXPECT_EQ(verified.error().detail("what"), "SHA-256 (manifest, file)");
}

}  // namespace
}  // namespace aerodb::store
