// A snapshot that takes the place of a node's log and runs: what is kept of a transfer, what is refused, and that a
// crash at any step leaves the old state or the new one.
#include "common/engine/install.h"

#include <gmock/gmock.h>

#include <fmt/format.h>

#include "common/base/fault.h"
#include "common/engine/orphans.h"
#include "tests/unit/engine/node_kit.h"

namespace aerodb::engine::testing {
namespace {

using sim::CrashKind;
using ::testing::HasSubstr;

constexpr wal::RingGeometry kGeometry{4, 4u << 20};
constexpr uint64_t kPiece = kBootstrapPieceBytes;

// A primary `a` with two runs, the second one of several pieces, and a log behind them; a replica `b` that lags behind
// and has a run of its own.
struct SourceAndTarget {
  explicit SourceAndTarget(uint64_t seed = 1)
      : world(seed, {}),
        source(world, {.geometry = kGeometry}),
        target(world, {.name = "b", .instance = 2, .primary = false}) {
    EXPECT_FALSE(source.start());
    EXPECT_FALSE(target.start());
    EXPECT_TRUE(source.register_schema(kSchema1));
    EXPECT_TRUE(source.write({insert("old"), insert("gone")}));
    EXPECT_FALSE(ship(source, target));
    EXPECT_FALSE(target.checkpoint());
    EXPECT_FALSE(source.checkpoint());
    const std::string large(500'000, 'l');
    for (int i = 0; i < 5; ++i)
      EXPECT_TRUE(source.write({insert(fmt::format("x{}", i), fmt::format(R"("s":"{}")", large))}));
    EXPECT_TRUE(source.write({remove("gone")}));
    EXPECT_FALSE(source.checkpoint(false));
    manifest = source.engine->storage().manifest();
    manifest.segment_sequence = 0;
    EXPECT_TRUE(source.write({update("old", R"("n":2)")}));
    old = target.engine->visible();
    target.crash(CrashKind::kProcess);
  }
  [[nodiscard]] runtime::Disk& disk() { return process().blocking_disk(); }
  [[nodiscard]] sim::SimProcess& process() {
    if (!hand) hand = std::make_unique<sim::SimProcess>(target.machine, world, sim::ProcessOptions{.name = "hand"});
    return *hand;
  }
  [[nodiscard]] NodeFile node() { return read_node_file(disk(), "/d").value(); }
  Result<std::unique_ptr<PartialSnapshot>> open() { return PartialSnapshot::open(disk(), "/d", manifest); }
  // What an honest source answers.
  [[nodiscard]] Bytes content(const BootstrapPiece& piece) {
    const auto file = source.machine.disk().peek(store::run_path("/d", manifest.runs[piece.run].number)).value();
    const auto from = file.begin() + static_cast<ptrdiff_t>(piece.offset);
    return {from, from + piece.bytes};
  }
  // The pieces from the first one wanted on, at most `count` of them.
  Result<void> transfer(size_t count = 1000) {
    auto partial = open();
    if (!partial) return fail(std::move(partial.error()));
    std::optional<BootstrapPiece> piece;
    for (; count > 0 && (piece = (*partial)->piece_after(piece)); --count) {
      if (auto appended = (*partial)->append(disk(), *piece, content(*piece)); !appended) return appended;
    }
    return {};
  }
  Result<void> verify() { return verify_partial(disk(), "/d", node(), manifest, nullptr); }
  // Everything but the install.
  void prepare() {
    auto transferred = transfer();
    ASSERT_TRUE(transferred) << transferred.error().message;
    auto verified = verify();
    ASSERT_TRUE(verified) << verified.error().message;
    auto prepared = prepare_install(disk(), "/d", target.settings.geometry, manifest);
    ASSERT_TRUE(prepared) << prepared.error().message;
  }
  void start_target() {
    hand = nullptr;
    auto refused = target.start();
    ASSERT_FALSE(refused) << refused->message;
  }
  void expect_follows() {
    auto refused = ship(source, target);
    ASSERT_FALSE(refused) << refused->message;
    expect_same_state(source, target, {"old", "gone", "x0", "x4"});
  }

  sim::SimWorld world;
  TestNode source;
  TestNode target;
  store::Manifest manifest;  // of the source's snapshot
  Position old;              // where the target's own log ends
  std::unique_ptr<sim::SimProcess> hand;
};

TEST(Install, TheLogGoesOnBehindTheSnapshotAsAFullReplayWould) {
  SourceAndTarget f;
  f.prepare();
  ASSERT_TRUE(install_snapshot(f.disk(), "/d"));
  f.start_target();
  EXPECT_EQ(f.target.engine->visible().lsn, f.manifest.lsn);
  EXPECT_EQ(f.target.engine->visible().chain, f.manifest.chain);
  EXPECT_EQ(f.target.engine->visible().digest, f.manifest.digest);
  f.expect_follows();
  TestNode replayed(f.world, {.name = "c", .instance = 3, .primary = false, .geometry = kGeometry});
  ASSERT_FALSE(replayed.start());
  ASSERT_FALSE(ship(f.source, replayed));
  EXPECT_EQ(f.target.engine->visible().digest, replayed.engine->visible().digest);
  // The new directory is one like any other.
  ASSERT_FALSE(f.target.checkpoint());
  f.target.restart(CrashKind::kPower);
  expect_same_state(f.source, f.target, {"old", "x1"});
}

TEST(Install, OldLogRunsAndWhatWasSaidOfThemGoAllElseStays) {
  SourceAndTarget f;
  auto& disk = f.disk();
  ASSERT_TRUE(write_halt(disk, "/d", {"REPL-3", "REPLICA_DIVERGED", "test", f.old.lsn}));
  ASSERT_TRUE(write_fence(disk, "/d", {kLineage, f.old.lsn, f.old.chain, "x", id_of<InstanceId>(7)}));
  ASSERT_TRUE(write_accepted(disk, "/d", id_of<LineageId>(5)));
  ASSERT_TRUE(write_orphans_marker(disk, "/d", {f.old.lsn, f.old.chain, Lsn(1), {}}));
  ASSERT_TRUE(write_clean_stop(disk, "/d", {f.old.lsn, f.old.chain}));
  const Decline decline{kCluster, Lsn(9), f.old.chain, "b", id_of<InstanceId>(2), {}};
  ASSERT_TRUE(write_decline(disk, "/d", decline));
  ASSERT_TRUE(keep_decision(disk, "/d", {Lsn(9), f.old.chain, rules::AuthorityEvidence{}}));
  ASSERT_TRUE(disk.make_directory("/d/snapshots/s"));
  ASSERT_TRUE(disk.make_directory("/d/quarantine"));
  f.prepare();
  ASSERT_TRUE(install_snapshot(disk, "/d"));
  for (const auto* gone : {"HALT", "FENCED", "CLEAN_STOP", "authority/accepted", "authority/orphans", "INSTALL",
                           "bootstrap.partial", "runs/00000009.run"})
    EXPECT_FALSE(*disk.exists(fmt::format("/d/{}", gone))) << gone;
  for (const auto* kept : {"authority/decline-9", "authority/decision-9", "snapshots/s", "quarantine", "NODE"})
    EXPECT_TRUE(*disk.exists(fmt::format("/d/{}", kept))) << kept;
  f.start_target();
  EXPECT_EQ(f.target.engine->state(), rules::NodeState::kReady);
  EXPECT_FALSE(f.target.engine->fence_reason());
}

// CKPT-3: a number that this directory gave out before, or that lies in it as a stray file, is not given out again.
TEST(Install, RunAndManifestNumbersCountOn) {
  SourceAndTarget f;
  auto file = f.disk().open("/d/runs/00000077.run", runtime::OpenMode::kCreate);
  ASSERT_TRUE(file && f.disk().sync_directory("/d/runs"));
  const auto own = store::read_manifest(f.disk(), "/d")->value();
  f.prepare();
  ASSERT_TRUE(install_snapshot(f.disk(), "/d"));
  const auto installed = store::read_manifest(f.disk(), "/d")->value();
  EXPECT_EQ(installed.number, own.number + 1);
  EXPECT_EQ(installed.next_run, 78u);
  EXPECT_EQ(installed.segment_sequence, 0u);
  EXPECT_EQ(installed.runs, f.manifest.runs);
}

// NODE promises no longer what the log that went had made durable: that could lie beyond the snapshot for ever.
TEST(Install, OfANodeThatWasRestoredFurtherOnStarts) {
  SourceAndTarget f;
  auto node = f.node();
  node.initial_lsn = Lsn(1000);
  ASSERT_TRUE(write_node_file(f.disk(), "/d", node));
  f.prepare();
  ASSERT_TRUE(install_snapshot(f.disk(), "/d"));
  f.start_target();
  EXPECT_EQ(f.target.engine->node().instance, node.instance);
  EXPECT_EQ(f.target.engine->node().initial_lsn, Lsn());
}

// What a command does with a snapshot that has no runs to be fetched. The target is down.
void install_without_runs(sim::SimWorld& world, TestNode& target, const store::Manifest& manifest) {
  ASSERT_TRUE(manifest.runs.empty());
  sim::SimProcess hand(target.machine, world, {.name = "hand"});
  auto& disk = hand.blocking_disk();
  auto partial = PartialSnapshot::open(disk, "/d", manifest);
  ASSERT_TRUE(partial);
  EXPECT_FALSE((*partial)->piece_after(std::nullopt));
  ASSERT_TRUE(verify_partial(disk, "/d", *read_node_file(disk, "/d"), manifest, nullptr));
  ASSERT_TRUE(prepare_install(disk, "/d", target.settings.geometry, manifest));
  ASSERT_TRUE(install_snapshot(disk, "/d"));
}

TEST(Install, OfASnapshotWithoutRuns) {
  sim::SimWorld world(1, {});
  TestNode source(world, {});
  ASSERT_FALSE(source.start());
  ASSERT_TRUE(source.register_schema(kSchema1));
  ASSERT_FALSE(source.checkpoint());
  TestNode target(world, {.name = "b", .instance = 2, .primary = false});
  install_without_runs(world, target, source.engine->storage().manifest());
  ASSERT_FALSE(target.start());
  ASSERT_TRUE(source.write({insert("x")}));
  ASSERT_FALSE(ship(source, target));
  expect_same_state(source, target, {"x"});
}

// The statement was handed out, and its seal is passed on with it: a log that begins again before the seal and comes to
// it once more must not make it this node's after all.
TEST(Install, ASealThatWasDeclinedStaysSoWhenTheLogBringsItAgain) {
  sim::SimWorld world(1, {});
  TestNode source(world, {});
  TestNode target(world, {.name = "b", .instance = 2, .primary = false});
  ASSERT_FALSE(source.start());
  ASSERT_FALSE(target.start());
  ASSERT_TRUE(source.register_schema(kSchema1));
  ASSERT_FALSE(source.checkpoint());
  const auto manifest = source.engine->storage().manifest();
  ASSERT_TRUE(source.demote(demotion(target)));
  ASSERT_FALSE(ship(source, target));
  ASSERT_TRUE(target.decline(declining("x1")));
  target.crash(CrashKind::kProcess);
  install_without_runs(world, target, manifest);
  ASSERT_FALSE(target.start());
  ASSERT_EQ(target.engine->visible().lsn, manifest.lsn);
  ASSERT_FALSE(ship(source, target));
  ASSERT_TRUE(target.engine->visible_authority().seal());
  EXPECT_EQ(code_of(target.promote(promotion())), "PROMOTION_DENIED");
}

// --- transfer

TEST(PartialSnapshot, GoesOnBehindWhatIsSurelyWhole) {
  SourceAndTarget f;
  ASSERT_GT(f.manifest.runs[1].bytes, 2 * kPiece);
  ASSERT_TRUE(f.transfer(3));  // the first run, and two pieces of the second
  auto partial = f.open();
  ASSERT_TRUE(partial);
  // The last piece may be torn: its sync is not known to have ended.
  EXPECT_EQ((*partial)->piece_after(std::nullopt), (BootstrapPiece{1, kPiece, kPiece}));
  EXPECT_EQ((*partial)->kept_bytes(), f.manifest.runs[0].bytes + kPiece);
  EXPECT_EQ((*partial)->total_bytes(), f.manifest.runs[0].bytes + f.manifest.runs[1].bytes);
  f.prepare();
  partial = f.open();
  ASSERT_TRUE(partial);
  EXPECT_FALSE((*partial)->piece_after(std::nullopt)) << "all is there";
}

TEST(PartialSnapshot, KeepsNothingOfRunsThatAreOthers) {
  SourceAndTarget f;
  ASSERT_TRUE(f.transfer());
  ASSERT_TRUE(f.disk().make_directory("/d/bootstrap.partial/wal"));
  f.manifest.runs[1].sha256[0] ^= 1;  // the same number and size
  auto partial = f.open();
  ASSERT_TRUE(partial);
  EXPECT_EQ((*partial)->piece_after(std::nullopt), (BootstrapPiece{1, 0, kPiece}));
  EXPECT_FALSE(*f.disk().exists("/d/bootstrap.partial/wal"));
  EXPECT_FALSE(*f.disk().exists(store::run_path("/d/bootstrap.partial", f.manifest.runs[1].number)));
  EXPECT_TRUE(*f.disk().exists(store::run_path("/d/bootstrap.partial", f.manifest.runs[0].number)));
}

TEST(PartialSnapshot, WithoutAManifestThatCanBeReadKeepsNothing) {
  SourceAndTarget f;
  ASSERT_TRUE(f.transfer());
  ASSERT_TRUE(f.target.machine.disk().damage("/d/bootstrap.partial/SOURCE", 40, 1));
  auto partial = f.open();
  ASSERT_TRUE(partial) << partial.error().message;
  EXPECT_EQ((*partial)->kept_bytes(), 0u);
}

TEST(PartialSnapshot, BytesThatAreNotTheRunsAreRefusedAndFetchedAnew) {
  SourceAndTarget f;
  auto partial = f.open();
  ASSERT_TRUE(partial);
  const auto first = (*partial)->piece_after(std::nullopt);
  auto bytes = f.content(*first);
  bytes[100] ^= 1;
  auto refused = (*partial)->append(f.disk(), *first, bytes);
  EXPECT_EQ(code_of(refused), "RUN_DAMAGED");
  partial = f.open();
  ASSERT_TRUE(partial);
  EXPECT_EQ((*partial)->kept_bytes(), 0u);
  EXPECT_TRUE(f.transfer());
  EXPECT_TRUE(f.verify());
}

TEST(PartialSnapshot, AnotherNumberOfBytesThanAskedForIsRefused) {
  SourceAndTarget f;
  auto partial = f.open();
  ASSERT_TRUE(partial);
  const auto first = (*partial)->piece_after(std::nullopt);
  auto bytes = f.content(*first);
  bytes.push_back(0);
  EXPECT_EQ(code_of((*partial)->append(f.disk(), *first, bytes)), "BAD_REQUEST");
  bytes.erase(bytes.end() - 2, bytes.end());
  EXPECT_EQ(code_of((*partial)->append(f.disk(), *first, bytes)), "BAD_REQUEST");
}

TEST(PartialSnapshot, FullDiskIsNamedAndTheTransferGoesOnLater) {
  SourceAndTarget f;
  ASSERT_TRUE(f.transfer(2));
  f.target.machine.disk().set_full(true);
  auto full = f.transfer();
  EXPECT_EQ(code_of(full), "IO");
  EXPECT_THAT(full.error().message, HasSubstr("no space left"));
  f.target.machine.disk().set_full(false);
  EXPECT_TRUE(f.transfer());
  EXPECT_TRUE(f.verify());
}

TEST(PartialSnapshot, PowerLossAtAnyCallOfTheTransferLosesNoWholeRun) {
  bool ended = false;
  for (uint64_t call = 1; !ended; ++call) {
    SourceAndTarget f(call);
    f.process().crash_at_call(call, CrashKind::kPower);
    ended = f.transfer().has_value();
    f.hand = nullptr;
    auto again = f.transfer();
    ASSERT_TRUE(again) << "call " << call << ": " << again.error().message;
    auto verified = f.verify();
    ASSERT_TRUE(verified) << "call " << call << ": " << verified.error().message;
  }
}

// --- verification

TEST(VerifyPartial, RefusesASnapshotThatIsNotWhatItsManifestSays) {
  SourceAndTarget f;
  ASSERT_TRUE(f.transfer());
  const auto refused = [&](const std::function<void(store::Manifest&)>& change) {
    auto lying = f.manifest;
    change(lying);
    return std::string(code_of(verify_partial(f.disk(), "/d", f.node(), lying, nullptr)));
  };
  EXPECT_EQ(refused([](store::Manifest& m) { m.digest.bytes[0] ^= 1; }), "DIGEST_MISMATCH");
  EXPECT_EQ(refused([](store::Manifest& m) { m.live_documents -= 1; }), "MANIFEST_DAMAGED");
  EXPECT_EQ(refused([](store::Manifest& m) { m.epoch = m.epoch.next(); }), "MANIFEST_DAMAGED");
  EXPECT_EQ(refused([](store::Manifest& m) { m.schemas.clear(); }), "RUN_DAMAGED");
  EXPECT_EQ(refused([](store::Manifest& m) { m.authority_records.clear(); }), "MANIFEST_DAMAGED");
  EXPECT_EQ(refused([](store::Manifest& m) { m.runs[1].sha256[0] ^= 1; }), "RUN_DAMAGED");
  EXPECT_EQ(refused([](store::Manifest& m) { m.runs[1].bytes -= 1; }), "RUN_DAMAGED");
  EXPECT_EQ(refused([](store::Manifest& m) { m.cluster.bytes[0] ^= 1; }), "WRONG_NODE");
  EXPECT_TRUE(f.verify());
}

// Installed, it would make the node a primary again, in an epoch that others have left.
TEST(VerifyPartial, RefusesASnapshotInWhichThisNodeHoldsAuthority) {
  SourceAndTarget f;
  ASSERT_TRUE(f.transfer());
  auto node = f.node();
  node.instance = f.source.file.instance;
  auto refused = verify_partial(f.disk(), "/d", node, f.manifest, nullptr);
  EXPECT_EQ(code_of(refused), "NO_SNAPSHOT");
}

// It would follow the log into its own old epoch and write there again.
TEST(VerifyPartial, RefusesASnapshotBeforeAnEpochOfThisNode) {
  SourceAndTarget f;
  ASSERT_TRUE(f.transfer());
  const Lsn end = f.manifest.lsn;
  EXPECT_TRUE(verify_partial(f.disk(), "/d", f.node(), f.manifest, nullptr, end));
  EXPECT_EQ(code_of(verify_partial(f.disk(), "/d", f.node(), f.manifest, nullptr, end.next())), "NO_SNAPSHOT");
}

TEST(VerifyPartial, PlantedFaultLetsALiePass) {
  SourceAndTarget f;
  ASSERT_TRUE(f.transfer());
  f.manifest.digest.bytes[0] ^= 1;
  EXPECT_EQ(code_of(f.verify()), "DIGEST_MISMATCH");
  plant(Fault::kInstallUnverified);
  auto verified = f.verify();
  plant(Fault::kNone);
  EXPECT_TRUE(verified);
}

// --- crashes

enum class Left : uint8_t { kOld, kNew, kNeither };

// Kills the install at its `call`-th call; `ended`: it was over before.
Left installed_until(uint64_t call, CrashKind kind, bool& ended) {
  SourceAndTarget f(call);
  f.prepare();
  f.process().crash_at_call(call, kind);
  ended = install_snapshot(f.disk(), "/d").has_value();
  f.hand = nullptr;
  auto refused = f.target.start();
  if (refused) return Left::kNeither;
  const auto found = f.target.engine->visible();
  if (found.lsn == f.old.lsn) {
    // The old state, and what was prepared for the new one still is.
    EXPECT_EQ(found.digest, f.old.digest);
    f.target.crash(CrashKind::kProcess);
    EXPECT_TRUE(f.verify());
    return Left::kOld;
  }
  if (found.lsn != f.manifest.lsn || found.digest != f.manifest.digest || found.chain != f.manifest.chain)
    return Left::kNeither;
  const auto& disk = f.target.machine.disk();
  if (disk.exists("/d/INSTALL") || disk.exists("/d/bootstrap.partial")) return Left::kNeither;
  f.expect_follows();
  return Left::kNew;
}

std::map<Left, int> install_killed_everywhere() {
  std::map<Left, int> found;
  for (const auto kind : {CrashKind::kProcess, CrashKind::kPower}) {
    bool ended = false;
    for (uint64_t call = 1; !ended && !::testing::Test::HasFailure(); ++call)
      ++found[installed_until(call, kind, ended)];
  }
  return found;
}

TEST(Install, KilledAtAnyCallLeavesTheOldStateOrTheNewOne) {
  auto found = install_killed_everywhere();
  EXPECT_EQ(found[Left::kNeither], 0);
  EXPECT_GT(found[Left::kOld], 4);
  EXPECT_GT(found[Left::kNew], 20);
}

TEST(Install, UnmarkedItLeavesAMixture) {
  plant(Fault::kInstallNotMarked);
  auto found = install_killed_everywhere();
  plant(Fault::kNone);
  EXPECT_GT(found[Left::kNeither], 0);
}

// Completing it is as safe as beginning it.
TEST(Install, KilledAgainWhileItIsCompletedStillLeavesTheNewState) {
  for (uint64_t call = 1; call < 60; ++call) {
    SourceAndTarget f(call);
    f.prepare();
    f.process().crash_at_call(12, CrashKind::kPower);  // behind the mark
    EXPECT_FALSE(install_snapshot(f.disk(), "/d"));
    f.hand = nullptr;
    ASSERT_TRUE(*f.disk().exists("/d/INSTALL"));
    auto node = f.node();
    f.process().crash_at_call(call, CrashKind::kPower);
    const bool ended = finish_install(f.disk(), "/d", node).has_value();
    f.start_target();
    EXPECT_EQ(f.target.engine->visible().lsn, f.manifest.lsn);
    if (ended) return;
  }
  FAIL() << "it never ended";
}

// The mark may still be in memory alone when the next process goes by it, and loses the power on the way.
TEST(Install, CompletedAfterAKillItOutlivesThePower) {
  std::map<Left, int> found;
  for (const uint64_t kill : {6, 7}) {  // around the sync of the mark's directory
    for (uint64_t call = 1; call < 60; ++call) {
      SourceAndTarget f(1'000 * kill + call);
      f.prepare();
      f.process().crash_at_call(kill, CrashKind::kProcess);
      EXPECT_FALSE(install_snapshot(f.disk(), "/d"));
      f.hand = nullptr;
      auto node = f.node();
      f.process().crash_at_call(call, CrashKind::kPower);
      const bool ended = finish_install(f.disk(), "/d", node).has_value();
      f.hand = nullptr;
      const auto refused = f.target.start();
      ASSERT_FALSE(refused) << kill << ", " << call << ": " << refused->message;
      const Lsn lsn = f.target.engine->visible().lsn;
      ASSERT_TRUE(lsn == f.old.lsn || lsn == f.manifest.lsn) << kill << ", " << call;
      ++found[lsn == f.old.lsn ? Left::kOld : Left::kNew];
      if (ended) break;
    }
  }
  EXPECT_GT(found[Left::kOld], 0);
  EXPECT_GT(found[Left::kNew], 20);
}

}  // namespace
}  // namespace aerodb::engine::testing
