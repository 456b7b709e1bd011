// Branches of a history: what a fork keeps.
#include "tests/sim/history.h"

#include <gtest/gtest.h>

namespace aerodb::sim {
namespace {

// Five records: lineage_start, schema, two commits on one document, a seal.
History five_records() {
  History history(4);
  for (uint8_t lsn = 1; lsn <= 5; ++lsn) {
    const uint64_t commit = lsn < 3 ? 0 : lsn == 3 ? 1 : 2;
    const auto type = lsn == 5 ? wal::RecordType::kSeal : wal::RecordType::kCommit;
    history.entries.push_back({Chain{{lsn}}, Digest{}, CommitId(commit), LineageId{{1}}, Epoch(1), type});
  }
  history.epochs.push_back({Epoch(1), Lsn(1), Lsn(), "p1", InstanceId{{1}}, false});
  history.schema_lsn[0][0] = Lsn(2);
  history.commit_lsn = {Lsn(), Lsn(3), Lsn(4)};
  history.commit_issue = {0, 1, 2};
  history.versions(0, 1) = {{CommitId(1), 1, 7, {1}}, {CommitId(2), 0, std::nullopt, {}}};
  history.seals[Lsn(5)] = {"r1", InstanceId{{2}}, false};
  history.requests["a"] = {Lsn(1), Lsn(5)};
  return history;
}

TEST(History, ForkKeepsWhatCameBeforeIt) {
  const History whole = five_records();
  const History branch = whole.up_to(Lsn(3));
  EXPECT_EQ(branch.last_lsn(), Lsn(3));
  EXPECT_EQ(branch.last_commit(), CommitId(1));
  EXPECT_EQ(branch.commit_lsn.size(), 2u);
  EXPECT_EQ(branch.versions(0, 1).size(), 1u);
  EXPECT_NE(branch.visible(0, 1, CommitId(1)), nullptr);
  EXPECT_TRUE(branch.has_schema(0, 1, Lsn(3)));
  EXPECT_TRUE(branch.seals.empty());
  EXPECT_EQ(branch.requests.at("a"), std::vector<Lsn>{Lsn(1)});
  EXPECT_NE(branch.epoch(Epoch(1)), nullptr);
  EXPECT_TRUE(whole.ends_with_seal());
  EXPECT_FALSE(whole.up_to(Lsn(1)).has_schema(0, 1, Lsn(1)));
}

TEST(History, EvaluatesAgainstThePositionAsked) {
  const History history = five_records();
  Operation insert;
  insert.id = 1;
  EXPECT_EQ(history.evaluate({insert}, Lsn(1)).code, ErrorCode::kUnknownCollection);
  EXPECT_EQ(history.evaluate({insert}, Lsn(2)).code, std::nullopt);
  EXPECT_EQ(history.evaluate({insert}, Lsn(3)), (History::Ruling{ErrorCode::kDocumentExists, CommitId(1)}));
  EXPECT_EQ(history.evaluate({insert}, Lsn(4)).code, std::nullopt);
}

}  // namespace
}  // namespace aerodb::sim
