#include "tests/unit/node/node_kit.h"

#include <fmt/format.h>

#include "common/document/json.h"

namespace aerodb::node::testing {

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
