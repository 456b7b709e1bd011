// Plans: which index, what is left to check, which bound; and that equal plans have equal texts.
#include "common/engine/plan.h"

#include <gtest/gtest.h>

#include "tests/unit/engine/query_kit.h"

namespace aerodb::engine {
namespace {

using namespace testing;

constexpr uint64_t kMaxEntries = 1'000;

document::Schema schema() {
  auto read = document::schema_from_json(R"({"collection":"c","version":1,"fields":{
      "_id":{"type":"string","required":true},
      "a":{"type":"object","fields":{"b":{"type":"int","indexed":true}}},
      "a-":{"type":"int","indexed":true},
      "f":{"type":"float","indexed":true},
      "n":{"type":"int","indexed":true},
      "plain":{"type":"int"},
      "s":{"type":"string","indexed":true}}})");
  EXPECT_TRUE(read);
  return *read;
}

// "P2 n [a.b s] 1000": label, index, what is left to check, bound. Or the code of the refusal.
std::string planned(const Ask& ask) {
  const auto plan = make_plan(ask.request, schema(), kMaxEntries);
  if (!plan) return std::string(code_of(plan));
  std::string left;
  for (const auto& residual : plan->residuals) left += (left.empty() ? "" : " ") + std::string(residual.path);
  return "P" + std::to_string(static_cast<int>(plan->rule)) + ' ' + std::string(plan->index) + " [" + left + "] " +
         std::to_string(plan->bound_entries);
}

std::string text_of(const Ask& ask) {
  const auto plan = make_plan(ask.request, schema(), kMaxEntries);
  EXPECT_TRUE(plan) << plan.error().message;
  return plan ? plan_text(*plan, schema()) : "";
}

TEST(Plan, P1EqualityOnId) {
  EXPECT_EQ(planned(Ask().where("_id", "=", R"("x")")), "P1 _id [] 1");
  EXPECT_EQ(planned(Ask().where("n", "=", "1").where("_id", "=", R"("x")")), "P1 _id [n] 1");
  EXPECT_EQ(planned(Ask().where("_id", ">=", R"("x")").where("_id", "<=", R"("x")")), "P1 _id [] 1");
  // Sorted by a field: what lacks it is not in the answer, whichever plan answers.
  EXPECT_EQ(planned(Ask().where("_id", "=", R"("x")").sort("s")), "P1 _id [s] 1");
}

TEST(Plan, P2SortByAField) {
  EXPECT_EQ(planned(Ask().sort("n")), "P2 n [] 101");
  EXPECT_EQ(planned(Ask().where("n", ">", "1").sort("n", true)), "P2 n [] 101");
  EXPECT_EQ(planned(Ask().where("s", "=", R"("x")").sort("n")), "P2 n [s] 1000");
  EXPECT_EQ(planned(Ask().where("_id", "<", R"("x")").sort("n")), "P2 n [_id] 1000");
  // Held at one value, entries lie in order of _id.
  EXPECT_EQ(planned(Ask().where("_id", "<", R"("x")").where("n", "=", "1").sort("n")), "P2 n [] 101");
}

TEST(Plan, P3EqualityOnAnIndexedField) {
  EXPECT_EQ(planned(Ask().where("n", "=", "1")), "P3 n [] 101");
  EXPECT_EQ(planned(Ask().where("n", "=", "1").sort("_id")), "P3 n [] 101");
  EXPECT_EQ(planned(Ask().where("f", ">", "1").where("n", "=", "1")), "P3 n [f] 1000");
  EXPECT_EQ(planned(Ask().where("n", "=", "1").where("_id", ">", R"("x")")), "P3 n [] 101");
}

TEST(Plan, P4OrderOrRangeOfId) {
  EXPECT_EQ(planned(Ask().sort("_id")), "P4 _id [] 101");
  EXPECT_EQ(planned(Ask().where("_id", ">", R"("x")")), "P4 _id [] 101");
  EXPECT_EQ(planned(Ask().where("n", ">", "1").sort("_id")), "P4 _id [n] 1000");
  EXPECT_EQ(planned(Ask().where("n", ">", "1").where("_id", ">", R"("x")")), "P4 _id [n] 1000");
}

TEST(Plan, P5RangeOnAnIndexedField) {
  EXPECT_EQ(planned(Ask().where("n", ">", "1")), "P5 n [] 101");
  EXPECT_EQ(planned(Ask().where("a.b", "<", "5")), "P5 a.b [] 101");
  EXPECT_EQ(planned(Ask().where("s", ">", R"("x")").where("n", ">", "1")), "P5 n [s] 1000");
}

TEST(Plan, P6NothingToWalk) { EXPECT_EQ(planned(Ask()), "QUERY_UNBOUNDED"); }

TEST(Plan, TiesGoToTheFieldDeclaredFirst) {
  const auto declared = schema().indexed_paths();
  ASSERT_EQ(declared, (std::vector<std::string>{"a.b", "a-", "f", "n", "s"}));
  for (size_t first = 0; first < declared.size(); ++first) {
    for (size_t second = first + 1; second < declared.size(); ++second) {
      for (const std::string_view comparison : {"=", ">"}) {
        Ask ask;  // asked in the other order
        for (const size_t field : {second, first})
          ask.where(declared[field], comparison, declared[field] == "s" ? R"("x")" : "1");
        EXPECT_EQ(planned(ask),
                  (comparison == "=" ? "P3 " : "P5 ") + declared[first] + " [" + declared[second] + "] 1000");
      }
    }
  }
}

TEST(Plan, BoundIsWhatTheRequestLowersItTo) {
  EXPECT_EQ(planned(Ask().sort("n").limit(7)), "P2 n [] 8");
  EXPECT_EQ(planned(Ask().sort("n").limit(7).max_entries(3)), "P2 n [] 3");
  EXPECT_EQ(planned(Ask().sort("n").limit(7).max_entries(900)), "P2 n [] 8");
  EXPECT_EQ(planned(Ask().sort("n").where("s", "=", R"("x")").max_entries(20)), "P2 n [s] 20");
  EXPECT_EQ(planned(Ask().where("_id", "=", R"("x")").max_entries(20)), "P1 _id [] 1");
}

TEST(Plan, RefusalsByName) {
  Ask no_limit;
  no_limit.sort("n");
  no_limit.request.limit.reset();
  EXPECT_EQ(planned(no_limit), "LIMIT_REQUIRED");
  EXPECT_EQ(planned(Ask().sort("n").limit(0)), "LIMIT_REQUIRED");
  EXPECT_EQ(planned(Ask().sort("n").limit(kMaxQueryLimit + 1)), "BAD_REQUEST");
  EXPECT_EQ(planned(Ask().sort("n").max_entries(0)), "BAD_REQUEST");
  EXPECT_EQ(planned(Ask().sort("n").max_entries(kMaxEntries + 1)), "BAD_REQUEST");
  for (const std::string_view field : {"plain", "none", "a", "a.b.c", "", "n."}) {
    EXPECT_EQ(planned(Ask().where(field, "=", "1")), "QUERY_UNBOUNDED") << field;
    EXPECT_EQ(planned(Ask().where("_id", "=", R"("x")").sort(field)), "QUERY_UNBOUNDED") << field;
    EXPECT_EQ(planned(Ask().where("n", "=", "1").where(field, ">", "1")), "QUERY_UNBOUNDED") << field;
  }
  EXPECT_EQ(planned(Ask().where("n", "=", R"("1")")), "WRONG_TYPE");
  EXPECT_EQ(planned(Ask().where("n", "=", "1.0")), "WRONG_TYPE");
  EXPECT_EQ(planned(Ask().where("_id", "=", "1")), "WRONG_TYPE");
  EXPECT_EQ(planned(Ask().where("n", "=", "1").where("s", "=", "[]")), "WRONG_TYPE");
  Ask many;
  for (size_t i = 0; i < kMaxQueryPredicates; ++i) many.where("n", ">", "1");
  EXPECT_EQ(planned(many), "P5 n [] 101");
  EXPECT_EQ(planned(many.where("n", ">", "1")), "BAD_REQUEST");
}

TEST(Plan, PageEndBelongsToTheOrder) {
  const CommitId at(5);
  EXPECT_EQ(planned(Ask().sort("n").after("1", "x")), "BAD_REQUEST");  // a page of which commit?
  EXPECT_EQ(planned(Ask().sort("n").at(at).after("1", "x")), "P2 n [] 101");
  EXPECT_EQ(planned(Ask().sort("n").at(at).after(std::nullopt, "x")), "BAD_REQUEST");
  EXPECT_EQ(planned(Ask().sort("n").at(at).after(R"("1")", "x")), "WRONG_TYPE");
  EXPECT_EQ(planned(Ask().sort("n").at(at).after("1", "")), "BAD_REQUEST");
  EXPECT_EQ(planned(Ask().sort("n").at(at).after("1", std::string(document::kMaxIdBytes + 1, 'x'))), "BAD_REQUEST");
  EXPECT_EQ(planned(Ask().sort("_id").at(at).after(std::nullopt, "x")), "P4 _id [] 101");
  EXPECT_EQ(planned(Ask().sort("_id").at(at).after("1", "x")), "BAD_REQUEST");
  EXPECT_EQ(planned(Ask().where("n", ">", "0").at(at).after("1", "x")), "P5 n [] 101");  // no sort: the index's order
  EXPECT_EQ(planned(Ask().where("n", "=", "1").sort("_id").at(at).after(std::nullopt, "x")), "P3 n [] 101");
}

TEST(Plan, TextIsCanonical) {
  EXPECT_EQ(text_of(Ask()
                        .where("s", "=", R"("hi")")
                        .where("f", ">", "1")
                        .where("f", "<=", "2")
                        .where("n", "=", "-1")
                        .where("_id", ">=", R"("a")")
                        .limit(10)),
            "plan P3\n"
            "collection 1:c\n"
            "schema 1\n"
            "index 1:n\n"
            "ascending\n"
            "from 027fffffffffffffff:61\n"
            "to 027fffffffffffffff00:\n"
            "check 1:f > 03bff0000000000000 <= 03c000000000000000\n"
            "check 1:s >= 046869 <= 046869\n"
            "limit 10\n"
            "bound 1000\n");
  EXPECT_EQ(text_of(Ask().where("_id", "=", R"("x")").sort("s", true)),
            "plan P1\n"
            "collection 1:c\n"
            "schema 1\n"
            "index 3:_id\n"
            "ascending\n"
            "from 78:\n"
            "to 7800:\n"
            "check 1:s present\n"
            "limit 100\n"
            "bound 1\n");
}

TEST(Plan, EqualQuestionsInOtherWordsHaveOneText) {
  const auto text = text_of(Ask().where("n", ">=", "1").where("n", "<", "9").where("s", ">", R"("a")"));
  EXPECT_EQ(text, text_of(Ask().where("s", ">", R"("a")").where("n", "<", "9").where("n", ">=", "1")));
  EXPECT_EQ(text, text_of(Ask()
                              .where("n", ">=", "1")
                              .where("n", ">", "0")
                              .where("n", "<=", "9")
                              .where("n", "<", "9")
                              .where("s", ">", R"("a")")));
  EXPECT_EQ(text_of(Ask().where("n", "=", "1")), text_of(Ask().where("n", ">=", "1").where("n", "<=", "1")));
  EXPECT_EQ(text_of(Ask().where("f", ">", "1")), text_of(Ask().where("f", ">", "1.0")));
  EXPECT_NE(text, text_of(Ask().where("n", ">", "1").where("n", "<", "9").where("s", ">", R"("a")")));
  EXPECT_NE(text, text_of(Ask().where("n", ">=", "1").where("n", "<", "9").where("s", ">=", R"("a")")));
  EXPECT_NE(text, text_of(Ask().where("n", ">=", "1").where("n", "<", "9").where("s", ">", R"("a")").limit(99)));
  EXPECT_NE(text, text_of(Ask().where("n", ">=", "1").where("n", "<", "9").where("s", ">", R"("a")").sort("n", true)));
}

TEST(Plan, ContradictionsLeaveNoEntry) {
  auto empty = [](const Ask& ask) { return make_plan(ask.request, schema(), kMaxEntries)->empty(); };
  EXPECT_TRUE(empty(Ask().where("n", ">", "2").where("n", "<", "1")));
  EXPECT_TRUE(empty(Ask().where("n", "=", "1").where("n", "=", "2")));
  EXPECT_TRUE(empty(Ask().where("n", "=", "1").where("_id", ">", R"("b")").where("_id", "<=", R"("b")")));
  EXPECT_TRUE(empty(Ask().where("_id", "=", R"("b")").at(CommitId(1)).after(std::nullopt, "b")));
  EXPECT_FALSE(empty(Ask().where("_id", "=", R"("b")").at(CommitId(1)).after(std::nullopt, "a")));
  EXPECT_FALSE(empty(Ask().where("n", ">=", "1").where("n", "<=", "1")));
}

}  // namespace
}  // namespace aerodb::engine
