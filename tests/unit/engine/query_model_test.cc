// Random queries over random documents and schemas, against a model that filters everything it has: answers, order,
// counted entries, refusals, and what every second one's explanation tells of its walk. In memory only, with
// checkpoints and merges, and with a cache that holds nothing, while writes go on between the attempts of one query.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <map>
#include <set>
#include <variant>

#include "common/engine/plan.h"
#include "common/engine/query_record.h"
#include "common/rules/rederive.h"
#include "tests/unit/engine/query_kit.h"

namespace aerodb::engine {
namespace {

using namespace testing;

using Value = std::variant<int64_t, double, std::string, bool>;

std::string json_of(const Value& value) {
  if (const auto* integer = std::get_if<int64_t>(&value)) return std::to_string(*integer);
  if (const auto* number = std::get_if<double>(&value))
    return fmt::format("{}", *number);  // 2.0 as "2": taken as float
  if (const auto* text = std::get_if<std::string>(&value)) return '"' + *text + '"';
  return std::get<bool>(value) ? "true" : "false";
}

struct Field {
  std::string path;
  std::string type;
};
const std::vector<Field> kFields = {{"a.b", "int"}, {"a.t", "bool"}, {"f", "float"}, {"n", "int"}, {"s", "string"}};
const Field kAdded{"v", "int"};  // by schema version 2

Value random_value(SeededRandom& random, const std::string& type) {
  if (type == "int") return static_cast<int64_t>(random.below(6)) - 2;
  if (type == "float") return (static_cast<double>(random.below(6)) - 2) / 2;
  if (type == "bool") return random.one_in(2);
  return std::string(std::array{"", "a", "ab", "b", "c"}[random.below(5)]);
}

struct Stored {
  uint32_t schema_version = 1;
  std::map<std::string, Value> fields;  // by path, "_id" among them
  [[nodiscard]] const Value* find(const std::string& path) const {
    const auto at = fields.find(path);
    return at == fields.end() ? nullptr : &at->second;
  }
};
using Documents = std::map<std::string, Stored>;

// {"a":{...},"n":...} from dotted paths of at most two levels, without the outer braces.
std::string members_of(const std::map<std::string, std::string>& by_path) {
  std::string plain, nested;
  for (const auto& [path, json] : by_path) {
    const auto dot = path.find('.');
    std::string& out = dot == std::string::npos ? plain : nested;
    out += (out.empty() ? "" : ",") +
           fmt::format(R"("{}":{})", dot == std::string::npos ? path : path.substr(dot + 1), json);
  }
  if (nested.empty()) return plain;
  return plain + (plain.empty() ? "" : ",") + fmt::format(R"("a":{{{}}})", nested);
}

std::string schema_json(const std::vector<Field>& fields, uint32_t version) {
  std::map<std::string, std::string> plain{{"_id", R"({"type":"string","required":true})"}}, nested;
  for (const auto& field : fields) {
    const auto declared = fmt::format(R"({{"type":"{}","indexed":true}})", field.type);
    (field.path[1] == '.' ? nested : plain)[field.path[1] == '.' ? field.path.substr(2) : field.path] = declared;
  }
  if (!nested.empty()) plain["a"] = fmt::format(R"({{"type":"object","fields":{{{}}}}})", members_of(nested));
  return fmt::format(R"({{"collection":"c","version":{},"fields":{{{}}}}})", version, members_of(plain));
}

struct Condition {
  std::string path;
  std::string comparison;
  Value value;
  [[nodiscard]] bool holds(const Stored& document) const {
    const Value* found = document.find(path);
    if (found == nullptr) return false;
    if (comparison == "=") return *found == value;
    if (comparison == "<") return *found < value;
    if (comparison == "<=") return *found <= value;
    if (comparison == ">") return *found > value;
    return *found >= value;
  }
};

struct Question {
  std::vector<Condition> where;
  std::optional<std::string> sort;
  bool descending = false;
  uint32_t limit = 1;
  std::optional<uint64_t> max_entries;
  uint32_t schema_version = 1;
  CommitId at;
  std::optional<std::pair<Value, std::string>> after;

  [[nodiscard]] Ask ask(std::string_view order) const {
    Ask ask;
    for (const auto& condition : where) ask.where(condition.path, condition.comparison, json_of(condition.value));
    if (sort) ask.sort(*sort);
    ask.limit(limit).at(at);
    ask.request.descending = descending;
    ask.request.max_entries = max_entries;
    ask.request.schema_version = schema_version;
    if (after) ask.after(order == kIdPath ? std::nullopt : std::optional(json_of(after->first)), after->second);
    return ask;
  }
  [[nodiscard]] bool behind_page(const Stored& document, const std::string& order) const {
    if (!after) return true;
    const std::string& id = std::get<std::string>(*document.find("_id"));
    if (order == kIdPath) return descending ? id < after->second : id > after->second;
    const auto key = std::pair(*document.find(order), id);
    return descending ? key < *after : key > *after;
  }
};

struct Expected {
  std::string code;
  std::string ids;
  uint64_t proposed = 0, no_document = 0, other_value = 0, visited = 0, by_predicates = 0, taken = 0;
};

void sort_by(std::vector<const Stored*>& documents, const std::string& order, bool descending) {
  std::ranges::sort(documents, {}, [&](const Stored* d) { return std::pair(*d->find(order), *d->find("_id")); });
  if (descending) std::ranges::reverse(documents);
}

std::string id_list(const std::vector<const Stored*>& documents, uint32_t limit) {
  std::string ids;
  for (size_t i = 0; i < documents.size() && i < limit; ++i)
    ids += std::get<std::string>(*documents[i]->find("_id")) + ' ';
  return ids;
}

// What a query means: no plan in it.
std::string meaning(const Question& q, const Documents& documents, const std::string& order) {
  std::vector<const Stored*> found;
  for (const auto& [id, document] : documents) {
    const bool all = std::ranges::all_of(q.where, [&](const Condition& c) { return c.holds(document); });
    if (all && document.find(order) != nullptr && q.behind_page(document, order)) found.push_back(&document);
  }
  sort_by(found, order, q.descending);
  return id_list(found, q.limit);
}

using Entry = std::pair<Value, std::string>;  // of an index: value, _id

// Entries that the versions up to the query's commit have in what the plan walks, in its order.
std::vector<Entry> entries_of(const Question& q, const std::deque<Documents>& history, const Plan& plan,
                              const std::string& order) {
  const std::string index(plan.index);
  const bool id_left = std::ranges::find(plan.residuals, kIdPath, &Residual::path) != plan.residuals.end();
  const bool page_narrows = plan.rule != PlanRule::kP1 || order == kIdPath;
  const bool by_one_value = !plan.by_id() && !id_left;
  std::set<Entry> entries;
  for (uint64_t commit = 0; commit <= q.at.value(); ++commit) {
    for (const auto& [id, version] : history[commit]) {
      bool in = version.find(index) != nullptr;
      for (const auto& c : q.where)
        in = in && (!(c.path == index || (c.path == kIdPath && by_one_value)) || c.holds(version));
      if (in && page_narrows) in = q.behind_page(version, order);
      if (in) entries.insert({*version.find(index), id});
    }
  }
  std::vector<Entry> sorted(entries.begin(), entries.end());
  if (q.descending) std::ranges::reverse(sorted);
  return sorted;
}

// The walk that the plan stands for: entries of its index in order, counted.
Expected walked(const Question& q, const std::deque<Documents>& history, const Plan& plan, const std::string& order) {
  const Documents& documents = history[q.at.value()];
  Expected expected;
  std::vector<const Stored*> taken;
  for (const auto& [value, id] : entries_of(q, history, plan, order)) {
    if (taken.size() == q.limit) break;
    ++expected.proposed;
    const auto at = documents.find(id);
    if (at == documents.end()) {
      ++expected.no_document;
      continue;
    }
    const Stored& document = at->second;
    const Value* now = document.find(std::string(plan.index));
    if (now == nullptr || *now != value) {
      ++expected.other_value;
      continue;
    }
    if (expected.visited == plan.bound_entries) {
      expected.code = "QUERY_BOUND_EXCEEDED";
      break;
    }
    ++expected.visited;
    if (document.schema_version > q.schema_version) {
      expected.code = "SCHEMA_NEWER";
      break;
    }
    const bool all = std::ranges::all_of(q.where, [&](const Condition& c) { return c.holds(document); });
    if (all && document.find(order) != nullptr && q.behind_page(document, order))
      taken.push_back(&document);
    else
      ++expected.by_predicates;
  }
  expected.taken = taken.size();
  if (expected.code.empty()) expected.ids = id_list(taken, q.limit);
  return expected;
}

enum class Keeping : uint8_t { kMemory, kRuns, kRunsUncached };

class Run {
 public:
  Run(uint64_t seed, Keeping keeping)
      : random_(seed), keeping_(keeping), world_(seed, {}), node_(world_, settings(keeping)) {
    EXPECT_FALSE(node_.start());
    for (const auto& field : kFields) {
      if (field.path == "n" || !random_.one_in(4)) fields_.push_back(field);
    }
    EXPECT_TRUE(node_.register_schema(schema_json(fields_, 1)));
    fields_.push_back(kAdded);
    EXPECT_TRUE(node_.register_schema(schema_json(fields_, 2)));
    documents_.emplace_back();
  }
  void go(int steps) {
    for (int i = 0; i < steps && !::testing::Test::HasFatalFailure(); ++i) {
      write();
      if (keeping_ != Keeping::kMemory && random_.one_in(6)) (void)node_.checkpoint(random_.one_in(2));
      for (int query = 0; query < 4; ++query) check(random_question());
    }
  }
  uint64_t restarts = 0, refused_bound = 0, refused_newer = 0, answered = 0, superseded = 0;
  std::map<PlanRule, uint64_t> plans;

 private:
  static NodeSettings settings(Keeping keeping) {
    NodeSettings s;
    s.geometry = {4, 1 << 20};
    if (keeping == Keeping::kRunsUncached) s.storage.cache_bytes = 1;
    return s;
  }
  std::string random_id() { return std::string(1, static_cast<char>('a' + random_.below(14))); }

  void write() {
    std::vector<Op> ops;
    Documents after = documents_.back();
    for (uint64_t i = 0; i <= random_.below(4); ++i) {
      const std::string id = random_id();
      if (std::ranges::find(ops, id, &Op::id) != ops.end()) continue;
      ops.push_back(random_op(id, after));
    }
    ASSERT_TRUE(node_.write(ops));
    documents_.push_back(std::move(after));
    ASSERT_EQ(node_.engine->visible().commit.value() + 1, documents_.size());
  }
  Op random_op(const std::string& id, Documents& after) {
    const bool live = after.contains(id);
    if (live && random_.one_in(4)) {
      after.erase(id);
      return remove(id);
    }
    Stored document;
    document.schema_version = random_.one_in(8) ? 2 : 1;
    std::map<std::string, std::string> members;
    for (const auto& field : fields_) {
      if (random_.one_in(4) || (field.path == kAdded.path && document.schema_version == 1)) continue;
      const auto value = random_value(random_, field.type);
      document.fields[field.path] = value;
      members[field.path] = json_of(value);
    }
    document.fields["_id"] = id;
    after[id] = document;
    Op op = live ? update(id, members_of(members)) : insert(id, members_of(members));
    op.schema_version = document.schema_version;
    return op;
  }

  Question random_question() {
    Question q;
    q.schema_version = random_.one_in(3) ? 1 : 2;
    auto field = [&] {
      const Field& f = fields_[random_.below(fields_.size() - (q.schema_version == 1 ? 1 : 0))];
      return random_.one_in(4) ? Field{"_id", "id"} : f;
    };
    auto value = [&](const Field& f) { return f.type == "id" ? Value(random_id()) : random_value(random_, f.type); };
    for (uint64_t i = random_.below(4); i > 0; --i) {
      const Field f = field();
      const std::array comparisons{"=", "=", "<", "<=", ">", ">="};
      q.where.push_back({f.path, comparisons[random_.below(comparisons.size())], value(f)});
    }
    const Field order = field();
    if (q.where.empty() || random_.one_in(2)) q.sort = order.path;
    q.descending = random_.one_in(2);
    q.limit = static_cast<uint32_t>(1 + random_.below(6));
    if (random_.one_in(2)) q.max_entries = 1 + random_.below(10);
    q.at = CommitId(random_.below(documents_.size()));
    if (random_.one_in(3)) q.after = std::pair(value(order), random_id());
    if (q.after && !q.sort) q.after.reset();  // its value is of the order's field
    return q;
  }

  void check(const Question& q) {
    Question first = q;
    first.after.reset();
    const auto* schema = node_.engine->state_data().schema("c", q.schema_version, node_.engine->visible().lsn);
    const Ask unpaged = first.ask("");
    const auto order_plan = make_plan(unpaged.request, schema->schema, 100'000);
    ASSERT_TRUE(order_plan) << order_plan.error().message;
    const std::string order = q.sort.value_or(std::string(order_plan->index));
    const Ask ask = q.ask(order);
    const auto plan = make_plan(ask.request, schema->schema, 100'000);
    ASSERT_TRUE(plan) << plan.error().message;
    ++plans[plan->rule];
    SCOPED_TRACE(plan_text(*plan, schema->schema));
    const auto& documents = documents_[q.at.value()];
    const auto expected = walked(q, documents_, *plan, order);
    const auto record = random_.one_in(2) ? QueryRecord::of(ask.request) : nullptr;
    const auto answer = run(ask.request, record);
    ASSERT_EQ(code_of(answer), expected.code);
    if (record) check_explanation(*record, expected);
    refused_bound += expected.code == "QUERY_BOUND_EXCEEDED" ? 1 : 0;
    refused_newer += expected.code == "SCHEMA_NEWER" ? 1 : 0;
    if (!answer) return;
    ++answered;
    std::string ids;
    for (const auto& v : answer->versions) ids += std::string(document::document_id(answer->document(v))) + ' ';
    ASSERT_EQ(ids, expected.ids);
    ASSERT_EQ(ids, meaning(q, documents, order));
    ASSERT_EQ(answer->index, plan->index);
    ASSERT_EQ(answer->bound_entries, plan->bound_entries);
  }

  void check_explanation(const QueryRecord& record, const Expected& expected) {
    const auto& e = record.evidence();
    ASSERT_EQ(e.entries_proposed, expected.proposed);
    ASSERT_EQ(e.dropped_no_document, expected.no_document);
    ASSERT_EQ(e.dropped_other_value, expected.other_value);
    ASSERT_EQ(e.entries_visited, expected.visited);
    ASSERT_EQ(e.dropped_by_predicates, expected.by_predicates);
    ASSERT_EQ(e.documents_taken, expected.taken);
    superseded += expected.no_document + expected.other_value;
    const auto explanation = record.explain();
    document::Tape tape;
    ASSERT_TRUE(tape.parse(explanation.packed));
    const auto derived = rules::rederive(tape.root());
    ASSERT_TRUE(derived) << derived.error().message;
    ASSERT_TRUE(derived->follows) << derived->why;
    const auto conclusion = *tape.root().find("conclusion");
    ASSERT_EQ(conclusion.find("status")->text(), expected.code.empty() ? "answered" : "refused");
    ASSERT_EQ(conclusion.find("code")->text().value_or(""), expected.code);
    ASSERT_EQ(conclusion.find("rules_not_holding")->token().size, expected.code.empty() ? 0u : 1u) << explanation.json;
  }

  Result<QueryAnswer> run(const QueryRequest& request, std::shared_ptr<QueryRecord> record) {
    auto blocks = node_.engine->lease();
    QueryProgress progress;
    progress.record = std::move(record);
    while (true) {
      auto answer = node_.engine->query(request, progress, blocks);
      if (answer) return std::move(*answer);
      ++restarts;
      if (random_.one_in(4)) write();
      if (random_.one_in(30)) (void)node_.checkpoint(true);
      blocks.fetch(node_.process->jobs(), [] {});
      node_.run();
    }
  }

  SeededRandom random_;
  Keeping keeping_;
  sim::SimWorld world_;
  TestNode node_;
  std::vector<Field> fields_;
  std::deque<Documents> documents_;  // by commit; grows while one is looked at
};

void go(Keeping keeping) {
  uint64_t restarts = 0, refused_bound = 0, refused_newer = 0, answered = 0, superseded = 0;
  std::map<PlanRule, uint64_t> plans;
  for (uint64_t seed = 1; seed <= 30; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Run run(seed, keeping);
    run.go(30);
    if (::testing::Test::HasFatalFailure()) return;
    restarts += run.restarts;
    refused_bound += run.refused_bound;
    refused_newer += run.refused_newer;
    answered += run.answered;
    superseded += run.superseded;
    for (const auto& [rule, count] : run.plans) plans[rule] += count;
  }
  // A run just written is cold once; without a cache everything is, each time.
  const std::map<Keeping, uint64_t> least{
      {Keeping::kMemory, 0}, {Keeping::kRuns, 500}, {Keeping::kRunsUncached, 3'000}};
  EXPECT_GE(restarts, least.at(keeping));
  if (keeping == Keeping::kMemory) {
    EXPECT_EQ(restarts, 0u);
  }
  EXPECT_GT(refused_bound, 50u);
  EXPECT_GT(refused_newer, 50u);
  EXPECT_GT(answered, 1'500u);
  EXPECT_GT(superseded, 1'000u);
  EXPECT_EQ(plans.size(), 5u);
  for (const auto& [rule, count] : plans) EXPECT_GT(count, 100u) << static_cast<int>(rule);
}

TEST(QueryModel, InMemory) { go(Keeping::kMemory); }
TEST(QueryModel, InRuns) { go(Keeping::kRuns); }
TEST(QueryModel, InRunsThatAreAlwaysCold) { go(Keeping::kRunsUncached); }

}  // namespace
}  // namespace aerodb::engine
