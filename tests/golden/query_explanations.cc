// query.execution
#include "common/base/checksum.h"
#include "common/document/msgpack.h"
#include "common/rules/query_rules.h"
#include "tests/golden/explanations.h"

namespace aerodb::rules::golden {
namespace {

template <class Write>
RequestValue value(Write write) {
  RequestValue value;
  document::PackWriter out(value.packed);
  write(out);
  return value;
}

// As the engine notes it: the five cheapest bolts of a collection of parts, which predicates on two fields leave.
QueryEvidence refused_at_once() {
  QueryEvidence e;
  e.collection = "parts";
  e.schema_version = 2;
  e.where = {{"kind", "eq", value([](auto& out) { out.text("bolt"); })},
             {"weight", "lt", value([](auto& out) { out.number(2.5); })}};
  e.limit = 2;
  e.commit = CommitId(38);
  e.floor = CommitId(4);
  return e;
}

constexpr std::string_view kBolt = "04626f6c74";            // "bolt" as an index key
constexpr std::string_view kWeight = "03c004000000000000";  // 2.5

QueryEvidence planned() {
  auto e = refused_at_once();
  e.indexed_fields = {{"_id", "string"}, {"kind", "string"}, {"price", "int"}, {"weight", "float"}};
  e.candidates = std::vector<IndexCandidate>(4);
  for (size_t i = 0; i < 4; ++i) (*e.candidates)[i].path = (*e.indexed_fields)[i].path;
  (*e.candidates)[1].low = (*e.candidates)[1].high = kBolt;
  (*e.candidates)[3].high = kWeight;
  (*e.candidates)[3].high_open = true;
  PlanEvidence plan;
  plan.row = PlanRow::kP3;
  plan.collection = "parts";
  plan.schema_version = 2;
  plan.index = "kind";
  plan.from = {std::string(kBolt), ""};
  plan.to = EntryPlace{std::string(kBolt) + "00", ""};
  plan.checks = {{"weight", std::nullopt, std::string(kWeight), false, true}};
  plan.limit = 2;
  plan.bound_entries = 100'000;
  e.plan = plan;
  e.plan_hash = sha256(as_bytes(plan_text(plan)));
  e.bound_entries = 100'000;
  e.default_max_entries = 100'000;
  return e;
}

QueryEvidence walked() {
  auto e = planned();
  e.entries_proposed = 9;
  e.dropped_no_document = 1;
  e.dropped_other_value = 2;
  e.entries_visited = 6;
  e.dropped_by_predicates = 4;
  e.documents_taken = 2;
  e.ended_by = kEndedByLimit;
  e.answer_sha256.emplace().fill(0xa5);
  return e;
}

QueryEvidence broken_off(std::string_view code) {
  auto e = walked();
  e.entries_proposed = 7;
  e.entries_visited = 4;
  e.dropped_by_predicates = 3;
  e.documents_taken = 1;
  e.ended_by = code;
  e.answer_sha256.reset();
  return e;
}

QueryEvidence bound_passed() {
  auto e = broken_off("QUERY_BOUND_EXCEEDED");
  e.max_entries = e.bound_entries = e.plan->bound_entries = 4;
  e.plan_hash = sha256(as_bytes(plan_text(*e.plan)));
  e.default_max_entries.reset();
  e.entries_proposed = 8;  // with the one that passes it
  return e;
}

QueryEvidence newer_schema() {
  auto e = broken_off("SCHEMA_NEWER");
  e.newer_version = {"b-17", CommitId(33), 3};
  e.entries_proposed = 8;
  e.entries_visited = 5;
  return e;
}

// Nothing names an indexed field.
QueryEvidence unserved() {
  auto e = planned();
  e.where.clear();
  e.candidates = std::vector<IndexCandidate>(4);
  for (size_t i = 0; i < 4; ++i) (*e.candidates)[i].path = (*e.indexed_fields)[i].path;
  e.plan.reset();
  e.plan_hash.reset();
  e.bound_entries.reset();
  e.default_max_entries.reset();
  return e;
}

QueryEvidence not_indexed() {
  auto e = unserved();
  e.where = planned().where;
  e.where[1].field = "note";
  e.candidates.reset();
  return e;
}

// A page by price, downwards: P2, and the bound that the limit gives.
QueryEvidence page() {
  auto e = walked();
  e.where.clear();
  e.sort = "price";
  e.descending = true;
  e.after = {value([](auto& out) { out.integer(-7); }), "b-09"};
  for (auto& candidate : *e.candidates) {
    candidate.low.reset();
    candidate.high.reset();
    candidate.high_open = false;
  }
  e.plan->row = PlanRow::kP2;
  e.plan->index = "price";
  e.plan->descending = true;
  e.plan->from = {};
  e.plan->to = EntryPlace{"027ffffffffffffff9", "622d3039"};
  e.plan->checks.clear();
  e.bound_entries = e.plan->bound_entries = 3;
  e.plan_hash = sha256(as_bytes(plan_text(*e.plan)));
  e.default_max_entries.reset();
  e.entries_proposed = 1;
  e.dropped_no_document = e.dropped_other_value = e.dropped_by_predicates = 0;
  e.entries_visited = e.documents_taken = 1;
  e.ended_by = kEndedByRange;
  return e;
}

}  // namespace

std::vector<Golden> query_explanations() {
  std::vector<Golden> list;
  auto add = [&](std::string name, const QueryEvidence& evidence) {
    list.push_back({"query-" + std::move(name), explain_query(evidence, kLineage)});
  };
  add("answered", walked());
  add("page", page());
  add("bound-exceeded", bound_passed());
  add("schema-newer", newer_schema());
  add("unserved", unserved());
  add("not-indexed", not_indexed());
  add("too-large", [] {
    auto e = broken_off("MESSAGE_TOO_LARGE");
    e.entries_proposed = 8;
    e.entries_visited = 5;
    return e;
  }());
  // What no engine should ever show: each alone breaks the rule that it is about.
  add("other-plan", [] {
    auto e = walked();
    e.plan->index = "weight";
    return e;
  }());
  add("other-bound", [] {
    auto e = walked();
    e.bound_entries = 50'000;
    return e;
  }());
  add("entry-unaccounted", [] {
    auto e = walked();
    e.entries_proposed = 10;
    return e;
  }());
  add("incomplete", broken_off("RUN_DAMAGED"));
  add("undetermined", planned());
  auto unlimited = unserved();
  unlimited.where = walked().where;
  unlimited.limit.reset();
  unlimited.candidates.reset();
  add("without-limit", unlimited);
  auto below_floor = refused_at_once();
  below_floor.floor = CommitId(39);
  add("below-floor", below_floor);
  return list;
}

}  // namespace aerodb::rules::golden
