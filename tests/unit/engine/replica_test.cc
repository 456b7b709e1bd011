// A replica takes the very records of its source, and nothing that does not follow (REPL-1 to REPL-3).
#include <gtest/gtest.h>

#include "common/base/build.h"
#include "tests/unit/engine/node_kit.h"

namespace aerodb::engine {
namespace {

using namespace testing;
using sim::CrashKind;

const std::vector<std::string> kIds = {"a", "b", "c", "d", "e", "f"};

struct Couple {
  explicit Couple(uint64_t seed = 1)
      : world(seed, {}),
        primary(world, {.name = "p", .instance = 1}),
        replica(world, {.name = "r", .instance = 2, .primary = false}) {
    EXPECT_FALSE(primary.start());
    EXPECT_FALSE(replica.start());
    EXPECT_TRUE(primary.register_schema(kSchema1));
  }
  void write_random(int count) {
    auto& random = world.random();
    for (int i = 0; i < count; ++i) {
      const auto& id = kIds[random.below(kIds.size())];
      const auto fields = "\"n\":" + std::to_string(random.below(100));
      const auto kind = random.below(3);
      (void)primary.submit({kind == 0 ? insert(id, fields) : kind == 1 ? update(id, fields) : remove(id)});
      if (random.one_in(4)) primary.run();
    }
    primary.run();
  }
  sim::SimWorld world;
  TestNode primary;
  TestNode replica;
};

TEST(Replica, IsAsItsSourceWhateverTheBatches) {
  for (uint64_t seed = 1; seed <= 15; ++seed) {
    Couple both(seed);
    for (uint64_t max_bytes : {1u, 500u, 3'000u, 1u << 20}) {
      both.write_random(40);
      ASSERT_FALSE(ship(both.primary, both.replica, max_bytes));
      expect_same_state(both.primary, both.replica, kIds);
    }
    EXPECT_EQ(both.replica.engine->role(), rules::Role::kReplica);
    both.replica.restart(seed % 2 == 0 ? CrashKind::kPower : CrashKind::kProcess);
    both.primary.restart(CrashKind::kPower);
    expect_same_state(both.primary, both.replica, kIds);
  }
}

TEST(Replica, LosesOnlyWhatItDidNotHaveDurableAndGoesOnFromThere) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    Couple both(seed);
    for (int round = 0; round < 5; ++round) {
      both.write_random(15);
      const auto records = read_records(both.primary, both.replica.engine->newest().lsn.next(), 2'000);
      ASSERT_TRUE(records);
      ASSERT_TRUE(both.replica.append(records->bytes, records->count));
      for (uint64_t step = both.world.random().below(8); step > 0; --step) both.world.step();
      const Lsn durable = both.replica.engine->visible().lsn;
      both.replica.restart(round % 2 == 0 ? CrashKind::kPower : CrashKind::kProcess);
      ASSERT_GE(both.replica.engine->newest().lsn, durable);
    }
    ASSERT_FALSE(ship(both.primary, both.replica));
    expect_same_state(both.primary, both.replica, kIds);
  }
}

TEST(Replica, TakesNoWritesOfItsOwn) {
  Couple both;
  EXPECT_EQ(code_of(both.replica.write({insert("a")})), "NOT_PRIMARY");
  ASSERT_FALSE(ship(both.primary, both.replica));
  EXPECT_EQ(code_of(both.replica.write({insert("a")})), "NOT_PRIMARY");
  EXPECT_EQ(code_of(both.replica.register_schema(kSchema2)), "NOT_PRIMARY");
}

// A commit as the primary would have written it, then spoiled and written again with all that depends on it.
struct Forged {
  wal::RecordHeader header;
  wal::Payload payload;
  Bytes record;  // what the payload's views point into
  void encode(Bytes& out) { wal::encode_record(header, payload, out); }
};

// The next record that the replica lacks, taken apart.
Forged next_record(Couple& both) {
  auto records = read_records(both.primary, both.replica.engine->newest().lsn.next(), 1);
  Forged forged;
  forged.record = std::move(records->bytes);
  auto view = wal::read_record(forged.record);
  forged.header = view->header;
  forged.payload = *wal::parse_payload(*view);
  return forged;
}
wal::CommitOperation& operation(Forged& forged, size_t index = 0) {
  return std::get<wal::Commit>(forged.payload).operations[index];
}

// A replica with one document, and an update of it on its way.
struct Expecting : Couple {
  Expecting() {
    EXPECT_TRUE(primary.write({insert("a", R"("n":1)")}));
    EXPECT_FALSE(ship(primary, replica));
    EXPECT_TRUE(primary.write({update("a", R"("n":2)"), insert("b", R"("n":3)")}));
    EXPECT_TRUE(primary.write({insert("e")}));
    forged = next_record(*this);
  }
  // Refused with `code`, and the log on disk is not touched.
  void expect_refused(std::string_view code) {
    Bytes bytes;
    forged.encode(bytes);
    expect_bytes_refused(bytes, 1, code);
  }
  void expect_bytes_refused(const Bytes& bytes, uint32_t count, std::string_view code) {
    const auto before = replica.machine.disk().peek("/d/wal/0000.seg");
    const Lsn appended = replica.engine->writer().appended();
    auto result = replica.append(bytes, count);
    EXPECT_EQ(code_of(result), code) << (result ? "" : result.error().message);
    replica.run();
    EXPECT_EQ(replica.engine->writer().appended(), appended);
    EXPECT_EQ(replica.machine.disk().peek("/d/wal/0000.seg"), before);
    EXPECT_EQ(*replica.get("a"), R"({"_id":"a","n":1})");
    // The source's own record is still the next one here.
    EXPECT_EQ(replica.engine->newest().lsn, appended);
  }
  Forged forged;
};

TEST(ReplicaRefuses, WrongPreviousCommit) {
  Expecting e;
  operation(e.forged).prev_commit = CommitId(7);
  e.expect_refused("REPLICA_DIVERGED");
  EXPECT_FALSE(ship(e.primary, e.replica));
}

TEST(ReplicaRefuses, WrongDigest) {
  Expecting e;
  e.forged.header.digest_after.bytes[3] ^= 1;
  e.expect_refused("DIGEST_MISMATCH");
  EXPECT_FALSE(ship(e.primary, e.replica));
}

TEST(ReplicaRefuses, DocumentThatIsNotCanonicalOrNotOfItsSchema) {
  for (std::string_view hex : {"82a16e02a35f6964a161",      // keys out of order
                               "82a35f6964a161a16ed00002",  // trailing byte
                               "82a35f6964a161a16ed002",    // a longer integer than needed
                               "82a35f6964a161a16ea174",    // a string for an int
                               "82a35f6964a161a17a02",      // an undeclared field
                               "81a16e02"}) {               // no _id
    Expecting e;
    const auto document = from_hex(hex);
    operation(e.forged).document = *document;
    e.expect_refused("BAD_RECORD");
    EXPECT_FALSE(ship(e.primary, e.replica));
  }
}

TEST(ReplicaRefuses, OperationsThatDoNotFit) {
  const std::function<void(Forged&)> spoils[] = {
      [](Forged& f) { operation(f).op = wal::Operation::kInsert; },     // it is live
      [](Forged& f) { operation(f, 1).op = wal::Operation::kUpdate; },  // it is not
      [](Forged& f) {
        operation(f).collection = "other";
        operation(f).prev_commit = CommitId();
        operation(f).op = wal::Operation::kInsert;
      },
      [](Forged& f) { operation(f).schema_version = 2; },
      [](Forged& f) { operation(f, 1).id = "another than the document says"; },
      [](Forged& f) { operation(f, 1) = operation(f, 0); },  // one _id twice
  };
  for (const auto& spoil : spoils) {
    Expecting e;
    spoil(e.forged);
    e.expect_refused("BAD_RECORD");
    EXPECT_FALSE(ship(e.primary, e.replica));
  }
}

TEST(ReplicaRefuses, WrongPlaceInTheHistory) {
  const std::pair<std::function<void(Forged&)>, std::string_view> cases[] = {
      {[](Forged& f) { f.header.lsn = f.header.lsn.next(); }, "REPLICA_DIVERGED"},
      {[](Forged& f) { f.header.chain_before.bytes[0] ^= 1; }, "REPLICA_DIVERGED"},
      {[](Forged& f) { f.header.commit = f.header.commit.next(); }, "WAL_DISCONTINUITY"},
      {[](Forged& f) { f.header.epoch = Epoch(2); }, "WAL_DISCONTINUITY"},
      {[](Forged& f) { f.header.epoch = Epoch(0); }, "WAL_DISCONTINUITY"},
  };
  for (const auto& [spoil, code] : cases) {
    Expecting e;
    spoil(e.forged);
    e.expect_refused(code);
    EXPECT_FALSE(ship(e.primary, e.replica));
  }
}

TEST(ReplicaRefuses, BatchOfAnotherNumberOfRecordsOrCutAnywhere) {
  Expecting e;
  e.expect_bytes_refused(e.forged.record, 2, "BAD_RECORD");
  e.expect_bytes_refused(e.forged.record, 0, "BAD_RECORD");
  Bytes bytes = e.forged.record;
  bytes.push_back(0);
  e.expect_bytes_refused(bytes, 1, "BAD_RECORD");
  for (size_t size = 0; size < e.forged.record.size(); ++size) {
    e.expect_bytes_refused(Bytes(e.forged.record.begin(), e.forged.record.begin() + static_cast<ptrdiff_t>(size)), 1,
                           "BAD_RECORD");
  }
  EXPECT_FALSE(ship(e.primary, e.replica));
}

TEST(ReplicaRefuses, AuthorityRecordThatClaimsAnotherDigest) {
  Couple both;
  ASSERT_FALSE(ship(both.primary, both.replica));
  TestNode successor(both.world, {.name = "s", .instance = 9, .primary = false});
  ASSERT_TRUE(both.primary.demote(demotion(successor)));
  auto forged = next_record(both);
  forged.header.digest_after.bytes[0] ^= 1;
  Bytes bytes;
  forged.encode(bytes);
  EXPECT_EQ(code_of(both.replica.append(bytes, 1)), "DIGEST_MISMATCH");
  EXPECT_FALSE(both.replica.engine->authority_evidence(promotion()).seal_lsn);
  EXPECT_FALSE(ship(both.primary, both.replica));
}

TEST(ReplicaRefuses, LogOfAnotherCluster) {
  Couple both;
  auto forged = next_record(both);
  forged.header.chain_before.bytes[0] ^= 1;
  Bytes bytes;
  forged.encode(bytes);
  EXPECT_EQ(code_of(both.replica.append(bytes, 1)), "WAL_DISCONTINUITY");
}

TEST(ReplicaRefuses, HugeCommitOfOneOperationOverAndOverQuickly) {
  Expecting e;
  auto& commit = std::get<wal::Commit>(e.forged.payload);
  commit.operations.assign(100'000, {wal::Operation::kDelete, "c", "a", 0, CommitId(1), {}});
  e.replica.settings.geometry = {4, 64 << 20};
  Bytes bytes;
  e.forged.encode(bytes);
  auto result = e.replica.append(bytes, 1);
  EXPECT_TRUE(code_of(result) == "BAD_RECORD" || code_of(result) == "REPLICA_FULL") << code_of(result);
}

// The first record of a batch is good, the second is not: none of it reaches the log, and nothing may follow.
TEST(ReplicaRefuses, BatchBehindItsFirstRecordWholeAndForGood) {
  Expecting e;
  const auto good = read_records(e.primary, e.replica.engine->newest().lsn.next(), 1 << 20);
  ASSERT_TRUE(good);
  ASSERT_EQ(good->count, 2u);
  const auto first = wal::read_record(good->bytes);
  auto second = wal::read_record(ByteSpan(good->bytes).subspan(first->bytes.size()));
  auto header = second->header;
  header.digest_after.bytes[0] ^= 1;
  Bytes batch(first->bytes.begin(), first->bytes.end());
  wal::encode_record(header, *wal::parse_payload(*second), batch);
  const auto disk = e.replica.machine.disk().peek("/d/wal/0000.seg");
  const auto visible = e.replica.engine->visible();
  EXPECT_EQ(code_of(e.replica.append(batch, 2)), "DIGEST_MISMATCH");
  EXPECT_EQ(code_of(e.replica.append(good->bytes, 2)), "REPLICA_DIVERGED");
  e.replica.run();
  EXPECT_EQ(e.replica.machine.disk().peek("/d/wal/0000.seg"), disk);
  EXPECT_EQ(*e.replica.get("a"), R"({"_id":"a","n":1})");
  e.replica.restart(CrashKind::kPower);
  EXPECT_EQ(e.replica.engine->newest().digest, visible.digest);
  EXPECT_FALSE(ship(e.primary, e.replica));
}

TEST(Replica, FullRingIsRefusedBeforeAnythingIsTaken) {
  sim::SimWorld world(1, {});
  TestNode primary(world, {.name = "p", .instance = 1, .geometry = {4, 1 << 20}});
  TestNode replica(world, {.name = "r", .instance = 2, .primary = false, .geometry = {4, 16 << 10}});
  ASSERT_FALSE(primary.start());
  ASSERT_FALSE(replica.start());
  ASSERT_TRUE(primary.register_schema(kSchema1));
  for (int i = 0; i < 200; ++i) ASSERT_TRUE(primary.write({insert("x" + std::to_string(i))}));
  EXPECT_EQ(code_of(ship(primary, replica, 4'000)), "REPLICA_FULL");
  replica.run();
  EXPECT_EQ(replica.engine->newest().lsn, replica.engine->visible().lsn);
  EXPECT_GT(replica.engine->visible().commit, CommitId(50));
}

TEST(Replica, ReceiptsOfTheSourceAreReadableHereOnceApplied) {
  Couple both;
  ASSERT_TRUE(both.primary.write({insert("a")}));
  ASSERT_FALSE(ship(both.primary, both.replica));
  const auto old = both.primary.receipt();
  ASSERT_TRUE(both.primary.write({insert("b")}));
  const auto fresh = both.primary.receipt();
  auto get = [&](const ReceiptClaim& receipt) {
    return code_of(both.replica.get_raw({"c", "a", 1, std::nullopt, receipt}));
  };
  EXPECT_EQ(get(old), "");
  EXPECT_EQ(get(fresh), "BEHIND");
  ASSERT_FALSE(ship(both.primary, both.replica));
  EXPECT_EQ(get(fresh), "");
}

#if AERODB_FAULTS
TEST(Replica, PlantedPeerDigestIsUnchecked) {
  Expecting e;
  e.forged.header.digest_after.bytes[3] ^= 1;
  Bytes bytes;
  e.forged.encode(bytes);
  plant(Fault::kPeerDigestUnchecked);
  const auto appended = e.replica.append(bytes, 1);
  plant(Fault::kNone);
  EXPECT_TRUE(appended);
}
TEST(Replica, PlantedReplicaAcknowledgesAWriteAndDoesNothing) {
  Couple both;
  ASSERT_FALSE(ship(both.primary, both.replica));
  plant(Fault::kReplicaAcknowledges);
  const auto written = both.replica.write({insert("a")});
  plant(Fault::kNone);
  EXPECT_TRUE(written);
  EXPECT_EQ(*both.replica.get("a"), "");
}
#endif

}  // namespace
}  // namespace aerodb::engine
