// An explanation that was changed anywhere does not follow from its evidence any more, and the difference is named.
#include "common/rules/rederive.h"

#include <gtest/gtest.h>

#include "common/document/json.h"
#include "tests/golden/explanations.h"

namespace aerodb::rules::golden {
namespace {

// Copies a value; the leaf with token index `target` becomes another of its kind.
void copy_changed(document::Cursor value, uint32_t target, document::PackWriter& out) {
  using enum document::Type;
  if (value.type() == kMap || value.type() == kArray) {
    const bool map = value.type() == kMap;
    map ? out.map(value.token().size) : out.array(value.token().size);
    auto child = value.first();
    for (uint32_t i = 0; i < value.token().size * (map ? 2 : 1); ++i, child = child.skip())
      copy_changed(child, target, out);
    return;
  }
  if (value.index() != target) {
    out.raw(value.raw());
    return;
  }
  switch (value.type()) {
    case kNil:
      out.boolean(true);
      return;
    case kBool:
      out.boolean(!*value.boolean());
      return;
    case kInt:
      out.integer(*value.integer() + 1);
      return;
    case kString:
      out.text(std::string(*value.text()) + "x");
      return;
    case kBytes: {
      Bytes bytes(value.bytes()->begin(), value.bytes()->end());
      bytes[0] ^= 1;
      out.bytes(bytes);
      return;
    }
    default:
      FAIL() << "explanations hold no such value";
  }
}

Result<Rederivation> rederive_packed(const Bytes& packed) {
  document::Tape tape;
  if (auto parsed = tape.parse(packed); !parsed) return fail(parsed.error());
  return rederive(tape.root());
}

// Token indexes of the leaves below a value, keys included.
void leaves(document::Cursor value, std::vector<uint32_t>& out) {
  const bool map = value.type() == document::Type::kMap;
  if (!map && value.type() != document::Type::kArray) {
    out.push_back(value.index());
    return;
  }
  auto child = value.first();
  for (uint32_t i = 0; i < value.token().size * (map ? 2 : 1); ++i, child = child.skip()) leaves(child, out);
}

// Leaves that are values of the inputs or of a rule's evidence.
std::vector<uint32_t> evidence_values(document::Cursor object) {
  std::vector<uint32_t> out;
  const auto inputs = *object.find("inputs");
  auto input = inputs.first();
  for (uint32_t i = 0; i < inputs.token().size; ++i, input = input.skip().skip()) leaves(input.skip(), out);
  const auto rules = *object.find("rules_applied");
  auto entry = rules.first();
  for (uint32_t i = 0; i < rules.token().size; ++i, entry = entry.skip()) {
    const auto evidence = *entry.find("evidence");
    auto key = evidence.first();
    for (uint32_t j = 0; j < evidence.token().size; ++j, key = key.skip().skip()) leaves(key.skip(), out);
  }
  return out;
}

TEST(Rederive, ChangeOfAnythingButEvidenceDoesNotFollow) {
  for (const auto& golden : all()) {
    document::Tape tape;
    ASSERT_TRUE(tape.parse(golden.explanation.packed));
    const auto evidence = evidence_values(tape.root());
    std::vector<uint32_t> every;
    leaves(tape.root(), every);
    ASSERT_GT(every.size(), evidence.size());
    for (uint32_t leaf : every) {
      if (std::ranges::find(evidence, leaf) != evidence.end()) continue;
      Bytes changed;
      document::PackWriter out(changed);
      copy_changed(tape.root(), leaf, out);
      auto derived = rederive_packed(changed);
      if (!derived) {
        EXPECT_EQ(derived.error().code, ErrorCode::kBadRequest);
        continue;
      }
      EXPECT_FALSE(derived->follows) << golden.name << ": " << document::to_json(tape.root().at(leaf));
      EXPECT_NE(derived->why, "");
    }
  }
}

// Evidence may change without changing the verdict (a floor that is higher but still below the bound): then all of the
// object still agrees.
TEST(Rederive, ChangeOfEvidenceFollowsOnlyWhereEverythingStillAgrees) {
  size_t refused = 0, differs = 0;
  for (const auto& golden : all()) {
    document::Tape tape;
    ASSERT_TRUE(tape.parse(golden.explanation.packed));
    for (uint32_t leaf : evidence_values(tape.root())) {
      Bytes changed;
      document::PackWriter out(changed);
      copy_changed(tape.root(), leaf, out);
      auto derived = rederive_packed(changed);
      if (!derived) {
        ++refused;
        EXPECT_EQ(derived.error().code, ErrorCode::kBadRequest);
        EXPECT_NE(derived.error().message.find("evidence "), std::string::npos) << derived.error().message;
        continue;
      }
      differs += derived->follows ? 0 : 1;
      EXPECT_EQ(derived->follows, derived->json == *document::to_json(changed));
    }
  }
  EXPECT_GT(refused, 200u);
  EXPECT_GT(differs, 20u);
}

// Replaces one text in the JSON of an explanation, everywhere, and re-derives it.
Result<Rederivation> rederive_replaced(const std::string& name, std::string_view from, std::string_view to) {
  for (const auto& golden : all()) {
    if (golden.name != name) continue;
    std::string json = golden.explanation.json;
    EXPECT_NE(json.find(from), std::string::npos) << from;
    for (size_t at = json.find(from); at != std::string::npos; at = json.find(from, at + to.size()))
      json.replace(at, from.size(), to);
    Bytes bytes;
    EXPECT_TRUE(document::from_json(json, bytes));
    return rederive_packed(bytes);
  }
  return fail(ErrorCode::kInternal, "no such golden file: " + name);
}

TEST(Rederive, EvidenceThatFlipsARuleNamesTheRule) {
  struct Case {
    std::string name;
    std::string_view from, to, rule;
  };
  const Case cases[] = {
      {"read-visible", R"("floor":0)", R"("floor":9)", "MVCC-4"},
      {"read-visible", R"("prev_commit":4)", R"("prev_commit":3)", "MVCC-5"},
      {"read-visible", R"("kind":"document")", R"("kind":"tombstone")", "MVCC-3"},
      {"read-visible", R"("candidate_commit":7)", R"("candidate_commit":4)", "MVCC-1"},
      {"read-tombstone", R"("candidate_kind":"tombstone")", R"("candidate_kind":"document")", "MVCC-3"},
      {"safety-read-safe", R"("state":"READY")", R"("state":"HALTED")", "FAIL-2"},
      {"safety-read-safe", R"("fenced":false)", R"("fenced":true)", "AUTH-3"},
      {"safety-read-safe", R"("log_validated":true)", R"("log_validated":false)", "REPL-4"},
      {"safety-read-safe", R"("lineage_known":true)", R"("lineage_known":false)", "REPL-7"},
      {"safety-read-safe", R"("applied_lsn":20)", R"("applied_lsn":17)", "REPL-5"},
      {"safety-read-safe", R"("floor":0)", R"("floor":16)", "MVCC-4"},
      {"safety-read-safe", R"("source_lsn":20)", R"("source_lsn":null)", "REPL-1"},
      {"demote-granted", R"("state":"READY")", R"("state":"RECOVERING")", "AUTH-7"},
      {"demote-granted", R"("role":"primary")", R"("role":"replica")", "AUTH-9"},
      {"demote-granted", R"("successor":"r1")", R"("successor":null)", "AUTH-10"},
      {"promote-granted", R"("log_validated":true)", R"("log_validated":false)", "AUTH-8"},
      {"promote-granted", R"("seal_successor":"r1")", R"("seal_successor":"r2")", "AUTH-5"},
      {"promote-granted", R"("declined_here":false)", R"("declined_here":true)", "AUTH-6"},
      {"promote-granted", R"("seal_lsn":41)", R"("seal_lsn":null)", "AUTH-4"},
      {"decline-granted", R"("seal_successor":"r1")", R"("seal_successor":"r2")", "AUTH-12"},
      {"checkpoint-accepted", R"("step":"manifest_synced")", R"("step":"manifest_renamed")", "CKPT-1"},
      {"checkpoint-accepted", R"("released_sequence":2)", R"("released_sequence":3)", "CKPT-2"},
      {"checkpoint-accepted", R"("next_run":6)", R"("next_run":5)", "CKPT-3"},
      {"checkpoint-accepted", R"("drop_floor":12)", R"("drop_floor":13)", "CKPT-4"},
      {"checkpoint-accepted", R"("checksum_holds":true)", R"("checksum_holds":false)", "CKPT-5"},
      {"checkpoint-accepted", R"("floor_before":8)", R"("floor_before":13)", "CKPT-6"},
      {"halt-digest", R"("state":"HALTED")", R"("state":"READY")", "FAIL-2"},
      {"halt-digest", R"("cause_gone":null)", R"("cause_gone":false)", "FAIL-4"},
      {"halt-digest", R"("halt_rule":"REC-6")", R"("halt_rule":"REC-5")", "REC-5"},
      {"halt-none", R"("fenced":false)", R"("fenced":true)", "FAIL-2"},
      {"promotion-granted", R"("state":"READY")", R"("state":"HALTED")", "AUTH-7"},
      {"promotion-granted", R"("log_validated":true)", R"("log_validated":false)", "AUTH-8"},
      {"promotion-granted", R"("seal_lsn":41)", R"("seal_lsn":null)", "AUTH-4"},
      {"promotion-granted", R"("seal_successor":"r1")", R"("seal_successor":"r2")", "AUTH-5"},
      {"promotion-granted", R"("declined_here":false)", R"("declined_here":true)", "AUTH-6"},
      {"promotion-granted", R"("answers_seal_lsn":41)", R"("answers_seal_lsn":40)", "AUTH-2"},
      {"promotion-granted-on-a-decline", R"("decline_node":"r1")", R"("decline_node":"r2")", "AUTH-11"},
      {"promotion-end-granted", R"("lost":"p1")", R"("lost":"r2")", "AUTH-15"},
      {"promotion-end-granted", R"("absent":true)", R"("absent":false)", "AUTH-13"},
      {"promotion-end-granted", R"("durable_lsn":40)", R"("durable_lsn":44)", "AUTH-14"},
      {"query-answered", R"("floor":4)", R"("floor":39)", "MVCC-4"},
      {"query-answered", R"("limit":2)", R"("limit":0)", "QRY-1"},
      {"query-answered", R"("index":"kind")", R"("index":"weight")", "QRY-2"},
      {"query-answered", R"("outcome":"chosen")", R"("outcome":"no row")", "QRY-2"},
      {"query-answered", R"("bound_by":"max_entries")", R"("bound_by":"limit + 1")", "QRY-3"},
      {"query-answered", R"("ended_by":"limit")", R"("ended_by":"QUERY_BOUND_EXCEEDED")", "QRY-4"},
      {"query-schema-newer", R"("schema_version":3)", R"("schema_version":2)", "MVCC-7"},
      {"query-answered", R"("dropped_no_document":1)", R"("dropped_no_document":2)", "QRY-5"},
      {"recovery-recovered", R"("node":"p1")", R"("node":"p2")", "REC-8"},
      {"recovery-recovered", R"("held_by_another":false)", R"("held_by_another":true)", "REC-7"},
      {"recovery-recovered", R"("verified":true)", R"("verified":false)", "CKPT-5"},
      {"recovery-recovered", R"("next_run":6)", R"("next_run":5)", "CKPT-3"},
      {"recovery-recovered", R"("first_replayed_chain_before":"c9)", R"("first_replayed_chain_before":"c8)", "REC-4"},
      {"recovery-recovered", R"("later_segment":null)", R"("later_segment":7)", "REC-2"},
      {"recovery-recovered", R"("bound_lsn":93)", R"("bound_lsn":114)", "REC-3"},
      {"recovery-recovered", R"("end_lsn":113)", R"("end_lsn":null)", "REC-4"},
      {"recovery-recovered", R"("replayed_digest":"d4)", R"("replayed_digest":"d5)", "REC-6"},
      {"recovery-recovered", R"({"name":"MANIFEST"},)", "", "REC-9"},
      {"recovery-recovered", R"("rewrites_last_frame":true)", R"("rewrites_last_frame":false)", "REC-5"},
  };
  for (const auto& row : cases) {
    auto derived = rederive_replaced(row.name, row.from, row.to);
    ASSERT_TRUE(derived) << row.name << ' ' << row.to << ": " << derived.error().message;
    EXPECT_FALSE(derived->follows) << row.name << ' ' << row.to;
    EXPECT_NE(derived->why.find(row.rule), std::string::npos) << row.name << ' ' << row.to << ": " << derived->why;
  }
}

TEST(Rederive, OtherDifferencesNameTheirTopLevelKey) {
  EXPECT_EQ(rederive_replaced("read-none", R"("result":"no visible version")", R"("result":"visible")")->why,
            "conclusion");
  EXPECT_EQ(rederive_replaced("promote-granted", R"("code":null)", R"("code":"PROMOTION_DENIED")")->why, "conclusion");
  EXPECT_EQ(rederive_replaced("safety-read-safe", "\"inputs\":{\"commit\":15,\"own_lsn\":20}",
                              "\"inputs\":{\"own_lsn\":20,\"commit\":15}")
                ->why,
            "inputs");
  const auto contradicts =
      rederive_replaced("safety-read-safe", R"("inputs":{"commit":15)", R"("inputs":{"commit":14)");
  ASSERT_FALSE(contradicts);
  EXPECT_NE(contradicts.error().message.find("evidence commit "), std::string::npos) << contradicts.error().message;
}

TEST(Rederive, WhatHasNotTheFormIsRefused) {
  for (std::string_view json :
       {"[]", "{}", "1",
        R"({"explanation_type":"x","observed_snapshot":{},"inputs":{},"rules_applied":[],"conclusion":{}})"}) {
    Bytes bytes;
    ASSERT_TRUE(document::from_json(json, bytes));
    auto derived = rederive_packed(bytes);
    ASSERT_FALSE(derived) << json;
    EXPECT_EQ(derived.error().code, ErrorCode::kBadRequest);
  }
  for (std::string_view part :
       {R"("rules_applied":[)", R"("evidence":{)", R"("snapshot_id":")", R"("explanation_type":")"}) {
    for (const auto& golden : all()) {
      std::string to(part.substr(0, part.size() - 1));
      to += part.back() == '[' ? "[1," : part.back() == '{' ? "{\"zz\":1," : "\"zz";
      const auto derived = rederive_replaced(golden.name, part, to);
      EXPECT_TRUE(!derived || !derived->follows) << golden.name << ' ' << part;
    }
  }
}

}  // namespace
}  // namespace aerodb::rules::golden
