#include "common/engine/query_record.h"

#include <algorithm>

#include "common/base/checksum.h"
#include "common/document/canonical.h"

namespace aerodb::engine {
namespace {

constexpr size_t kMaxValuesKept = 1 << 20;

std::optional<rules::RequestValue> value_of(document::Cursor value) {
  if (value.type() == document::Type::kArray || value.type() == document::Type::kMap) return std::nullopt;
  return rules::RequestValue{Bytes(value.raw().begin(), value.raw().end())};
}

std::optional<std::string> hex_of(const std::optional<Bytes>& key) {
  if (!key) return std::nullopt;
  return to_hex(*key);
}

// Of an IndexCandidate or a PlanCheck.
template <class Evidence>
void note_range(const KeyRange& range, Evidence& evidence) {
  evidence.low = hex_of(range.low);
  evidence.high = hex_of(range.high);
  evidence.low_open = range.low_open;
  evidence.high_open = range.high_open;
}

rules::EntryPlace place_of(const EntryKey& key) { return {to_hex(key.first), to_hex(key.second)}; }

}  // namespace

std::shared_ptr<QueryRecord> QueryRecord::of(const QueryRequest& request) {
  auto record = std::make_shared<QueryRecord>();
  auto& e = record->asked_;
  e.collection = request.collection;
  e.schema_version = request.schema_version;
  for (const auto& predicate : request.where) {
    auto value = value_of(predicate.value);
    if (!value) return nullptr;
    const auto op = kComparisonNames[static_cast<size_t>(predicate.comparison)];
    e.where.push_back({std::string(predicate.field), std::string(op), std::move(*value)});
  }
  if (request.sort) e.sort = *request.sort;
  e.descending = request.descending;
  e.limit = request.limit;
  e.max_entries = request.max_entries;
  if (request.after) {
    e.after = {std::nullopt, std::string(request.after->id)};
    if (request.after->sort_value) {
      e.after->sort_value = value_of(*request.after->sort_value);
      if (!e.after->sort_value) return nullptr;
    }
  }
  record->evidence_ = e;
  return record;
}

void QueryRecord::begin(LineageId lineage, CommitId commit, CommitId floor) {
  evidence_ = asked_;
  evidence_.commit = commit;
  evidence_.floor = floor;
  lineage_ = lineage;
  values_.clear();
  values_kept_ = 0;
}

void QueryRecord::note_schema(const document::Schema& schema) {
  auto& fields = evidence_.indexed_fields.emplace();
  fields.push_back({std::string(kIdPath), std::string(document::field_type_name(document::FieldType::kString))});
  for (auto& path : schema.indexed_paths()) {
    const auto type = document::field_type_name(schema.find(path)->type);
    fields.push_back({std::move(path), std::string(type)});
  }
}

void QueryRecord::note_fields(const std::vector<FieldRange>& asked) {
  auto& candidates = evidence_.candidates.emplace();
  for (const auto& field : *evidence_.indexed_fields) {
    auto& candidate = candidates.emplace_back();
    candidate.path = field.path;
    const auto at = std::ranges::find(asked, field.path, &FieldRange::path);
    if (at != asked.end()) note_range(at->range, candidate);
  }
}

void QueryRecord::note_plan(const Plan& plan, const document::Schema& schema, const Sha256& plan_hash,
                            uint64_t default_max_entries) {
  auto& shown = evidence_.plan.emplace();
  shown.row = plan.rule;
  shown.collection = schema.collection;
  shown.schema_version = schema.version;
  shown.index = plan.index;
  shown.descending = plan.descending;
  shown.from = place_of(plan.from);
  if (plan.to) shown.to = place_of(*plan.to);
  for (const auto& residual : plan.residuals) {
    auto& check = shown.checks.emplace_back();
    check.path = residual.path;
    note_range(residual.range, check);
  }
  shown.limit = plan.limit;
  shown.bound_entries = plan.bound_entries;
  evidence_.plan_hash = plan_hash;
  evidence_.bound_entries = plan.bound_entries;
  const bool by_default = !evidence_.max_entries && plan.rule != PlanRule::kP1 && !plan.residuals.empty();
  if (by_default) evidence_.default_max_entries = default_max_entries;
  for (auto* count : {&evidence_.entries_proposed, &evidence_.dropped_no_document, &evidence_.dropped_other_value,
                      &evidence_.dropped_by_predicates})
    *count = 0;
}

bool QueryRecord::pass_over(const State& state, const Plan& plan, const store::TreeKey& entry, bool live,
                            store::Blocks& blocks) {
  const auto proposed = in_view(state, plan, entry, blocks);
  if (!proposed) return false;
  if (!*proposed) return true;
  ++*evidence_.entries_proposed;
  ++*(live ? evidence_.dropped_other_value : evidence_.dropped_no_document);
  return true;
}

// Whether a version in the view has the entry's value. nullopt: a block is not at hand.
std::optional<bool> QueryRecord::in_view(const State& state, const Plan& plan, const store::TreeKey& entry,
                                         store::Blocks& blocks) {
  if (plan.by_id()) {
    const auto values = values_of(state, as_text(entry.first), kIdPath, blocks);
    return values ? std::optional(!values->empty()) : std::nullopt;
  }
  const auto id = as_text(entry.second);
  auto known = values_.find(id);
  if (known == values_.end()) {
    auto values = values_of(state, id, plan.index, blocks);
    if (!values) return std::nullopt;
    values_kept_ += values->size() + 1;
    if (values_kept_ > kMaxValuesKept) {
      values_.clear();
      values_kept_ = values->size() + 1;
    }
    known = values_.emplace(id, std::move(*values)).first;
  }
  return std::ranges::binary_search(known->second, xxh3_128(entry.first));
}

std::optional<std::vector<QueryRecord::ValueHash>> QueryRecord::values_of(const State& state, std::string_view id,
                                                                          std::string_view path,
                                                                          store::Blocks& blocks) const {
  std::vector<ValueHash> values;
  Bytes key;
  CommitId before = evidence_.commit.next();
  while (true) {
    const auto version = state.listed_below(blocks, evidence_.collection, id, before, evidence_.floor);
    if (!version) return std::nullopt;
    if (!*version) break;
    before = version->commit;
    if (version->tombstone()) continue;
    if (path == kIdPath) return std::vector<ValueHash>(1);  // every document has its _id
    key.clear();
    if (document::index_key_of(version->document, path, key)) values.push_back(xxh3_128(key));
  }
  std::ranges::sort(values);
  return values;
}

void QueryRecord::meet_newer(std::string_view id, const store::VersionView& version) {
  evidence_.newer_version = {std::string(id), version.commit, version.schema_version};
}

void QueryRecord::end(const QueryProgress& progress, uint32_t limit, const Error* error) {
  const QueryAnswer& answer = progress.answer;
  evidence_.entries_visited = progress.visited;
  evidence_.documents_taken = answer.versions.size();
  if (error != nullptr) {
    evidence_.ended_by = error->row().name;
    return;
  }
  evidence_.ended_by = answer.versions.size() == limit ? rules::kEndedByLimit : rules::kEndedByRange;
  evidence_.answer_sha256 = sha256(answer.documents);
}

bool QueryRecord::explains(const Error* refusal) const {
  if (refusal == nullptr || evidence_.ended_by) return true;
  return refusal->code == ErrorCode::kBelowFloor || refusal->code == ErrorCode::kLimitRequired ||
         refusal->code == ErrorCode::kQueryUnbounded;
}

}  // namespace aerodb::engine
