// Running a query (rules QRY-3 to QRY-5): walks the entries of the plan's index and takes the documents they propose.
//
// Each entry, in this order: the version visible at the query's commit is looked up; no document, or one whose value is
// not the entry's, is passed over; then it counts as visited, and more of them than the bound refuse the query
// (QRY-4); then a newer schema refuses it (MVCC-7); then the predicates left are checked. What lies on disk or in
// memory changes none of this, so every node counts the same.
//
// A block that is not at hand ends the call: how far it came stays in QueryProgress, and the next call goes on behind
// the last entry that was done with. The blocks held so far are let go as often as entries were done with, never
// without: with the smallest cache each call still gets further.
//
// A run that is to be explained notes what it does in a QueryRecord. The walk is compiled twice: without one there is
// nothing of it left.
#include <fmt/format.h>

#include <algorithm>
#include <type_traits>
#include <utility>

#include "common/base/checksum.h"
#include "common/engine/engine.h"
#include "common/engine/plan.h"
#include "common/engine/query_record.h"

namespace aerodb::engine {
namespace {

constexpr int kEntriesPerLease = 256;  // a long walk does not hold all that it touched
constexpr int kEntriesAhead = 16;      // whose blocks are fetched together with the one that is missing

// In place of a record where none was asked for.
struct NoRecord {};

template <class Record>
class QueryWalk {
 public:
  QueryWalk(const State& state, const QueryRequest& request, Plan plan, QueryProgress& progress,
            store::LeasedBlocks& blocks, Record& record)
      : state_(state),
        request_(request),
        plan_(std::move(plan)),
        progress_(progress),
        blocks_(blocks),
        record_(record) {
    if (!progress_.last_value.empty()) plan_.go_on_behind(last());
  }

  // Fills progress.answer. nullopt: a block is not at hand.
  Restartable<Result<void>> run() {
    switch (walk()) {
      case Step::kRefused:
        return fail(std::move(*refusal_));
      case Step::kCold:
        if (blocks_.trouble()) return fail(*blocks_.trouble());
        if (done_with_ > 0) blocks_.release();
        return std::nullopt;
      case Step::kGoOn:
      case Step::kLeaseOver:
      case Step::kEnd:
        break;
    }
    return Result<void>();
  }

 private:
  enum class Step : uint8_t { kGoOn, kLeaseOver, kEnd, kCold, kRefused };

  [[nodiscard]] store::TreeKey last() const { return {progress_.last_value, progress_.last_id}; }

  Step walk() {
    if (plan_.empty()) return Step::kEnd;
    if (plan_.rule == PlanRule::kP1) return look_at(plan_.from.view(), visible(plan_.from.view()));
    Step step = walk_one_lease();
    while (step == Step::kLeaseOver) {
      blocks_.release();  // voids what a cursor holds: each lease has its own
      plan_.go_on_behind(last());
      step = walk_one_lease();
    }
    return step;
  }

  Step walk_one_lease() {
    const auto cursor = state_.layers().cursor(request_.collection, plan_.by_id() ? std::string_view() : plan_.index);
    auto at = seek(*cursor);
    for (int i = 0; i < kEntriesPerLease; ++i) {
      if (at == store::CursorState::kCold) return Step::kCold;
      if (at == store::CursorState::kEnd) return Step::kEnd;
      const store::TreeKey entry = cursor->key();
      if (!plan_.reaches(entry)) return Step::kEnd;
      const auto at_hand = cursor->version_at(progress_.at_commit);
      const Step step = look_at(entry, at_hand ? at_hand : visible(entry));
      if (step == Step::kCold) look_ahead(*cursor);
      if (step != Step::kGoOn) return step;
      note_done(entry);
      at = cursor->next(blocks_);
    }
    return Step::kLeaseOver;
  }

  store::CursorState seek(store::EntryCursor& cursor) {
    if (!plan_.descending) return cursor.seek(blocks_, plan_.from.view(), store::Direction::kAscending);
    if (!plan_.to) return cursor.seek_end(blocks_, store::Direction::kDescending);
    return cursor.seek(blocks_, plan_.to->view(), store::Direction::kDescending);
  }

  [[nodiscard]] std::string_view id_of(const store::TreeKey& entry) const {
    return as_text(plan_.by_id() ? entry.first : entry.second);
  }
  [[nodiscard]] std::optional<store::VersionView> visible(const store::TreeKey& entry) const {
    return state_.visible(blocks_, request_.collection, id_of(entry), progress_.at_commit);
  }

  Step look_at(const store::TreeKey& entry, const std::optional<store::VersionView>& version) {
    if (!version) return Step::kCold;
    if (!version->live() || (!plan_.by_id() && !holds(*version, plan_.index, entry.first)))
      return pass_over(entry, version->live());
    note([](auto& record) { record.propose(); });
    if (rules::passes_bound(progress_.visited, plan_.bound_entries)) return refuse_bound();
    ++progress_.visited;
    if (rules::is_newer_schema(version->schema_version, request_.schema_version)) return refuse_newer(entry, *version);
    for (const auto& residual : plan_.residuals) {
      if (satisfies(entry, *version, residual)) continue;
      note([](auto& record) { record.drop_by_predicates(); });
      return Step::kGoOn;
    }
    return take(*version);
  }

  static constexpr bool kRecords = !std::is_same_v<Record, NoRecord>;
  template <class Note>
  void note(Note&& note) {
    if constexpr (kRecords) note(record_);
  }
  Step pass_over([[maybe_unused]] const store::TreeKey& entry, [[maybe_unused]] bool live) {
    if constexpr (kRecords) {
      if (!record_.pass_over(state_, plan_, entry, live, blocks_)) return Step::kCold;
    }
    return Step::kGoOn;
  }

  // Notes what the next entries need too, so that one fetch brings it.
  void look_ahead(store::EntryCursor& cursor) {
    for (int i = 0; i < kEntriesAhead; ++i) {
      if (cursor.next(blocks_) != store::CursorState::kAt || !plan_.reaches(cursor.key())) return;
      (void)visible(cursor.key());
    }
  }

  void note_done(const store::TreeKey& entry) {
    progress_.last_value.assign(entry.first.begin(), entry.first.end());
    progress_.last_id.assign(entry.second.begin(), entry.second.end());
    ++done_with_;
  }

  // An index only proposes (QRY-5).
  bool holds(const store::VersionView& version, std::string_view path, ByteSpan value) {
    key_.clear();
    return document::index_key_of(version.document, path, key_) && store::compare_bytes(key_, value) == 0;
  }
  bool satisfies(const store::TreeKey& entry, const store::VersionView& version, const Residual& residual) {
    if (residual.path == kIdPath) return residual.range.contains(as_bytes(id_of(entry)));
    key_.clear();
    return document::index_key_of(version.document, residual.path, key_) && residual.range.contains(key_);
  }

  Step take(const store::VersionView& version) {
    QueryAnswer& answer = progress_.answer;
    if (version.document.size() > kMaxAnswerBytes - answer.documents.size()) {
      return refuse({ErrorCode::kMessageTooLarge,
                     fmt::format("query {}: the documents are more than {} bytes; ask for fewer of them",
                                 request_.collection, kMaxAnswerBytes),
                     {}});
    }
    if (answer.versions.empty()) reserve(version.document.size());
    answer.versions.push_back(
        {version.commit, version.schema_version, answer.documents.size(), version.document.size()});
    answer.documents.insert(answer.documents.end(), version.document.begin(), version.document.end());
    return answer.versions.size() < plan_.limit ? Step::kGoOn : Step::kEnd;
  }

  // For the usual short answer of documents of one size.
  void reserve(size_t document_bytes) {
    const size_t documents = std::min<size_t>(plan_.limit, 16);
    progress_.answer.versions.reserve(documents);
    progress_.answer.documents.reserve(documents * std::min<size_t>(document_bytes + document_bytes / 4, 1024));
  }

  Step refuse(Error error) {
    refusal_ = std::move(error);
    return Step::kRefused;
  }
  Step refuse_bound() {
    return refuse(Error{
        ErrorCode::kQueryBoundExceeded,
        fmt::format("query {}: more than {} visible entries in the walk of {} (QRY-4)", request_.collection,
                    plan_.bound_entries, plan_.index),
        {}}.with("bound_entries", plan_.bound_entries));
  }
  Step refuse_newer(const store::TreeKey& entry, const store::VersionView& version) {
    note([&](auto& record) { record.meet_newer(id_of(entry), version); });
    return refuse(Error{
        ErrorCode::kSchemaNewer,
        fmt::format("query {}: {} was written under schema version {}, {} was named (MVCC-7)", request_.collection,
                    id_of(entry), version.schema_version, request_.schema_version),
        {}}.with("schema_version", version.schema_version));
  }

  const State& state_;
  const QueryRequest& request_;
  Plan plan_;
  QueryProgress& progress_;
  store::LeasedBlocks& blocks_;
  Record& record_;
  Bytes key_;               // scratch
  uint64_t done_with_ = 0;  // entries, in this call
  std::optional<Error> refusal_;
};

// From the request to the plan, which later calls make again without noting it.
Result<Plan> plan_recorded(const QueryRequest& request, const document::Schema& schema, uint64_t max_entries,
                           QueryRecord& record) {
  std::optional<std::vector<FieldRange>> asked;
  record.note_schema(schema);
  auto plan = make_plan(request, schema, max_entries, &asked);
  if (asked) record.note_fields(*asked);
  return plan;
}

Restartable<Result<void>> walk(const State& state, const QueryRequest& request, Plan plan, QueryProgress& progress,
                               store::LeasedBlocks& blocks) {
  NoRecord none;
  if (progress.record == nullptr) return QueryWalk(state, request, std::move(plan), progress, blocks, none).run();
  auto& record = *progress.record;
  const uint32_t limit = plan.limit;
  auto walked = QueryWalk(state, request, std::move(plan), progress, blocks, record).run();
  if (walked) record.end(progress, limit, *walked ? nullptr : &walked->error());
  return walked;
}

}  // namespace

void QueryProgress::begin_again() {
  QueryProgress fresh;
  fresh.record = std::move(record);
  *this = std::move(fresh);
}

Restartable<Result<QueryAnswer>> Engine::query(const QueryRequest& request, QueryProgress& progress,
                                               store::LeasedBlocks& blocks) const {
  auto* record = progress.record.get();
  // The floor rose above the commit it stood at, which nobody asked for: it begins again at the newest. What a record
  // tells is of one floor.
  if (progress.started &&
      ((!request.at_commit && progress.at_commit < floor()) || (record != nullptr && record->floor() != floor())))
    progress.begin_again();
  const auto at_commit = progress.started ? std::optional(progress.at_commit) : request.at_commit;
  const bool noting = record != nullptr && !progress.started;
  if (noting) record->begin(visible_.lineage, at_commit.value_or(visible_.commit), floor());
  const auto bound = admit_read("query", at_commit, request.receipt);
  if (!bound) return fail(bound.error());
  Error error;
  const auto* schema = schema_for_read(request.collection, request.schema_version, error);
  if (schema == nullptr) return fail(std::move(error));
  auto plan = noting ? plan_recorded(request, schema->schema, options_.max_query_entries, *record)
                     : make_plan(request, schema->schema, options_.max_query_entries);
  if (!plan) return fail(std::move(plan.error()));
  if (!progress.started) {
    progress.started = true;
    progress.at_commit = *bound;
    progress.answer.at_commit = *bound;
    progress.answer.index = plan->index;
    progress.answer.bound_entries = plan->bound_entries;
    progress.answer.plan_hash = sha256(as_bytes(plan_text(*plan, schema->schema)));
    progress.answer.position = visible_;
    if (noting) record->note_plan(*plan, schema->schema, progress.answer.plan_hash, options_.max_query_entries);
  }
  auto walked = walk(state_(), request, std::move(*plan), progress, blocks);
  if (!walked) return std::nullopt;
  if (!*walked) return fail(std::move(walked->error()));
  return std::move(progress.answer);
}

}  // namespace aerodb::engine
