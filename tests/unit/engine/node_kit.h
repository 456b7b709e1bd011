// What the tests of the engine share: a node on a simulated machine that can be killed and started again, and short
// ways to write, read, ship and command.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "common/document/json.h"
#include "common/engine/engine.h"
#include "tests/sim/runtime/process.h"

namespace aerodb::engine::testing {

template <class Id>
Id id_of(uint8_t value) {
  Id id;
  id.bytes.fill(value);
  return id;
}
inline const ClusterId kCluster = id_of<ClusterId>(0xc1);
inline const LineageId kLineage = id_of<LineageId>(0x1e);

// JSON as parsed MessagePack, for cursors.
class Packed {
 public:
  explicit Packed(std::string_view json);
  [[nodiscard]] document::Cursor root() const { return tape_.root(); }
  [[nodiscard]] const Bytes& bytes() const { return bytes_; }

 private:
  Bytes bytes_;
  document::Tape tape_;
};

// Version 1: _id, n (int, indexed), s (string, indexed). Version 2 adds m (int, indexed).
inline constexpr std::string_view kSchema1 =
    R"({"collection":"c","version":1,"fields":{"_id":{"type":"string","required":true},"n":{"type":"int","indexed":true},"s":{"type":"string","indexed":true}}})";
inline constexpr std::string_view kSchema2 =
    R"({"collection":"c","version":2,"fields":{"_id":{"type":"string","required":true},"m":{"type":"int","indexed":true},"n":{"type":"int","indexed":true},"s":{"type":"string","indexed":true}}})";

// One operation that owns what it points to.
struct Op {
  wal::Operation op = wal::Operation::kInsert;
  std::string id;
  std::string fields;  // JSON members behind _id, as in `"n":1`
  std::optional<CommitId> if_commit = std::nullopt;
  std::string collection = "c";
  uint32_t schema_version = 1;
  [[nodiscard]] std::string json() const {
    return R"({"_id":")" + id + '"' + (fields.empty() ? "" : ",") + fields + '}';
  }
};
inline Op insert(std::string id, std::string fields = R"("n":1)") {
  return {wal::Operation::kInsert, std::move(id), std::move(fields)};
}
inline Op update(std::string id, std::string fields) {
  return {wal::Operation::kUpdate, std::move(id), std::move(fields)};
}
inline Op remove(std::string id) { return {wal::Operation::kDelete, std::move(id), ""}; }

struct NodeSettings {
  std::string name = "a";
  uint8_t instance = 1;
  bool primary = true;
  wal::RingGeometry geometry{4, 256 << 10};
  wal::WriterOptions writer{};
  uint64_t max_memory_bytes = 1ull << 30;
  StorageOptions storage{};
};

class TestNode : public EngineEvents {
 public:
  TestNode(sim::SimWorld& world, NodeSettings settings);  // initialised, not started
  ~TestNode() override;

  // Opens the directory. The error of the refusal, or nullopt.
  std::optional<Error> start();
  void crash(sim::CrashKind kind);
  void stop_clean();
  // crash() and start(), which must succeed.
  void restart(sim::CrashKind kind);

  // Submits without waiting; the position is that of admission.
  Decided<Position> submit(const std::vector<Op>& ops, std::optional<ReceiptClaim> receipt = std::nullopt);
  // Submits and waits for the answer.
  Result<Position> write(const std::vector<Op>& ops, std::optional<ReceiptClaim> receipt = std::nullopt);
  Result<Position> register_schema(std::string_view json);
  // Calls `attempt` with a lease until it needs no block any more; the lease outlives the answer's use.
  template <class Attempt>
  auto complete(store::LeasedBlocks& blocks, Attempt attempt) {
    auto answer = attempt(blocks);
    while (!answer) {
      blocks.fetch(process->jobs(), [] {});
      run();
      answer = attempt(blocks);
    }
    return std::move(*answer);
  }
  Result<GetAnswer> get_raw(const GetRequest& request);  // its version's document is not to be looked at
  Result<QueryAnswer> query(const QueryRequest& request);
  // The same with what it noted for its explanation.
  struct Explained {
    Result<QueryAnswer> answer;
    std::shared_ptr<QueryRecord> record;
  };
  Explained explained(const QueryRequest& request);
  std::vector<rules::VersionEvidence> chain(std::string_view id, CommitId bound);
  Result<Lsn> append(ByteSpan records, uint32_t count);
  // Starts a storage operation and waits for its end. Its error, or nullopt.
  std::optional<Error> checkpoint(bool merge = true) { return finish(engine->storage().checkpoint(merge)); }
  std::optional<Error> compact() { return finish(engine->storage().compact()); }
  std::optional<Error> snapshot(std::string name) { return finish(engine->storage().snapshot(std::move(name))); }
  std::optional<Error> diagnose() { return finish(engine->storage().diagnose()); }
  Result<Position> raise_floor(CommitId floor);
  // The document as JSON, "" where there is none.
  Result<std::string> get(std::string_view id, std::optional<CommitId> at = std::nullopt, uint32_t schema_version = 1);
  // Answers of commands, waited for.
  Result<AuthorityOutcome> demote(const AuthorityRequest& request);
  Result<AuthorityOutcome> promote(const AuthorityRequest& request);
  Result<Bytes> decline(const AuthorityRequest& request);
  [[nodiscard]] ReceiptClaim receipt() const;
  void run() { EXPECT_TRUE(world.run_to_idle()); }

  void on_durable(const Position& position) override;
  void on_halt(const Halt& halt) override { halts.push_back(halt); }

  sim::SimWorld& world;
  sim::SimMachine& machine;
  NodeSettings settings;
  std::unique_ptr<sim::SimProcess> process;
  std::unique_ptr<Engine> engine;
  NodeFile file;
  std::vector<Halt> halts;

 private:
  void start_process();
  std::optional<Error> finish(Result<uint64_t> operation);
  template <class T>
  Result<T> wait(Decided<T> decided);
};

// Durable records of a node from `lsn` on, waited for.
Result<wal::Records> read_records(TestNode& node, Lsn lsn, uint64_t max_bytes);
// Everything that `from` has durable and `to` lacks, in batches of at most max_bytes. The first refusal, or nullopt.
std::optional<Error> ship(TestNode& from, TestNode& to, uint64_t max_bytes = 1 << 20);
// Equal logs: position, chain, digest, and the version chain of each id at each commit.
void expect_same_state(TestNode& a, TestNode& b, const std::vector<std::string>& ids);

AuthorityRequest demotion(const TestNode& successor, std::string request_id = "d1");
AuthorityRequest promotion(std::string request_id = "p1");
AuthorityRequest declining(std::string request_id = "x1");

[[nodiscard]] inline std::string_view code_of(const Error& error) { return error.row().name; }
template <class T>
[[nodiscard]] std::string_view code_of(const Result<T>& result) {
  return result ? "" : result.error().row().name;
}
[[nodiscard]] inline std::string_view code_of(const std::optional<Error>& error) {
  return error ? error->row().name : "";
}

}  // namespace aerodb::engine::testing
