// Answers to writes, and what all answers have in common, against the history.
#include <fmt/format.h>

#include <algorithm>

#include "tests/sim/model.h"

namespace aerodb::sim {
namespace {

// Number in an error's details; nullopt where there is none.
std::optional<uint64_t> detail(const Error& error, std::string_view key) {
  for (const auto& entry : error.details) {
    if (entry.key == key) return std::stoull(entry.value);
  }
  return std::nullopt;
}

}  // namespace

const Model::Version* Model::newest(uint32_t collection, uint32_t id, CommitId bound) const {
  const auto& chain = versions(collection, id);
  for (size_t i = chain.size(); i-- > 0;) {
    if (chain[i].commit <= bound) return &chain[i];
  }
  return nullptr;
}

const Model::Version* Model::visible(uint32_t collection, uint32_t id, CommitId bound) const {
  const Version* version = newest(collection, id, bound);
  return version != nullptr && version->schema_version > 0 ? version : nullptr;
}

std::optional<CommitId> Model::live(uint32_t collection, uint32_t id) const {
  const Version* version = visible(collection, id, last_commit());
  return version == nullptr ? std::nullopt : std::optional(version->commit);
}

void Model::unexpected(std::string_view what, const Asked& asked, const Error& error) {
  fail(fmt::format("{} on {}: {} is not justified: {}", what, name(asked.node), error.row().name, error.message));
}

void Model::check_receipt(std::string_view what, const Asked& asked, const std::optional<wire::Receipt>& shown,
                          const wire::Receipt& receipt) {
  const NodeFacts& facts = nodes_[asked.node];
  const auto where = [&] { return fmt::format("{} on {}: answered at LSN {}", what, facts.name, receipt.lsn.value()); };
  if (receipt.lsn > facts.durable.lsn)
    return fail(fmt::format("{}, durable is {} (WAL-4)", where(), facts.durable.lsn.value()));
  if (receipt.lsn < asked.lsn)
    return fail(fmt::format("{}, it was at {} when it was asked", where(), asked.lsn.value()));
  if (shown && receipt.lsn < shown->lsn)
    return fail(fmt::format("{}, the receipt shown is of {} (REPL-5)", where(), shown->lsn.value()));
  if (receipt.lsn == Lsn()) return;
  const Entry& entry = history_[receipt.lsn.value()];
  if (receipt.chain != entry.chain || receipt.commit_id != entry.commit || receipt.epoch != entry.epoch ||
      receipt.lineage != lineage_) {
    fail(fmt::format("{}, and the receipt is of another history", where()));
  }
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

Model::Verdict Model::evaluate(const std::vector<Operation>& operations, Lsn at) const {
  const CommitId bound = history_[at.value()].commit;
  for (const auto& operation : operations) {
    if (!has_schema(operation.collection, 1, at)) return {ErrorCode::kUnknownCollection, {}};
    if (operation.op == wal::Operation::kDelete) continue;
    if (!has_schema(operation.collection, operation.schema_version, at)) return {ErrorCode::kUnknownSchema, {}};
    if (operation.form_error) return {operation.form_error, {}};
  }
  for (const auto& operation : operations) {
    const Version* live = visible(operation.collection, operation.id, bound);
    const CommitId commit = live == nullptr ? CommitId() : live->commit;
    if (operation.if_commit && *operation.if_commit != commit) return {ErrorCode::kPreconditionFailed, commit};
    const bool insert = operation.op == wal::Operation::kInsert;
    if (insert && live != nullptr) return {ErrorCode::kDocumentExists, commit};
    if (!insert && live == nullptr) return {ErrorCode::kNoSuchDocument, {}};
  }
  for (size_t i = 1; i < operations.size(); ++i) {
    for (size_t j = 0; j < i; ++j) {
      if (operations[i].collection == operations[j].collection && operations[i].id == operations[j].id)
        return {ErrorCode::kBatchInvalid, {}};
    }
  }
  return {};
}

bool Model::are_twins(const WriteIssue& a, const WriteIssue& b) {
  return std::ranges::equal(a.operations, b.operations, [](const Operation& x, const Operation& y) {
    return x.op == wal::Operation::kDelete && y.op == x.op && x.collection == y.collection && x.id == y.id;
  });
}

bool Model::give_to_twin(WriteIssue& issue) {
  const CommitId commit = *issue.commit;
  const Lsn before(commit_lsn_[commit.value()].value() - 1);
  for (uint64_t number : open_issues_) {
    WriteIssue& twin = issues_[number - 1];
    if (!are_twins(issue, twin) || evaluate(twin.operations, before).code) continue;
    twin.commit = commit;
    commit_issue_[commit.value()] = number;
    issue.commit.reset();
    std::erase(open_issues_, number);
    return true;
  }
  return false;
}

void Model::check_acknowledged(WriteIssue& issue, const wire::Receipt& receipt) {
  count(Counter::kWritesAcknowledged);
  check_receipt("write", issue.asked, issue.shown, receipt);
  if (failed()) return;
  const auto what = [&] {
    return fmt::format("write on {}, acknowledged as commit {} at LSN {}", name(issue.asked.node),
                       receipt.commit_id.value(), receipt.lsn.value());
  };
  if (commit_lsn_[receipt.commit_id.value()] != receipt.lsn) return fail(what() + ": that record is no commit");
  uint64_t& holder = commit_issue_[receipt.commit_id.value()];
  if (holder != issue.number) {
    // A twin that was not answered yet may have been taken for it.
    WriteIssue& other = issues_[holder - 1];
    if (other.state == WriteIssue::State::kDone || !are_twins(issue, other))
      return fail(what() + ": that commit holds something else");
    if (evaluate(issue.operations, Lsn(receipt.lsn.value() - 1)).code)
      return fail(what() + ": it should have been refused");
    other.commit = issue.commit;
    if (issue.commit) {
      // Each was taken for the other.
      const Lsn lsn = commit_lsn_[issue.commit->value()];
      if (evaluate(other.operations, Lsn(lsn.value() - 1)).code)
        return fail(what() + ": that commit holds something else");
      commit_issue_[issue.commit->value()] = other.number;
    } else {
      std::erase(open_issues_, issue.number);
      open_issues_.push_back(other.number);
    }
    issue.commit = receipt.commit_id;
    holder = issue.number;
  }
  const EpochFacts& epoch = epochs_[receipt.epoch.value() - 1];
  if (epoch.instance != nodes_[issue.asked.node].instance)
    fail(what() + fmt::format(": it has no authority in epoch {} (AUTH-1)", receipt.epoch.value()));
}

void Model::settle(WriteIssue& issue, const Result<wire::ReceiptResponse>& answer) {
  if (failed()) return;
  if (answer) {
    check_acknowledged(issue, answer->receipt);
    issue.state = WriteIssue::State::kDone;
    return;
  }
  const Error& error = answer.error();
  if (error.code == ErrorCode::kConnectionLost || error.code == ErrorCode::kTimedOut ||
      error.code == ErrorCode::kOutcomeUnknown) {
    count(Counter::kWritesUnknown);
    issue.state = WriteIssue::State::kUnknown;
    if (error.code == ErrorCode::kOutcomeUnknown && !nodes_[issue.asked.node].disk_faulty)
      unexpected("write", issue.asked, error);
    return;
  }
  // Refused, or never sent: it must never turn up.
  if (issue.commit && !give_to_twin(issue)) {
    return fail(fmt::format("write on {}: refused with {}, and it is commit {}", name(issue.asked.node),
                            error.row().name, issue.commit->value()));
  }
  std::erase(open_issues_, issue.number);
  issue.state = WriteIssue::State::kRefused;
  if (error.code != ErrorCode::kUnreachable) check_refused(issue, error);
}

void Model::check_refused(WriteIssue& issue, const Error& error) {
  const Asked& asked = issue.asked;
  const NodeFacts& facts = nodes_[asked.node];
  switch (error.code) {
    case ErrorCode::kNotPrimary:
    case ErrorCode::kSealed: {
      count(Counter::kRefusedByRole);
      const Asked now = ask(asked.node);
      if (asked.primary_in && now.incarnation == asked.incarnation && now.primary_in == asked.primary_in)
        unexpected("write", asked, error);
      return;
    }
    case ErrorCode::kNotReady:
      count(Counter::kRefusedNotReady);
      if (asked.ready) unexpected("write", asked, error);
      return;
    case ErrorCode::kHalted:
    case ErrorCode::kIo:
    case ErrorCode::kRunDamaged:
      if (!facts.disk_faulty) unexpected("write", asked, error);
      return;
    case ErrorCode::kBehind:
      if (!issue.shown || issue.shown->lsn <= asked.lsn) unexpected("write", asked, error);
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
  const Verdict given{error.code, CommitId(detail(error, "commit_id").value_or(0))};
  for (uint64_t lsn = asked.lsn.value(); lsn <= facts.durable.lsn.value(); ++lsn) {
    if (!(evaluate(issue.operations, Lsn(lsn)) == given)) continue;
    const bool by_state = error.code == ErrorCode::kDocumentExists || error.code == ErrorCode::kNoSuchDocument ||
                          error.code == ErrorCode::kPreconditionFailed;
    return count(by_state ? Counter::kRefusedByState : Counter::kRefusedByForm);
  }
  fail(fmt::format("write on {}: {} (commit {}) rests on no durable state between LSN {} and {}: {}", facts.name,
                   error.row().name, given.commit.value(), asked.lsn.value(), facts.durable.lsn.value(),
                   error.message));
}

void Model::check_schema_answer(const Asked& asked, const Result<wire::ReceiptResponse>& answer) {
  if (failed()) return;
  if (answer) return check_receipt("schema.register", asked, std::nullopt, answer->receipt);
  const ErrorCode code = answer.error().code;
  const bool expected =
      nobody_answered(code) || code == ErrorCode::kNotReady || code == ErrorCode::kNotPrimary ||
      code == ErrorCode::kSealed || code == ErrorCode::kWalFull || code == ErrorCode::kSchemaInvalid ||
      (nodes_[asked.node].disk_faulty && (code == ErrorCode::kHalted || code == ErrorCode::kOutcomeUnknown));
  if (!expected) unexpected("schema.register", asked, answer.error());
}

}  // namespace aerodb::sim
