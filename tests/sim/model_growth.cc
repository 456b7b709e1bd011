// Histories: how they grow from durable records, and how a branch begins.
#include <fmt/format.h>

#include <algorithm>

#include "common/wal/scan.h"
#include "tests/sim/model.h"
#include "tests/sim/peek_disk.h"

namespace aerodb::sim {

void Model::grow(NodeIndex index, const SimDisk& disk) {
  const NodeFacts& facts = nodes_[index];
  const engine::Engine& engine = *facts.engine;
  const auto& tail = engine.writer().tail();
  const Lsn from = facts.durable().lsn.next();
  if (tail.first_lsn() > Lsn() && tail.first_lsn() <= from) {
    scratch_.clear();
    tail.read(from, engine.visible().lsn, UINT64_MAX, scratch_);
    return take_records(index, scratch_);
  }
  // Found by recovery: only the disk has it.
  PeekDisk peek(disk);
  const auto& geometry = engine.writer().ring().geometry();
  auto manifest = store::read_manifest(peek, "/data");
  if (!manifest) return fail(fmt::format("{}: {}", name(index), manifest.error().message));
  const auto start = engine::log_start_of(manifest->value_or(store::Manifest{}));
  auto scanned = wal::scan_ring(peek, "/data", geometry, engine.node().cluster, engine.node().instance, start,
                                [&](const wal::RecordView& record) -> std::optional<std::string> {
                                  if (record.header.lsn >= from && !failed()) take_record(index, record);
                                  return std::nullopt;
                                });
  if (!scanned) fail(fmt::format("{}: its log can't be read from outside: {}", name(index), scanned.error().message));
}

void Model::take_records(NodeIndex index, ByteSpan records) {
  while (!records.empty() && !failed()) {
    auto record = wal::read_record(records);
    if (!record)
      return fail(fmt::format("{}: durable bytes that are no record: {}", name(index), record.error().message));
    take_record(index, *record);
    records = records.subspan(record->bytes.size());
  }
}

void Model::take_record(NodeIndex index, const wal::RecordView& record) {
  const auto& header = record.header;
  const auto place = fmt::format("{}: LSN {}", name(index), header.lsn.value());
  {
    const History& known = branches_[nodes_[index].stay().branch];
    if (header.lsn <= known.last_lsn() && known.at(header.lsn).chain == record.chain_after()) return;
  }
  if (follow(index, header.lsn, record.chain_after())) return;
  auto payload = wal::parse_payload(record);
  if (!payload) return fail(fmt::format("{}: {}", place, payload.error().message));
  if (const auto* start = std::get_if<wal::LineageStart>(&*payload); start != nullptr && header.lsn > Lsn(1)) {
    begin_branch(index, record, *start);
    if (failed()) reason_ = fmt::format("{}: {}", place, reason_);
    return;
  }
  History& history = branches_[nodes_[index].stay().branch];
  const auto& last = history.entries.back();
  if (header.lsn != history.last_lsn().next())
    return fail(fmt::format("{}: the history ends at LSN {}", place, history.last_lsn().value()));
  if (header.lsn > Lsn(1) && header.chain_before != last.chain)
    return fail(place + " does not continue the history's chain");
  if (header.epoch < last.epoch) return fail(place + ": its epoch falls");
  const bool is_commit = header.type == wal::RecordType::kCommit;
  if (header.commit != (is_commit ? last.commit.next() : last.commit)) return fail(place + ": a gap in commit ids");
  count(Counter::kRecordsInHistory);

  const bool sealed = history.ends_with_seal();
  if (const auto* commit = std::get_if<wal::Commit>(&*payload)) {
    if (sealed) return fail(place + ": a commit behind a seal (AUTH-2)");
    if (header.epoch != last.epoch) return fail(place + ": a commit of an epoch that was not started");
    take_commit(history, record, *commit);
  } else if (const auto* schema = std::get_if<wal::SchemaRecord>(&*payload)) {
    if (sealed) return fail(place + ": a schema behind a seal (AUTH-2)");
    take_schema(history, record, *schema);
  } else if (const auto* floor = std::get_if<wal::Floor>(&*payload)) {
    if (sealed) return fail(place + ": a floor behind a seal (AUTH-2)");
    take_floor(history, record, *floor);
  } else {
    take_authority(history, record, *payload);
  }
  if (failed()) reason_ = fmt::format("{}: {}", place, reason_);
  LineageId lineage = last.lineage;
  if (const auto* start = std::get_if<wal::LineageStart>(&*payload)) lineage = start->lineage;
  history.entries.push_back(
      {record.chain_after(), header.digest_after, header.commit, lineage, header.epoch, header.type});
}

void Model::begin_branch(NodeIndex index, const wal::RecordView& record, const wal::LineageStart& start) {
  NodeFacts& facts = nodes_[index];
  const auto& header = record.header;
  const Lsn fork(header.lsn.value() - 1);
  const History& parent = branches_[facts.stay().branch];
  if (fork > parent.last_lsn()) return fail("a lineage that starts beyond the history");
  const auto& end = parent.at(fork);
  // Behind a seal its successor alone could have gone on.
  const auto seal = parent.seals.find(fork);
  const std::string& lost = seal == parent.seals.end() ? parent.epoch(end.epoch)->node : seal->second.successor;
  if (!facts.permits.lost.contains(lost))
    return fail(fmt::format("a lineage is ended in which {} has authority, and nobody named it lost (AUTH-15)", lost));
  if (start.parent != end.lineage || start.parent_lsn != fork || start.parent_commit != end.commit ||
      start.parent_chain != end.chain || header.chain_before != end.chain || header.commit != end.commit ||
      header.digest_after != end.digest)
    return fail("a lineage_start that is untrue about its parent");
  if (header.epoch != end.epoch.next()) return fail("an epoch is left out");
  if (start.node != facts.name || start.instance != facts.instance())
    return fail("a lineage that starts on another node than it names");
  if (facts.permits.lineage_ends == 0) return fail("a lineage that no operator asked for");
  for (const History& history : branches_) {
    if (std::ranges::find(history.entries, start.lineage, &History::Entry::lineage) != history.entries.end())
      return fail("a lineage that is there already");
  }
  count(Counter::kLineagesEnded);
  if (parent.last_lsn() > fork) count(Counter::kLineagesEndedWithLoss);
  --facts.permits.lineage_ends;
  History branch = parent.up_to(fork);
  branch.parent = facts.stay().branch;
  branch.epochs.push_back({header.epoch, header.lsn, Lsn(), start.node, start.instance, false});
  branch.requests[start.who.request_id].push_back(header.lsn);
  branch.entries.push_back(
      {record.chain_after(), header.digest_after, header.commit, start.lineage, header.epoch, header.type});
  branches_.push_back(std::move(branch));
  for (NodeFacts& node : nodes_) {
    if (node.durable().lsn == Lsn()) node.stay().branches_when_empty = branches_.size();
  }
  facts.stay().branch = branches_.size() - 1;
}

bool Model::matches(const WriteIssue& issue, const wal::Commit& commit) const {
  if (issue.operations.size() != commit.operations.size()) return false;
  for (size_t i = 0; i < commit.operations.size(); ++i) {
    const auto& asked = issue.operations[i];
    const auto& done = commit.operations[i];
    if (asked.form_error || asked.op != done.op || collection_name(asked.collection) != done.collection ||
        id_name(asked.id) != done.id)
      return false;
    if (done.op != wal::Operation::kDelete &&
        (asked.schema_version != done.schema_version || !std::ranges::equal(asked.document, done.document)))
      return false;
  }
  return true;
}

void Model::take_commit(History& history, const wal::RecordView& record, const wal::Commit& commit) {
  // Two requests for one deletion look alike in the log, but may have named different preconditions.
  std::optional<ErrorCode> refusal;
  const auto found = std::ranges::find_if(open_issues_, [&](uint64_t number) {
    if (!matches(issues_[number - 1], commit)) return false;
    refusal = history.evaluate(issues_[number - 1].operations, history.last_lsn()).code;
    return !refusal;
  });
  if (found == open_issues_.end()) {
    const auto why = refusal ? error_row(*refusal).name : "nobody asked for it, or it was refused or done before";
    return fail(fmt::format("commit {} should not be there: {}", record.header.commit.value(), why));
  }
  WriteIssue& issue = issues_[*found - 1];
  open_issues_.erase(found);
  issue.commit = record.header.commit;
  history.commit_lsn.push_back(record.header.lsn);
  history.commit_issue.push_back(issue.number);
  for (size_t i = 0; i < issue.operations.size(); ++i) {
    const auto& operation = issue.operations[i];
    auto& chain = history.versions(operation.collection, operation.id);
    // A deletion at or below the floor leaves no trace.
    const bool forgotten = !chain.empty() && chain.back().schema_version == 0 &&
                           chain.back().commit <= history.floor_at(history.last_lsn());
    const CommitId before = chain.empty() || forgotten ? CommitId() : chain.back().commit;
    if (commit.operations[i].prev_commit != before)
      return fail(fmt::format("previous commit {}, the model has {}", commit.operations[i].prev_commit.value(),
                              before.value()));
    if (operation.op == wal::Operation::kDelete) {
      chain.push_back({record.header.commit, 0, std::nullopt, {}});
    } else {
      chain.push_back({record.header.commit, operation.schema_version, operation.k, operation.document});
    }
  }
}

void Model::take_schema(History& history, const wal::RecordView& record, const wal::SchemaRecord& schema) {
  for (uint32_t c = 0; c < kCollections; ++c) {
    for (uint32_t v = 1; v <= kSchemaVersions; ++v) {
      if (!std::ranges::equal(schema_bytes(c, v), schema.schema)) continue;
      auto& lsn = history.schema_lsn[c];
      if (lsn[v - 1] > Lsn()) return fail("a schema is registered twice");
      if (v > 1 && lsn[v - 2] == Lsn()) return fail("a schema version is left out");
      lsn[v - 1] = record.header.lsn;
      return;
    }
  }
  fail("a schema that nobody asked for");
}

void Model::take_floor(History& history, const wal::RecordView& record, const wal::Floor& floor) {
  count(Counter::kFloorsRaised);
  if (floor.floor <= history.floor_at(history.last_lsn())) return fail("a floor that does not rise (CKPT-6)");
  if (floor.floor > record.header.commit) return fail("a floor above the last commit (CKPT-6)");
  history.floors[record.header.lsn] = floor.floor;
}

void Model::take_authority(History& history, const wal::RecordView& record, const wal::Payload& payload) {
  if (const auto* seal = std::get_if<wal::Seal>(&payload)) return take_seal(history, record, *seal);
  if (const auto* epoch = std::get_if<wal::EpochStart>(&payload)) return take_epoch(history, record, *epoch);
  const auto& start = std::get<wal::LineageStart>(payload);
  history.epochs.push_back({record.header.epoch, record.header.lsn, Lsn(), start.node, start.instance, false});
  history.requests[start.who.request_id].push_back(record.header.lsn);
}

void Model::take_seal(History& history, const wal::RecordView& record, const wal::Seal& seal) {
  const auto before = history.seals.find(history.last_lsn());
  const bool sealed = before != history.seals.end();
  count(sealed ? Counter::kSealsPassedOn : Counter::kSeals);
  if (sealed && seal.decline.empty()) return fail("a seal behind a seal without a decline (AUTH-2)");
  if (sealed && !before->second.declined)
    return fail("a seal is passed on, and its successor declined nothing (AUTH-11)");
  if (seal.successor_instance == history.epochs.back().instance) return fail("a seal for its own node (AUTH-10)");
  history.seals[record.header.lsn] = {seal.successor, seal.successor_instance, false};
  history.requests[seal.who.request_id].push_back(record.header.lsn);
}

void Model::take_epoch(History& history, const wal::RecordView& record, const wal::EpochStart& start) {
  const auto before = history.seals.find(history.last_lsn());
  if (before == history.seals.end()) return fail("an epoch starts where no seal ended the one before (AUTH-4)");
  const Epoch last = history.epochs.back().epoch;
  if (start.epoch != last.next() || record.header.epoch != start.epoch) return fail("an epoch is left out");
  const auto& seal = before->second;
  const bool by_successor = start.instance == seal.instance && start.node == seal.successor;
  const bool by_owner = start.instance == history.epochs.back().instance && !start.decline.empty();
  count(by_successor ? Counter::kPromotions : Counter::kOwnSealsEnded);
  if (!by_successor && !by_owner)
    return fail(fmt::format("{} starts an epoch on a seal that names {} (AUTH-5)", start.node, seal.successor));
  if (by_successor && seal.declined)
    return fail(fmt::format("{} promotes on a seal that it declined (AUTH-6)", start.node));
  if (by_owner && !seal.declined)
    return fail(fmt::format("{} starts an epoch on its own seal, which was not declined (AUTH-11)", start.node));
  history.epochs.push_back({start.epoch, record.header.lsn, before->first, start.node, start.instance, by_successor});
  history.requests[start.who.request_id].push_back(record.header.lsn);
}

}  // namespace aerodb::sim
