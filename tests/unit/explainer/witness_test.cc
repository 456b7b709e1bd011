#include "explainer/witness.h"

#include <gtest/gtest.h>

#include "tests/unit/explainer/fake_cluster.h"

namespace aerodb::explainer {
namespace {

using rules::ExplanationType;
using testing::answer_of;
using testing::four_commits;
using ::testing::Test;
using testing::test_lineage;
using testing::true_evidence;
using testing::versions_of;

rules::Explanation true_explanation() { return rules::explain_visibility(true_evidence(), test_lineage()); }

// Replaces the last occurrence of `from` in the packed object by as many bytes.
rules::Explanation altered(rules::Explanation explanation, std::string_view from, std::string_view to) {
  const size_t at = as_text(explanation.packed).rfind(from);
  AERODB_ASSERT(at != std::string_view::npos && from.size() == to.size());
  std::ranges::copy(as_bytes(to), explanation.packed.begin() + static_cast<ptrdiff_t>(at));
  return explanation;
}

RulesVerdict judge(const rules::Explanation& explanation) {
  return judge_rules(ExplanationType::kReadVisibility, answer_of(explanation));
}

TEST(RulesVerdict, FollowsForWhatTheRulesGive) {
  const auto verdict = judge(true_explanation());
  EXPECT_TRUE(verdict.follow) << verdict.why;
  EXPECT_EQ(verdict.why, "");
}

TEST(RulesVerdict, FindsAnotherConclusion) {
  const auto verdict = judge(altered(true_explanation(), "no visible version", "on visible version"));
  EXPECT_FALSE(verdict.follow);
  EXPECT_EQ(verdict.why, "conclusion");
}

TEST(RulesVerdict, FindsEvidenceThatTheRulesJudgeOtherwise) {
  // The newest version becomes a document in every place where it stands; evaluations and conclusion stay.
  auto explanation = true_explanation();
  while (as_text(explanation.packed).find("\xa9tombstone") != std::string_view::npos) {
    explanation = altered(explanation, "\xa9tombstone", "\xa9sombstone");
  }
  const auto verdict = judge(explanation);
  EXPECT_FALSE(verdict.follow);
  EXPECT_EQ(verdict.why, "rules_applied[3] MVCC-3");
}

TEST(RulesVerdict, FindsEvidenceThatContradictsItself) {
  // The versions stand under two rules; a hash is changed under the second one.
  const auto hash = true_evidence().versions[1].hash;
  const DocumentHash zero;
  const auto verdict = judge(altered(true_explanation(), as_text(hash.bytes), as_text(zero.bytes)));
  EXPECT_FALSE(verdict.follow);
  EXPECT_NE(verdict.why.find("contradicts itself"), std::string::npos) << verdict.why;
}

TEST(RulesVerdict, FindsHashesThatAreNotOfTheObject) {
  auto explanation = true_explanation();
  explanation.sha256[0] ^= 1;
  EXPECT_EQ(judge(explanation).why, "sha256: not that of the object");
  explanation = true_explanation();
  explanation.rule_sha256[2][31] ^= 1;
  EXPECT_EQ(judge(explanation).why, "rule_sha256[2]: not that of the rule entry");
  EXPECT_FALSE(judge(explanation).follow);
  explanation = true_explanation();
  explanation.rule_sha256.pop_back();
  EXPECT_EQ(judge(explanation).why, "rule_sha256: another number of rules");
}

TEST(RulesVerdict, RefusesAnExplanationOfAnotherType) {
  const auto verdict = judge_rules(ExplanationType::kReplicationSafety, answer_of(true_explanation()));
  EXPECT_FALSE(verdict.follow);
  EXPECT_EQ(verdict.why, "explanation_type");
}

TEST(RulesVerdict, RefusesWhatHasNotTheModelsForm) {
  rules::Explanation explanation;
  for (const Bytes& bytes : {Bytes{0xc0}, Bytes{0x80}, Bytes{0xc1}, Bytes{0x91}, Bytes{}}) {
    explanation.packed = bytes;
    EXPECT_FALSE(judge(explanation).follow);
    EXPECT_NE(judge(explanation).why, "");
  }
}

TEST(RulesVerdict, RefusesAReceiptShownInPart) {
  rules::ReplicationSafetyEvidence evidence;
  evidence.gate.receipt_lsn = Lsn(3);
  evidence.gate.receipt_lineage = test_lineage();
  evidence.gate.receipt_epoch = Epoch(1);
  const auto explanation = rules::explain_replication_safety(evidence, test_lineage());
  const auto verdict = judge_rules(ExplanationType::kReplicationSafety, answer_of(explanation));
  EXPECT_FALSE(verdict.follow);
  EXPECT_EQ(verdict.why, "a receipt is shown in part");
}

TEST(OpenReport, KeepsTheNodesBytesAndCommit) {
  const auto explanation = true_explanation();
  const auto report = open_report("r1", ExplanationType::kReadVisibility, answer_of(explanation));
  EXPECT_EQ(report.explanation, explanation.packed);
  EXPECT_EQ(report.commit, CommitId(4));
  EXPECT_TRUE(std::ranges::equal(report.response().explanation.bytes, explanation.packed));
  EXPECT_EQ(report.response().rules_follow, "true");
  EXPECT_EQ(report.response().rules_follow_why, std::nullopt);
  EXPECT_EQ(report.response().evidence_checked, "none");
  EXPECT_EQ(report.response().evidence_agrees, "unknown");
}

// --- versions against the log

TEST(VersionAgainstLog, AgreesWithEveryTrueVersion) {
  const auto log = four_commits();
  const auto evidence = true_evidence();
  for (const auto& version : evidence.versions) {
    const auto difference = version_differs(evidence, version, log.at(version.lsn));
    EXPECT_EQ(difference, std::nullopt) << *difference;
  }
}

struct Lie {
  std::string field;
  std::function<void(rules::VersionEvidence&)> tell;
};
void PrintTo(const Lie& lie, std::ostream* out) { *out << lie.field; }
class VersionLies : public ::testing::TestWithParam<Lie> {};

TEST_P(VersionLies, AreNamedFromTheLog) {
  auto evidence = true_evidence();
  auto& version = evidence.versions[1];
  const Bytes record = four_commits().at(version.lsn);
  GetParam().tell(version);
  const auto difference = version_differs(evidence, version, record);
  ASSERT_TRUE(difference.has_value());
  EXPECT_NE(difference->find(": " + GetParam().field + " "), std::string::npos) << *difference;
}

TEST_P(VersionLies, AreNamedFromAnotherNode) {
  auto evidence = true_evidence();
  GetParam().tell(evidence.versions[1]);
  const auto difference = versions_differ(evidence, versions_of(true_evidence()));
  ASSERT_TRUE(difference.has_value());
  EXPECT_NE(difference->find(": " + GetParam().field + " "), std::string::npos) << *difference;
}

INSTANTIATE_TEST_SUITE_P(EveryField, VersionLies,
                         ::testing::Values(Lie{"commit", [](auto& v) { v.commit = CommitId(2); }},
                                           Lie{"kind", [](auto& v) { v.kind = "tombstone"; }},
                                           Lie{"schema_version", [](auto& v) { v.schema_version = 1; }},
                                           Lie{"hash", [](auto& v) { v.hash.bytes[15] ^= 1; }},
                                           Lie{"prev_commit", [](auto& v) { v.prev_commit = CommitId(2); }}),
                         [](const auto& lie) { return lie.param.field; });

TEST(VersionAgainstLog, FindsARecordThatIsNotTheOneNamed) {
  const auto log = four_commits();
  const auto evidence = true_evidence();
  const auto& version = evidence.versions[1];
  const auto differs = [&](const Bytes& record) {
    return version_differs(evidence, version, record).value_or("equal");
  };
  EXPECT_EQ(differs(log.at(Lsn(2))), "version of commit 3: the record at LSN 4 says LSN 2");
  Bytes damaged = log.at(Lsn(4));
  damaged.resize(damaged.size() - 8);
  EXPECT_NE(differs(damaged).find("is damaged"), std::string::npos);
  EXPECT_NE(differs({}).find("is damaged"), std::string::npos);
}

TEST(VersionAgainstLog, FindsARecordWithoutTheDocument) {
  const auto log = four_commits();
  auto evidence = true_evidence();
  evidence.versions[0].lsn = Lsn(3);
  EXPECT_EQ(version_differs(evidence, evidence.versions[0], log.at(Lsn(3))),
            "version of commit 4: the record at LSN 3 holds no operation on this document");
  evidence.versions[0].lsn = Lsn(1);
  EXPECT_EQ(version_differs(evidence, evidence.versions[0], log.at(Lsn(1))),
            "version of commit 4: the record at LSN 1 is no commit");
}

TEST(VersionsAgainstPeer, FindsOnesLeftOutAtEitherEnd) {
  const auto other = versions_of(true_evidence());
  auto evidence = true_evidence();
  EXPECT_EQ(versions_differ(evidence, other), std::nullopt);
  evidence.versions.erase(evidence.versions.begin());
  EXPECT_NE(versions_differ(evidence, other), std::nullopt);
  evidence = true_evidence();
  evidence.versions.pop_back();
  EXPECT_EQ(versions_differ(evidence, other), "the other node has 3 versions, the explanation 2");
  evidence = true_evidence();
  evidence.versions.push_back(evidence.versions.back());
  EXPECT_EQ(versions_differ(evidence, other), "the other node has 3 versions, the explanation 4");
}

// --- the question

TEST(ReadQuestion, FindsAnAnswerToAnotherOne) {
  const auto evidence = true_evidence();
  EXPECT_EQ(read_differs(evidence, "countries", "AW", CommitId(4)), std::nullopt);
  EXPECT_EQ(read_differs(evidence, "countries", "AW", std::nullopt), std::nullopt);
  EXPECT_EQ(read_differs(evidence, "countries", "BE", std::nullopt), "_id is BE in the request, AW in the explanation");
  EXPECT_EQ(read_differs(evidence, "cities", "AW", std::nullopt),
            "collection is cities in the request, countries in the explanation");
  EXPECT_EQ(read_differs(evidence, "countries", "AW", CommitId(3)), "commit is 3 in the request, 4 in the explanation");
}

TEST(ReadQuestion, FindsAChainThatEndsTooEarly) {
  auto evidence = true_evidence();
  evidence.versions.pop_back();
  EXPECT_EQ(read_differs(evidence, "countries", "AW", std::nullopt),
            "version of commit 3: it lies above the floor, and the one before it, of commit 1, is not shown");
  evidence.floor = CommitId(3);  // where nothing older is readable, nothing older needs to be shown
  EXPECT_EQ(read_differs(evidence, "countries", "AW", std::nullopt), std::nullopt);
}

// --- a replica's safety

TEST(SafetyAgainstLog, ReadsAPositionFromARecord) {
  const auto log = four_commits();
  const auto position = position_at(Lsn(4), log.at(Lsn(4)));
  ASSERT_TRUE(position.has_value());
  EXPECT_EQ(position->commit, CommitId(3));
  EXPECT_EQ(position->chain, log.chain_at(Lsn(4)));
  EXPECT_EQ(position_at(Lsn(4), log.at(Lsn(3))).error().code, ErrorCode::kBadRecord);
  EXPECT_EQ(position_at(Lsn(4), {}).error().code, ErrorCode::kBadRecord);
}

TEST(SafetyAgainstLog, FindsAnEndThatTheLogDoesNotHave) {
  const auto log = four_commits();
  const auto own = position_at(log.end(), log.at(log.end()));
  rules::ReplicationSafetyEvidence evidence;
  evidence.own_lsn = evidence.gate.applied_lsn = log.end();
  evidence.own_chain = log.chain();
  evidence.gate.applied_commit = CommitId(4);
  EXPECT_EQ(own_end_differs(evidence, *own), std::nullopt);
  evidence.gate.applied_commit = CommitId(5);
  EXPECT_EQ(own_end_differs(evidence, *own), "applied_commit is 4 in the log, 5 in the explanation");
  evidence.own_chain = log.chain_at(Lsn(2));
  EXPECT_TRUE(own_end_differs(evidence, *own)->starts_with("own_chain is "));
}

TEST(SafetyAgainstLog, FindsASourceThatWasNotHandedOver) {
  const LogPosition source{Lsn(5), Epoch(1), CommitId(4), four_commits().chain()};
  rules::ReplicationSafetyEvidence evidence;
  EXPECT_EQ(safety_differs(evidence, std::nullopt, std::nullopt), std::nullopt);
  EXPECT_NE(safety_differs(evidence, std::nullopt, source), std::nullopt);
  EXPECT_NE(safety_differs(evidence, CommitId(1), std::nullopt), std::nullopt);
  evidence.own_chain_at_source_lsn = source.chain;
  EXPECT_NE(safety_differs(evidence, std::nullopt, std::nullopt), std::nullopt);
  evidence.source_lsn = source.lsn;
  evidence.source_chain = source.chain;
  EXPECT_EQ(safety_differs(evidence, std::nullopt, source), std::nullopt);
  EXPECT_NE(safety_differs(evidence, std::nullopt, std::nullopt), std::nullopt);
  evidence.source_lsn = Lsn(4);
  EXPECT_EQ(safety_differs(evidence, std::nullopt, source), "source_lsn is 5 in the request, 4 in the explanation");
}

}  // namespace
}  // namespace aerodb::explainer
