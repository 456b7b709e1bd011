// The history: how it grows from durable records, and what every node's log is compared with.
#include "tests/sim/model.h"

#include <fmt/format.h>

#include <algorithm>
#include <ranges>

#include "common/base/checksum.h"
#include "common/document/schema.h"
#include "common/store/block_cache.h"
#include "common/wal/scan.h"
#include "tests/sim/peek_disk.h"

namespace aerodb::sim {
namespace {

constexpr std::string_view kCollectionNames[kCollections] = {"people", "things"};

document::Schema make_schema(uint32_t collection, uint32_t version) {
  using document::FieldType;
  document::Schema schema;
  schema.collection = kCollectionNames[collection];
  schema.version = version;
  auto add = [&](std::string_view name, FieldType type, bool required, bool indexed) {
    document::Field field;
    field.name = name;
    field.type = type;
    field.required = required;
    field.indexed = indexed;
    schema.fields.push_back(std::move(field));
  };
  add("_id", FieldType::kString, true, false);
  add("k", FieldType::kInt, false, true);
  add("n", FieldType::kInt, true, false);
  add("pad", FieldType::kString, false, false);
  if (version > 1) add("w", FieldType::kInt, false, true);
  return schema;
}

}  // namespace

std::string_view collection_name(uint32_t collection) { return kCollectionNames[collection]; }

const std::string& id_name(uint32_t id) {
  static const std::vector<std::string> kNames = [] {
    std::vector<std::string> names;
    for (uint32_t i = 0; i < 100; ++i) names.push_back(fmt::format("d{:02}", i));
    return names;
  }();
  return kNames[id];
}

const Bytes& schema_bytes(uint32_t collection, uint32_t version) {
  static const std::vector<Bytes> kSchemas = [] {
    std::vector<Bytes> all;
    for (uint32_t c = 0; c < kCollections; ++c) {
      for (uint32_t v = 1; v <= kSchemaVersions; ++v) document::encode_schema(make_schema(c, v), all.emplace_back());
    }
    return all;
  }();
  return kSchemas[collection * kSchemaVersions + version - 1];
}

Model::Model(uint32_t ids, uint64_t max_wal_bytes, Counters& counters)
    : ids_(ids), max_wal_bytes_(max_wal_bytes), counters_(counters), documents_(size_t{kCollections} * ids) {}

void Model::fail(std::string reason) {
  if (reason_.empty()) reason_ = std::move(reason);
}

Asked Model::ask(NodeIndex index) const {
  const NodeFacts& facts = nodes_[index];
  Asked asked{index, facts.incarnation, facts.durable.lsn, facts.durable.commit, facts.engine != nullptr,
              0,     std::nullopt};
  if (facts.engine != nullptr) asked.manifest = facts.engine->storage().manifest().number;
  if (facts.engine != nullptr && facts.engine->newest_role() == rules::Role::kPrimary) {
    asked.primary_in = facts.engine->newest().epoch;
  }
  return asked;
}

std::optional<NodeIndex> Model::epoch_owner() const {
  if (epochs_.empty()) return std::nullopt;
  for (NodeIndex i = 0; i < kNodes; ++i) {
    if (nodes_[i].instance == epochs_.back().instance) return i;
  }
  return std::nullopt;
}

// --- nodes

void Model::recovered(NodeIndex index, const SimDisk& disk) {
  NodeFacts& facts = nodes_[index];
  const auto& visible = facts.engine->visible();
  count(Counter::kRecoveriesChecked);
  if (visible.lsn < facts.durable.lsn) {
    return fail(fmt::format(
        "{}: it had called LSN {} (commit {}) durable; after its restart the log ends at LSN {} (commit {})",
        facts.name, facts.durable.lsn.value(), facts.durable.commit.value(), visible.lsn.value(),
        visible.commit.value()));
  }
  const bool halted = facts.engine->state() == rules::NodeState::kHalted;
  if (facts.halt_recorded && !halted) return fail(fmt::format("{}: halted, and READY after a restart", facts.name));
  facts.halt_recorded = halted;
  observe(index, disk);
}

void Model::observe(NodeIndex index, const SimDisk& disk) {
  NodeFacts& facts = nodes_[index];
  const engine::Engine& engine = *facts.engine;
  const auto& visible = engine.visible();
  const bool halted = engine.state() == rules::NodeState::kHalted;
  if (halted && !facts.disk_faulty) {
    return fail(fmt::format("{}: halted without a disk fault: {} ({})", facts.name, engine.halt_reason()->rule,
                            engine.halt_reason()->reason));
  }
  if (facts.halted && !halted) return fail(fmt::format("{}: was halted, and no longer is", facts.name));
  if (halted && !facts.halted) count(Counter::kHalts);
  if (facts.halted && visible.lsn > facts.durable.lsn)
    return fail(fmt::format("{}: went on after its halt", facts.name));
  facts.halted = halted;
  if (visible.lsn < facts.durable.lsn)
    return fail(fmt::format("{}: its durable boundary fell to LSN {}", facts.name, visible.lsn.value()));
  if (visible.lsn > last_lsn()) extend(index, disk);
  if (failed()) return;
  count(Counter::kPrefixesCompared);
  if (visible.lsn > last_lsn())
    return fail(fmt::format("{}: LSN {} is durable, and its records can't be read", facts.name, visible.lsn.value()));
  const Entry& entry = history_[visible.lsn.value()];
  if (visible.lsn > Lsn() &&
      (entry.chain != visible.chain || entry.commit != visible.commit || entry.epoch != visible.epoch)) {
    return fail(fmt::format(
        "{}: its log departs from the history at or before LSN {} (epoch {}, commit {}; history: epoch {}, commit {})",
        facts.name, visible.lsn.value(), visible.epoch.value(), visible.commit.value(), entry.epoch.value(),
        entry.commit.value()));
  }
  if (entry.digest != visible.digest)
    return fail(fmt::format("{}: another state digest at LSN {}", facts.name, visible.lsn.value()));
  facts.durable = visible;
}

// --- history

void Model::extend(NodeIndex index, const SimDisk& disk) {
  const engine::Engine& engine = *nodes_[index].engine;
  const auto& tail = engine.writer().tail();
  const Lsn from = last_lsn().next();
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
                                  if (record.header.lsn > last_lsn() && !failed()) take_record(index, record);
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
  const Entry& last = history_.back();
  const auto place = fmt::format("{}: LSN {}", name(index), header.lsn.value());
  if (header.lsn != last_lsn().next())
    return fail(fmt::format("{}: the history ends at LSN {}", place, last_lsn().value()));
  if (header.lsn > Lsn(1) && header.chain_before != last.chain)
    return fail(place + " does not continue the history's chain");
  if (header.epoch < last.epoch) return fail(place + ": its epoch falls");
  const bool is_commit = header.type == wal::RecordType::kCommit;
  if (header.commit != (is_commit ? last.commit.next() : last.commit)) return fail(place + ": a gap in commit ids");
  auto payload = wal::parse_payload(record);
  if (!payload) return fail(fmt::format("{}: {}", place, payload.error().message));
  count(Counter::kRecordsInHistory);

  const bool sealed = ends_with_seal();
  if (const auto* commit = std::get_if<wal::Commit>(&*payload)) {
    if (sealed) return fail(place + ": a commit behind a seal (AUTH-2)");
    if (header.epoch != last.epoch) return fail(place + ": a commit of an epoch that was not started");
    take_commit(record, *commit);
  } else if (const auto* schema = std::get_if<wal::SchemaRecord>(&*payload)) {
    if (sealed) return fail(place + ": a schema behind a seal (AUTH-2)");
    take_schema(record, *schema);
  } else if (const auto* floor = std::get_if<wal::Floor>(&*payload)) {
    if (sealed) return fail(place + ": a floor behind a seal (AUTH-2)");
    take_floor(record, *floor);
  } else {
    take_authority(record, *payload);
  }
  if (failed()) reason_ = fmt::format("{}: {}", place, reason_);
  history_.push_back({record.chain_after(), header.digest_after, header.commit, header.epoch, header.type});
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

void Model::take_commit(const wal::RecordView& record, const wal::Commit& commit) {
  // Two requests for one deletion look alike in the log, but may have named different preconditions.
  std::optional<ErrorCode> refusal;
  const auto found = std::ranges::find_if(open_issues_, [&](uint64_t number) {
    if (!matches(issues_[number - 1], commit)) return false;
    refusal = evaluate(issues_[number - 1].operations, last_lsn()).code;
    return !refusal;
  });
  if (found == open_issues_.end()) {
    const auto why = refusal ? error_row(*refusal).name : "nobody asked for it, or it was refused or done before";
    return fail(fmt::format("commit {} should not be there: {}", record.header.commit.value(), why));
  }
  WriteIssue& issue = issues_[*found - 1];
  open_issues_.erase(found);
  issue.commit = record.header.commit;
  commit_lsn_.push_back(record.header.lsn);
  commit_issue_.push_back(issue.number);
  for (size_t i = 0; i < issue.operations.size(); ++i) {
    const auto& operation = issue.operations[i];
    auto& chain = versions(operation.collection, operation.id);
    // A deletion at or below the floor leaves no trace.
    const bool forgotten =
        !chain.empty() && chain.back().schema_version == 0 && chain.back().commit <= floor_at(last_lsn());
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

void Model::take_schema(const wal::RecordView& record, const wal::SchemaRecord& schema) {
  for (uint32_t c = 0; c < kCollections; ++c) {
    for (uint32_t v = 1; v <= kSchemaVersions; ++v) {
      if (!std::ranges::equal(schema_bytes(c, v), schema.schema)) continue;
      if (schema_lsn_[c][v - 1] > Lsn()) return fail("a schema is registered twice");
      if (v > 1 && schema_lsn_[c][v - 2] == Lsn()) return fail("a schema version is left out");
      schema_lsn_[c][v - 1] = record.header.lsn;
      return;
    }
  }
  fail("a schema that nobody asked for");
}

void Model::take_floor(const wal::RecordView& record, const wal::Floor& floor) {
  count(Counter::kFloorsRaised);
  if (floor.floor <= floor_at(last_lsn())) return fail("a floor that does not rise (CKPT-6)");
  if (floor.floor > record.header.commit) return fail("a floor above the last commit (CKPT-6)");
  floors_[record.header.lsn] = floor.floor;
}

CommitId Model::floor_at(Lsn lsn) const {
  const auto after = floors_.upper_bound(lsn);
  return after == floors_.begin() ? CommitId() : std::prev(after)->second;
}

void Model::take_authority(const wal::RecordView& record, const wal::Payload& payload) {
  const auto& header = record.header;
  const auto note = [&](const wal::WhoAndWhy& who) { requests_[who.request_id].push_back(header.lsn); };
  if (const auto* start = std::get_if<wal::LineageStart>(&payload)) {
    if (header.lsn != Lsn(1)) return fail("a second lineage");
    lineage_ = start->lineage;
    epochs_.push_back({header.lsn, Lsn(), start->instance, false});
    return note(start->who);
  }
  auto before = seals_.find(last_lsn());
  const bool sealed = before != seals_.end();
  if (const auto* seal = std::get_if<wal::Seal>(&payload)) {
    count(Counter::kSeals);
    if (sealed && seal->decline.empty()) return fail("a seal behind a seal without a decline (AUTH-2)");
    if (sealed && !before->second.declined)
      return fail("a seal is passed on, and its successor declined nothing (AUTH-11)");
    seals_[header.lsn] = {seal->successor, seal->successor_instance, false};
    return note(seal->who);
  }
  const auto& start = std::get<wal::EpochStart>(payload);
  count(Counter::kPromotions);
  if (!sealed) return fail("an epoch starts where no seal ended the one before (AUTH-4)");
  if (start.epoch.value() != epochs_.size() + 1 || header.epoch != start.epoch) return fail("an epoch is left out");
  const SealFacts& seal = before->second;
  const bool by_successor = start.instance == seal.instance && start.node == seal.successor;
  const bool by_owner = start.instance == epochs_.back().instance && !start.decline.empty();
  if (!by_successor && !by_owner)
    return fail(fmt::format("{} starts an epoch on a seal that names {} (AUTH-5)", start.node, seal.successor));
  if (by_successor && seal.declined)
    return fail(fmt::format("{} promotes on a seal that it declined (AUTH-6)", start.node));
  if (by_owner && !seal.declined)
    return fail(fmt::format("{} starts an epoch on its own seal, which was not declined (AUTH-11)", start.node));
  epochs_.push_back({header.lsn, before->first, start.instance, by_successor});
  note(start.who);
}

// --- the end

Digest Model::digest_from_scratch() const {
  Digest digest;
  Bytes input;
  auto add = [&] { digest = digest_add(digest, Digest{xxh3_128(input)}); };
  for (uint32_t c = 0; c < kCollections; ++c) {
    for (uint32_t v = 1; v <= kSchemaVersions; ++v) {
      if (!schema_registered(c, v)) continue;
      input.clear();
      ByteWriter out(input);
      out.u8('s');
      out.blob(schema_bytes(c, v));
      add();
    }
    for (uint32_t id = 0; id < ids_; ++id) {
      const Version* version = visible(c, id, last_commit());
      if (version == nullptr) continue;
      input.clear();
      ByteWriter out(input);
      out.u8('d');
      out.string(collection_name(c));
      out.string(id_name(id));
      out.u64(version->commit.value());
      out.u32(version->schema_version);
      out.blob(version->document);
      add();
    }
  }
  return digest;
}

// Everything that a scrub would read, from outside.
void Model::verify_runs(NodeIndex index, const SimDisk& disk) {
  const engine::Engine& engine = *nodes_[index].engine;
  PeekDisk peek(disk);
  for (const auto& info : engine.storage().manifest().runs) {
    auto verified = store::verify_run(peek, store::run_path("/data", info.number), info, engine.state_data().indexes());
    if (!verified) return fail(fmt::format("{}: {}", name(index), verified.error().message));
    count(Counter::kRunsVerified);
  }
}

void Model::compare_whole(NodeIndex index, const SimDisk& disk) {
  const NodeFacts& facts = nodes_[index];
  const engine::Engine& engine = *facts.engine;
  count(Counter::kFinalStatesCompared);
  if (engine.visible().lsn == last_lsn() && engine.visible().digest != digest_from_scratch()) {
    return fail(fmt::format("{}: its digest is not that of the documents", facts.name));
  }
  verify_runs(index, disk);
  const CommitId bound = engine.visible().commit;
  const CommitId floor = floor_at(engine.visible().lsn);
  if (engine.floor() != floor)
    return fail(fmt::format("{}: floor {}, the model has {}", facts.name, engine.floor().value(), floor.value()));
  PeekDisk peek(disk);
  store::DirectBlocks blocks(peek, 1 << 20);
  for (uint32_t c = 0; c < kCollections; ++c) {
    for (uint32_t id = 0; id < ids_; ++id) {
      blocks.settle();
      const auto what = [&] { return fmt::format("{}: {}/{}", facts.name, collection_name(c), id_name(id)); };
      const auto answer = engine.version_chain(collection_name(c), id_name(id), bound, blocks);
      if (!answer || !*answer) return fail(what() + " can't be read");
      const auto& chain = **answer;
      const auto expected = logical_chain(c, id, bound, floor);
      if (chain.size() != expected.size())
        return fail(fmt::format("{} has {} versions, the model {}", what(), chain.size(), expected.size()));
      for (size_t i = 0; i < chain.size(); ++i) {
        const Version& version = expected[i];
        const bool tombstone = version.schema_version == 0;
        const DocumentHash hash = tombstone ? DocumentHash{} : DocumentHash{xxh3_128(version.document)};
        if (chain[i].commit != version.commit || chain[i].kind != (tombstone ? "tombstone" : "document") ||
            chain[i].hash != hash || chain[i].lsn != commit_lsn_[version.commit.value()]) {
          return fail(fmt::format("{} differs in its version of commit {}", what(), version.commit.value()));
        }
      }
    }
  }
}

// Newest first: those above the floor, and the newest one at or below it unless it is a tombstone.
std::vector<Model::Version> Model::logical_chain(uint32_t collection, uint32_t id, CommitId bound,
                                                 CommitId floor) const {
  std::vector<Version> chain;
  for (const auto& version : std::views::reverse(versions(collection, id))) {
    if (version.commit > bound) continue;
    if (version.commit > floor) {
      chain.push_back(version);
      continue;
    }
    if (version.schema_version != 0) chain.push_back(version);
    break;
  }
  return chain;
}

}  // namespace aerodb::sim
