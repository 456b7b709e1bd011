// Snapshots that are not taken: from sources that have none or lie, onto logs that would be lost, onto nodes that hold
// authority.
#include <gmock/gmock.h>

#include "common/base/fault.h"
#include "common/engine/orphans.h"
#include "tests/unit/node/bootstrap_kit.h"

namespace aerodb::node {
namespace {

using testing::BootstrapTest;
using testing::NodeTest;
using testing::Port;
using testing::TestNode;

// Stands between a source and its reader, and may change what is answered on the way.
class Relay {
 public:
  Relay(sim::SimWorld& world, TestNode& source)
      : machine_(world.add_machine("relay")),
        process_(machine_, world, {.name = "relay"}),
        server_(process_, wire::ListenerKind::kReplication, {}, {}),
        client_(process_) {
    client_.connect(source.endpoint(Port::kReplication), [](Result<void> connected) { ASSERT_TRUE(connected); });
    pass_on(wire::kWalPosition, [this](auto& answer) { position(answer); });
    pass_on(wire::kWalFetch, [this](auto& answer) { log(answer); });
    pass_on(wire::kManifestGet, [this](wire::StorageHoldResponse& answer) {
      auto changed = store::decode_manifest(*answer.manifest, "x").value();
      manifest(changed);
      manifest_ = store::encode_manifest(changed);
      manifest_bytes(manifest_);
      answer.manifest = manifest_;
    });
    pass_on(wire::kManifestFetch, [this](wire::StorageReadRunResponse& answer) {
      piece_.assign(answer.bytes.begin(), answer.bytes.end());
      piece(piece_);
      answer.bytes = piece_;
    });
    EXPECT_TRUE(server_.listen(endpoint()));
  }
  [[nodiscard]] runtime::Endpoint endpoint() const {
    runtime::Endpoint endpoint;
    endpoint.host = machine_.address();
    endpoint.port = 1;
    return endpoint;
  }

  std::function<void(wire::WalPositionResponse&)> position = [](auto&) {};
  std::function<void(wire::WalFetchResponse&)> log = [](auto&) {};
  std::function<void(store::Manifest&)> manifest = [](auto&) {};
  std::function<void(Bytes&)> manifest_bytes = [](auto&) {};
  std::function<void(Bytes&)> piece = [](auto&) {};
  std::optional<Error> refusal;  // answered instead, once: the functions above may set it

 private:
  template <class Request, class Response, class Change>
  void pass_on(const wire::Method<Request, Response>& method, Change change) {
    server_.handle(method, [this, &method, change](const Request& request, wire::Responder responder) {
      client_.call(method, request, 0,
                   [this, change, responder = std::move(responder)](Result<Response> answer) mutable {
                     if (!answer) return responder.error(answer.error());
                     change(*answer);
                     if (const auto refused = std::exchange(refusal, std::nullopt)) return responder.error(*refused);
                     responder.ok(*answer);
                   });
    });
  }

  sim::SimMachine& machine_;
  sim::SimProcess process_;
  wire::Server server_;
  wire::Client client_;
  Bytes manifest_;
  Bytes piece_;
};

using BootstrapRefusal = BootstrapTest;

// --- sources that can't be used, or lie

TEST_F(BootstrapRefusal, ASourceWithoutACheckpointHasNoSnapshot) {
  p.start();
  r.start();
  EXPECT_EQ(bootstrap(p, p), "NOT_A_REPLICA");
  EXPECT_EQ(bootstrap(r, r), "BAD_REQUEST");
  fill(p, 5);
  EXPECT_EQ(bootstrap(r, p), "NO_SNAPSHOT");
  TestNode empty{world, "e", false};
  empty.start();
  EXPECT_EQ(bootstrap(r, empty), "NO_SNAPSHOT");
}

TEST_F(BootstrapRefusal, ALyingSourceChangesNothing) {
  p.start();
  r.start();
  fill(p, 60);
  ship(p, r);
  put(p, 60, 100);
  ASSERT_EQ(checkpoint(p).stage, "done");
  put(p, 100, 110);
  const auto before = r.engine().visible();
  const auto from = [&](const std::function<void(Relay&)>& lie) {
    Relay relay(world, p);
    lie(relay);
    const auto code = bootstrap(r, discarding(relay.endpoint(), r));
    EXPECT_EQ(r.engine().visible().chain, before.chain);
    EXPECT_FALSE(r.machine.disk().exists(r.config.data_dir + "/INSTALL"));
    EXPECT_TRUE(has(r, "d17").value());
    return code;
  };
  EXPECT_EQ(from([](Relay& s) { s.position = [](auto& answer) { answer.cluster.bytes[0] ^= 1; }; }), "WRONG_NODE");
  EXPECT_EQ(from([](Relay& s) { s.manifest_bytes = [](Bytes& bytes) { bytes[50] ^= 1; }; }), "MANIFEST_DAMAGED");
  EXPECT_EQ(from([](Relay& s) { s.manifest_bytes = [](Bytes& bytes) { bytes.resize(7); }; }), "MANIFEST_DAMAGED");
  EXPECT_EQ(from([](Relay& s) { s.piece = [](Bytes& bytes) { bytes[bytes.size() / 2] ^= 1; }; }), "RUN_DAMAGED");
  EXPECT_EQ(from([](Relay& s) { s.piece = [](Bytes& bytes) { bytes.pop_back(); }; }), "BAD_REQUEST");
  EXPECT_EQ(from([](Relay& s) { s.piece = [](Bytes& bytes) { bytes.push_back(0); }; }), "BAD_REQUEST");
  EXPECT_EQ(from([](Relay& s) { s.manifest = [](auto& m) { m.runs[0].sha256[0] ^= 1; }; }), "RUN_DAMAGED");
  EXPECT_EQ(from([](Relay& s) { s.manifest = [](auto& m) { m.runs[0].bytes += 1; }; }), "BAD_REQUEST");
  EXPECT_EQ(from([](Relay& s) { s.manifest = [](auto& m) { m.runs[0].bytes -= 1; }; }), "RUN_DAMAGED");
  EXPECT_EQ(from([](Relay& s) { s.manifest = [](auto& m) { m.digest.bytes[0] ^= 1; }; }), "DIGEST_MISMATCH");
  EXPECT_EQ(from([](Relay& s) { s.manifest = [](auto& m) { m.cluster.bytes[0] ^= 1; }; }), "WRONG_NODE");
  EXPECT_EQ(from([](Relay& s) { s.manifest = [](auto& m) { m.chain.bytes[0] ^= 1; }; }), "MANIFEST_DAMAGED");
  EXPECT_EQ(from([](Relay& s) { s.position = [](auto& answer) { answer.first_lsn = answer.durable.lsn; }; }),
            "LOG_RELEASED");
  // Told the truth, it takes it.
  ASSERT_EQ(discard(r, p), "OK");
  ship(p, r);
  expect_equal(p, r);
}

TEST_F(BootstrapRefusal, PlantedFaultInstallsALie) {
  p.start();
  r.start();
  fill(p, 20);
  ASSERT_EQ(checkpoint(p).stage, "done");
  Relay relay(world, p);
  relay.manifest = [](auto& m) { m.digest.bytes[0] ^= 1; };
  plant(Fault::kInstallUnverified);
  const auto code = bootstrap(r, {asked_by(), relay.endpoint().text(), false, std::nullopt});
  plant(Fault::kNone);
  EXPECT_EQ(code, "OK");
}

// It would have been taken for nothing.
TEST_F(BootstrapRefusal, ALogReleasedMeanwhileIsFoundOutBeforeTheInstall) {
  p.start();
  r.start();
  fill(p, 20);
  ASSERT_EQ(checkpoint(p).stage, "done");
  Relay relay(world, p);
  relay.log = [&](auto&) { relay.refusal = Error{ErrorCode::kLogReleased, "wal.fetch: released", {}}; };
  EXPECT_EQ(bootstrap(r, {asked_by(), relay.endpoint().text(), false, std::nullopt}), "LOG_RELEASED");
  EXPECT_EQ(r.engine().visible().lsn, Lsn());
  EXPECT_EQ(bootstrap(r, p), "OK");
}

// --- what this node's log holds and the source's does not (REPL-12)

TEST_F(BootstrapRefusal, RecordsThatTheSourceLacksMustBeExportedFirst) {
  p.start();
  r.start();
  TestNode behind{world, "b", false};
  behind.start();
  fill(p, 20);
  ship(p, behind);
  ASSERT_EQ(checkpoint(behind).stage, "done");
  put(p, 20, 30);
  ship(p, r);
  const auto end = r.engine().visible();
  EXPECT_EQ(discard(r, behind), "ORPHANS_NOT_EXPORTED");
  EXPECT_EQ(r.node->repairs().view().fork_lsn, behind.engine().visible().lsn);
  auto mark = [&](const engine::OrphansMarker& marker) {
    ASSERT_TRUE(engine::write_orphans_marker(r.process->blocking_disk(), r.config.data_dir, marker));
  };
  // Exports of another end, or of less.
  mark({Lsn(end.lsn.value() - 1), end.chain, Lsn(1), {}});
  EXPECT_EQ(discard(r, behind), "ORPHANS_NOT_EXPORTED");
  mark({end.lsn, {}, Lsn(1), {}});
  EXPECT_EQ(discard(r, behind), "ORPHANS_NOT_EXPORTED");
  mark({end.lsn, end.chain, behind.engine().visible().lsn.next(), {}});
  EXPECT_EQ(discard(r, behind), "ORPHANS_NOT_EXPORTED");
  EXPECT_EQ(r.engine().visible().chain, end.chain);
  mark({end.lsn, end.chain, behind.engine().visible().lsn, {}});
  ASSERT_EQ(discard(r, behind), "OK");
  expect_equal(r, behind);
}

TEST_F(BootstrapRefusal, PlantedFaultDropsThem) {
  p.start();
  r.start();
  TestNode behind{world, "b", false};
  behind.start();
  fill(p, 20);
  ship(p, behind);
  ASSERT_EQ(checkpoint(behind).stage, "done");
  put(p, 20, 30);
  ship(p, r);
  plant(Fault::kOrphansDropped);
  const auto code = discard(r, behind);
  plant(Fault::kNone);
  EXPECT_EQ(code, "OK");
}

TEST_F(BootstrapRefusal, AnotherChainAtTheOwnEndMustBeExportedToo) {
  p.start();
  r.start();
  fill(p, 20);
  ship(p, r);
  put(p, 20, 30);
  ASSERT_EQ(checkpoint(p).stage, "done");
  const auto end = r.engine().visible();
  Relay relay(world, p);
  relay.log = [&](wire::WalFetchResponse& answer) {
    if (answer.first_lsn == end.lsn.next()) answer.chain_before.bytes[0] ^= 1;
  };
  EXPECT_EQ(bootstrap(r, discarding(relay.endpoint(), r)), "ORPHANS_NOT_EXPORTED");
  EXPECT_FALSE(r.node->repairs().view().fork_lsn) << "it is not known where they part";
  auto& disk = r.process->blocking_disk();
  ASSERT_TRUE(engine::write_orphans_marker(disk, r.config.data_dir, {end.lsn, end.chain, end.lsn, {}}));
  EXPECT_EQ(bootstrap(r, discarding(relay.endpoint(), r)), "ORPHANS_NOT_EXPORTED") << "nothing is in that export";
  ASSERT_TRUE(engine::write_orphans_marker(disk, r.config.data_dir, {end.lsn, end.chain, Lsn(0), {}}));
  EXPECT_EQ(bootstrap(r, discarding(relay.endpoint(), r)), "OK");
}

// --- authority

TEST_F(BootstrapRefusal, ASealedNodeGoesOnAsAReplicaOnceTheSealIsAnswered) {
  p.start();
  r.start();
  fill(p, 20);
  ship(p, r);
  auto control = connect(p, Port::kControl);
  ASSERT_TRUE(call(*control, wire::kControlDemote, {asked_by(), "r", r.engine().node().instance, std::nullopt}));
  ASSERT_EQ(checkpoint(r).stage, "done");  // of a moment when p held authority
  ship(p, r);
  p.primary = false;
  p.restart();
  ASSERT_EQ(p.engine().role(), rules::Role::kSealed);
  EXPECT_EQ(discard(p, r), "NOT_A_REPLICA") << "nobody answered it";
  auto successor = connect(r, Port::kControl);
  auto promoted = call(*successor, wire::kControlPromote, {asked_by(), std::nullopt});
  ASSERT_TRUE(promoted) << promoted.error().message;
  put(r, 20, 30);
  EXPECT_EQ(discard(p, r), "NO_SNAPSHOT") << "in that one, p would be primary again";
  EXPECT_EQ(p.engine().role(), rules::Role::kSealed);
  ASSERT_EQ(checkpoint(r).stage, "done");
  ASSERT_EQ(discard(p, r), "OK");
  EXPECT_EQ(p.engine().role(), rules::Role::kReplica);
  expect_equal(p, r);
  EXPECT_EQ(discard(r, p), "NOT_A_REPLICA") << "it holds authority now";
}

// The whole way of a primary whose disk was thought lost: its successor went on in a lineage of its own.
TEST_F(BootstrapRefusal, AFencedPrimaryGoesOnAsAReplicaOnceItsOrphansWereExported) {
  p.start();
  r.start();
  fill(p, 20);
  ship(p, r);
  const Lsn fork = r.engine().visible().lsn;
  put(p, 20, 25);
  p.crash();
  auto successor = connect(r, Port::kMaintenance);
  wire::EndLineageRequest end{asked_by(), "p", {}, {}, "end the lineage of p", ""};
  end.loss_phrase = fmt::format("give up what p acknowledged after LSN {}", fork.value());
  auto ended = call(*successor, wire::kEndLineage, end);
  ASSERT_TRUE(ended) << ended.error().message;
  put(r, 30, 40);
  ASSERT_EQ(checkpoint(r).stage, "done");

  const auto& start = r.engine().visible_authority().ancestry().back();
  sim::SimProcess hand(p.machine, world, {.name = "hand"});
  ASSERT_TRUE(engine::write_fence(hand.blocking_disk(), p.config.data_dir,
                                  {start.lineage, fork, start.chain, start.node, start.instance}));
  hand.crash(sim::CrashKind::kProcess);
  p.primary = false;
  p.start();
  ASSERT_TRUE(p.engine().fence_reason());
  EXPECT_EQ(discard(p, r), "ORPHANS_NOT_EXPORTED");
  EXPECT_EQ(p.node->repairs().view().fork_lsn, fork);
  auto maintenance = connect(p, Port::kMaintenance);
  ASSERT_TRUE(call(*maintenance, wire::kOrphansExport, {asked_by(), "/orphans.jsonl", std::nullopt}));
  ASSERT_EQ(finish(p), "OK");
  EXPECT_EQ(p.node->repairs().view().orphans, 5u);
  ASSERT_EQ(discard(p, r), "OK");
  EXPECT_FALSE(p.engine().fence_reason());
  EXPECT_EQ(p.engine().role(), rules::Role::kReplica);
  EXPECT_FALSE(has(p, "d22").value());
  ship(r, p);
  expect_equal(r, p);
}

}  // namespace
}  // namespace aerodb::node
