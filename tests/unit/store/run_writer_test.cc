// Writing runs: what the file says of itself, how it gets to the disk, and how index entries are sorted.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "common/base/checksum.h"
#include "common/base/fault.h"
#include "common/base/random.h"
#include "common/store/digest.h"
#include "common/store/index_sorter.h"
#include "tests/unit/store/run_kit.h"

namespace aerodb::store {
namespace {

using namespace testing;

class RunWriting : public ::testing::Test, public RunKit {};

TEST_F(RunWriting, InfoSaysWhatIsInTheRun) {
  const std::vector<TestVersion> versions = {put("a", 5, 1), put("a", 9, 1), removed("a", 12),
                                             put("b", 7, 1), put("b", 8, 2), put("d", 20)};
  write(versions);
  EXPECT_EQ(info.number, 1u);
  EXPECT_EQ(info.first_commit, CommitId(1));
  EXPECT_EQ(info.last_commit, CommitId(1'000'000));
  EXPECT_EQ(info.versions, 6u);
  EXPECT_EQ(info.tombstones, 1u);
  EXPECT_EQ(info.index_entries, 3u);  // (1, a) once, (1, b), (2, b)
  Digest digest;
  for (const auto& v : versions) {
    if (!v.document.empty()) digest = digest_add(digest, document_term("c", v.id, CommitId(v.commit), 1, v.document));
  }
  EXPECT_EQ(info.versions_digest, digest);
  const Bytes bytes = file();
  EXPECT_EQ(info.bytes, bytes.size());
  EXPECT_EQ(info.sha256, sha256(bytes));
  const auto described = Run::describe(disk(), path());
  ASSERT_TRUE(described);
  EXPECT_EQ(*described, info);
}

TEST_F(RunWriting, ScanGivesBackEveryVersionInOrder) {
  std::vector<TestVersion> versions;
  for (int i = 0; i < 500; ++i) {
    const std::string id = fmt::format("{:03}", i);
    versions.push_back({"c", id, 7, document_of(id, i, 100)});
    versions.push_back({"d", id, 9, document_of(id, i, 200)});
    versions.push_back({"d", id, 8, {}});
  }
  for (const auto compression : {Compression::kNone, Compression::kZstd}) {
    RunWriterOptions options = with(compression);
    options.number = compression == Compression::kNone ? 1 : 2;
    write(versions, options);
    auto expected = versions;
    sort_versions(expected);
    EXPECT_EQ(scan(), expected);
    EXPECT_TRUE(verify());
  }
}

TEST_F(RunWriting, SameVersionsGiveTheSameBytes) {
  RunKit other;
  std::vector<TestVersion> versions;
  for (int i = 0; i < 1'000; ++i) versions.push_back(put(fmt::format("{:04}", i), i + 1, i % 7));
  write(versions);
  other.write(versions);
  EXPECT_EQ(file(), other.file());
}

TEST_F(RunWriting, CompressedRunIsSmallerAndMeansTheSame) {
  std::vector<TestVersion> versions;
  for (int i = 0; i < 1'000; ++i) versions.push_back(put(fmt::format("{:04}", i), i + 1, i % 7, 200));
  write(versions);
  RunWriterOptions options = with(Compression::kZstd);
  options.number = 2;
  const RunInfo raw = info;
  write(versions, options);
  EXPECT_LT(info.bytes, raw.bytes / 2);
  EXPECT_EQ(info.versions_digest, raw.versions_digest);
  EXPECT_EQ(info.index_entries, raw.index_entries);
}

TEST_F(RunWriting, NumberIsNeverUsedTwice) {
  write({put("a", 1)});
  RunWriterOptions options;
  EXPECT_FALSE(RunWriter::create(disk(), "/d", complete(options)));
}

TEST_F(RunWriting, NamesAndNumbersAnswerEachOther) {
  EXPECT_EQ(run_name(7), "00000007.run");
  EXPECT_EQ(run_path("/d", 7), "/d/runs/00000007.run");
  EXPECT_EQ(run_name(123'456'789'012), "123456789012.run");
  for (const RunNumber number : {1ull, 99'999'999ull, 100'000'000ull})
    EXPECT_EQ(run_number_of(run_name(number)), number);
  for (const auto* name : {"", ".run", "7.run", "00000007.sort", "00000007.run2", "0000000x.run", "00000000.run",
                           "000000007.run", "-0000007.run", "99999999999999999999999.run"})
    EXPECT_EQ(run_number_of(name), std::nullopt) << name;
}

TEST_F(RunWriting, AFinishedRunOutlivesThePower) {
  std::vector<TestVersion> versions;
  for (int i = 0; i < 20'000; ++i) versions.push_back(put(fmt::format("{:05}", i), i + 1, i % 7, 200));
  write(versions);
  ASSERT_TRUE(disk().sync_directory("/"));
  machine().power_loss();
  EXPECT_EQ(sha256(file()), info.sha256);
}

// The two planted faults of this folder: with either, a power loss can take a run that was said to be complete.
class RunWritingWithFault : public ::testing::TestWithParam<Fault> {
 protected:
  ~RunWritingWithFault() override { plant(Fault::kNone); }
};
TEST_P(RunWritingWithFault, LosesTheRunWithThePower) {
  int lost = 0;
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    RunKit kit(seed);
    RunWriterOptions options;
    options.number = 1;
    kit.write({put("a", 1)}, options);  // so that the directory is there
    ASSERT_TRUE(kit.disk().sync_directory("/"));
    options.number = 2;
    plant(GetParam());
    kit.write({put("b", 2)}, options);
    plant(Fault::kNone);
    kit.machine().power_loss();
    lost += sha256(kit.file()) != kit.info.sha256 ? 1 : 0;
  }
  EXPECT_GT(lost, 0);
}
INSTANTIATE_TEST_SUITE_P(Faults, RunWritingWithFault,
                         ::testing::Values(Fault::kRunsDirectoryNotSynced, Fault::kManifestBeforeRunSync));

TEST_F(RunWriting, AtMostOneMebibyteIsWrittenBetweenTwoSyncs) {
  std::vector<uint64_t> written;
  size_t syncs = 0;
  RunWriterOptions options;
  options.progress = [&](uint64_t bytes) { written.push_back(bytes); };
  options.after_sync = [&] { ++syncs; };
  write({put("a", 1, 1, 3u << 20), put("b", 2, 2, 300), put("d", 3, 3, 5u << 20)}, options);
  ASSERT_GE(written.size(), 8u);
  EXPECT_EQ(syncs, written.size());
  uint64_t before = 0;
  for (const uint64_t bytes : written) {
    EXPECT_GT(bytes, before);
    EXPECT_LE(bytes - before, kSyncEveryBytes);
    before = bytes;
  }
  EXPECT_EQ(before, info.bytes);
}

// Index entries that don't fit into memory go through the temporary file and come out the same.
TEST_F(RunWriting, IndexesAreTheSameWithLittleMemory) {
  std::vector<TestVersion> versions;
  SeededRandom random(3);
  for (int i = 0; i < 5'000; ++i) {
    const auto id = fmt::format("{:05}", i);
    versions.push_back(put(id, 3, static_cast<int64_t>(random.below(50))));
    versions.push_back(put(id, 2, static_cast<int64_t>(random.below(50))));
    versions.push_back({"d", id, 5, document_of(id, static_cast<int64_t>(random.below(5'000)))});
  }
  RunWriterOptions options;
  options.indexes = {{"c", {"n", "_id"}}, {"d", {"n"}}};
  write(versions, options);
  const Bytes plenty = file();
  ASSERT_TRUE(disk().remove(path()));
  size_t syncs = 0;
  options.sort_bytes = 8u << 10;
  options.after_sync = [&] { ++syncs; };
  write(versions, options);
  EXPECT_EQ(file(), plenty);
  EXPECT_TRUE(verify());
  EXPECT_EQ(run->sections().size(), 5u);
  EXPECT_EQ(disk().list("/d/runs").value_or(std::vector<std::string>()), (std::vector<std::string>{"00000001.run"}));
}

// The versions of a memory table: its own indexes give the same run as its documents do.
TEST_F(RunWriting, IndexesOfATableAreThoseOfItsDocuments) {
  std::vector<TestVersion> versions;
  SeededRandom random(5);
  for (int i = 0; i < 3'000; ++i) {
    const auto id = fmt::format("{:05}", i);
    const auto n = [&] { return static_cast<int64_t>(random.below(50)) - 25; };
    versions.push_back(put(id, 1, n()));
    if (i % 3 == 0) versions.push_back(put(id, 2, n()));  // perhaps the same value again
    if (i % 5 == 0) versions.push_back(removed(id, 3));
    if (i % 7 == 0) versions.push_back(put(id, 4));  // without the field
    versions.push_back({"d", id, 5, document_of(id, n())});
  }
  versions.push_back({"e", "gone", 6, {}});
  RunWriterOptions options;
  // The table has no index "late", for no document has that field.
  options.indexes = {{"c", {"n", "_id", "late"}}, {"d", {"n"}}, {"e", {"n"}}};
  write(versions, options);
  const Bytes from_documents = file();
  ASSERT_TRUE(disk().remove(path()));

  MemoryTable table;
  table.add_index(table.add_collection("c"), "n");
  table.add_index(*table.collection("c"), "_id");
  table.add_index(table.add_collection("d"), "n");
  table.add_index(table.add_collection("e"), "n");
  auto by_commit = versions;
  std::ranges::stable_sort(by_commit, {}, &TestVersion::commit);
  for (const auto& v : by_commit) {
    const uint32_t schema_version = v.document.empty() ? 0 : 1;
    table.put(*table.collection(v.collection), v.id, CommitId(v.commit), schema_version, v.document);
  }
  options.table = &table;
  write(versions, options);
  EXPECT_EQ(file(), from_documents);
  EXPECT_TRUE(verify());
  EXPECT_EQ(run->sections().size(), 6u);
}

TEST_F(RunWriting, FailureOfTheDiskIsSaidAndNothingIsFinished) {
  std::vector<TestVersion> versions;
  for (int i = 0; i < 10'000; ++i) versions.push_back(put(fmt::format("{:05}", i), i + 1, i % 7, 200));
  auto writer = RunWriter::create(disk(), "/d", complete({}));
  ASSERT_TRUE(writer);
  machine().disk().set_full(true);
  bool failed = false;
  for (const auto& version : versions) {
    auto added = (*writer)->add(view_of(version));
    if (added) continue;
    EXPECT_EQ(added.error().code, ErrorCode::kIo);
    failed = true;
    break;
  }
  EXPECT_TRUE(failed);
}

class IndexSorting : public ::testing::Test, public RunKit {
 protected:
  using Entry = std::tuple<uint32_t, std::string, std::string>;
  IndexSorting() {
    EXPECT_TRUE(disk().make_directory("/d"));
    SeededRandom random(5);
    for (int i = 0; i < 3'000; ++i) {
      std::string value(random.below(20), 'v');
      if (!value.empty()) value.back() = static_cast<char>('a' + random.below(3));
      entries.emplace_back(static_cast<uint32_t>(random.below(3)), value, fmt::format("{}", random.below(30)));
    }
  }
  Result<std::vector<Entry>> drain(IndexSorter& sorter) {
    std::vector<Entry> sorted;
    auto drained = sorter.drain([&](const SortEntry& entry) -> Result<void> {
      sorted.emplace_back(entry.path, as_text(entry.value), as_text(entry.id));
      return {};
    });
    if (!drained) return fail(std::move(drained.error()));
    return sorted;
  }
  void add_all(IndexSorter& sorter) {
    for (const auto& [path, value, id] : entries) ASSERT_TRUE(sorter.add({path, as_bytes(value), as_bytes(id)}));
  }
  std::vector<Entry> entries;
};

TEST_F(IndexSorting, GivesEachEntryOnceInOrderWhateverTheMemory) {
  const std::set<Entry> expected(entries.begin(), entries.end());
  for (const uint64_t memory : {1ull << 20, 20'000ull, 1'000ull}) {
    IndexSorter sorter(disk(), "/d/sort", memory, {});
    for (int round = 0; round < 2; ++round) {
      add_all(sorter);
      const auto sorted = drain(sorter);
      ASSERT_TRUE(sorted) << sorted.error().message;
      EXPECT_TRUE(std::ranges::equal(*sorted, expected)) << memory;
    }
    EXPECT_EQ(sorter.chunks_written() > 1, memory < 1u << 20);
    ASSERT_TRUE(sorter.remove_file());
    EXPECT_FALSE(disk().exists("/d/sort").value_or(true));
  }
}

TEST_F(IndexSorting, EntriesLargerThanTheMemoryPass) {
  IndexSorter sorter(disk(), "/d/sort", 1'000, {});
  const std::string large(100'000, 'z');
  ASSERT_TRUE(sorter.add({0, as_bytes(large), as_bytes("2")}));
  ASSERT_TRUE(sorter.add({0, as_bytes(large), as_bytes("1")}));
  ASSERT_TRUE(sorter.add({0, as_bytes("a"), as_bytes("1")}));
  const auto sorted = drain(sorter);
  ASSERT_TRUE(sorted) << sorted.error().message;
  EXPECT_EQ(*sorted, (std::vector<Entry>{{0, "a", "1"}, {0, large, "1"}, {0, large, "2"}}));
}

TEST_F(IndexSorting, EveryByteChangedInTheFileIsFound) {
  entries.resize(60);
  uint64_t bytes = 0;
  for (const auto& [path, value, id] : entries) bytes += 12 + value.size() + id.size();
  for (uint64_t at = 0; at < bytes; ++at) {
    // Once the entries are drained, all but one piece was read; what is not found then is found at the end.
    IndexSorter sorter(disk(), fmt::format("/d/sort{}", at), 400, {[&, at, file = fmt::format("/d/sort{}", at)] {
                         (void)machine().disk().damage(file, at, 0x40);
                       }});
    add_all(sorter);
    const auto sorted = drain(sorter);
    ASSERT_FALSE(sorted) << at;
    EXPECT_EQ(sorted.error().code, ErrorCode::kRunDamaged);
    EXPECT_EQ(sorted.error().detail("section"), "chunk");
  }
}

using RunWriterDeathTest = RunWriting;

TEST_F(RunWriterDeathTest, VersionsOutOfOrderAreABug) {
  struct Case {
    TestVersion first, second;
  };
  for (const auto& c : std::vector<Case>{{put("b", 1), put("a", 2)},
                                         {put("a", 1), put("a", 2)},
                                         {put("a", 1), put("a", 1)},
                                         {{"d", "a", 1, document_of("a")}, put("b", 2)},
                                         {put("a", 1), put("b", 1'000'001)},
                                         {put("a", 1), put("b", 0)},
                                         {put("a", 1), put(std::string(513, 'b'), 2)}}) {
    EXPECT_DEATH(
        {
          auto writer = RunWriter::create(disk(), "/d", complete({}));
          (void)(*writer)->add(view_of(c.first));
          (void)(*writer)->add(view_of(c.second));
        },
        "");
  }
}

}  // namespace
}  // namespace aerodb::store
