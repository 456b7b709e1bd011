#include "tests/unit/engine/node_kit.h"

#include "common/base/assert.h"
#include "common/engine/query_record.h"

namespace aerodb::engine::testing {

Packed::Packed(std::string_view json) {
  auto read = document::from_json(json, bytes_);
  EXPECT_TRUE(read) << json;
  auto parsed = tape_.parse(bytes_);
  EXPECT_TRUE(parsed) << json;
}

TestNode::TestNode(sim::SimWorld& sim_world, NodeSettings node_settings)
    : world(sim_world), machine(sim_world.add_machine(node_settings.name)), settings(std::move(node_settings)) {
  start_process();
  InitOptions options;
  options.data_dir = "/d";
  options.name = settings.name;
  options.geometry = settings.geometry;
  options.primary = settings.primary;
  options.cluster = kCluster;
  options.lineage = kLineage;
  options.instance = id_of<InstanceId>(settings.instance);
  auto made = init_directory(process->blocking_disk(), process->random(), options);
  EXPECT_TRUE(made) << made.error().message;
  EXPECT_TRUE(process->blocking_disk().sync_directory("/"));
  file = *made;
}

TestNode::~TestNode() { crash(sim::CrashKind::kProcess); }

void TestNode::start_process() {
  process = std::make_unique<sim::SimProcess>(machine, world, sim::ProcessOptions{.name = settings.name});
}

std::optional<Error> TestNode::start() {
  if (!process) start_process();
  auto opened = open_directory(process->blocking_disk(), {"/d", settings.geometry, settings.name});
  if (!opened) return opened.error();
  if (auto device = process->log_device().open(wal::segment_paths("/d", settings.geometry.slots)); !device)
    return device.error();
  EngineOptions options;
  options.data_dir = "/d";
  options.geometry = settings.geometry;
  options.writer = settings.writer;
  options.max_memory_bytes = settings.max_memory_bytes;
  options.storage = settings.storage;
  engine = std::make_unique<Engine>(*process, std::move(*opened), options, *this);
  return std::nullopt;
}

void TestNode::crash(sim::CrashKind kind) {
  if (!process) return;
  process->crash(kind);
  engine.reset();
  process.reset();
}

void TestNode::stop_clean() {
  run();
  auto stopped = engine->clean_stop(process->blocking_disk());
  EXPECT_TRUE(stopped);
  crash(sim::CrashKind::kProcess);
}

void TestNode::restart(sim::CrashKind kind) {
  crash(kind);
  auto refused = start();
  ASSERT_FALSE(refused) << refused->message;
}

Decided<Position> TestNode::submit(const std::vector<Op>& ops, std::optional<ReceiptClaim> receipt) {
  std::vector<std::unique_ptr<Packed>> documents;
  std::vector<WriteOperation> operations;
  for (const auto& op : ops) {
    WriteOperation operation{op.op, op.collection, op.id, op.schema_version, op.if_commit, std::nullopt};
    if (op.op != wal::Operation::kDelete) {
      documents.push_back(std::make_unique<Packed>(op.json()));
      operation.document = documents.back()->root();
    }
    operations.push_back(operation);
  }
  auto blocks = engine->lease();
  return complete(blocks, [&](store::LeasedBlocks& lease) { return engine->write(operations, receipt, lease); });
}

template <class T>
Result<T> TestNode::wait(Decided<T> decided) {
  std::optional<Result<T>> answer;
  engine->hold<T>(std::move(decided), [&](Result<T> outcome) { answer = std::move(outcome); });
  run();
  if (!answer) return fail(ErrorCode::kInternal, "no answer");
  return std::move(*answer);
}

Result<Position> TestNode::write(const std::vector<Op>& ops, std::optional<ReceiptClaim> receipt) {
  return wait(submit(ops, receipt));
}

Result<Position> TestNode::register_schema(std::string_view json) {
  auto schema = document::schema_from_json(json);
  EXPECT_TRUE(schema) << json;
  Bytes packed;
  document::encode_schema(*schema, packed);
  document::Tape tape;
  EXPECT_TRUE(tape.parse(packed));
  return wait(engine->register_schema(tape.root()));
}

Result<std::string> TestNode::get(std::string_view id, std::optional<CommitId> at, uint32_t schema_version) {
  auto blocks = engine->lease();
  auto answer = complete(blocks, [&](store::LeasedBlocks& lease) {
    return engine->get({"c", id, schema_version, at, std::nullopt}, lease);
  });
  if (!answer) return fail(answer.error());
  if (!answer->version) return std::string();
  return document::to_json(answer->version.document);
}

Result<GetAnswer> TestNode::get_raw(const GetRequest& request) {
  auto blocks = engine->lease();
  return complete(blocks, [&](store::LeasedBlocks& lease) { return engine->get(request, lease); });
}

Result<QueryAnswer> TestNode::query(const QueryRequest& request) {
  auto blocks = engine->lease();
  QueryProgress progress;
  return complete(blocks, [&](store::LeasedBlocks& lease) { return engine->query(request, progress, lease); });
}

TestNode::Explained TestNode::explained(const QueryRequest& request) {
  auto blocks = engine->lease();
  QueryProgress progress;
  progress.record = QueryRecord::of(request);
  auto answer = complete(blocks, [&](store::LeasedBlocks& lease) { return engine->query(request, progress, lease); });
  return {std::move(answer), std::move(progress.record)};
}

std::vector<rules::VersionEvidence> TestNode::chain(std::string_view id, CommitId bound) {
  auto blocks = engine->lease();
  auto versions =
      complete(blocks, [&](store::LeasedBlocks& lease) { return engine->version_chain("c", id, bound, lease); });
  EXPECT_TRUE(versions) << versions.error().message;
  return std::move(*versions);
}

Result<Lsn> TestNode::append(ByteSpan records, uint32_t count) {
  auto blocks = engine->lease();
  return complete(blocks, [&](store::LeasedBlocks& lease) { return engine->append_batch(records, count, lease); });
}

std::optional<Error> TestNode::finish(Result<uint64_t> operation) {
  if (!operation) return operation.error();
  run();
  const auto& status = engine->storage().operations().back();
  EXPECT_EQ(status.number, *operation);
  EXPECT_TRUE(status.finished()) << operation_stage_name(status.stage);
  return status.error;
}

Result<Position> TestNode::raise_floor(CommitId floor) {
  return wait(engine->raise_floor(floor, {"g1", "ada", "old versions", std::nullopt}));
}

Result<AuthorityOutcome> TestNode::demote(const AuthorityRequest& request) { return wait(engine->demote(request)); }
Result<AuthorityOutcome> TestNode::promote(const AuthorityRequest& request) { return wait(engine->promote(request)); }
Result<Bytes> TestNode::decline(const AuthorityRequest& request) {
  std::optional<Result<Bytes>> answer;
  engine->decline(request, [&](Result<Bytes> statement) { answer = std::move(statement); });
  run();
  if (!answer) return fail(ErrorCode::kInternal, "no answer");
  return std::move(*answer);
}

ReceiptClaim TestNode::receipt() const {
  const auto& at = engine->visible();
  return {at.lineage, at.epoch, at.lsn, at.chain};
}

// What is visible belongs together at every moment (authority included).
void TestNode::on_durable(const Position& position) {
  EXPECT_EQ(position.lsn, engine->visible().lsn);
  EXPECT_EQ(position.epoch, engine->visible_authority().epoch());
  EXPECT_EQ(position.lineage, engine->visible_authority().lineage());
}

Result<wal::Records> read_records(TestNode& node, Lsn lsn, uint64_t max_bytes) {
  std::optional<Result<wal::Records>> records;
  node.engine->reader().read(lsn, max_bytes, [&](Result<wal::Records> read) { records = std::move(read); });
  if (!records) node.run();  // from disk
  AERODB_ASSERT(records.has_value());
  return std::move(*records);
}

std::optional<Error> ship(TestNode& from, TestNode& to, uint64_t max_bytes) {
  while (to.engine->newest().lsn < from.engine->visible().lsn) {
    auto records = read_records(from, to.engine->newest().lsn.next(), max_bytes);
    if (!records) return records.error();
    auto appended = to.append(records->bytes, records->count);
    if (!appended) return appended.error();
  }
  to.run();
  return std::nullopt;
}

void expect_same_state(TestNode& a, TestNode& b, const std::vector<std::string>& ids) {
  const auto& left = a.engine->visible();
  const auto& right = b.engine->visible();
  ASSERT_EQ(left.lsn, right.lsn);
  ASSERT_EQ(left.commit, right.commit);
  ASSERT_EQ(left.epoch, right.epoch);
  ASSERT_EQ(left.lineage, right.lineage);
  ASSERT_EQ(left.chain, right.chain);
  ASSERT_EQ(left.digest, right.digest);
  for (const auto& id : ids) {
    const auto chain = a.chain(id, left.commit);
    const auto other = b.chain(id, right.commit);
    ASSERT_EQ(chain.size(), other.size()) << id;
    for (size_t i = 0; i < chain.size(); ++i) {
      ASSERT_EQ(chain[i].commit, other[i].commit);
      ASSERT_EQ(chain[i].lsn, other[i].lsn);
      ASSERT_EQ(chain[i].kind, other[i].kind);
      ASSERT_EQ(chain[i].hash, other[i].hash);
      ASSERT_EQ(chain[i].prev_commit, other[i].prev_commit);
      ASSERT_EQ(chain[i].schema_version, other[i].schema_version);
      ASSERT_EQ(*a.get(id, chain[i].commit), *b.get(id, chain[i].commit));
    }
  }
}

AuthorityRequest demotion(const TestNode& successor, std::string request_id) {
  AuthorityRequest request;
  request.command = rules::AuthorityCommand::kDemote;
  request.who = {std::move(request_id), "ada", "planned", std::nullopt};
  request.successor = successor.file.name;
  request.successor_instance = successor.file.instance;
  return request;
}
AuthorityRequest promotion(std::string request_id) {
  AuthorityRequest request;
  request.command = rules::AuthorityCommand::kPromote;
  request.who = {std::move(request_id), "ada", "planned", std::nullopt};
  return request;
}
AuthorityRequest declining(std::string request_id) {
  AuthorityRequest request;
  request.command = rules::AuthorityCommand::kDecline;
  request.who = {std::move(request_id), "ada", "not today", std::nullopt};
  return request;
}

}  // namespace aerodb::engine::testing
