// Verification: every flipped bit is found and named, whatever is hostile about a backup is refused, and a restore of
// it leaves its target untouched.
#include "common/engine/verify.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <functional>

#include "common/base/checksum.h"
#include "tests/unit/engine/backup_kit.h"

namespace aerodb::engine {
namespace {

using namespace testing;

VerifyOptions at(VerifyLevel level) {
  VerifyOptions options;
  options.level = level;
  return options;
}
constexpr VerifyLevel kLevels[] = {VerifyLevel::kManifest, VerifyLevel::kChain, VerifyLevel::kReplay};

// --- backups

TEST(VerifyBackup, TellsEverythingItProved) {
  Backed origin;
  std::vector<std::string> told;
  auto options = at(VerifyLevel::kReplay);
  options.checked = [&](const Checked& checked) { told.push_back(checked.object + ": " + checked.check); };
  auto report = verify_backup(origin.disk(), kBackup, options);
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(told, (std::vector<std::string>{"BACKUP: sha256", "MANIFEST: sha256", "log/00000001: sha256",
                                            "runs/00000001.run: sha256", "runs/00000002.run: sha256",
                                            "runs/00000001.run: footer", "runs/00000002.run: footer",
                                            "runs/00000001.run: content", "runs/00000002.run: content",
                                            "MANIFEST: documents and digest", "log: frames, chain and replay"}));
  EXPECT_EQ(report->end.digest, origin.end.digest);
  EXPECT_EQ(report->end.chain, origin.end.chain);
  EXPECT_EQ(report->records, 4u);
  EXPECT_EQ(report->live_documents, 5u);
}

// Where each member lies, header and padding included, and what may be named when it is damaged: itself, or the one it
// stands behind where its header can't be read.
struct Place {
  uint64_t end;
  std::string name;
  std::string before;
};
std::vector<Place> places_of(const std::vector<Member>& members, uint64_t size) {
  std::vector<Place> places;
  uint64_t end = 0;
  std::string before = "its beginning";
  for (const auto& member : members) {
    end += 512 + round_up(member.content.size(), 512);
    places.push_back({end, member.name, before});
    before = member.name;
  }
  places.push_back({size, "the end mark", before});
  return places;
}

TEST(VerifyBackup, EveryFlippedBitIsFoundAndItsPlaceNamed) {
  Backed origin;
  const auto whole = origin.content(kBackup);
  const auto places = places_of(members_of(origin, kBackup), whole.size());
  ASSERT_EQ(whole.size(), places[places.size() - 2].end + 1024);
  auto place = places.begin();
  for (uint64_t byte = 0; byte < whole.size(); ++byte) {
    if (byte == place->end) ++place;
    for (unsigned bit = 0; bit < 8; ++bit) {
      const auto mask = static_cast<uint8_t>(1u << bit);
      ASSERT_TRUE(origin.node.machine.disk().damage(kBackup, byte, mask));
      auto report = verify_backup(origin.disk(), kBackup, at(VerifyLevel::kManifest));
      ASSERT_FALSE(report) << "byte " << byte << " bit " << bit;
      ASSERT_EQ(report.error().code, ErrorCode::kBackupDamaged) << byte << ": " << report.error().message;
      const auto& details = report.error().details;
      const auto named = std::ranges::find(details, "member", &ErrorDetail::key);
      ASSERT_NE(named, details.end()) << report.error().message;
      ASSERT_TRUE(named->value.find(place->name) != std::string::npos || named->value.ends_with(place->before))
          << byte << ": " << report.error().message;
      ASSERT_TRUE(origin.node.machine.disk().damage(kBackup, byte, mask));
    }
  }
  EXPECT_TRUE(verify_backup(origin.disk(), kBackup, at(VerifyLevel::kManifest)));
}

TEST(VerifyBackup, NamesTheMemberThatWasFlipped) {
  Backed origin;
  auto archive = BackupArchive::open(origin.disk(), kBackup, nullptr);
  ASSERT_TRUE(archive);
  uint64_t begin = 512;
  for (const auto& member : (*archive)->members()) {
    ASSERT_TRUE(origin.node.machine.disk().damage(kBackup, begin + member.bytes / 2, 1));
    auto report = verify_backup(origin.disk(), kBackup, at(VerifyLevel::kManifest));
    ASSERT_FALSE(report);
    EXPECT_NE(report.error().message.find(member.name + ": its name, size or SHA-256"), std::string::npos)
        << report.error().message;
    ASSERT_TRUE(origin.node.machine.disk().damage(kBackup, begin + member.bytes / 2, 1));
    begin += round_up(member.bytes, 512) + 512;
  }
}

TEST(VerifyBackup, RestoreOfAFlippedOneLeavesItsTargetUntouched) {
  Backed origin;
  const auto whole = origin.content(kBackup);
  ASSERT_TRUE(origin.disk().make_directory("/r/lost+found"));
  const auto before = origin.picture("/r");
  for (uint64_t byte = 0; byte < whole.size(); byte += 61) {
    ASSERT_TRUE(origin.node.machine.disk().damage(kBackup, byte, 0x10));
    ASSERT_EQ(code_of(origin.restore()), "BACKUP_DAMAGED") << byte;
    ASSERT_EQ(origin.picture("/r"), before) << byte;
    ASSERT_TRUE(origin.node.machine.disk().damage(kBackup, byte, 0x10));
  }
  EXPECT_TRUE(origin.restore());
}

TEST(VerifyBackup, TruncatedOrLongerIsDamage) {
  Backed origin;
  const auto whole = origin.content(kBackup);
  for (size_t size = 0; size < whole.size(); size += 509) {
    origin.put("/cut.tar", ByteSpan(whole).first(size));
    ASSERT_EQ(code_of(verify_backup(origin.disk(), "/cut.tar", {})), "BACKUP_DAMAGED") << size;
  }
  for (const size_t more : {1, 511, 512, 10240}) {
    for (const uint8_t with : {0, 1}) {
      Bytes longer = whole;
      longer.resize(whole.size() + more, with);
      origin.put("/longer.tar", longer);
      ASSERT_EQ(code_of(verify_backup(origin.disk(), "/longer.tar", {})), "BACKUP_DAMAGED") << more;
    }
  }
}

// Archives that are consistent tars, with a LIST that fits what is in them.
TEST(VerifyBackup, MembersOutOfPlaceAreRefused) {
  Backed origin;
  auto members = members_of(origin, kBackup);
  members.pop_back();  // LIST: made anew
  using Members = std::vector<Member>;
  struct Case {
    const char* what;
    std::function<void(Members&)> change;
    const char* message;
  };
  auto lookup = [](Members& m, std::string_view name) {
    return std::ranges::find_if(m, [&](const auto& member) { return member.name == name; });
  };
  const Case cases[] = {
      {"swapped first two", [](Members& m) { std::swap(m[0], m[1]); }, "expected BACKUP, found MANIFEST"},
      {"swapped runs", [](Members& m) { std::swap(m[3], m[4]); }, "is not the member in that place"},
      {"swapped contents", [](Members& m) { std::swap(m[3].content, m[4].content); },
       "is not the member in that place"},
      {"run before log", [](Members& m) { std::swap(m[2], m[3]); }, "found log/00000001"},
      {"run missing", [](Members& m) { m.pop_back(); }, "is not the member in that place"},
      {"log missing", [&](Members& m) { m.erase(lookup(m, "log/00000001")); }, "it says that the log ends at LSN"},
      {"manifest missing", [](Members& m) { m.erase(m.begin() + 1); }, "expected MANIFEST"},
      {"run twice", [](Members& m) { m.push_back(m.back()); }, "it does not name runs/00000002.run"},
      {"extra run", [](Members& m) { m.push_back({"runs/00000009.run", m.back().content}); }, "it does not name"},
      {"extra name", [](Members& m) { m.push_back({"etc/passwd", {}}); }, "expected LIST, found etc/passwd"},
      {"name that goes up", [](Members& m) { m.push_back({"runs/../x", {}}); }, "expected LIST"},
      {"run number in another form", [](Members& m) { m.back().name = "runs/2.run"; }, "expected LIST"},
      {"log that skips a number", [&](Members& m) { lookup(m, "log/00000001")->name = "log/00000002"; },
       "expected LIST"},
      {"empty log member", [&](Members& m) { m.insert(m.begin() + 3, {"log/00000002", {}}); }, "it holds no record"},
      {"log cut in a record", [&](Members& m) { lookup(m, "log/00000001")->content.resize(100); }, "truncated"},
      {"log with a flipped byte", [&](Members& m) { lookup(m, "log/00000001")->content[90] ^= 1; }, "log"},
      {"empty manifest", [](Members& m) { m[1].content.clear(); }, "its position is not the one in BACKUP"},
      {"manifest that does not decode", [](Members& m) { m[1].content[40] ^= 1; }, "checksum"},
      {"empty BACKUP", [](Members& m) { m[0].content.clear(); }, "it does not begin with"},
      {"BACKUP with a line more", [](Members& m) { m[0].content.push_back('\n'); }, "not the text"},
      {"BACKUP too large", [](Members& m) { m[0].content.resize(5000); }, "at most 4096"},
      {"log member too large", [&](Members& m) { lookup(m, "log/00000001")->content.resize(17u << 20); }, "at most"},
  };
  for (const auto& c : cases) {
    auto changed = members;
    c.change(changed);
    origin.put(kBackup, tar_of(origin, changed, true));
    auto report = verify_backup(origin.disk(), kBackup, {});
    ASSERT_FALSE(report) << c.what;
    EXPECT_EQ(report.error().code, ErrorCode::kBackupDamaged) << c.what << ": " << report.error().message;
    EXPECT_NE(report.error().message.find(c.message), std::string::npos) << c.what << ": " << report.error().message;
    EXPECT_EQ(code_of(origin.restore()), "BACKUP_DAMAGED") << c.what;
    EXPECT_EQ(origin.picture("/r"), "") << c.what;
  }
}

TEST(VerifyBackup, ListThatDoesNotFitIsRefused) {
  Backed origin;
  const auto members = members_of(origin, kBackup);
  auto with_list = [&](const std::function<void(std::vector<ListEntry>&)>& change) {
    auto entries = decode_list(as_text(members.back().content));
    EXPECT_TRUE(entries);
    change(*entries);
    auto changed = members;
    const auto text = encode_list(*entries);
    changed.back().content.assign(text.begin(), text.end());
    origin.put(kBackup, tar_of(origin, changed, false));
    return verify_backup(origin.disk(), kBackup, {});
  };
  EXPECT_TRUE(with_list([](auto&) {}));
  EXPECT_EQ(code_of(with_list([](auto& list) { list.pop_back(); })), "BACKUP_DAMAGED");
  EXPECT_EQ(code_of(with_list([](auto& list) { list.push_back(list.back()); })), "BACKUP_DAMAGED");
  EXPECT_EQ(code_of(with_list([](auto& list) { list[2].bytes += 1; })), "BACKUP_DAMAGED");
  EXPECT_EQ(code_of(with_list([](auto& list) { list[2].sha256[5] ^= 1; })), "BACKUP_DAMAGED");
  EXPECT_EQ(code_of(with_list([](auto& list) { std::swap(list[0], list[1]); })), "BACKUP_DAMAGED");
  auto without = members;
  without.pop_back();
  origin.put(kBackup, tar_of(origin, without, false));
  EXPECT_EQ(code_of(verify_backup(origin.disk(), kBackup, {})), "BACKUP_DAMAGED");
}

TEST(VerifyBackup, NewerFormatIsSaidToBeNewer) {
  Backed origin;
  auto members = members_of(origin, kBackup);
  members.pop_back();
  std::string text(as_text(members[0].content));
  text.replace(text.find("backup 1"), 8, "backup 2");
  members[0].content.assign(text.begin(), text.end());
  origin.put(kBackup, tar_of(origin, members, true));
  EXPECT_EQ(code_of(verify_backup(origin.disk(), kBackup, {})), "NEWER_FORMAT");
}

TEST(VerifyBackup, PositionsThatContradictTheLogAreRefused) {
  Backed origin;
  auto members = members_of(origin, kBackup);
  members.pop_back();
  auto info = decode_backup_info(as_text(members[0].content));
  ASSERT_TRUE(info);
  const std::function<void(BackupInfo&)> changes[] = {
      [](BackupInfo& i) { i.cluster.bytes[0] ^= 1; },
      [](BackupInfo& i) { i.manifest_lsn = Lsn(1); },
      [](BackupInfo& i) { i.manifest_commit = CommitId(1); },
      [](BackupInfo& i) { i.end_lsn = i.end_lsn.next(); },
      [](BackupInfo& i) { i.end_commit = CommitId(i.end_commit.value() - 1); },
      [](BackupInfo& i) { i.end_epoch = Epoch(7); },
      [](BackupInfo& i) { i.end_lineage.bytes[3] ^= 1; },
      [](BackupInfo& i) { i.end_chain.bytes[3] ^= 1; },
      [](BackupInfo& i) { i.end_lsn = Lsn(0); },
      [](BackupInfo& i) { i.node = ""; },
  };
  for (size_t i = 0; i < std::size(changes); ++i) {
    auto changed = *info;
    changes[i](changed);
    const auto text = encode_backup_info(changed);
    members[0].content.assign(text.begin(), text.end());
    origin.put(kBackup, tar_of(origin, members, true));
    EXPECT_EQ(code_of(verify_backup(origin.disk(), kBackup, {})), "BACKUP_DAMAGED") << i;
  }
}

// A manifest that was made to fit, but says something untrue of the runs.
TEST(VerifyBackup, ManifestThatIsUntrueIsRefused) {
  Backed origin;
  auto members = members_of(origin, kBackup);
  members.pop_back();
  auto manifest = store::decode_manifest(members[1].content, "MANIFEST");
  ASSERT_TRUE(manifest);
  const std::function<void(store::Manifest&)> changes[] = {
      [](store::Manifest& m) { m.digest.bytes[0] ^= 1; },
      [](store::Manifest& m) { m.live_documents -= 1; },
      [](store::Manifest& m) { m.chain.bytes[0] ^= 1; },
      [](store::Manifest& m) { m.epoch = Epoch(5); },
      [](store::Manifest& m) { m.schemas.pop_back(); },
      [](store::Manifest& m) { m.authority_records.clear(); },
      [](store::Manifest& m) { m.runs[0].versions += 1; },
      [](store::Manifest& m) { m.runs[0].versions_digest.bytes[0] ^= 1; },
      [](store::Manifest& m) { m.segment_sequence = 1; },
      [](store::Manifest& m) { m.cluster.bytes[0] ^= 1; },
  };
  for (size_t i = 0; i < std::size(changes); ++i) {
    auto changed = *manifest;
    changes[i](changed);
    members[1].content = store::encode_manifest(changed);
    origin.put(kBackup, tar_of(origin, members, true));
    auto report = verify_backup(origin.disk(), kBackup, {});
    EXPECT_EQ(code_of(report), "BACKUP_DAMAGED") << i;
    EXPECT_EQ(code_of(origin.restore()), "BACKUP_DAMAGED") << i;
  }
  EXPECT_EQ(origin.picture("/r"), "");
}

// --- directories

TEST(VerifyDirectory, HoldsAtEachLevelAndIsNotChanged) {
  Origin origin;
  origin.fill();
  const auto before = origin.picture("/d/");
  for (const auto level : kLevels) {
    auto report = verify_directory(origin.disk(), "/d", at(level));
    ASSERT_TRUE(report) << report.error().message;
    EXPECT_EQ(report->runs, 2u);
    if (level == VerifyLevel::kManifest) {
      EXPECT_LT(report->end.lsn, origin.end.lsn);
      EXPECT_FALSE(report->label);
      continue;
    }
    EXPECT_EQ(report->end.lsn, origin.end.lsn);
    EXPECT_EQ(report->end.chain, origin.end.chain);
    EXPECT_EQ(report->end.digest, origin.end.digest);
    EXPECT_EQ(report->end.epoch, origin.end.epoch);
    EXPECT_EQ(report->label, wal::TailLabel::kT1);
  }
  EXPECT_EQ(origin.picture("/d/"), before);
}

TEST(VerifyDirectory, FlippedByteOfARunIsFoundAtEveryLevel) {
  Origin origin;
  origin.fill();
  const auto run = origin.content("/d/runs/00000001.run");
  ASSERT_GT(run.size(), 100u);
  for (uint64_t byte = 0; byte < run.size(); ++byte) {
    ASSERT_TRUE(origin.node.machine.disk().damage("/d/runs/00000001.run", byte, static_cast<uint8_t>(1 << (byte % 8))));
    const auto level = byte % 50 == 0 ? VerifyLevel::kReplay : VerifyLevel::kManifest;
    auto report = verify_directory(origin.disk(), "/d", at(level));
    ASSERT_FALSE(report) << byte;
    ASSERT_TRUE(code_of(report) == "RUN_DAMAGED" || code_of(report) == "NEWER_FORMAT") << report.error().message;
    ASSERT_NE(report.error().message.find("00000001.run"), std::string::npos) << report.error().message;
    ASSERT_TRUE(origin.node.machine.disk().damage("/d/runs/00000001.run", byte, static_cast<uint8_t>(1 << (byte % 8))));
  }
}

TEST(VerifyDirectory, DamageInTheLogIsFoundFromLevelChainOn) {
  Origin origin;
  ASSERT_FALSE(origin.node.start());
  ASSERT_TRUE(origin.node.register_schema(kSchema1));
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(origin.node.write({insert(fmt::format("x{}", i))}));
  origin.stop();
  ASSERT_TRUE(origin.node.machine.disk().damage("/d/wal/0000.seg", 512 + 3 * 512 + 70, 0x20));
  const auto before = origin.picture("/d/");
  EXPECT_TRUE(verify_directory(origin.disk(), "/d", at(VerifyLevel::kManifest)));
  EXPECT_EQ(code_of(verify_directory(origin.disk(), "/d", at(VerifyLevel::kChain))), "WAL_HOLE");
  EXPECT_EQ(code_of(verify_directory(origin.disk(), "/d", at(VerifyLevel::kReplay))), "WAL_HOLE");
  EXPECT_EQ(origin.picture("/d/"), before);
}

TEST(VerifyDirectory, ComparesWithAPositionKnownElsewhere) {
  Origin origin;
  origin.fill();
  auto compared = [&](Lsn lsn, const Chain& chain, VerifyLevel level = VerifyLevel::kChain) {
    auto options = at(level);
    options.against = KnownPosition{lsn, chain};
    return verify_directory(origin.disk(), "/d", options);
  };
  EXPECT_TRUE(compared(origin.end.lsn, origin.end.chain));
  EXPECT_TRUE(compared(origin.end.lsn, origin.end.chain, VerifyLevel::kReplay));
  auto manifest = store::read_manifest(origin.disk(), "/d");
  ASSERT_TRUE(manifest && *manifest);
  EXPECT_TRUE(compared((*manifest)->lsn, (*manifest)->chain));
  EXPECT_EQ(code_of(compared((*manifest)->lsn, origin.end.chain)), "POSITION_NOT_HELD");
  EXPECT_EQ(code_of(compared(origin.end.lsn, (*manifest)->chain)), "POSITION_NOT_HELD");
  EXPECT_EQ(code_of(compared(origin.end.lsn.next(), origin.end.chain)), "POSITION_NOT_HELD");
  EXPECT_EQ(code_of(compared(Lsn(1), origin.end.chain)), "LOG_RELEASED");
}

TEST(VerifyDirectory, TellsOfStrayRunsIncompleteSnapshotsAndHalts) {
  Origin origin;
  origin.fill();
  origin.put("/d/runs/00000099.run", as_bytes("half"));
  ASSERT_TRUE(origin.disk().make_directory("/d/snapshots/half/runs"));
  ASSERT_TRUE(write_halt(origin.disk(), "/d", {"REPL-3", "REPLICA_DIVERGED", "digest differs", Lsn(3)}));
  std::vector<std::string> notes;
  auto options = at(VerifyLevel::kManifest);
  options.checked = [&](const Checked& checked) {
    if (checked.check == "note") notes.push_back(checked.object);
  };
  ASSERT_TRUE(verify_directory(origin.disk(), "/d", options));
  EXPECT_EQ(notes, (std::vector<std::string>{"HALT", "runs/00000099.run", "snapshots/half"}));
}

TEST(VerifyDirectory, TakesASnapshot) {
  Origin origin;
  ASSERT_FALSE(origin.node.start());
  ASSERT_TRUE(origin.node.register_schema(kSchema1));
  ASSERT_TRUE(origin.node.write({insert("x0")}));
  ASSERT_FALSE(origin.node.snapshot("one"));
  origin.stop();
  for (const auto level : kLevels) {
    auto report = verify_directory(origin.disk(), "/d/snapshots/one", at(level));
    ASSERT_TRUE(report) << report.error().message;
    EXPECT_EQ(report->kind, VerifiedKind::kSnapshot);
    EXPECT_EQ(report->end.digest, origin.end.digest);
  }
  ASSERT_TRUE(origin.node.machine.disk().damage("/d/snapshots/one/runs/00000001.run", 80, 1));
  EXPECT_EQ(code_of(verify_directory(origin.disk(), "/d/snapshots/one", at(VerifyLevel::kManifest))), "RUN_DAMAGED");
}

TEST(VerifyDirectory, OneInUseIsLockedAndAnotherIsNoNode) {
  Origin origin;
  ASSERT_FALSE(origin.node.start());
  EXPECT_EQ(code_of(verify_directory(origin.disk(), "/d", {})), "LOCKED");
  EXPECT_EQ(code_of(verify_directory(origin.disk(), "/nowhere", {})), "NOT_INITIALIZED");
}

}  // namespace
}  // namespace aerodb::engine
