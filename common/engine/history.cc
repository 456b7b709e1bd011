// The versions of one document, newest first, as State::listed_below lists them.
#include <fmt/format.h>

#include <algorithm>

#include "common/engine/engine.h"

namespace aerodb::engine {
namespace {

constexpr size_t kMaxPageBytes = kMaxAnswerBytes / 2;  // a page ends early rather than be too large to send

}  // namespace

Restartable<Result<HistoryAnswer>> Engine::history(const HistoryRequest& request, store::LeasedBlocks& blocks) const {
  const auto bound = admit_read("history", std::nullopt, request.receipt);
  if (!bound) return fail(bound.error());
  Error error;
  if (schema_for_read(request.collection, request.schema_version, error) == nullptr) return fail(std::move(error));
  if (request.limit == 0 || request.limit > kMaxHistoryLimit) {
    return fail(ErrorCode::kBadRequest, fmt::format("history {}: limit {}, 1 to {} allowed", request.collection,
                                                    request.limit, kMaxHistoryLimit));
  }
  HistoryAnswer answer{*bound, floor(), {}, false, visible_};
  CommitId before = std::min(request.before_commit.value_or(bound->next()), bound->next());
  size_t page_bytes = 0;
  while (true) {
    const auto version = state_().listed_below(blocks, request.collection, request.id, before, floor());
    if (!version && blocks.trouble()) return fail(*blocks.trouble());
    if (!version) return std::nullopt;
    answer.complete = !*version;
    if (answer.complete || answer.versions.size() == request.limit) return answer;
    page_bytes += version->document.size();
    if (page_bytes > kMaxPageBytes && !answer.versions.empty()) return answer;
    if (version->schema_version > request.schema_version) {
      return fail(Error{
          ErrorCode::kSchemaNewer,
          fmt::format("history {}/{}: commit {} was written under schema version {}, {} was named (MVCC-7)",
                      request.collection, request.id, version->commit.value(), version->schema_version,
                      request.schema_version),
          {}}.with("schema_version", version->schema_version));
    }
    answer.versions.push_back(*version);
    before = version->commit;
  }
}

}  // namespace aerodb::engine
