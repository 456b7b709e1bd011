// Which row, which bound, and what a query's evidence says of each rule.
#include "common/rules/query_rules.h"

#include "common/base/checksum.h"
#include "tests/unit/rules/rules_kit.h"

namespace aerodb::rules {
namespace {

using testing::Names;
using testing::not_holding;

TEST(PlanRows, AreThoseOfTheTable) {
  using enum IndexFit;
  using enum SortBy;
  struct Row {
    bool is_id;
    IndexFit fit;
    bool sorted;
    SortBy sort;
    std::optional<PlanRow> row;
  };
  const Row rows[] = {
      {true, kEquality, false, kNothing, PlanRow::kP1},
      {true, kEquality, false, kField, PlanRow::kP1},
      {true, kEquality, true, kId, PlanRow::kP1},
      {false, kSort, true, kField, PlanRow::kP2},
      {false, kEquality, true, kField, PlanRow::kP2},
      {false, kEquality, false, kField, std::nullopt},
      {false, kEquality, false, kNothing, PlanRow::kP3},
      {false, kEquality, false, kId, PlanRow::kP3},
      {true, kSort, true, kId, PlanRow::kP4},
      {true, kRange, true, kId, PlanRow::kP4},
      {true, kRange, false, kNothing, PlanRow::kP4},
      {true, kRange, false, kField, std::nullopt},
      {false, kRange, false, kNothing, PlanRow::kP5},
      {false, kRange, false, kId, std::nullopt},
      {false, kRange, false, kField, std::nullopt},
      {false, kNone, false, kNothing, std::nullopt},
      {true, kNone, false, kNothing, std::nullopt},
  };
  for (const auto& row : rows)
    EXPECT_EQ(plan_row(row.is_id, row.fit, row.sorted, row.sort), row.row) << &row - std::begin(rows);
}

TEST(PlanRows, EarliestRowIsChosenAndTheFirstDeclaredOfIt) {
  using Rows = std::vector<std::optional<PlanRow>>;
  auto chosen = [](const Rows& rows) { return choose_index(rows, [](const auto& row) { return row; }) - rows.begin(); };
  EXPECT_EQ(chosen({PlanRow::kP4, PlanRow::kP3, PlanRow::kP3}), 1);
  EXPECT_EQ(chosen({std::nullopt, PlanRow::kP5, PlanRow::kP1}), 2);
  EXPECT_EQ(chosen({std::nullopt, std::nullopt}), 2);  // the end
}

TEST(QueryBound, IsGivenByTheLimitUnlessFieldsAreLeftToCheck) {
  auto bound = [](PlanRow row, bool has_checks, std::optional<uint64_t> max_entries) {
    const auto [entries, source] = bound_of(row, has_checks, 10, max_entries, 1000);
    return std::pair(entries, source);
  };
  using enum BoundSource;
  EXPECT_EQ(bound(PlanRow::kP1, true, 5), std::pair(uint64_t{1}, kOneDocument));
  EXPECT_EQ(bound(PlanRow::kP2, false, std::nullopt), std::pair(uint64_t{11}, kLimit));
  EXPECT_EQ(bound(PlanRow::kP2, false, 11), std::pair(uint64_t{11}, kLimit));
  EXPECT_EQ(bound(PlanRow::kP2, false, 10), std::pair(uint64_t{10}, kMaxEntries));
  EXPECT_EQ(bound(PlanRow::kP5, true, std::nullopt), std::pair(uint64_t{1000}, kMaxEntries));
  EXPECT_EQ(bound(PlanRow::kP5, true, 500), std::pair(uint64_t{500}, kMaxEntries));
}

// Sorted by n, of which two documents were found among four entries.
QueryEvidence answered() {
  QueryEvidence e;
  e.collection = "c";
  e.schema_version = 1;
  e.sort = "n";
  e.limit = 10;
  e.commit = CommitId(9);
  e.floor = CommitId(2);
  e.indexed_fields = {{"_id", "string"}, {"n", "int"}, {"s", "string"}};
  e.candidates = std::vector<IndexCandidate>(3);
  for (size_t i = 0; i < 3; ++i) (*e.candidates)[i].path = (*e.indexed_fields)[i].path;
  e.plan = PlanEvidence{PlanRow::kP2, "c", 1, "n", false, {}, std::nullopt, {}, 10, 11};
  e.plan_hash = sha256(as_bytes(plan_text(*e.plan)));
  e.bound_entries = 11;
  e.entries_proposed = 4;
  e.dropped_no_document = e.dropped_other_value = 1;
  e.dropped_by_predicates = 0;
  e.entries_visited = e.documents_taken = 2;
  e.ended_by = kEndedByRange;
  return e;
}

struct QueryOutcome {
  QueryStatus status;
  std::string code;
  Names not_true;
};
QueryOutcome decide(QueryEvidence e) {
  RecordingTrace trace;
  const auto decision = decide_query(e, trace);
  Names names;
  for (const auto& entry : trace.entries()) names.push_back(rule(entry.rule).name);
  EXPECT_EQ(names, (Names{"MVCC-4", "QRY-1", "QRY-2", "QRY-3", "QRY-4", "MVCC-7", "QRY-5"}));
  return {decision.status, decision.code.value_or(""), not_holding(trace)};
}

TEST(QueryExplanation, HasEveryRuleInOrderWhateverTheOutcome) {
  EXPECT_EQ(decide(answered()).status, QueryStatus::kAnswered);
  EXPECT_TRUE(decide(answered()).not_true.empty());
  EXPECT_EQ(decide(QueryEvidence{}).code, "LIMIT_REQUIRED");
}

TEST(QueryExplanation, EachRuleAloneRefuses) {
  auto e = answered();
  e.floor = CommitId(10);
  EXPECT_EQ(decide(e).code, "BELOW_FLOOR");
  EXPECT_EQ(decide(e).not_true, Names{"MVCC-4"});

  e = answered();
  e.ended_by = "QUERY_BOUND_EXCEEDED";
  e.entries_proposed = 5;
  EXPECT_EQ(decide(e).status, QueryStatus::kRefused);
  EXPECT_EQ(decide(e).not_true, Names{"QRY-4"});

  e = answered();
  e.ended_by = "SCHEMA_NEWER";
  e.documents_taken = 1;
  e.newer_version = {"x", CommitId(8), 2};
  EXPECT_EQ(decide(e).status, QueryStatus::kRefused);
  EXPECT_EQ(decide(e).not_true, Names{"MVCC-7"});
}

TEST(QueryExplanation, WhatARefusedQueryDidNotComeToIsMissing) {
  auto e = answered();
  QueryEvidence fresh;
  fresh.limit = 0;
  fresh.indexed_fields = e.indexed_fields;
  EXPECT_EQ(decide(fresh).code, "LIMIT_REQUIRED");
  EXPECT_EQ(decide(fresh).not_true, (Names{"QRY-1", "QRY-2", "QRY-3", "QRY-4", "MVCC-7", "QRY-5"}));
  fresh.limit = 1;
  fresh.candidates = e.candidates;
  EXPECT_EQ(decide(fresh).code, "QUERY_UNBOUNDED");
  fresh.candidates.reset();
  fresh.where = {{"m", "eq", {}}};
  EXPECT_EQ(decide(fresh).code, "QUERY_UNBOUNDED");
  RecordingTrace trace;
  (void)decide_query(fresh, trace);
  EXPECT_EQ(fresh.not_indexed, std::vector<std::string>{"m"});
  EXPECT_EQ(trace.entries()[2].evaluation, Evaluation::kFalse);
  EXPECT_EQ(trace.entries()[3].evaluation, Evaluation::kUndetermined);
  EXPECT_EQ(trace.entries()[4].missing, (std::vector<std::string>{"bound_entries", "entries_visited", "ended_by"}));
}

TEST(QueryExplanation, EndThatIsNoRulesIsIncompleteAndGuaranteesNothing) {
  auto e = answered();
  e.ended_by = "RUN_DAMAGED";
  EXPECT_EQ(decide(e).status, QueryStatus::kIncomplete);
  EXPECT_EQ(decide(e).code, "RUN_DAMAGED");
  EXPECT_NE(explain_query(e, {}).json.find(R"("status":"incomplete","code":"RUN_DAMAGED")"), std::string::npos);
  EXPECT_NE(explain_query(e, {}).json.find(R"("guarantees":[])"), std::string::npos);
  e.ended_by.reset();
  EXPECT_EQ(decide(e).status, QueryStatus::kUndetermined);
}

// What an engine that went wrong would show.
TEST(QueryExplanation, PlanThatTheCandidatesDoNotGiveBreaksQry2) {
  auto e = answered();
  e.plan->index = "s";
  EXPECT_EQ(decide(e).not_true, Names{"QRY-2"});
  e = answered();
  e.plan->row = PlanRow::kP5;
  EXPECT_EQ(decide(e).not_true, Names{"QRY-2"});
  e = answered();
  (*e.candidates)[2].low = "04";  // asked for, and not checked
  EXPECT_EQ(decide(e).not_true, Names{"QRY-2"});
  e = answered();
  (*e.candidates)[1].low = "0280";  // asked for, and not where the walk begins
  EXPECT_EQ(decide(e).not_true, Names{"QRY-2"});
  e = answered();
  e.plan->from.id = "61";
  EXPECT_EQ(decide(e).not_true, Names{"QRY-2"});
  e = answered();
  e.plan_hash->front() ^= 1;
  EXPECT_EQ(decide(e).not_true, Names{"QRY-2"});
}

TEST(QueryExplanation, BoundThatTheRequestDoesNotGiveBreaksQry3) {
  auto e = answered();
  e.bound_entries = e.plan->bound_entries = 12;
  e.plan_hash = sha256(as_bytes(plan_text(*e.plan)));
  EXPECT_EQ(decide(e).not_true, Names{"QRY-3"});
  e = answered();
  e.max_entries = 5;
  EXPECT_EQ(decide(e).not_true, Names{"QRY-3"});
}

TEST(QueryExplanation, EntriesWithoutAnEndBreakQry5) {
  auto e = answered();
  e.entries_proposed = 5;
  EXPECT_EQ(decide(e).not_true, Names{"QRY-5"});
  e = answered();
  e.documents_taken = 1;
  EXPECT_EQ(decide(e).not_true, Names{"QRY-5"});
  e = answered();
  e.ended_by = kEndedByLimit;
  EXPECT_EQ(decide(e).not_true, Names{"QRY-5"});
}

TEST(QueryExplanation, TellsOfEachIndexWhatBecameOfIt) {
  auto e = answered();
  e.sort.reset();
  (*e.candidates)[0].low = "61";
  (*e.candidates)[1].low = (*e.candidates)[1].high = "0280";
  (*e.candidates)[2].low = (*e.candidates)[2].high = "0461";
  RecordingTrace trace;
  (void)decide_query(e, trace);
  const auto& c = *e.candidates;
  EXPECT_EQ(c[0].row, PlanRow::kP4);
  EXPECT_EQ(c[0].outcome, IndexOutcome::kEarlierRow);
  EXPECT_EQ(c[1].fits, IndexFit::kEquality);
  EXPECT_EQ(c[1].outcome, IndexOutcome::kChosen);
  EXPECT_EQ(c[2].row, PlanRow::kP3);
  EXPECT_EQ(c[2].outcome, IndexOutcome::kDeclaredFirst);
}

TEST(RequestValues, FloatsStandAsTheirBits) {
  RequestValue value;
  document::PackWriter(value.packed).number(2.5);
  Bytes packed;
  document::PackWriter out(packed);
  pack_request_value(value, out);
  Bytes expected;
  document::PackWriter map(expected);
  map.map(1);
  map.field("float64", "4004000000000000");
  EXPECT_EQ(packed, expected);
  value.packed = {0xd1, 0x00, 0x07};  // 7, longer than need be
  packed.clear();
  pack_request_value(value, out);
  EXPECT_EQ(packed, Bytes{7});
}

}  // namespace
}  // namespace aerodb::rules
