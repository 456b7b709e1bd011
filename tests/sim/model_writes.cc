// Answers to writes, and what all answers have in common, against the history.
#include <fmt/format.h>

#include <algorithm>

#include "tests/sim/model.h"

namespace aerodb::sim {
namespace {

// Number in an error's details; nullopt where there is none.
std::optional<uint64_t> number_in(const Error& error, std::string_view key) {
  const auto value = error.detail(key);
  return value ? std::optional(std::stoull(std::string(*value))) : std::nullopt;
}

}  // namespace

void Model::unexpected(std::string_view what, const Asked& asked, const Error& error) {
  fail(fmt::format("{} on {}: {} is not justified: {}", what, name(asked.node), error.row().name, error.message));
}

void Model::check_receipt(std::string_view what, const View& view, const std::optional<wire::Receipt>& shown,
                          const wire::Receipt& receipt) {
  const auto where = [&] {
    return fmt::format("{} on {}: answered at LSN {}", what, name(view.asked.node), receipt.lsn.value());
  };
  if (receipt.lsn > view.stay.durable.lsn)
    return fail(fmt::format("{}, durable is {} (WAL-4)", where(), view.stay.durable.lsn.value()));
  if (receipt.lsn < view.asked.lsn)
    return fail(fmt::format("{}, it was at {} when it was asked", where(), view.asked.lsn.value()));
  if (shown && receipt.lsn < shown->lsn)
    return fail(fmt::format("{}, the receipt shown is of {} (REPL-5)", where(), shown->lsn.value()));
  if (shown && shown->lsn > Lsn() && view.history.at(shown->lsn).chain != shown->chain)
    return fail(fmt::format("{}, the receipt shown is of another branch (REPL-7)", where()));
  if (receipt.lsn == Lsn()) return;
  const auto& entry = view.history.at(receipt.lsn);
  if (receipt.chain != entry.chain || receipt.commit_id != entry.commit || receipt.epoch != entry.epoch ||
      receipt.lineage != entry.lineage) {
    fail(fmt::format("{}, and the receipt is of another history", where()));
  }
}

bool Model::departs(const View& view, const std::optional<wire::Receipt>& shown, ErrorCode code) const {
  if (!shown || shown->lsn == Lsn()) return false;
  const auto& entries = view.history.entries;
  const auto in = [&](const auto& entry) { return entry.lineage == shown->lineage; };
  const bool known = std::ranges::any_of(
      entries.begin() + 1, entries.begin() + static_cast<std::ptrdiff_t>(view.stay.durable.lsn.value()) + 1, in);
  if (code == ErrorCode::kLineageEnded) {
    return std::ranges::any_of(entries, in) && entries.back().lineage != shown->lineage &&
           (shown->lsn > view.history.last_lsn() || view.history.at(shown->lsn).lineage != shown->lineage);
  }
  if (code != ErrorCode::kLineageUnknown) return false;
  if (!known || view.asked.lsn == Lsn()) return true;
  const auto before = entries.begin() + static_cast<std::ptrdiff_t>(view.asked.lsn.value()) + 1;
  if (!std::any_of(entries.begin() + 1, before, in)) return true;
  return shown->lsn <= view.history.last_lsn() && view.history.at(shown->lsn).chain != shown->chain;
}

// --- writes

WriteIssue& Model::issue(Asked asked, std::vector<Operation> operations, std::optional<wire::Receipt> shown) {
  WriteIssue& issue = issues_.emplace_back();
  issue.number = issues_.size();
  issue.asked = asked;
  issue.shown = std::move(shown);
  issue.operations = std::move(operations);
  open_issues_.push_back(issue.number);
  return issue;
}

bool Model::are_twins(const WriteIssue& a, const WriteIssue& b) {
  return std::ranges::equal(a.operations, b.operations, [](const Operation& x, const Operation& y) {
    return x.op == wal::Operation::kDelete && y.op == x.op && x.collection == y.collection && x.id == y.id;
  });
}

void Model::set_holder(CommitId commit, uint64_t from, uint64_t to) {
  for (History& history : branches_) {
    if (commit <= history.last_commit() && history.commit_issue[commit.value()] == from)
      history.commit_issue[commit.value()] = to;
  }
}

bool Model::give_to_twin(const History& history, WriteIssue& issue) {
  const CommitId commit = *issue.commit;
  const Lsn before(history.commit_lsn[commit.value()].value() - 1);
  for (uint64_t number : open_issues_) {
    WriteIssue& twin = issues_[number - 1];
    if (!are_twins(issue, twin) || history.evaluate(twin.operations, before).code) continue;
    twin.commit = commit;
    set_holder(commit, issue.number, number);
    issue.commit.reset();
    std::erase(open_issues_, number);
    return true;
  }
  return false;
}

void Model::check_acknowledged(const View& view, WriteIssue& issue, const wire::Receipt& receipt) {
  check_receipt("write", view, issue.shown, receipt);
  if (failed()) return;
  const History& history = view.history;
  const auto what = [&] {
    return fmt::format("write on {}, acknowledged as commit {} at LSN {}", name(view.asked.node),
                       receipt.commit_id.value(), receipt.lsn.value());
  };
  if (history.commit_lsn[receipt.commit_id.value()] != receipt.lsn) return fail(what() + ": that record is no commit");
  const History::EpochFacts* epoch = history.epoch(receipt.epoch);
  if (epoch == nullptr || epoch->instance != view.stay.instance)
    return fail(what() + fmt::format(": it has no authority in epoch {} (AUTH-1)", receipt.epoch.value()));
  const uint64_t holder = history.commit_issue[receipt.commit_id.value()];
  if (holder == issue.number) return;
  // A twin that was not answered yet may have been taken for it.
  WriteIssue& other = issues_[holder - 1];
  if (other.state == WriteIssue::State::kDone || !are_twins(issue, other))
    return fail(what() + ": that commit holds something else");
  if (history.evaluate(issue.operations, Lsn(receipt.lsn.value() - 1)).code)
    return fail(what() + ": it should have been refused");
  if (issue.commit) {
    // Each was taken for the other.
    const Lsn lsn = history.commit_lsn[issue.commit->value()];
    if (history.evaluate(other.operations, Lsn(lsn.value() - 1)).code)
      return fail(what() + ": that commit holds something else");
    set_holder(*issue.commit, issue.number, holder);
  } else {
    std::erase(open_issues_, issue.number);
    open_issues_.push_back(holder);
  }
  set_holder(receipt.commit_id, holder, issue.number);
  other.commit = issue.commit;
  issue.commit = receipt.commit_id;
}

void Model::settle(WriteIssue& issue, const Result<wire::ReceiptResponse>& answer) {
  if (failed()) return;
  if (answer) {
    count(Counter::kWritesAcknowledged);
    on_each_stay(issue.asked, [&](const View& view) { check_acknowledged(view, issue, answer->receipt); });
    issue.state = WriteIssue::State::kDone;
    return;
  }
  const Error& error = answer.error();
  if (error.code == ErrorCode::kConnectionLost || error.code == ErrorCode::kTimedOut ||
      error.code == ErrorCode::kOutcomeUnknown) {
    count(Counter::kWritesUnknown);
    issue.state = WriteIssue::State::kUnknown;
    if (error.code == ErrorCode::kOutcomeUnknown && !nodes_[issue.asked.node].disk_faulty && !reopened(issue.asked))
      unexpected("write", issue.asked, error);
    return;
  }
  // Refused, or never sent: it must never turn up.
  const History& history = branches_[nodes_[issue.asked.node].stays[issue.asked.stay].branch];
  if (issue.commit && !give_to_twin(history, issue)) {
    return fail(fmt::format("write on {}: refused with {}, and it is commit {}", name(issue.asked.node),
                            error.row().name, issue.commit->value()));
  }
  std::erase(open_issues_, issue.number);
  issue.state = WriteIssue::State::kRefused;
  if (error.code == ErrorCode::kUnreachable) return;
  on_each_stay(issue.asked, [&](const View& view) { check_refused(view, issue, error); });
}

void Model::check_refused(const View& view, WriteIssue& issue, const Error& error) {
  const Asked& asked = view.asked;
  const NodeFacts& facts = nodes_[asked.node];
  switch (error.code) {
    case ErrorCode::kNotPrimary:
    case ErrorCode::kSealed:
      count(Counter::kRefusedByRole);
      if (asked.primary_in && !reopened(asked) && ask(asked.node).primary_in == asked.primary_in)
        unexpected("write", asked, error);
      return;
    case ErrorCode::kFenced:
      count(Counter::kRefusedByFence);
      if (!was_fenced(asked)) unexpected("write", asked, error);
      return;
    case ErrorCode::kNotReady:
      count(Counter::kRefusedNotReady);
      if (asked.ready && !reopened(asked)) unexpected("write", asked, error);
      return;
    case ErrorCode::kHalted:
    case ErrorCode::kIo:
    case ErrorCode::kRunDamaged:
      if (!facts.disk_faulty) unexpected("write", asked, error);
      return;
    case ErrorCode::kBehind:
      if (!issue.shown || issue.shown->lsn <= asked.lsn) unexpected("write", asked, error);
      return;
    case ErrorCode::kLineageEnded:
    case ErrorCode::kLineageUnknown:
      count(Counter::kReceiptsGivenUp);
      if (!was_fenced(asked) && !departs(view, issue.shown, error.code)) unexpected("write", asked, error);
      return;
    case ErrorCode::kWalFull:
      count(Counter::kRefusedByRoom);
      if (facts.engine != nullptr && facts.engine->storage().manifest().number == asked.manifest &&
          facts.engine->writer().ring().free_bytes(facts.engine->writer().ring().end()) > max_wal_bytes_ / 2)
        unexpected("write", asked, error);
      nodes_[asked.node].was_full = true;
      return;
    default:
      break;
  }
  // Everything else must be what the model says at some position between the question and now.
  const History::Ruling given{error.code, CommitId(number_in(error, "commit_id").value_or(0))};
  const Lsn durable = view.stay.durable.lsn;
  for (uint64_t lsn = asked.lsn.value(); lsn <= durable.value(); ++lsn) {
    if (!(view.history.evaluate(issue.operations, Lsn(lsn)) == given)) continue;
    const bool by_state = error.code == ErrorCode::kDocumentExists || error.code == ErrorCode::kNoSuchDocument ||
                          error.code == ErrorCode::kPreconditionFailed;
    return count(by_state ? Counter::kRefusedByState : Counter::kRefusedByForm);
  }
  fail(fmt::format("write on {}: {} (commit {}) rests on no durable state between LSN {} and {}: {}", facts.name,
                   error.row().name, given.commit.value(), asked.lsn.value(), durable.value(), error.message));
}

void Model::check_schema_answer(const Asked& asked, const Result<wire::ReceiptResponse>& answer) {
  if (failed()) return;
  if (answer) {
    return on_each_stay(
        asked, [&](const View& view) { check_receipt("schema.register", view, std::nullopt, answer->receipt); });
  }
  const ErrorCode code = answer.error().code;
  const bool expected = nobody_answered(code) || code == ErrorCode::kNotReady || code == ErrorCode::kNotPrimary ||
                        code == ErrorCode::kSealed || code == ErrorCode::kWalFull ||
                        code == ErrorCode::kSchemaInvalid || (code == ErrorCode::kFenced && was_fenced(asked)) ||
                        (code == ErrorCode::kOutcomeUnknown && (nodes_[asked.node].disk_faulty || reopened(asked))) ||
                        (code == ErrorCode::kHalted && nodes_[asked.node].disk_faulty);
  if (!expected) unexpected("schema.register", asked, answer.error());
}

}  // namespace aerodb::sim
