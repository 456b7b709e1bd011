// Random operations and crashes against a simple model: a map of documents per commit.
#include <gtest/gtest.h>

#include <map>

#include "common/base/build.h"
#include "tests/unit/engine/node_kit.h"

namespace aerodb::engine {
namespace {

using namespace testing;
using sim::CrashKind;

struct ModelDocument {
  std::string json;
  CommitId commit;
};
using Documents = std::map<std::string, ModelDocument>;

// What the node must be: its documents after each commit, its position after each LSN.
class Model {
 public:
  std::vector<Documents> at_commit{1};
  std::vector<Position> at_lsn{1};

  [[nodiscard]] const Documents& newest() const { return at_commit.back(); }
  // The code that one operation must get, or "".
  [[nodiscard]] std::string_view refusal(const std::vector<Op>& ops) const {
    std::map<std::string, int> seen;
    for (const auto& op : ops) {
      const auto found = newest().find(op.id);
      const bool live = found != newest().end();
      if (op.if_commit && *op.if_commit != (live ? found->second.commit : CommitId())) return "PRECONDITION_FAILED";
      if (live && op.op == wal::Operation::kInsert) return "DOCUMENT_EXISTS";
      if (!live && op.op != wal::Operation::kInsert) return "NO_SUCH_DOCUMENT";
    }
    for (const auto& op : ops) {
      if (++seen[op.id] > 1) return "BATCH_INVALID";
    }
    return "";
  }
  void apply(const std::vector<Op>& ops) {
    Documents next = newest();
    const CommitId commit(at_commit.size());
    for (const auto& op : ops) {
      if (op.op == wal::Operation::kDelete)
        next.erase(op.id);
      else
        next[op.id] = {op.json(), commit};
    }
    at_commit.push_back(std::move(next));
  }
  // After a crash: what lies above `end` never was.
  void cut(const Position& end) {
    at_lsn.resize(end.lsn.value() + 1);
    at_commit.resize(end.commit.value() + 1);
  }
};

class ModelRun {
 public:
  ModelRun(uint64_t seed, sim::SimOptions options)
      : world_(seed, options), random_(seed * 7919), node_(world_, settings(seed)) {
    EXPECT_FALSE(node_.start());
    note(node_.engine->newest());
    EXPECT_TRUE(node_.register_schema(kSchema1));
    note(node_.engine->newest());
  }
  void go(int operations) {
    for (int i = 0; i < operations && !::testing::Test::HasFatalFailure(); ++i) {
      write();
      for (uint64_t step = random_.below(6); step > 0; --step) world_.step();
      if (!node_.process->alive() || random_.one_in(25)) crash();
      if (random_.one_in(40))
        node_.process->crash_at_call(1 + random_.below(4), random_.one_in(2) ? CrashKind::kPower : CrashKind::kProcess);
      if (random_.one_in(10)) check_reads();
    }
    crash();
    check_reads();
    EXPECT_TRUE(world_.violations().empty());
  }
  [[nodiscard]] uint64_t crashes() const { return crashes_; }
  [[nodiscard]] uint64_t lost() const { return lost_; }
  [[nodiscard]] uint64_t early_answers() const { return early_answers_; }  // of writes that were not durable yet
  [[nodiscard]] uint64_t commits() const { return model_.at_commit.size() - 1; }

 private:
  static NodeSettings settings(uint64_t seed) {
    NodeSettings s;
    s.geometry = {4, 64 << 10};
    s.writer.group_commit = seed % 3 != 0;
    s.writer.tail_bytes = 8 << 10;
    return s;
  }
  void note(const Position& position) {
    ASSERT_EQ(position.lsn.value(), model_.at_lsn.size());
    model_.at_lsn.push_back(position);
  }
  Op random_op() {
    Op op;
    op.id = std::string(1, static_cast<char>('a' + random_.below(12)));
    op.op = static_cast<wal::Operation>(1 + random_.below(3));
    if (op.op != wal::Operation::kDelete) op.fields = "\"n\":" + std::to_string(random_.below(20));
    if (random_.one_in(6)) {
      const auto found = model_.newest().find(op.id);
      op.if_commit =
          found == model_.newest().end() || random_.one_in(4) ? CommitId(random_.below(3)) : found->second.commit;
    }
    return op;
  }
  void write() {
    std::vector<Op> ops;
    for (uint64_t count = random_.one_in(3) ? 1 + random_.below(4) : 1; count > 0; --count) ops.push_back(random_op());
    const auto expected = model_.refusal(ops);
    auto decided = node_.submit(ops);
    if (code_of(decided.outcome) == "WAL_FULL") return;
    ASSERT_EQ(code_of(decided.outcome), expected);
    const Lsn decided_on = decided.decided_on;
    if (decided.outcome) {
      model_.apply(ops);
      note(*decided.outcome);
      ASSERT_EQ(decided.outcome->commit.value(), model_.at_commit.size() - 1);
    }
    ASSERT_EQ(decided_on.value(), model_.at_lsn.size() - 1);
    node_.engine->hold<Position>(std::move(decided), [this, decided_on](Result<Position> answer) {
      if (code_of(answer) == "OUTCOME_UNKNOWN") return;
      if (node_.engine->visible().lsn < decided_on) {
        ++early_answers_;
      } else {
        answered_ = std::max(answered_, decided_on);
      }
    });
  }
  void crash() {
    ++crashes_;
    node_.crash(random_.one_in(2) ? CrashKind::kPower : CrashKind::kProcess);
    // Recovery itself may be killed too.
    if (random_.one_in(4)) {
      node_.process = std::make_unique<sim::SimProcess>(node_.machine, world_, sim::ProcessOptions{.name = "a"});
      node_.process->crash_at_call(1 + random_.below(40), random_.one_in(2) ? CrashKind::kPower : CrashKind::kProcess);
      (void)node_.start();
      node_.crash(CrashKind::kPower);
    }
    auto refused = node_.start();
    ASSERT_FALSE(refused) << refused->message;
    const auto& end = node_.engine->newest();
    ASSERT_GE(end.lsn, answered_) << "an answered write is gone";
    ASSERT_LT(end.lsn.value(), model_.at_lsn.size());
    const auto& expected = model_.at_lsn[end.lsn.value()];
    ASSERT_EQ(end.digest, expected.digest);
    ASSERT_EQ(end.chain, expected.chain);
    ASSERT_EQ(end.commit, expected.commit);
    lost_ += model_.at_lsn.size() - 1 - end.lsn.value();
    model_.cut(end);
  }
  void check_reads() {
    const CommitId visible = node_.engine->visible().commit;
    const CommitId at(random_.below(visible.value() + 1));
    const auto& documents = model_.at_commit[at.value()];
    for (char id = 'a'; id < 'a' + 12; ++id) {
      const auto got = node_.get(std::string(1, id), at);
      ASSERT_TRUE(got);
      const auto expected = documents.find(std::string(1, id));
      ASSERT_EQ(*got, expected == documents.end() ? "" : expected->second.json);
    }
    check_query(at, documents);
  }
  void check_query(CommitId at, const Documents& documents) {
    const auto bound = static_cast<int>(random_.below(20));
    const Packed value(std::to_string(bound));
    QueryRequest request;
    request.collection = "c";
    request.schema_version = 1;
    const auto comparison = static_cast<Comparison>(random_.below(5));
    request.where.push_back({"n", comparison, value.root()});
    request.descending = random_.one_in(2);
    request.limit = static_cast<uint32_t>(1 + random_.below(8));
    request.at_commit = at;
    auto answer = node_.query(request);
    ASSERT_TRUE(answer) << answer.error().message;
    std::vector<std::pair<int, std::string>> expected;
    for (const auto& [id, document] : documents) {
      const int n = std::stoi(document.json.substr(document.json.find("\"n\":") + 4));
      const bool taken = comparison == Comparison::kEqual         ? n == bound
                         : comparison == Comparison::kLess        ? n < bound
                         : comparison == Comparison::kLessOrEqual ? n <= bound
                         : comparison == Comparison::kGreater     ? n > bound
                                                                  : n >= bound;
      if (taken) expected.emplace_back(n, document.json);
    }
    std::ranges::sort(expected);
    if (request.descending) std::ranges::reverse(expected);
    if (expected.size() > *request.limit) expected.resize(*request.limit);
    ASSERT_EQ(answer->versions.size(), expected.size());
    for (size_t i = 0; i < expected.size(); ++i)
      ASSERT_EQ(*document::to_json(answer->document(answer->versions[i])), expected[i].second);
  }

  sim::SimWorld world_;
  SeededRandom random_;
  TestNode node_;
  Model model_;
  Lsn answered_;
  uint64_t crashes_ = 0;
  uint64_t lost_ = 0;
  uint64_t early_answers_ = 0;
};

TEST(Model, RandomWritesAndCrashesLoseNothingAnswered) {
  uint64_t crashes = 0, lost = 0, commits = 0;
  for (uint64_t seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    ModelRun run(seed, {});
    run.go(150);
    if (HasFatalFailure()) return;
    EXPECT_EQ(run.early_answers(), 0u);
    crashes += run.crashes();
    lost += run.lost();
    commits += run.commits();
  }
  // The faults did happen, and there was something to lose.
  EXPECT_GT(crashes, 400u);
  EXPECT_GT(lost, 100u);
  EXPECT_GT(commits, 1'000u);
}

#if AERODB_FAULTS
TEST(Model, PlantedEarlyAnswersAreCaught) {
  for (auto fault : {Fault::kEarlyAcknowledgement, Fault::kRefusalNotHeld}) {
    ModelRun run(1, {});
    plant(fault);
    run.go(60);
    plant(Fault::kNone);
    EXPECT_GT(run.early_answers(), 5u);
  }
}
#endif

}  // namespace
}  // namespace aerodb::engine
