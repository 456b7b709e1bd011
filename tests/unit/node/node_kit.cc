#include "tests/unit/node/node_kit.h"

#include <fmt/format.h>

#include "common/document/json.h"
#include "primary/no_intake.h"

namespace aerodb::node::testing {
namespace {

constexpr wal::RingGeometry kGeometry = {4, 1 << 20};
constexpr auto kDataDir = "/var/lib/aerodb";

}  // namespace

Bytes schema_bytes(uint32_t version) {
  auto schema = document::schema_from_json(
      fmt::format(R"({{"collection":"c","version":{},"fields":{{"_id":{{"type":"string","required":true}},)"
                  R"("n":{{"type":"int","indexed":true}},"text":{{"type":"string"}}{}}}}})",
                  version, version > 1 ? R"(,"more":{"type":"int"})" : ""));
  EXPECT_TRUE(schema);
  Bytes bytes;
  document::encode_schema(*schema, bytes);
  return bytes;
}

Bytes document_bytes(const std::string& id, int64_t n) {
  Bytes bytes;
  document::PackWriter out(bytes);
  out.map(3);
  out.field("_id", id);
  out.field("n", n);
  out.field("text", std::string(1000, static_cast<char>('a' + n % 26)));
  return bytes;
}

TestNode::TestNode(sim::SimWorld& in, std::string name, bool is_primary)
    : world(in), machine(in.add_machine(std::move(name))), primary(is_primary) {
  sim::SimProcess init(machine, world, {.name = "init"});
  engine::InitOptions options;
  options.data_dir = kDataDir;
  options.name = machine.name();
  options.geometry = kGeometry;
  options.primary = primary;
  options.cluster = ClusterId{{7}};
  auto made = engine::init_directory(init.blocking_disk(), init.random(), options);
  EXPECT_TRUE(made) << made.error().message;
  config.name = machine.name();
  config.data_dir = kDataDir;
  config.listen_client = endpoint(Port::kClient);
  config.listen_replication = endpoint(Port::kReplication);
  config.listen_control = endpoint(Port::kControl);
  config.listen_maintenance = endpoint(Port::kMaintenance);
  config.wal_segments = kGeometry.slots;
  config.wal_segment_bytes = kGeometry.segment_bytes;
}

TestNode::~TestNode() { crash(); }

runtime::Endpoint TestNode::endpoint(Port port) const {
  runtime::Endpoint endpoint;
  endpoint.host = machine.address();
  endpoint.port = static_cast<uint16_t>(port);
  return endpoint;
}

void TestNode::start() {
  process = std::make_unique<sim::SimProcess>(machine, world, sim::ProcessOptions{.name = machine.name()});
  node = std::make_unique<Node>(*process, config, primary ? Binary::kPrimary : Binary::kReplica);
  if (primary)
    primary::refuse_records(*node);
  else
    intake = std::make_unique<replica::Intake>(*node);
  std::optional<Result<void>> started;
  node->start([&](Result<void> result) { started = std::move(result); });
  while (!started && world.step()) {
  }
  ASSERT_TRUE(started && *started) << (started ? started->error().message : "does not start");
}

void TestNode::crash() {
  if (process) process->crash(sim::CrashKind::kProcess);
  intake.reset();
  node.reset();
  process.reset();
}

std::string TestNode::last_event(std::string_view name) const {
  std::string text;
  for (const auto& event : events()) {
    if (event.name == name) text = fmt::format("{}", fmt::join(event.fields, "\n"));
  }
  return text;
}

std::unique_ptr<wire::Client> NodeTest::connect(TestNode& to, Port port) {
  auto client = std::make_unique<wire::Client>(clients);
  bool done = false;
  client->connect(to.endpoint(port), [&](Result<void>) { done = true; });
  while (!done && world.step()) {
  }
  EXPECT_TRUE(client->connected());
  return client;
}

void NodeTest::fill(TestNode& node, int documents) {
  auto client = connect(node);
  const auto schema = schema_bytes(1);
  ASSERT_TRUE(call(*client, wire::kSchemaRegister, {wire::Packed{schema}}));
  int answered = 0;
  for (int i = 0; i < documents; ++i) {
    const auto document = document_bytes("d" + std::to_string(i), i);
    client->call(wire::kDocInsert, {"c", 1, std::nullopt, wire::Packed{document}}, 0,
                 [&](Result<wire::ReceiptResponse> answer) { answered += answer ? 1 : 0; });
  }
  settle();
  ASSERT_EQ(answered, documents);
}

std::map<std::string, std::optional<Bytes>> contents(const sim::SimDisk& disk) {
  std::map<std::string, std::optional<Bytes>> files;
  for (const auto& path : disk.tree()) files[path] = disk.peek(path);
  return files;
}

wire::OperationView NodeTest::finish(wire::Client& maintenance, uint64_t operation) {
  while (true) {
    auto view = call(maintenance, wire::kStorageOperation, {operation});
    EXPECT_TRUE(view) << view.error().message;
    if (!view || view->stage == "done" || view->stage == "failed") return view.value_or(wire::OperationView{});
  }
}

void NodeTest::ship(TestNode& source, TestNode& target) {
  auto from = connect(source, Port::kReplication);
  auto to = connect(target, Port::kReplication);
  auto position = call(*from, wire::kWalPosition, {});
  ASSERT_TRUE(position);
  auto opened = call(*to, wire::kReplicaOpen,
                     {"s", InstanceId{{9}}, position->node, position->instance, position->cluster, position->durable,
                      position->ancestry});
  ASSERT_TRUE(opened) << opened.error().message;
  Lsn next = opened->durable_lsn.next();
  bool proven = false;
  while (true) {
    Bytes records;
    uint32_t count = 0;
    Chain before;
    ASSERT_TRUE(ask(*from, wire::kWalFetch, {next, 1 << 20, 0}, [&](const wire::WalFetchResponse& answer) {
      records.assign(answer.records.begin(), answer.records.end());
      count = answer.count;
      before = answer.chain_before;
    }));
    if (!proven) {
      ASSERT_TRUE(call(*to, wire::kReplicaAppend, {opened->session, before, next, 0, position->durable, {}}));
      proven = true;
    }
    if (count == 0) return;
    auto appended = call(*to, wire::kReplicaAppend, {opened->session, before, next, count, position->durable, records});
    ASSERT_TRUE(appended) << appended.error().message;
    next = appended->durable_lsn.next();
  }
}

}  // namespace aerodb::node::testing
