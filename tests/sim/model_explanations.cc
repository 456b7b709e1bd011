// Explanations of reads: they follow from their own evidence, and agree with the history and with what the same node
// answered to the same read.
#include <fmt/format.h>

#include <algorithm>

#include "common/base/checksum.h"
#include "common/rules/rederive.h"
#include "tests/sim/model.h"

namespace aerodb::sim {
namespace {

// A value of a rule's evidence.
std::optional<document::Cursor> evidence(document::Cursor object, std::string_view rule, std::string_view name) {
  const auto rules = *object.find("rules_applied");
  auto entry = rules.first();
  for (uint32_t i = 0; i < rules.token().size; ++i, entry = entry.skip()) {
    if (entry.find("rule_id")->text() == rule) return entry.find("evidence")->find(name);
  }
  return std::nullopt;
}

std::optional<uint64_t> number(std::optional<document::Cursor> value) {
  return value ? value->unsigned_integer() : std::nullopt;
}

bool is_hash(std::optional<document::Cursor> value, const Sha256& hash) {
  const auto bytes = value ? value->bytes() : std::nullopt;
  return bytes && std::ranges::equal(*bytes, hash);
}

}  // namespace

std::optional<document::Tape> Model::rederived(const std::string& what, const wire::ExplanationResponse& answer) {
  document::Tape tape;
  if (!tape.parse(answer.explanation.bytes)) {
    fail(what + ": not an object");
    return std::nullopt;
  }
  auto again = rules::rederive(tape.root());
  if (!again) {
    fail(fmt::format("{}: {}", what, again.error().message));
  } else if (!again->follows) {
    fail(fmt::format("{}: the rules give another explanation, first at {}", what, again->why));
  } else if (sha256(as_bytes(again->json)) != answer.sha256) {
    fail(what + ": its hash is not that of its JSON");
  }
  if (failed()) return std::nullopt;
  count(Counter::kExplanationsRederived);
  return tape;
}

bool Model::is_same_stay(const View& view, const Told& told) const {
  const NodeFacts& facts = nodes_[view.asked.node];
  return told.stay == view.asked.stay && told.stay + 1 == facts.stays.size();
}

void Model::check_explanation(const Read& read, const Told& told, const Result<wire::ExplanationResponse>& answer) {
  on_each_stay(read.asked, [&](const View& view) { judge_explanation(view, read, told, answer); });
}

void Model::judge_explanation(const View& view, const Read& read, const Told& told,
                              const Result<wire::ExplanationResponse>& answer) {
  const History& history = view.history;
  if (!answer) {
    if (!is_read_refusal(view, read, answer.error())) unexpected("explain.read", read.asked, answer.error());
    return;
  }
  const auto what = fmt::format("explain.read {}/{} on {} at commit {}", collection_name(read.collection),
                                id_name(read.id), name(read.asked.node), read.at_commit->value());
  const auto tape = rederived(what, *answer);
  if (!tape) return;
  const auto conclusion = tape->root().find("conclusion");
  const auto version = conclusion ? conclusion->find("visible_version") : std::nullopt;
  // Below the floor it shows why the read is refused; the floor may have risen on the way.
  if (!version && *read.at_commit < history.floor_at(history.last_lsn())) return;
  if (*read.at_commit < history.floor_at(view.asked.lsn)) return fail(what + ": a version below the floor (MVCC-4)");
  const Version* expected = history.visible(read.collection, read.id, *read.at_commit);
  if (version.has_value() != (expected != nullptr)) return fail(what + ": its conclusion is not what a read answers");
  if (version && number(version->find("commit_id")) != expected->commit.value())
    return fail(what + ": it concludes another version than a read answers");
  if (!is_same_stay(view, told)) return;
  if (told.get) count(Counter::kExplanationsAgreed);
  if (told.get && told.get->version != (expected == nullptr ? std::nullopt : std::optional(expected->commit)))
    return fail(what + ": it does not agree with the answer");
  if (told.history && number(evidence(tape->root(), "MVCC-4", "floor")) == told.history->floor.value())
    judge_history_told(what, tape->root(), *told.history);
}

// Behind those that the page left out stand its own, and nothing else where it was complete.
void Model::judge_history_told(const std::string& what, document::Cursor object, const HistoryTold& told) {
  count(Counter::kExplanationsAgreed);
  const auto versions = *evidence(object, "MVCC-5", "versions");
  auto version = versions.first();
  size_t compared = 0;
  for (uint32_t i = 0; i < versions.token().size; ++i, version = version.skip()) {
    const CommitId commit(number(version.find("commit")).value_or(0));
    if (told.before && commit >= *told.before) continue;
    if (compared == told.versions.size()) {
      if (told.complete) fail(what + ": the page was complete, and it shows another version");
      return;
    }
    if (told.versions[compared++] != commit) return fail(what + ": it does not agree with the page");
  }
  if (compared != told.versions.size()) fail(what + ": the page had more versions");
}

void Model::check_query_explanation(const Query& query, const Told& told,
                                    const Result<wire::ExplanationResponse>& answer) {
  on_each_stay(query.read.asked, [&](const View& view) { judge_query_explanation(view, query, told, answer); });
}

void Model::judge_query_explanation(const View& view, const Query& query, const Told& told,
                                    const Result<wire::ExplanationResponse>& answer) {
  const Read& read = query.read;
  const History& history = view.history;
  if (!answer) {
    if (!is_read_refusal(view, read, answer.error())) unexpected("explain.query", read.asked, answer.error());
    return;
  }
  const CommitId at = *read.at_commit;
  const auto what = fmt::format("explain.query {} on {} at commit {}", collection_name(read.collection),
                                name(read.asked.node), at.value());
  const auto tape = rederived(what, *answer);
  if (!tape) return;
  const auto object = tape->root();
  const auto status = object.find("conclusion")->find("status");
  const auto code = object.find("conclusion")->find("code");
  if (status->text() == "incomplete" && nodes_[read.asked.node].disk_faulty) return;
  if (code && code->text() == "BELOW_FLOOR" && at < history.floor_at(history.last_lsn())) return;
  const Walk expected = walk(history, query, at);
  const auto refusal = expected.refusal ? error_row(*expected.refusal).name : std::string_view();
  if (status->text() != (expected.refusal ? "refused" : "answered") || code->text().value_or("") != refusal)
    return fail(what + ": its conclusion is not what the query answers");
  if (expected.refusal) return;
  Sha256Stream documents;
  for (const auto& [id, version] : expected.found) documents.update(version->document);
  if (number(evidence(object, "QRY-5", "documents_taken")) != expected.found.size() ||
      !is_hash(evidence(object, "QRY-5", "answer_sha256"), documents.finish()))
    return fail(what + ": it took other documents than the model has");
  if (object.find("conclusion")->find("guarantees")->token().size != 7)
    return fail(what + ": a rule does not hold of an answered query");
  if (!is_same_stay(view, told) || !told.query) return;
  count(Counter::kExplanationsAgreed);
  if (!is_hash(evidence(object, "QRY-2", "plan_hash"), told.query->plan_hash) ||
      !is_hash(evidence(object, "QRY-5", "answer_sha256"), told.query->documents) ||
      number(evidence(object, "QRY-3", "bound_entries")) != told.query->bound_entries)
    fail(what + ": it does not agree with the answer");
}

}  // namespace aerodb::sim
