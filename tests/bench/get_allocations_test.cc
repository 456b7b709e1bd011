// A whole node on the real runtime answers 100,000 gets over TCP and allocates nothing while it does so. The client has
// a thread of its own; only what the node's thread allocates is counted.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "common/engine/node_directory.h"
#include "common/node/node.h"
#include "common/uv/posix_disk.h"
#include "common/uv/uv_runtime.h"
#include "common/wire/scanner.h"
#include "tests/bench/counted_new.h"

namespace aerodb {
namespace {

constexpr uint32_t kDocuments = 1000;
constexpr uint32_t kRequests = 100'000;

// A blocking connection that counts answers and keeps the first error.
class BlockingPeer {
 public:
  explicit BlockingPeer(uint16_t port) : fd_(socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int one = 1;
    setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    connected_ = connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  }
  ~BlockingPeer() { close(fd_); }
  BlockingPeer(const BlockingPeer&) = delete;
  BlockingPeer& operator=(const BlockingPeer&) = delete;

  // Sends, then waits for `answers` of them. False where the stream ended or an answer was an error.
  bool exchange(const Bytes& requests, uint32_t answers) {
    if (!connected_ || write(fd_, requests.data(), requests.size()) != static_cast<ssize_t>(requests.size()))
      return false;
    while (answers > 0) {
      uint8_t piece[1 << 16];
      const ssize_t size = read(fd_, piece, sizeof piece);
      if (size <= 0) return false;
      input_.feed({piece, static_cast<size_t>(size)});
      while (const auto message = input_.next()) {
        if (!is_result(*message)) return false;
        --answers;
      }
      input_.release();
    }
    return true;
  }

  // Of the last answer, which is a write's.
  [[nodiscard]] std::optional<wire::Receipt> receipt() const {
    auto response = wire::decode<wire::ReceiptResponse>(last_result_);
    return response ? std::optional(response->receipt) : std::nullopt;
  }

 private:
  bool is_result(ByteSpan message) {
    if (!tape_.parse(message)) return false;
    const auto error = tape_.root().first().skip().skip();
    last_result_ = error.skip();
    return error.is_nil();
  }
  int fd_;
  bool connected_ = false;
  wire::MessageInput input_;
  document::Tape tape_;
  document::Cursor last_result_;
};

template <class Params>
void append_request(Bytes& out, uint32_t id, std::string_view method, const Params& params) {
  document::PackWriter writer(out);
  writer.array(4);
  writer.unsigned_integer(0);
  writer.unsigned_integer(id);
  writer.text(method);
  writer.array(1);
  wire::encode(params, writer);
}

std::string id_of(uint32_t number) { return "document-" + std::to_string(number); }

Bytes schema_request() {
  Bytes schema;
  document::PackWriter writer(schema);
  const auto field = [&](std::string_view name, bool required) {
    writer.map(3);
    writer.field("name", name);
    writer.field("type", "string");
    writer.field("required", required);
  };
  writer.map(3);
  writer.field("collection", "c");
  writer.field("version", 1);
  writer.text("fields");
  writer.array(2);
  field("_id", true);
  field("text", false);
  Bytes request;
  append_request(request, 1, "schema.register", wire::SchemaRegisterRequest{wire::Packed{schema}});
  return request;
}

Bytes insert_request(uint32_t number) {
  Bytes packed;
  document::PackWriter writer(packed);
  writer.map(2);
  writer.field("_id", id_of(number));
  writer.field("text", std::string(100, 'x'));
  wire::DocInsertRequest insert;
  insert.collection = "c";
  insert.schema_version = 1;
  insert.document = wire::Packed{packed};
  Bytes request;
  append_request(request, number, "doc.insert", insert);
  return request;
}

// `depth` gets in one piece, each of another document; with a receipt, every second one at its commit.
Bytes get_requests(uint32_t first, uint32_t depth, const std::optional<wire::Receipt>& receipt) {
  Bytes requests;
  for (uint32_t i = 0; i < depth; ++i) {
    const auto id = id_of((first + i * 7) % kDocuments);
    wire::DocGetRequest get;
    get.collection = "c";
    get.id = id;
    get.schema_version = 1;
    get.receipt = receipt;
    if (receipt && i % 2 == 1) get.at_commit = receipt->commit_id;
    append_request(requests, i, "doc.get", get);
  }
  return requests;
}

struct Measured {
  bool served = false;
  uint64_t one_by_one = 0;
  uint64_t in_batches = 0;
};

uint64_t allocations_during(BlockingPeer& peer, uint32_t depth, const std::optional<wire::Receipt>& receipt,
                            bool& served) {
  constexpr uint32_t kPatterns = 64;
  std::vector<Bytes> patterns;
  for (uint32_t i = 0; i < kPatterns; ++i) patterns.push_back(get_requests(i * 31, depth, receipt));
  const auto run = [&](uint32_t requests) {
    for (uint32_t i = 0; i < requests / depth; ++i) served = served && peer.exchange(patterns[i % kPatterns], depth);
  };
  run(5000);
  // The node may still be at the end of the turn that sent the last answer.
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  const auto before = bench::counted_allocations();
  run(kRequests);
  return bench::counted_allocations() - before;
}

Measured drive(uint16_t port) {
  Measured measured;
  BlockingPeer peer(port);
  measured.served = peer.exchange(schema_request(), 1);
  for (uint32_t i = 0; i < kDocuments; ++i) measured.served = measured.served && peer.exchange(insert_request(i), 1);
  const auto receipt = peer.receipt();
  measured.served = measured.served && receipt.has_value();
  measured.one_by_one = allocations_during(peer, 1, std::nullopt, measured.served);
  measured.in_batches = allocations_during(peer, 16, receipt, measured.served);
  return measured;
}

// A directory of its own below the system's place for such things.
struct TemporaryDirectory {
  TemporaryDirectory() {
    auto text = (std::filesystem::temp_directory_path() / "aerodb-get-XXXXXX").string();
    path = mkdtemp(text.data());
  }
  ~TemporaryDirectory() { std::filesystem::remove_all(path); }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  std::string path;
};

node::NodeConfig config_in(const std::string& directory) {
  node::NodeConfig config;
  config.name = "n";
  config.data_dir = directory + "/n";
  config.listen_client.host = config.listen_replication.host = "127.0.0.1";
  config.wal_segment_bytes = 16 << 20;
  config.complete();
  return config;
}

TEST(GetAllocations, TheCounterCounts) {
  const auto before = bench::counted_allocations();
  const auto uncounted = std::make_unique<int>(1);
  EXPECT_EQ(bench::counted_allocations(), before);
  const bench::CountedThread counted;
  const auto one = std::make_unique<int>(*uncounted);
  EXPECT_EQ(bench::counted_allocations(), before + *one);
}

TEST(GetAllocations, AWarmNodeAnswersGetsWithoutOne) {
  const TemporaryDirectory directory;
  const auto config = config_in(directory.path);
  uv::UvRuntime runtime(make_silent_log());
  uv::PosixDisk disk;
  engine::InitOptions init;
  init.data_dir = config.data_dir;
  init.name = config.name;
  init.geometry = {config.wal_segments, config.wal_segment_bytes};
  init.primary = true;
  const auto made = engine::init_directory(disk, runtime.random(), init);
  ASSERT_TRUE(made) << made.error().message;

  node::Node node(runtime, config, node::Binary::kPrimary);
  Measured measured;
  std::string failure;
  node.start([&](Result<void> started) {
    if (!started) {
      failure = started.error().message;
      runtime.stop();
      return;
    }
    // The client is a Job: blocking code on a thread that is not counted.
    runtime.jobs().run([&, port = node.client().endpoint().port](runtime::Disk&) { measured = drive(port); },
                       [&] { node.stop("done", [&] { runtime.stop(); }); });
  });
  {
    const bench::CountedThread counted;
    runtime.run();
  }
  EXPECT_EQ(failure, "");
  EXPECT_TRUE(measured.served);
  EXPECT_EQ(measured.one_by_one, 0u) << "per request: " << static_cast<double>(measured.one_by_one) / kRequests;
  EXPECT_EQ(measured.in_batches, 0u) << "per request: " << static_cast<double>(measured.in_batches) / kRequests;
}

}  // namespace
}  // namespace aerodb
