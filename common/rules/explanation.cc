#include "common/rules/explanation.h"

#include <fmt/format.h>

#include <bit>

#include "common/base/checksum.h"
#include "common/document/json.h"

namespace aerodb::rules {
namespace {

struct TypeName {
  ExplanationType type;
  std::string_view name;
};
constexpr TypeName kTypeNames[] = {
    {ExplanationType::kReadVisibility, "mvcc.read_visibility"},
    {ExplanationType::kQueryExecution, "query.execution"},
    {ExplanationType::kRecovery, "recovery.process"},
    {ExplanationType::kCheckpointSafety, "checkpoint.safety"},
    {ExplanationType::kReplicationSafety, "replication.safety"},
    {ExplanationType::kHalt, "node.halt"},
    {ExplanationType::kPromotionDecision, "promotion.decision"},
    {ExplanationType::kControlCommand, "control.command"},
};

void pack_entry(const RuleEntry& entry, document::PackWriter& out) {
  const Rule& row = rule(entry.rule);
  out.map(4);
  out.field("rule_id", row.name);
  out.field("description", fmt::format("INVARIANTS.md#{}: {}", row.name, row.text));
  out.text("evaluation");
  if (entry.evaluation == Evaluation::kUndetermined)
    out.nil();
  else
    out.boolean(entry.evaluation == Evaluation::kTrue);
  out.text("evidence");
  // "missing" is an evidence key like any other and stands in byte order among them.
  const bool with_missing = entry.evaluation == Evaluation::kUndetermined;
  out.map(static_cast<uint32_t>(entry.evidence.size() + (with_missing ? 1 : 0)));
  bool missing_written = !with_missing;
  auto write_missing = [&] {
    out.text("missing");
    out.array(static_cast<uint32_t>(entry.missing.size()));
    for (const auto& name : entry.missing) out.text(name);
    missing_written = true;
  };
  for (const auto& [name, packed] : entry.evidence) {
    if (!missing_written && name > "missing") write_missing();
    out.text(name);
    out.raw(packed);
  }
  if (!missing_written) write_missing();
}

std::string json_of(ByteSpan packed) {
  auto json = document::to_json(packed);
  AERODB_ASSERT(json.has_value());  // written by this file
  return std::move(*json);
}

std::unexpected<Error> malformed(std::string_view what) {
  return fail(ErrorCode::kBadRequest, fmt::format("explanation: {}", what));
}

std::optional<ObservedSnapshot> read_observed(document::Cursor snapshot) {
  if (snapshot.type() != document::Type::kMap) return std::nullopt;
  auto id = snapshot.find("snapshot_id");
  auto commit = snapshot.find("commit_id");
  auto text = id ? id->text() : std::nullopt;
  auto number = commit ? commit->unsigned_integer() : std::nullopt;
  if (!text || !number || text->size() < 33 || (*text)[32] != ':') return std::nullopt;
  auto lineage = id_from_hex<LineageId>(text->substr(0, 32));
  if (!lineage || text->substr(33) != std::to_string(*number)) return std::nullopt;
  return ObservedSnapshot{*lineage, CommitId(*number)};
}

}  // namespace

void pack_request_value(const RequestValue& value, document::PackWriter& out) {
  document::Tape tape;
  if (!tape.parse(value.packed)) return out.nil();
  const auto root = tape.root();
  if (auto number = root.number()) {
    out.map(1);
    out.field("float64", fmt::format("{:016x}", std::bit_cast<uint64_t>(*number)));
  } else if (auto integer = root.integer()) {
    out.integer(*integer);
  } else if (auto text = root.text()) {
    out.text(*text);
  } else {
    out.raw(value.packed);
  }
}

std::string_view explanation_type_name(ExplanationType type) { return kTypeNames[static_cast<size_t>(type)].name; }

Explanation render_explanation(ExplanationType type, const ObservedSnapshot& observed,
                               const std::function<void(document::PackWriter&)>& inputs,
                               const std::vector<RuleEntry>& rules,
                               const std::function<void(document::PackWriter&)>& conclusion) {
  Explanation explanation;
  document::PackWriter out(explanation.packed);
  out.map(5);
  out.field("explanation_type", explanation_type_name(type));
  out.text("observed_snapshot");
  out.map(2);
  out.field("snapshot_id", fmt::format("{}:{}", to_hex(observed.lineage), observed.commit.value()));
  out.field("commit_id", observed.commit);
  out.text("inputs");
  inputs(out);
  out.text("rules_applied");
  out.array(static_cast<uint32_t>(rules.size()));
  for (const auto& entry : rules) {
    size_t begin = explanation.packed.size();
    pack_entry(entry, out);
    explanation.rule_sha256.push_back(sha256(as_bytes(json_of(ByteSpan(explanation.packed).subspan(begin)))));
  }
  out.text("conclusion");
  conclusion(out);
  explanation.json = json_of(explanation.packed);
  explanation.sha256 = sha256(as_bytes(explanation.json));
  return explanation;
}

Result<ExplanationReader> ExplanationReader::open(document::Cursor object) {
  if (object.type() != document::Type::kMap || object.token().size != 5) return malformed("not a map of five keys");
  ExplanationReader reader;
  auto type = object.find("explanation_type");
  auto observed = object.find("observed_snapshot");
  auto inputs = object.find("inputs");
  auto rules = object.find("rules_applied");
  if (!type || !observed || !inputs || !rules || !object.find("conclusion"))
    return malformed("a top-level key is absent");
  bool known = false;
  for (const auto& row : kTypeNames) {
    if (type->text() == row.name) {
      reader.type_ = row.type;
      known = true;
    }
  }
  if (!known) return malformed("unknown explanation_type");
  auto snapshot = read_observed(*observed);
  if (!snapshot) return malformed("observed_snapshot is not {snapshot_id, commit_id}");
  if (inputs->type() != document::Type::kMap) return malformed("inputs is not a map");
  if (rules->type() != document::Type::kArray) return malformed("rules_applied is not an array");
  reader.observed_ = *snapshot;
  reader.inputs_ = *inputs;
  reader.rules_ = *rules;
  return reader;
}

std::optional<document::Cursor> ExplanationReader::find(std::string_view name) const {
  std::optional<document::Cursor> found = inputs_.find(name);
  auto entry = rules_.first();
  for (uint32_t i = 0; i < rules_.token().size; ++i, entry = entry.skip()) {
    if (entry.type() != document::Type::kMap) return std::nullopt;
    auto evidence = entry.find("evidence");
    if (!evidence || evidence->type() != document::Type::kMap) return std::nullopt;
    auto value = evidence->find(name);
    if (!value) continue;
    if (found && !std::ranges::equal(found->raw(), value->raw())) return std::nullopt;
    found = value;
  }
  return found;
}

}  // namespace aerodb::rules
