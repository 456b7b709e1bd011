// Export of orphans: everything behind a fork, in the order of commits, whole or not there, and noted down as exported
// for this very end of the log alone (REPL-12).
#include "common/engine/orphans.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "common/base/checksum.h"
#include "tests/unit/engine/backup_kit.h"

namespace aerodb::engine {
namespace {

using namespace testing;
using sim::CrashKind;

constexpr const char* kFile = "/o.jsonl";

// LSN 1 lineage, 2 schema 1, 3 to 6 commits 1 to 4, 7 commit 5, 8 schema 2, 9 to 12 commits 6 to 9. Runs up to LSN 8.
struct Forked : Origin {
  explicit Forked(uint64_t seed = 1) : Origin(seed) { fill(); }
  Result<OrphansReport> write_out(Lsn fork, const std::function<void(OrphansOptions&)>& change = nullptr) {
    OrphansOptions options;
    options.data_dir = "/d";
    options.file = kFile;
    options.fork_lsn = fork;
    if (change) change(options);
    return export_orphans(disk(), options);
  }
  std::vector<std::string> lines(const std::string& path = kFile) {
    const auto bytes = content(path);
    std::vector<std::string> lines;
    std::string_view rest = as_text(bytes);
    while (!rest.empty()) {
      const size_t length = rest.find('\n');
      EXPECT_NE(length, std::string_view::npos) << "a line without its end";
      lines.emplace_back(rest.substr(0, length));
      rest.remove_prefix(length == std::string_view::npos ? rest.size() : length + 1);
    }
    return lines;
  }
};

TEST(Orphans, EverythingBehindTheForkStandsInTheOrderOfCommits) {
  Forked f;
  const auto report = f.write_out(Lsn(4));
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(report->fork_commit, CommitId(2));
  EXPECT_EQ(report->end.lsn, Lsn(12));
  EXPECT_EQ(report->end.chain, f.end.chain);
  EXPECT_EQ(report->versions, 9u);
  EXPECT_EQ(report->schemas, 1u);
  const auto lines = f.lines();
  ASSERT_EQ(lines.size(), 12u);
  EXPECT_EQ(
      lines[0],
      fmt::format(
          R"({{"line":"orphans","format":1,"cluster":"{}","node":"a","instance":"{}","lineage":"{}","fork_lsn":4,"fork_commit":2,"end_lsn":12,"end_commit":9,"end_chain":"{}"}})",
          to_hex(kCluster), to_hex(f.node.file.instance), to_hex(kLineage), to_hex(f.end.chain)));
  EXPECT_TRUE(lines[1].starts_with(R"({"line":"schema","lsn":8,"schema":{"collection":"c")")) << lines[1];
  const std::vector<std::string> versions(lines.begin() + 2, lines.end() - 1);
  EXPECT_EQ(
      versions,
      (std::vector<std::string>{
          R"({"line":"version","commit":3,"lsn":5,"collection":"c","_id":"x2","kind":"document","schema_version":1,"document":{"_id":"x2","n":2}})",
          R"({"line":"version","commit":4,"lsn":6,"collection":"c","_id":"x3","kind":"document","schema_version":1,"document":{"_id":"x3","n":3}})",
          R"({"line":"version","commit":5,"lsn":7,"collection":"c","_id":"x1","kind":"document","schema_version":1,"document":{"_id":"x1","n":11,"s":"one"}})",
          R"({"line":"version","commit":5,"lsn":7,"collection":"c","_id":"y","kind":"document","schema_version":1,"document":{"_id":"y","s":"why"}})",
          R"({"line":"version","commit":6,"lsn":9,"collection":"c","_id":"x2","kind":"tombstone"})",
          R"({"line":"version","commit":7,"lsn":10,"collection":"c","_id":"x1","kind":"document","schema_version":1,"document":{"_id":"x1","n":12}})",
          R"({"line":"version","commit":8,"lsn":11,"collection":"c","_id":"y","kind":"tombstone"})",
          R"({"line":"version","commit":8,"lsn":11,"collection":"c","_id":"z","kind":"document","schema_version":1,"document":{"_id":"z","n":-5}})",
          R"({"line":"version","commit":9,"lsn":12,"collection":"c","_id":"x2","kind":"document","schema_version":1,"document":{"_id":"x2","n":22}})"}));
  EXPECT_EQ(lines.back(), R"({"line":"summary","schemas":1,"versions":9,"floor":0})");
  EXPECT_EQ(report->sha256, sha256(f.content(kFile)));
  EXPECT_EQ(report->bytes, f.content(kFile).size());
}

TEST(Orphans, TheForkMayLieAnywhere) {
  for (uint64_t fork = 0; fork < 12; ++fork) {
    Forked f;
    const auto report = f.write_out(Lsn(fork));
    ASSERT_TRUE(report) << report.error().message;
    constexpr uint64_t kCommits[] = {0, 0, 0, 1, 2, 3, 4, 5, 5, 6, 7, 8};
    constexpr uint64_t kVersions[] = {11, 11, 11, 10, 9, 8, 7, 5, 5, 4, 3, 1};
    EXPECT_EQ(report->fork_commit, CommitId(kCommits[fork])) << fork;
    EXPECT_EQ(report->versions, kVersions[fork]) << fork;
    EXPECT_EQ(report->schemas, fork < 2 ? 2u : fork < 8 ? 1u : 0u) << fork;
  }
}

TEST(Orphans, AsManyPassesAsMemoryAsksForGiveTheSameFile) {
  Forked f;
  ASSERT_TRUE(f.write_out(Lsn(2)));
  for (const uint64_t bytes : {1u, 300u, 700u}) {
    const auto file = fmt::format("/passes-{}", bytes);
    const auto report = f.write_out(Lsn(2), [&](OrphansOptions& options) {
      options.file = file;
      options.sorted_bytes = bytes;
    });
    ASSERT_TRUE(report) << report.error().message;
    EXPECT_EQ(f.lines(file), f.lines());
  }
}

TEST(Orphans, WhatIsExportedIsNotedDownWithTheEndOfTheLog) {
  Forked f;
  EXPECT_FALSE(read_orphans_marker(f.disk(), "/d").value());
  const auto report = f.write_out(Lsn(9));
  ASSERT_TRUE(report);
  const auto marker = read_orphans_marker(f.disk(), "/d");
  ASSERT_TRUE(marker && *marker);
  EXPECT_EQ((*marker)->end_lsn, f.end.lsn);
  EXPECT_EQ((*marker)->end_chain, f.end.chain);
  EXPECT_EQ((*marker)->fork_lsn, Lsn(9));
  EXPECT_EQ((*marker)->file, report->sha256);
  ASSERT_TRUE(f.node.machine.disk().damage("/d/authority/orphans", 20, 1));
  EXPECT_EQ(code_of(read_orphans_marker(f.disk(), "/d")), "BAD_NODE_FILE");
}

TEST(Orphans, RecordsThatAreNoVersionsMakeAFileToo) {
  Origin origin;
  TestNode other(origin.world, {.name = "b", .instance = 2, .primary = false});
  ASSERT_FALSE(origin.node.start());
  ASSERT_TRUE(origin.node.demote(demotion(other)));
  origin.stop();
  auto report = export_orphans(origin.disk(), {"/d", kFile, Lsn(1)});
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(report->versions, 0u);
  EXPECT_EQ((*read_orphans_marker(origin.disk(), "/d"))->end_lsn, Lsn(2));
}

TEST(Orphans, TheFloorSaysWhatGarbageCollectionMayHaveTaken) {
  Origin origin;
  ASSERT_FALSE(origin.node.start());
  ASSERT_TRUE(origin.node.register_schema(kSchema1));
  ASSERT_TRUE(origin.node.write({insert("x")}));
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(origin.node.write({update("x", fmt::format(R"("n":{})", i))}));
  ASSERT_TRUE(origin.node.raise_floor(CommitId(3)));
  ASSERT_FALSE(origin.node.checkpoint());
  ASSERT_FALSE(origin.node.compact());
  origin.stop();
  const auto report = export_orphans(origin.disk(), {"/d", kFile, Lsn(2)});
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(report->floor, CommitId(3));
  EXPECT_EQ(report->versions, 2u) << "commits 3 and 4";
}

TEST(Orphans, RefusalsChangeNothing) {
  Forked f;
  const auto before = f.picture("/");
  auto to = [&](std::string file) {
    return f.write_out(Lsn(4), [&](OrphansOptions& options) { options.file = std::move(file); });
  };
  EXPECT_EQ(code_of(f.write_out(Lsn(12))), "NOTHING_TO_DO");
  EXPECT_EQ(code_of(f.write_out(Lsn(99))), "NOTHING_TO_DO");
  EXPECT_EQ(code_of(to("o.jsonl")), "BAD_REQUEST");
  EXPECT_EQ(code_of(to("")), "BAD_REQUEST");
  EXPECT_EQ(code_of(to("/no/such/directory")), "IO");
  EXPECT_EQ(code_of(to("/d/NODE")), "BACKUP_EXISTS");
  EXPECT_EQ(f.picture("/"), before);
  f.put("/o.jsonl.partial", as_bytes("of another"));
  EXPECT_EQ(code_of(to(kFile)), "BACKUP_EXISTS");
  EXPECT_EQ(f.content("/o.jsonl.partial").size(), 10u);
}

TEST(Orphans, ADamagedLogIsNotExported) {
  Forked f;
  ASSERT_TRUE(f.node.machine.disk().damage("/d/runs/00000001.run", 100, 1));
  EXPECT_FALSE(f.write_out(Lsn(2)));
  EXPECT_FALSE(*f.disk().exists(kFile));
  EXPECT_FALSE(read_orphans_marker(f.disk(), "/d").value());
}

TEST(Orphans, AFullDiskLeavesNothingBehind) {
  Forked f;
  const auto before = f.picture("/");
  f.node.machine.disk().set_full(true);
  EXPECT_EQ(code_of(f.write_out(Lsn(2))), "IO");
  f.node.machine.disk().set_full(false);
  EXPECT_EQ(f.picture("/"), before);
  EXPECT_TRUE(f.write_out(Lsn(2)));
}

// True where the export came to its end.
bool export_killed_at(uint64_t call, CrashKind kind, uint64_t seed) {
  Forked f(seed);
  f.process().crash_at_call(call, kind);
  const bool ended = f.write_out(Lsn(4)).has_value();
  f.end_process();
  // What is noted down as exported stands whole in the file.
  const auto marker = read_orphans_marker(f.disk(), "/d");
  EXPECT_TRUE(marker);
  if (!marker) return ended;
  if (*marker) {
    EXPECT_EQ((*marker)->file, sha256(f.content(kFile)));
  }
  if (*f.disk().exists(kFile)) {
    EXPECT_TRUE(f.lines().back().starts_with(R"({"line":"summary")"));
  }
  if (ended) {
    EXPECT_TRUE(*marker);
    f.node.machine.power_loss();
    f.end_process();
    EXPECT_TRUE((*read_orphans_marker(f.disk(), "/d")).has_value());
    EXPECT_EQ((*marker)->file, sha256(f.content(kFile)));
  }
  return ended;
}

TEST(Orphans, KilledAtAnyCallNothingIsNotedDownThatIsNotInTheFile) {
  for (uint64_t round = 0; round < kill_rounds(); ++round) {
    for (const auto kind : {CrashKind::kProcess, CrashKind::kPower}) {
      uint64_t call = 1;
      while (!export_killed_at(call, kind, round * 10'000 + call)) {
        ASSERT_FALSE(HasFailure()) << "call " << call << " round " << round;
        ++call;
      }
      EXPECT_GT(call, 50u);
    }
  }
}

}  // namespace
}  // namespace aerodb::engine
