// What one run of a query notes for its explanation: the request, the plan that was made, and what became of every
// entry of the walk. It lives in QueryProgress, so that a run that lacked blocks and went on is noted once.
//
// Only what is logical is noted. An entry was proposed where a version in the view, at the query's commit under the
// floor, has its value; entries of other versions may or may not be in an index, and are passed over without a trace.
#pragma once

#include <array>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "common/engine/plan.h"

namespace aerodb::engine {

class QueryRecord {
 public:
  // nullptr where a value of the request is no scalar: such a query is refused, and no explanation could hold it.
  [[nodiscard]] static std::shared_ptr<QueryRecord> of(const QueryRequest& request);

  // A run begins, or begins again: everything noted so far is void.
  void begin(LineageId lineage, CommitId commit, CommitId floor);
  [[nodiscard]] CommitId floor() const { return evidence_.floor; }
  void note_schema(const document::Schema& schema);
  // `asked`: from make_plan(). `default_max_entries`: the node's.
  void note_fields(const std::vector<FieldRange>& asked);
  void note_plan(const Plan& plan, const document::Schema& schema, const Sha256& plan_hash,
                 uint64_t default_max_entries);

  // --- the walk
  // An entry without a visible document (`live`), or whose visible document has another value. False: a block is not at
  // hand, nothing was noted.
  [[nodiscard]] bool pass_over(const State& state, const Plan& plan, const store::TreeKey& entry, bool live,
                               store::Blocks& blocks);
  // Any other entry.
  void propose() { ++*evidence_.entries_proposed; }
  void drop_by_predicates() { ++*evidence_.dropped_by_predicates; }
  void meet_newer(std::string_view id, const store::VersionView& version);
  // The walk is over; with an error, it broke off.
  void end(const QueryProgress& progress, uint32_t limit, const Error* error);

  // Whether a query that was answered, or refused with this code, is to be explained: any other refusal is answered
  // as it is.
  [[nodiscard]] bool explains(const Error* refusal) const;
  [[nodiscard]] rules::Explanation explain() const { return rules::explain_query(evidence_, lineage_); }
  [[nodiscard]] const rules::QueryEvidence& evidence() const { return evidence_; }

 private:
  using ValueHash = std::array<uint8_t, 16>;
  [[nodiscard]] std::optional<bool> in_view(const State& state, const Plan& plan, const store::TreeKey& entry,
                                            store::Blocks& blocks);
  [[nodiscard]] std::optional<std::vector<ValueHash>> values_of(const State& state, std::string_view id,
                                                                std::string_view path, store::Blocks& blocks) const;

  rules::QueryEvidence asked_;  // the request alone
  LineageId lineage_;
  rules::QueryEvidence evidence_;
  // Hashes of the values that the versions of a document in the view have, sorted, by _id: its versions are looked
  // through once, however many entries it has. Forgotten when there are too many.
  std::map<std::string, std::vector<ValueHash>, std::less<>> values_;
  size_t values_kept_ = 0;
};

}  // namespace aerodb::engine
