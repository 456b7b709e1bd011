// What the tests of the log share: a maker of records that continue one another, and a node that is only a log on a
// simulated machine.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "common/wal/reader.h"
#include "common/wal/scan.h"
#include "common/wal/writer.h"
#include "tests/sim/runtime/process.h"

namespace aerodb::wal::testing {

template <class Id>
Id id_of(uint8_t value) {
  Id id;
  id.bytes.fill(value);
  return id;
}
inline const ClusterId kCluster = id_of<ClusterId>(0xc1);
inline const InstanceId kInstance = id_of<InstanceId>(0x11);
inline const LineageId kLineage = id_of<LineageId>(0x1e);

// Records of one log, each following the one before: a lineage_start, then commits of one operation.
class RecordMaker {
 public:
  // Bytes that the next record of `document_bytes` takes; not for the first one.
  static uint64_t bytes_of(size_t document_bytes) { return round_up(kDocumentAt + document_bytes, 8); }
  Bytes next(size_t document_bytes = 16) { return next_with(Bytes(document_bytes, fill_of(lsn_.next()))); }
  // The document starts this far behind the start of its record.
  static constexpr size_t kDocumentAt = kRecordHeaderBytes + 4 + 1 + 4 + 1 + 4 + 1 + 4 + 8 + 4;
  Bytes next_with(const Bytes& document) {
    RecordHeader header;
    header.epoch = Epoch(1);
    header.lsn = lsn_ = lsn_.next();
    Bytes out;
    if (lsn_ == Lsn(1)) {
      header.chain_before = genesis_chain(kCluster, kLineage);
      LineageStart start;
      start.lineage = kLineage;
      start.node = "p1";
      start.instance = kInstance;
      encode_record(header, start, out);
    } else {
      header.commit = CommitId(lsn_.value() - 1);
      header.chain_before = chain_;
      Commit commit;
      commit.operations.push_back({Operation::kInsert, "c", "i", 1, CommitId(), document});
      encode_record(header, commit, out);
    }
    chain_ = chain_over(out);
    return out;
  }
  // The next record will leave out LSNs, or will not follow.
  void skip(uint64_t lsns) { lsn_ = Lsn(lsn_.value() + lsns); }
  void break_chain() { chain_.bytes[5] ^= 1; }
  // The next record will follow this position.
  void continue_behind(Lsn lsn, const Chain& chain) {
    lsn_ = lsn;
    chain_ = chain;
  }
  [[nodiscard]] Lsn lsn() const { return lsn_; }
  [[nodiscard]] const Chain& chain() const { return chain_; }

 private:
  static uint8_t fill_of(Lsn lsn) { return static_cast<uint8_t>(lsn.value()); }

  Lsn lsn_;
  Chain chain_;
};

// Owns the files of a ring and, once opened, a writer on them.
class LogNode : public WriterEvents {
 public:
  static constexpr RingGeometry kGeometry{4, 64 << 10};
  explicit LogNode(uint64_t seed = 1, sim::SimOptions options = {}, RingGeometry ring = kGeometry)
      : geometry(ring), world(seed, options), machine(world.add_machine("a")) {
    start();
    EXPECT_TRUE(create_ring(disk(), "/d", geometry));
    EXPECT_TRUE(disk().sync_directory("/d"));
    EXPECT_TRUE(disk().sync_directory("/"));
  }
  ~LogNode() override {
    if (process) crash(sim::CrashKind::kProcess);
  }
  void start() { process = std::make_unique<sim::SimProcess>(machine, world, sim::ProcessOptions{.name = "p"}); }
  void crash(sim::CrashKind kind) {
    process->crash(kind);
    writer.reset();
    process.reset();
  }
  void restart(sim::CrashKind kind) {
    crash(kind);
    start();
  }
  runtime::Disk& disk() { return process->blocking_disk(); }

  // Every record visited is kept in `scanned`.
  Result<RingScan> scan(std::function<std::optional<std::string>(const RecordView&)> visit = {}) {
    scanned.clear();
    return scan_ring(disk(), "/d", geometry, kCluster, kInstance, log_start, [&](const RecordView& record) {
      scanned.emplace_back(record.bytes.begin(), record.bytes.end());
      return visit ? visit(record) : std::nullopt;
    });
  }
  // Scans, repairs and opens a writer behind the end.
  void open(WriterOptions options = {}) {
    auto found = scan();
    ASSERT_TRUE(found) << found.error().message;
    auto repaired = repair_tail(disk(), "/d", geometry, *found);
    ASSERT_TRUE(repaired) << repaired.error().message;
    quarantined = *repaired;
    ASSERT_TRUE(process->log_device().open(segment_paths("/d", geometry.slots)));
    places = found->places;
    writer =
        std::make_unique<Writer>(process->log_device(), process->clock(), process->random(), *this, kCluster, kInstance,
                                 Ring(geometry, found->end.cursor, found->released_sequence), found->end, options);
    writer->release_through(released);
  }
  void append(const Bytes& record) {
    Bytes& out = writer->encode_buffer();
    out.insert(out.end(), record.begin(), record.end());
    writer->append(writer->appended().next(), record.size());
  }
  // Appends and makes durable, each record a frame of its own.
  void write(const std::vector<Bytes>& records) {
    for (const auto& record : records) {
      append(record);
      writer->pump(runtime::Completion::kLater);
      ASSERT_TRUE(world.run_to_idle());
    }
  }
  Bytes file(uint32_t slot) { return machine.disk().peek(segment_paths("/d", geometry.slots)[slot]).value_or(Bytes()); }
  // Replaces bytes of a segment file, durable.
  void put(uint32_t slot, uint64_t offset, ByteSpan bytes) {
    auto opened = disk().open(segment_paths("/d", geometry.slots)[slot], runtime::OpenMode::kReadWrite);
    ASSERT_TRUE(opened);
    ASSERT_TRUE((*opened)->write(offset, bytes));
    ASSERT_TRUE((*opened)->sync());
  }
  void flip(uint32_t slot, uint64_t offset) {
    ASSERT_TRUE(machine.disk().damage(segment_paths("/d", geometry.slots)[slot], offset, 0x10));
  }

  void on_durable(Lsn lsn) override { durable.push_back(lsn); }
  void on_log_failure(Error error) override { failures.push_back(std::move(error)); }

  RingGeometry geometry;
  LogStart log_start;     // of the manifest, for scans
  uint64_t released = 0;  // segments that a writer opened from here on may displace besides
  sim::SimWorld world;
  sim::SimMachine& machine;
  std::unique_ptr<sim::SimProcess> process;
  std::unique_ptr<Writer> writer;
  Places places;
  std::string quarantined;
  std::vector<Bytes> scanned;
  std::vector<Lsn> durable;
  std::vector<Error> failures;
};

// A log with a reader on it, whose ring is used again behind checkpoints.
class TurningLog : public LogNode {
 public:
  static constexpr RingGeometry kSmall{4, 16 * kSectorBytes};
  explicit TurningLog(uint64_t seed = 1, RingGeometry ring = kSmall) : LogNode(seed, {}, ring) { begin(); }
  ~TurningLog() override { reader.reset(); }

  // Opens behind what is on disk. The reader serves from the files alone.
  void begin() {
    open({.group_commit = true, .tail_bytes = 1});
    if (writer) reader.emplace(*writer, process->jobs(), "/d", places);
  }
  void close(sim::CrashKind kind) {
    reader.reset();
    restart(kind);
  }
  // One durable record in a frame of its own, behind a checkpoint where there is no room.
  void add(size_t document_bytes = 1'000) {
    if (!writer->has_room(RecordMaker::bytes_of(document_bytes), RoomFor::kCommit)) checkpoint();
    all.push_back(maker.next(document_bytes));
    chains.push_back(maker.chain());
    write({all.back()});
  }
  // Where a record of so many bytes would go in a frame of its own, its header included where it starts a segment.
  [[nodiscard]] RingCursor place_of(uint64_t record_bytes) const {
    auto place = *writer->ring().place(writer->ring().end(), round_up(kFrameHeaderBytes + record_bytes, kSectorBytes));
    if (place.segment_sequence != writer->ring().end().segment_sequence) place.offset = 0;
    return place;
  }
  // Until the ring ends in this segment.
  void fill_to(uint64_t segment_sequence) {
    while (writer->ring().end().segment_sequence < segment_sequence) add();
  }
  // A manifest that covers the log up to `lsn`, everything where it is not named.
  void checkpoint(std::optional<Lsn> lsn = {}) {
    const Lsn at = lsn.value_or(maker.lsn());
    log_start = {at, chains[at.value() - 1], reader->segment_of(at)};
    ASSERT_GT(log_start.segment_sequence, 0u);
    writer->release_through(log_start.segment_sequence - 1);
  }
  // Records behind the manifest: what a scan must visit.
  [[nodiscard]] std::vector<Bytes> live() const {
    return {all.begin() + static_cast<ptrdiff_t>(log_start.lsn.value()), all.end()};
  }
  Result<Records> read(Lsn from, uint64_t max_bytes) {
    std::optional<Result<Records>> answer;
    reader->read(from, max_bytes, [&](Result<Records> records) { answer = std::move(records); });
    EXPECT_TRUE(world.run_to_idle());
    return answer ? std::move(*answer) : fail(ErrorCode::kInternal, "no answer");
  }
  uint32_t slot_of(uint64_t sequence) const { return static_cast<uint32_t>((sequence - 1) % geometry.slots); }

  RecordMaker maker;
  std::vector<Bytes> all;
  std::vector<Chain> chains;  // after each of them
  std::optional<Reader> reader;
};

inline TailLabel label_of(const RingScan& scan) {
  rules::NoTrace trace;
  return decide_tail(scan.tail, trace);
}
// The label with the manifest's position as a bound, as recovery adds it.
inline TailLabel label_with_manifest(const RingScan& scan, const LogStart& start) {
  TailEvidence evidence = scan.tail;
  evidence.bound_lsn = start.lsn;
  evidence.bound_name = "the manifest";
  rules::NoTrace trace;
  return decide_tail(evidence, trace);
}
inline Bytes slice(const Bytes& bytes, uint64_t begin, uint64_t end) {
  return Bytes(bytes.begin() + static_cast<ptrdiff_t>(begin), bytes.begin() + static_cast<ptrdiff_t>(end));
}

}  // namespace aerodb::wal::testing
