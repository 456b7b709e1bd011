#include <gmock/gmock.h>

#include "tests/unit/explainer/questions_fixture.h"

namespace aerodb::explainer {
namespace {

using observe::MetricId;
using ::testing::ElementsAre;
using testing::FakeCluster;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::Questions;
using testing::true_evidence_at_3;

// --- explain.read

TEST_F(Questions, LookUpEveryVersionInTheNodesLog) {
  const auto report = about_read("r1");
  ASSERT_TRUE(report.has_value());
  EXPECT_TRUE(report->rules.follow) << report->rules.why;
  EXPECT_EQ(report->evidence.checked, Checked::kLog);
  EXPECT_EQ(report->evidence.agrees, Agrees::kTrue);
  EXPECT_EQ(report->evidence.why, "");
  EXPECT_THAT(report->notes, IsEmpty());
  EXPECT_THAT(r1.asked, ElementsAre("explain.read", "evidence.records", "evidence.records", "evidence.records"));
  EXPECT_THAT(p1.asked, IsEmpty());
  EXPECT_THAT(log.lines, IsEmpty());
  EXPECT_EQ(metrics.get(MetricId::kExplainerVerdictsCount), 1u);
  EXPECT_EQ(metrics.get(MetricId::kExplainerMismatchesCount), 0u);
}

TEST_F(Questions, FindARightArgumentOverAFalseVersion) {
  r1.evidence.versions[1].hash.bytes[0] ^= 1;
  const auto report = about_read("r1");
  ASSERT_TRUE(report.has_value());
  EXPECT_TRUE(report->rules.follow);
  EXPECT_EQ(report->evidence.checked, Checked::kLog);
  EXPECT_EQ(report->evidence.agrees, Agrees::kFalse);
  EXPECT_THAT(report->evidence.why, HasSubstr("version of commit 3: hash is "));
  EXPECT_EQ(metrics.get(MetricId::kExplainerMismatchesCount), 1u);
  EXPECT_THAT(log.lines, ElementsAre(std::pair(LogLevel::kError, std::string("explainer.mismatch"))));
}

TEST_F(Questions, FindAWrongArgumentOverTrueVersions) {
  r1.tamper_read = [](rules::Explanation& explanation) { explanation.sha256[0] ^= 1; };
  const auto report = about_read("r1");
  ASSERT_TRUE(report.has_value());
  EXPECT_FALSE(report->rules.follow);
  EXPECT_EQ(report->evidence.agrees, Agrees::kTrue);
  EXPECT_EQ(metrics.get(MetricId::kExplainerMismatchesCount), 1u);
  EXPECT_THAT(log.lines, ElementsAre(std::pair(LogLevel::kError, std::string("explainer.mismatch"))));
}

TEST_F(Questions, FindAVersionBeyondTheEndOfTheLog) {
  r1.log.cut_after(Lsn(4));
  const auto report = about_read("r1");
  EXPECT_EQ(report->evidence.checked, Checked::kLog);
  EXPECT_EQ(report->evidence.agrees, Agrees::kFalse);
  EXPECT_THAT(report->evidence.why, HasSubstr("SOURCE_BEHIND"));
}

TEST_F(Questions, FindAnExplanationOfAnotherRead) {
  r1.evidence.id = "BE";
  const auto report = about_read("r1");
  EXPECT_TRUE(report->rules.follow);
  EXPECT_EQ(report->evidence.agrees, Agrees::kFalse);
  EXPECT_THAT(r1.asked, ElementsAre("explain.read"));
}

TEST_F(Questions, TurnToAnotherNodeWhereTheLogWasReleased) {
  r1.released = Lsn(2);
  const auto report = about_read("r1");
  EXPECT_EQ(report->evidence.checked, Checked::kPeer);
  EXPECT_EQ(report->evidence.agrees, Agrees::kTrue);
  EXPECT_EQ(report->evidence.why, "version of commit 1: LOG_RELEASED: released; compared with p1");
  EXPECT_THAT(report->notes, ElementsAre(ErrorCode::kLogReleased));
  EXPECT_THAT(p1.asked, ElementsAre("evidence.versions"));
}

TEST_F(Questions, FindADifferenceToAnotherNode) {
  r1.released = Lsn(5);
  p1.versions.versions.front().schema_version = 9;
  const auto report = about_read("r1");
  EXPECT_EQ(report->evidence.checked, Checked::kPeer);
  EXPECT_EQ(report->evidence.agrees, Agrees::kFalse);
  EXPECT_THAT(report->evidence.why, HasSubstr("schema_version is 9 in the other node, 0 in the explanation"));
}

TEST_F(Questions, ConcludeNothingWhereNobodyCanBeCompared) {
  r1.released = Lsn(5);
  p1.versions.receipt.commit_id = CommitId(2);  // p1 has not got that far, and r2 is down
  const auto report = about_read("r1");
  EXPECT_TRUE(report->rules.follow);
  EXPECT_EQ(report->evidence.checked, Checked::kNone);
  EXPECT_EQ(report->evidence.agrees, Agrees::kUnknown);
  EXPECT_EQ(report->evidence.why, "version of commit 4: LOG_RELEASED: released; p1: BEHIND; r2: UNREACHABLE");
  EXPECT_THAT(report->notes, ElementsAre(ErrorCode::kLogReleased, ErrorCode::kBehind, ErrorCode::kUnreachable));
  EXPECT_THAT(log.lines, IsEmpty());
}

TEST_F(Questions, PassOverANodeOfAnotherHistory) {
  r1.released = Lsn(5);
  p1.versions.receipt.lineage = testing::filled_id<LineageId>(0x99);
  const auto report = about_read("r1");
  EXPECT_EQ(report->evidence.checked, Checked::kNone);
  EXPECT_THAT(report->notes, ElementsAre(ErrorCode::kLogReleased, ErrorCode::kLineageUnknown, ErrorCode::kUnreachable));
}

TEST_F(Questions, DoNotTakeAnEmptyChainForChecked) {
  r1.evidence.versions.clear();
  const auto report = about_read("r1");
  EXPECT_TRUE(report->rules.follow);
  EXPECT_EQ(report->evidence.checked, Checked::kPeer);
  EXPECT_EQ(report->evidence.agrees, Agrees::kFalse);
  EXPECT_THAT(report->evidence.why, HasSubstr("the other node has 3 versions, the explanation 0"));
}

TEST_F(Questions, CompareTheNewest64OfALongChain) {
  testing::TestLog long_log;
  rules::ReadVisibilityEvidence evidence = r1.evidence;
  evidence.versions.clear();
  const Bytes document = testing::test_document(1);
  for (uint64_t commit = 1; commit <= 70; ++commit) {
    const auto op = commit == 1 ? wal::Operation::kInsert : wal::Operation::kUpdate;
    long_log.add_commit(commit, {op, "countries", "AW", 1, CommitId(commit - 1), document});
    evidence.versions.insert(evidence.versions.begin(), testing::version(commit, commit + 1, 1, document, commit - 1));
  }
  evidence.commit = CommitId(70);
  r1.log = long_log;
  r1.evidence = evidence;
  const auto report = about_read("r1");
  EXPECT_EQ(report->evidence.agrees, Agrees::kTrue);
  EXPECT_EQ(report->evidence.why, "the newest 64 of 70 versions were compared");
  EXPECT_EQ(std::ranges::count(r1.asked, "evidence.records"), 64);
}

TEST_F(Questions, PassOnTheNodesRefusal) {
  EXPECT_EQ(about_read("r1", CommitId(99)).error().code, ErrorCode::kBehind);
  EXPECT_EQ(about_read("r2").error().code, ErrorCode::kUnreachable);
  EXPECT_EQ(about_read("r9").error().code, ErrorCode::kUnknownNode);
  EXPECT_EQ(metrics.get(MetricId::kExplainerVerdictsCount), 0u);
}

// --- explain.replication

std::string_view status_of(const WitnessReport& report) {
  const std::string_view text = as_text(report.explanation);
  for (const std::string_view status : {"not read-safe", "read-safe", "undetermined"}) {
    if (text.find(status) != std::string_view::npos) return status;
  }
  return "";
}

TEST_F(Questions, ProveAReplicaOnEvidenceOfBothSides) {
  r1.log.cut_after(Lsn(4));
  const auto report = about_replication("r1");
  ASSERT_TRUE(report.has_value());
  EXPECT_EQ(status_of(*report), "read-safe");
  ASSERT_TRUE(r1.source.has_value());
  EXPECT_EQ(r1.source->lsn, Lsn(4));
  EXPECT_EQ(r1.source->chain, p1.log.chain_at(Lsn(4)));
  EXPECT_EQ(r1.source->commit_id, CommitId(3));
  EXPECT_TRUE(report->rules.follow) << report->rules.why;
  EXPECT_EQ(report->evidence.checked, Checked::kLog);
  EXPECT_EQ(report->evidence.agrees, Agrees::kTrue);
  EXPECT_EQ(report->evidence.why, "");
  EXPECT_THAT(report->notes, IsEmpty());
  EXPECT_THAT(r1.asked, ElementsAre("status", "explain.replication", "evidence.records"));
  EXPECT_THAT(p1.asked, ElementsAre("evidence.records"));
}

TEST_F(Questions, ShowAReplicaWhoseLogIsNotItsSources) {
  testing::TestLog other;
  other.add_commit(1, {wal::Operation::kDelete, "countries", "XX", 0, CommitId(), {}});
  r1.log = other;
  const auto report = about_replication("r1");
  EXPECT_EQ(status_of(*report), "not read-safe");
  EXPECT_TRUE(report->rules.follow);
  EXPECT_EQ(report->evidence.agrees, Agrees::kTrue);  // it says so itself, and its log agrees
}

TEST_F(Questions, LeaveAReplicaUndeterminedWithoutItsSource) {
  r1.authority = "r2";
  const auto report = about_replication("r1");
  EXPECT_EQ(status_of(*report), "undetermined");
  EXPECT_FALSE(r1.source.has_value());
  EXPECT_THAT(report->notes, ElementsAre(ErrorCode::kUnreachable));
  EXPECT_EQ(report->evidence.checked, Checked::kLog);
  EXPECT_EQ(report->evidence.agrees, Agrees::kTrue);
  EXPECT_EQ(report->evidence.why, "no position of the source r2: UNREACHABLE");
}

TEST_F(Questions, NoteWhyThereIsNoSource) {
  r1.authority = "somebody";
  EXPECT_THAT(about_replication("r1")->notes, ElementsAre(ErrorCode::kUnknownNode));
  r1.authority = "p1";
  p1.log.cut_after(Lsn(2));
  EXPECT_THAT(about_replication("r1")->notes, ElementsAre(ErrorCode::kSourceBehind));
  const auto itself = about_replication("p1");
  EXPECT_EQ(status_of(*itself), "undetermined");
  EXPECT_THAT(itself->notes, ElementsAre(ErrorCode::kNotAReplica));
}

TEST_F(Questions, FindAnOwnChainThatTheLogDoesNotGive) {
  r1.tamper_safety = [](auto& evidence) { evidence.own_chain.bytes[0] ^= 1; };
  const auto report = about_replication("r1");
  EXPECT_TRUE(report->rules.follow);
  EXPECT_EQ(report->evidence.checked, Checked::kLog);
  EXPECT_EQ(report->evidence.agrees, Agrees::kFalse);
  EXPECT_THAT(report->evidence.why, HasSubstr("own_chain is "));
  EXPECT_THAT(log.lines, ElementsAre(std::pair(LogLevel::kError, std::string("explainer.mismatch"))));
}

TEST_F(Questions, FindAPrefixThatIsOnlyClaimed) {
  testing::TestLog other;
  other.add_commit(1, {wal::Operation::kDelete, "countries", "XX", 0, CommitId(), {}});
  r1.log = other;
  r1.tamper_safety = [](auto& evidence) { evidence.own_chain_at_source_lsn = evidence.source_chain; };
  const auto report = about_replication("r1");
  EXPECT_EQ(status_of(*report), "read-safe");
  EXPECT_TRUE(report->rules.follow);
  EXPECT_EQ(report->evidence.agrees, Agrees::kFalse);
  EXPECT_THAT(report->evidence.why, HasSubstr("own_chain_at_source_lsn is "));
}

TEST_F(Questions, ReadTheChainAtTheSourcesPositionWhereTheReplicaWentOn) {
  // r1 was at LSN 3 when asked for its status, and is at LSN 5 when it explains.
  testing::TestLog grown = r1.log;
  r1.log.cut_after(Lsn(3));
  std::optional<Result<WitnessReport>> answer;
  ask_about_replication(parts(), {"r1", std::nullopt}, [&](auto report) { answer = std::move(report); });
  while (p1.asked.empty()) cluster.runtime.turn();
  r1.log = grown;
  cluster.runtime.run();
  ASSERT_TRUE(answer && answer->has_value());
  EXPECT_EQ((*answer)->evidence.agrees, Agrees::kTrue) << (*answer)->evidence.why;
  EXPECT_THAT(r1.asked, ElementsAre("status", "explain.replication", "evidence.records", "evidence.records"));
}

TEST_F(Questions, ConcludeNothingWhereTheReplicasLogCantBeRead) {
  r1.released = Lsn(5);
  const auto report = about_replication("r1");
  EXPECT_EQ(report->evidence.checked, Checked::kNone);
  EXPECT_EQ(report->evidence.agrees, Agrees::kUnknown);
  EXPECT_THAT(report->notes, ElementsAre(ErrorCode::kLogReleased));
}

TEST_F(Questions, CheckTheCommitAskedFor) {
  r1.tamper_safety = [](auto& evidence) { evidence.gate.commit = CommitId(1); };
  const auto report = about_replication("r1", CommitId(2));
  EXPECT_EQ(report->evidence.agrees, Agrees::kFalse);
  EXPECT_EQ(report->evidence.why, "commit is 2 in the request, 1 in the explanation");
}

}  // namespace
}  // namespace aerodb::explainer
