// Answers to reads and status, against the history.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "tests/sim/model.h"

namespace aerodb::sim {

bool Model::is_read_refusal(const View& view, const Read& read, const Error& error) {
  const Asked& asked = view.asked;
  if (nobody_answered(error.code)) return true;
  count(Counter::kReadsRefused);
  bool justified = false;
  switch (error.code) {
    case ErrorCode::kBehind:
      count(Counter::kRefusedBehind);
      justified = (read.at_commit && *read.at_commit > asked.commit) || (read.shown && read.shown->lsn > asked.lsn);
      break;
    case ErrorCode::kBelowFloor:
      count(Counter::kRefusedBelowFloor);
      justified = read.at_commit && *read.at_commit < view.history.floor_at(view.history.last_lsn());
      break;
    case ErrorCode::kNotReady:
      justified = !asked.ready || reopened(asked);
      break;
    case ErrorCode::kHalted:
    case ErrorCode::kIo:
    case ErrorCode::kRunDamaged:
      justified = nodes_[asked.node].disk_faulty;
      break;
    case ErrorCode::kLineageEnded:
    case ErrorCode::kLineageUnknown:
      count(Counter::kReceiptsGivenUp);
      justified = was_fenced(asked) || departs(view, read.shown, error.code);
      break;
    case ErrorCode::kUnknownCollection:
      justified = !view.history.has_schema(read.collection, 1, asked.lsn);
      break;
    case ErrorCode::kUnknownSchema:
      justified = !view.history.has_schema(read.collection, read.schema_version, asked.lsn);
      break;
    default:
      return false;
  }
  if (!justified) unexpected("read", asked, error);
  return true;
}

void Model::check_get(const Read& read, const Result<wire::DocGetResponse>& answer) {
  on_each_stay(read.asked, [&](const View& view) { judge_get(view, read, answer); });
}

void Model::judge_get(const View& view, const Read& read, const Result<wire::DocGetResponse>& answer) {
  const Asked& asked = view.asked;
  const History& history = view.history;
  const auto what = [&] {
    return fmt::format("get {}/{} on {}", collection_name(read.collection), id_name(read.id), name(asked.node));
  };
  if (!answer) {
    if (is_read_refusal(view, read, answer.error())) return;
    if (answer.error().code != ErrorCode::kSchemaNewer) return unexpected("get", asked, answer.error());
    const CommitId from = read.at_commit.value_or(asked.commit);
    const CommitId to = read.at_commit.value_or(view.stay.durable.commit);
    for (uint64_t commit = from.value(); commit <= to.value(); ++commit) {
      const Version* version = history.visible(read.collection, read.id, CommitId(commit));
      if (version != nullptr && version->schema_version > read.schema_version) return;
    }
    return unexpected("get", asked, answer.error());
  }
  count(Counter::kReadsAnswered);
  if (read.at_commit) count(Counter::kReadsOfThePast);
  if (read.shown) count(Counter::kReadsWithReceipt);
  check_receipt("get", view, read.shown, answer->receipt);
  if (failed()) return;
  const CommitId at = answer->data.at_commit;
  if (at < history.floor_at(asked.lsn)) return fail(what() + ": answered below the floor (MVCC-4)");
  if (at != read.at_commit.value_or(answer->receipt.commit_id) || at > answer->receipt.commit_id)
    return fail(fmt::format("{}: answered at commit {}", what(), at.value()));
  if (!history.has_schema(read.collection, read.schema_version, answer->receipt.lsn))
    return fail(what() + ": answered under a schema that is not registered");
  const Version* version = history.visible(read.collection, read.id, at);
  const auto& given = answer->data.version;
  if ((version != nullptr) != given.has_value())
    return fail(fmt::format("{} at commit {}: {}", what(), at.value(),
                            given ? "found, and it is not there" : "not found, and it is there"));
  if (version == nullptr) return;
  if (given->commit_id != version->commit || given->schema_version != version->schema_version ||
      !std::ranges::equal(given->document.bytes, version->document)) {
    return fail(fmt::format("{} at commit {}: the version of commit {}, the model has that of {}", what(), at.value(),
                            given->commit_id.value(), version->commit.value()));
  }
  if (version->schema_version > read.schema_version) fail(what() + ": a newer schema was answered");
}

Model::Walk Model::walk(const History& history, const Query& query, CommitId at) const {
  struct Candidate {
    int64_t key;
    uint32_t id;
    const Version* version;
  };
  std::vector<Candidate> candidates;
  const Read& read = query.read;
  for (uint32_t id = 0; id < ids_; ++id) {
    const Version* version = history.visible(read.collection, id, at);
    if (version == nullptr || (!query.by_id && !version->k)) continue;
    const int64_t key = query.by_id ? id : *version->k;
    const bool in = query.op.empty() || (query.op == "eq" && key == query.k) || (query.op == "lt" && key < query.k) ||
                    (query.op == "le" && key <= query.k) || (query.op == "gt" && key > query.k) ||
                    (query.op == "ge" && key >= query.k);
    if (in) candidates.push_back({key, id, version});
  }
  std::ranges::sort(candidates, {}, [](const Candidate& c) { return std::pair(c.key, c.id); });
  if (query.descending) std::ranges::reverse(candidates);
  Walk walk;
  for (const auto& candidate : candidates) {
    if (walk.found.size() == query.limit) break;
    if (candidate.version->schema_version > read.schema_version) {
      walk.refusal = ErrorCode::kSchemaNewer;
      break;
    }
    walk.found.emplace_back(candidate.id, candidate.version);
  }
  return walk;
}

void Model::check_query(const Query& query, const Result<wire::DocQueryResponse>& answer) {
  on_each_stay(query.read.asked, [&](const View& view) { judge_query(view, query, answer); });
}

void Model::judge_query(const View& view, const Query& query, const Result<wire::DocQueryResponse>& answer) {
  const Read& read = query.read;
  const History& history = view.history;
  if (!answer) {
    if (is_read_refusal(view, read, answer.error())) return;
    const CommitId from = read.at_commit.value_or(view.asked.commit);
    const CommitId to = read.at_commit.value_or(view.stay.durable.commit);
    for (uint64_t commit = from.value(); commit <= to.value(); ++commit) {
      if (walk(history, query, CommitId(commit)).refusal == answer.error().code) return;
    }
    return unexpected("query", read.asked, answer.error());
  }
  count(Counter::kQueriesAnswered);
  if (read.at_commit) count(Counter::kReadsOfThePast);
  if (read.shown) count(Counter::kReadsWithReceipt);
  check_receipt("query", view, read.shown, answer->receipt);
  if (failed()) return;
  const auto& data = answer->data;
  const auto what = [&] {
    return fmt::format("query {} on {} at commit {}", collection_name(read.collection), name(read.asked.node),
                       data.at_commit.value());
  };
  if (data.at_commit != read.at_commit.value_or(answer->receipt.commit_id) ||
      data.at_commit > answer->receipt.commit_id)
    return fail(what() + ": another commit was asked for");
  if (data.at_commit < history.floor_at(view.asked.lsn)) return fail(what() + ": answered below the floor (MVCC-4)");
  const uint64_t bound = query.by_id && query.op == "eq" ? 1 : uint64_t{query.limit} + 1;
  if (data.index != (query.by_id ? "_id" : "k") || data.bound_entries != bound)
    return fail(what() + ": another plan than the rules give");
  const Walk expected = walk(history, query, data.at_commit);
  if (expected.refusal) return fail(what() + ": should have been refused");
  if (data.versions.size() != expected.found.size())
    return fail(fmt::format("{}: {} documents, the model has {}", what(), data.versions.size(), expected.found.size()));
  for (size_t i = 0; i < data.versions.size(); ++i) {
    const Version& version = *expected.found[i].second;
    if (data.versions[i].commit_id != version.commit || data.versions[i].schema_version != version.schema_version ||
        !std::ranges::equal(data.versions[i].document.bytes, version.document)) {
      return fail(fmt::format("{}: document {} differs", what(), i));
    }
  }
}

void Model::check_history(const HistoryRead& asked, const Result<wire::DocHistoryResponse>& answer) {
  on_each_stay(asked.read.asked, [&](const View& view) { judge_history(view, asked, answer); });
}

void Model::judge_history(const View& view, const HistoryRead& asked, const Result<wire::DocHistoryResponse>& answer) {
  const Read& read = asked.read;
  const auto page = [&](CommitId bound, CommitId floor) {
    auto chain = view.history.logical_chain(read.collection, read.id, bound, floor);
    if (asked.before) std::erase_if(chain, [&](const Version& v) { return v.commit >= *asked.before; });
    return chain;
  };
  if (!answer) {
    if (is_read_refusal(view, read, answer.error())) return;
    // Under the lowest floor and the newest commit nothing that a page may hold is missing.
    const auto all = page(view.stay.durable.commit, view.history.floor_at(view.asked.lsn));
    const bool newer =
        std::ranges::any_of(all, [&](const Version& v) { return v.schema_version > read.schema_version; });
    if (answer.error().code != ErrorCode::kSchemaNewer || !newer) unexpected("history", read.asked, answer.error());
    return;
  }
  count(Counter::kHistoriesAnswered);
  if (read.shown) count(Counter::kReadsWithReceipt);
  check_receipt("history", view, read.shown, answer->receipt);
  if (failed()) return;
  const auto& data = answer->data;
  const auto what = [&] {
    return fmt::format("history of {}/{} on {} at commit {}", collection_name(read.collection), id_name(read.id),
                       name(read.asked.node), data.at_commit.value());
  };
  if (data.at_commit != answer->receipt.commit_id || data.floor != view.history.floor_at(answer->receipt.lsn))
    return fail(what() + ": another commit or floor than its receipt's");
  const auto expected = page(data.at_commit, data.floor);
  const size_t shown = std::min<size_t>(expected.size(), asked.limit);
  if (data.versions.size() != shown || data.complete != (shown == expected.size()))
    return fail(fmt::format("{}: {} versions, the model has {}", what(), data.versions.size(), expected.size()));
  for (size_t i = 0; i < shown; ++i) {
    const auto& given = data.versions[i];
    const ByteSpan document = given.document ? given.document->bytes : ByteSpan();
    if (given.commit_id != expected[i].commit || given.schema_version != expected[i].schema_version ||
        !std::ranges::equal(document, expected[i].document))
      return fail(fmt::format("{}: version {} differs", what(), i));
  }
}

void Model::check_status(const Asked& asked, const wire::StatusResponse& answer) {
  if (answer.state == "INITIALIZING" || answer.state == "RECOVERING") return;
  on_each_stay(asked, [&](const View& view) { judge_status(view, answer); });
}

void Model::judge_status(const View& view, const wire::StatusResponse& answer) {
  const std::string who = name(view.asked.node);
  if (answer.durable_lsn > view.stay.durable.lsn || answer.durable_lsn < view.asked.lsn)
    return fail(fmt::format("status of {}: LSN {} was never its durable boundary since it was asked", who,
                            answer.durable_lsn.value()));
  const auto& entry = view.history.at(answer.durable_lsn);
  if (answer.durable_lsn > Lsn() &&
      (answer.chain != entry.chain || answer.digest != entry.digest || answer.epoch != entry.epoch)) {
    return fail(fmt::format("status of {}: chain, digest or epoch at LSN {} are another history's", who,
                            answer.durable_lsn.value()));
  }
  const History::EpochFacts* epoch = view.history.epoch(answer.epoch);
  if (answer.role == "primary" && (epoch == nullptr || epoch->instance != view.stay.instance))
    fail(fmt::format("status of {}: primary of an epoch that is another node's", who));
}

}  // namespace aerodb::sim
