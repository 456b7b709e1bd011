#include "common/store/manifest.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>

#include "common/base/checksum.h"
#include "common/base/fault.h"
#include "tests/unit/store/run_kit.h"

namespace aerodb::store {
namespace {

using testing::RunKit;

template <class Id>
Id id_of(uint8_t value) {
  Id id;
  id.bytes.fill(value);
  return id;
}

RunInfo run_of(RunNumber number, uint64_t first, uint64_t last) {
  RunInfo run;
  run.number = number;
  run.first_commit = CommitId(first);
  run.last_commit = CommitId(last);
  run.bytes = 4'096;
  run.sha256.fill(static_cast<uint8_t>(number));
  run.versions = 10;
  run.tombstones = 2;
  run.index_entries = 7;
  run.versions_digest = id_of<Digest>(0x70);
  return run;
}

Manifest sample() {
  Manifest m;
  m.number = 3;
  m.cluster = id_of<ClusterId>(0xc1);
  m.lsn = Lsn(40);
  m.commit = CommitId(30);
  m.epoch = Epoch(2);
  m.lineage = id_of<LineageId>(0x1e);
  m.chain = id_of<Chain>(0xaa);
  m.digest = id_of<Digest>(0xdd);
  m.floor = CommitId(12);
  m.live_documents = 9;
  m.authority_records = {{1, 2, 3}, {4, 5}};
  m.schemas = {{Lsn(2), {0x81, 0x01}}, {Lsn(9), {}}};
  m.steps = {{CommitId(1), 2}, {CommitId(7), 3}, {CommitId(8), 10}};
  m.runs = {run_of(4, 1, 20), run_of(2, 21, 21), run_of(7, 22, 30)};
  m.next_run = 8;
  m.segment_sequence = 5;
  return m;
}

// Sample bytes with their body changed and sealed again.
Bytes sealed(const std::function<void(Bytes&)>& change) {
  Bytes bytes = encode_manifest(sample());
  Bytes body(bytes.begin() + 32, bytes.end());
  change(body);
  bytes.resize(8);
  ByteWriter out(bytes);
  out.u64(body.size());
  out.raw(xxh3_128(body));
  out.raw(body);
  return bytes;
}

std::string refusal(ByteSpan bytes) {
  const auto manifest = decode_manifest(bytes, "m");
  return manifest ? "" : std::string(manifest.error().row().name);
}

TEST(Manifest, IsReadAsItWasWritten) {
  for (const auto& manifest : {sample(), [] {
                                 Manifest empty;
                                 empty.number = 1;
                                 return empty;
                               }()}) {
    const auto read = decode_manifest(encode_manifest(manifest), "m");
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(*read, manifest);
  }
}

TEST(Manifest, EveryFlippedBitIsRefused) {
  const Bytes good = encode_manifest(sample());
  for (size_t at = 0; at < good.size(); ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      Bytes bad = good;
      bad[at] ^= static_cast<uint8_t>(1 << bit);
      const std::string code = refusal(bad);
      const bool format = at >= 4 && at < 8;
      ASSERT_TRUE(code == "MANIFEST_DAMAGED" || (format && code == "NEWER_FORMAT")) << at << " " << bit << " " << code;
    }
  }
}

TEST(Manifest, EveryCutAndEveryAdditionIsRefused) {
  Bytes bytes = encode_manifest(sample());
  for (size_t size = 0; size < bytes.size(); ++size)
    EXPECT_EQ(refusal(ByteSpan(bytes).first(size)), "MANIFEST_DAMAGED");
  bytes.push_back(0);
  EXPECT_EQ(refusal(bytes), "MANIFEST_DAMAGED");
  // The same where the checksum is right.
  const size_t body_bytes = bytes.size() - 1 - 32;
  for (size_t size = 0; size < body_bytes; ++size)
    EXPECT_EQ(refusal(sealed([size](Bytes& body) { body.resize(size); })), "MANIFEST_DAMAGED");
  EXPECT_EQ(refusal(sealed([](Bytes& body) { body.push_back(0); })), "MANIFEST_DAMAGED");
  EXPECT_EQ(refusal(sealed([](Bytes&) {})), "");
}

TEST(Manifest, NewerFormatIsNamed) {
  Bytes bytes = encode_manifest(sample());
  bytes[4] = 2;
  const auto read = decode_manifest(bytes, "/d/MANIFEST");
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, ErrorCode::kNewerFormat);
  EXPECT_EQ(read.error().message, "manifest /d/MANIFEST: format 2, this binary knows 1 (REC-8)");
}

// Counts that the bytes can't hold are refused before anything of that size is allocated.
TEST(Manifest, CountsAreBoundedByTheBytesThereAre) {
  constexpr size_t kFixedBytes = 8 + 16 + 3 * 8 + 3 * 16 + 4 * 8;
  for (uint8_t top : {0x01, 0x7f, 0xff}) {
    EXPECT_EQ(refusal(sealed([top](Bytes& body) { body[kFixedBytes + 3] = top; })), "MANIFEST_DAMAGED");
  }
  EXPECT_EQ(refusal(sealed([](Bytes& body) {
              body.resize(kFixedBytes);
              body.insert(body.end(), 16, 0xff);
            })),
            "MANIFEST_DAMAGED");
}

TEST(Manifest, WhatDoesNotFitTogetherIsRefused) {
  struct Case {
    std::string says;
    std::function<void(Manifest&)> change;
  };
  const Case cases[] = {
      {"number is 0", [](Manifest& m) { m.number = 0; }},
      {"LSN 9007199254740992", [](Manifest& m) { m.lsn = Lsn(kMaxNumber + 1); }},
      {"commit 41 lies beyond LSN 40", [](Manifest& m) { m.commit = CommitId(41); }},
      {"floor 31 lies beyond commit 30", [](Manifest& m) { m.floor = CommitId(31); }},
      {"next run 0", [](Manifest& m) { m.next_run = 0; }},
      {"run number 7, next run 7", [](Manifest& m) { m.next_run = 7; }},
      {"run number 0", [](Manifest& m) { m.runs[0].number = 0; }},
      {"run number 4", [](Manifest& m) { m.runs[1].number = 4; }},
      {"run 4 covers commits 2 to 20", [](Manifest& m) { m.runs[0].first_commit = CommitId(2); }},
      {"run 2 covers commits 20 to 21", [](Manifest& m) { m.runs[1].first_commit = CommitId(20); }},
      {"run 2 covers commits 22 to 22", [](Manifest& m) { m.runs[1] = run_of(2, 22, 22); }},
      {"run 2 covers commits 21 to 20", [](Manifest& m) { m.runs[1].last_commit = CommitId(20); }},
      {"run 2 covers commits 21 to 21, behind commit 30",
       [](Manifest& m) {
         std::swap(m.runs[1], m.runs[2]);
         m.runs[1].first_commit = CommitId(21);
       }},
      {"the runs end at commit 21, expected 30", [](Manifest& m) { m.runs.pop_back(); }},
      {"the runs end at commit 0, expected 30", [](Manifest& m) { m.runs.clear(); }},
      {"run 7: 11 tombstones", [](Manifest& m) { m.runs[2].tombstones = 11; }},
      {"run 7: 2 tombstones, 5000 versions", [](Manifest& m) { m.runs[2].versions = 5'000; }},
      {"run 7: 2 tombstones, 10 versions, 18446744073709551615", [](Manifest& m) { m.runs[2].bytes = UINT64_MAX; }},
      {"25 live documents, the runs hold 24", [](Manifest& m) { m.live_documents = 25; }},
      {"schema at LSN 2 behind one at 2", [](Manifest& m) { m.schemas[1].lsn = Lsn(2); }},
      {"schema at LSN 0", [](Manifest& m) { m.schemas[0].lsn = Lsn(0); }},
      {"schema at LSN 41", [](Manifest& m) { m.schemas[1].lsn = Lsn(41); }},
      {"no step", [](Manifest& m) { m.steps.clear(); }},
      {"the first step is not at commit 1", [](Manifest& m) { m.steps[0].from_commit = CommitId(2); }},
      {"step 1 does not ascend", [](Manifest& m) { m.steps[1].from_commit = CommitId(1); }},
      {"step 2 does not ascend", [](Manifest& m) { m.steps[2].lsn_minus_commit = 3; }},
      {"the last step", [](Manifest& m) { m.steps[2].from_commit = CommitId(31); }},
      {"the last step", [](Manifest& m) { m.steps[2].lsn_minus_commit = 11; }},
  };
  for (const auto& test : cases) {
    Manifest manifest = sample();
    test.change(manifest);
    const auto read = decode_manifest(encode_manifest(manifest), "m");
    ASSERT_FALSE(read) << test.says;
    EXPECT_EQ(read.error().code, ErrorCode::kManifestDamaged);
    EXPECT_NE(read.error().message.find(test.says), std::string::npos) << read.error().message;
  }
}

TEST(Manifest, IsInstalledWholeAndRead) {
  RunKit kit;
  ASSERT_TRUE(kit.disk().make_directory("/d"));
  ASSERT_TRUE(kit.disk().sync_directory("/"));
  auto none = read_manifest(kit.disk(), "/d");
  ASSERT_TRUE(none);
  EXPECT_EQ(*none, std::nullopt);
  Manifest manifest = sample();
  ASSERT_TRUE(install_manifest(kit.disk(), "/d", manifest));
  manifest.number = 4;
  manifest.floor = CommitId(13);
  ASSERT_TRUE(install_manifest(kit.disk(), "/d", manifest));
  EXPECT_FALSE(kit.machine().disk().at_risk());
  const auto read = read_manifest(kit.disk(), "/d");
  ASSERT_TRUE(read);
  EXPECT_EQ(*read, manifest);
  EXPECT_EQ(kit.machine().disk().tree().back(), "/d/MANIFEST");

  ASSERT_TRUE(kit.machine().disk().damage("/d/MANIFEST", 50, 1));
  const auto damaged = read_manifest(kit.disk(), "/d");
  ASSERT_FALSE(damaged);
  EXPECT_EQ(damaged.error().code, ErrorCode::kManifestDamaged);
  EXPECT_EQ(damaged.error().message.find("manifest /d/MANIFEST: at byte 16: checksum"), 0u) << damaged.error().message;
}

// Power lost at any call of an install: the old manifest or the new one.
TEST(Manifest, InstallIsOldOrNewAfterPowerLoss) {
  Manifest newer = sample();
  newer.number = 4;
  size_t old_kept = 0, new_kept = 0;
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    for (uint64_t call = 1; call <= 8; ++call) {
      sim::SimWorld world(seed, {});
      auto& machine = world.add_machine("a");
      auto process = std::make_unique<sim::SimProcess>(machine, world, sim::ProcessOptions{.name = "p"});
      ASSERT_TRUE(process->blocking_disk().make_directory("/d"));
      ASSERT_TRUE(process->blocking_disk().sync_directory("/"));
      ASSERT_TRUE(install_manifest(process->blocking_disk(), "/d", sample()));
      process->crash_at_call(call, sim::CrashKind::kPower);
      const bool installed = install_manifest(process->blocking_disk(), "/d", newer).has_value();
      process->crash(sim::CrashKind::kPower);
      process = std::make_unique<sim::SimProcess>(machine, world, sim::ProcessOptions{.name = "p"});
      const auto read = read_manifest(process->blocking_disk(), "/d");
      ASSERT_TRUE(read) << read.error().message;
      ASSERT_TRUE(*read);
      ASSERT_TRUE(**read == newer || (!installed && **read == sample())) << call;
      ++(**read == newer ? new_kept : old_kept);
    }
  }
  EXPECT_GT(old_kept, 0u);
  EXPECT_GT(new_kept, 0u);
}

// --- files beside the manifest

struct RunFolder : RunKit {
  void touch(const std::string& name) {
    ASSERT_TRUE(disk().make_directory("/d/runs"));
    ASSERT_TRUE(disk().open("/d/runs/" + name, runtime::OpenMode::kCreate));
  }
};

TEST(RunFiles, StraysAreRunsThatNobodyNamesAndWhatSortingLeft) {
  RunFolder folder;
  EXPECT_EQ(stray_runs(folder.disk(), "/d", sample())->size(), 0u);  // there is no folder
  for (const auto* name : {"00000002.run", "00000004.run", "00000003.run", "00000009.run", "00000009.sort",
                           "00000004.sort", "notes.txt", "3.run", "00000010.run.bak", "x.sort"})
    folder.touch(name);
  const auto strays = stray_runs(folder.disk(), "/d", sample());
  ASSERT_TRUE(strays);
  EXPECT_EQ(*strays, (std::vector<std::string>{"00000003.run", "00000004.sort", "00000009.run", "00000009.sort"}));
}

TEST(RunFiles, NumbersNeverRepeat) {
  RunFolder folder;
  auto next = [&] { return next_run_number(folder.disk(), "/d", sample()).value_or(0); };
  EXPECT_EQ(next(), 8u);
  folder.touch("00000005.run");
  EXPECT_EQ(next(), 8u);
  folder.touch("00000008.run");
  EXPECT_EQ(next(), 9u);
  folder.touch("00000011.sort");
  EXPECT_EQ(next(), 12u);
  folder.touch("123456789.run");
  EXPECT_EQ(next(), 123'456'790u);
  plant(Fault::kRunNumberReused);
  EXPECT_EQ(next(), 8u);
  plant(Fault::kNone);
}

TEST(RunFiles, NumberAtItsLimitIsRefused) {
  RunFolder folder;
  folder.touch(std::to_string(kMaxNumber) + ".run");
  const auto next = next_run_number(folder.disk(), "/d", sample());
  ASSERT_FALSE(next);
  EXPECT_EQ(next.error().code, ErrorCode::kNumberExhausted);
}

}  // namespace
}  // namespace aerodb::store
