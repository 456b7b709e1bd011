// Bytes as edits of a ring that was used again, which is then opened as recovery does, and shown as a dump does.
//
// Holds: what is visited are the records behind the manifest, in order and as they were written, and the end is
// theirs; what was repaired opens again with the same records; a dump shows no fewer. An edit may also put right the
// checksum of a header or of a frame, so that the fuzzer gets behind them: then only their order is asked for.
#include "common/base/assert.h"
#include "common/wal/dump.h"
#include "common/wal/scan.h"
#include "tests/fuzz/memory_disk.h"

namespace aerodb::wal {
namespace {

constexpr RingGeometry kGeometry{4, 16 * kSectorBytes};
constexpr uint64_t kRingBytes = 4 * 16 * kSectorBytes;
constexpr uint64_t kLastSegment = 6;
constexpr uint64_t kSalt = 7;
const ClusterId kCluster{};
const InstanceId kInstance{};

struct Ring6 {
  Bytes bytes = Bytes(kRingBytes, 0);  // slot behind slot
  std::vector<Bytes> records;
  LogStart start;
};

std::span<uint8_t> slot_of(Bytes& ring, uint64_t sequence) {
  return std::span(ring).subspan((sequence - 1) % kGeometry.slots * kGeometry.segment_bytes, kGeometry.segment_bytes);
}

Bytes next_record(Lsn lsn, Chain& chain) {
  RecordHeader header;
  header.epoch = Epoch(1);
  header.lsn = lsn;
  Bytes out;
  if (lsn == Lsn(1)) {
    header.chain_before = genesis_chain(kCluster, LineageId{});
    encode_record(header, LineageStart{}, out);
  } else {
    header.chain_before = chain;
    const Bytes schema(lsn.value() % 7 * 90, static_cast<uint8_t>(lsn.value()));
    encode_record(header, SchemaRecord{schema}, out);
  }
  chain = chain_over(out);
  return out;
}

// Frames of one to three records until six segments were used of four slots; the manifest ends in the fourth.
Ring6 whole_ring() {
  Ring6 ring;
  Ring places(kGeometry, {}, kLastSegment);
  SegmentHeader segment;
  Chain chain;
  for (uint64_t frame_sequence = 1;; ++frame_sequence) {
    const Lsn first(ring.records.size() + 1);
    Bytes frame(kFrameHeaderBytes, 0);
    const uint32_t count = 1 + frame_sequence % 3;
    std::vector<Bytes> records;
    for (uint32_t i = 0; i < count; ++i) {
      records.push_back(next_record(Lsn(first.value() + i), chain));
      frame.insert(frame.end(), records.back().begin(), records.back().end());
    }
    FrameHeader header{0, frame_sequence, first, count, frame.size() - kFrameHeaderBytes};
    const auto place = *places.place(places.end(), header.bytes_on_disk());
    if (place.segment_sequence > kLastSegment) return ring;
    auto slot = slot_of(ring.bytes, place.segment_sequence);
    if (place.segment_sequence != segment.sequence) {
      segment = {place.segment_sequence, segment.sequence == 0 ? kSalt : salt_after(segment), first, kCluster,
                 kInstance};
      encode_segment_header(segment, slot.first<kSegmentHeaderBytes>());
    }
    header.segment_sequence = place.segment_sequence;
    frame.resize(header.bytes_on_disk(), 0);
    seal_frame(header, segment.salt, frame);
    std::ranges::copy(frame, slot.begin() + static_cast<ptrdiff_t>(place.offset));
    places.set_end({place.segment_sequence, place.offset + frame.size()});
    ring.records.insert(ring.records.end(), records.begin(), records.end());
    if (place.segment_sequence == 4) ring.start = {Lsn(ring.records.size()), chain, 4};
  }
}

// Carries out the edits; false: a checksum was put right.
bool edit(ByteReader in, Bytes& ring) {
  bool genuine = true;
  while (in.ok() && in.remaining() > 0) {
    const uint8_t what = in.u8();
    const size_t at = in.u16() % kRingBytes;
    const size_t sector = at / kSectorBytes * kSectorBytes;
    auto bytes = std::span(ring);
    switch (what % 6) {
      case 0:
        ring[at] ^= in.u8();
        break;
      case 1:
        std::ranges::fill(bytes.subspan(sector, kSectorBytes), uint8_t{0});
        break;
      case 2: {
        const size_t from = in.u16() % kRingBytes / kSectorBytes * kSectorBytes;
        std::copy_n(ring.begin() + static_cast<ptrdiff_t>(from), kSectorBytes,
                    ring.begin() + static_cast<ptrdiff_t>(sector));
        break;
      }
      case 3:
        for (size_t i = at, count = in.u8(); i < at + count && i < ring.size(); ++i) ring[i] = in.u8();
        break;
      case 4: {
        const auto header_at = at / kGeometry.segment_bytes * kGeometry.segment_bytes;
        SegmentHeader header;
        (void)read_segment_header(bytes.subspan(header_at, kSegmentHeaderBytes), header);
        encode_segment_header(header, bytes.subspan(header_at).first<kSegmentHeaderBytes>());
        genuine = false;
        break;
      }
      default: {
        const auto slot = at / kGeometry.segment_bytes * kGeometry.segment_bytes;
        SegmentHeader header;
        (void)read_segment_header(bytes.subspan(slot, kSegmentHeaderBytes), header);
        const auto frame = peek_frame_header(bytes.subspan(sector), header.sequence);
        if (!frame || sector + frame->bytes_on_disk() > slot + kGeometry.segment_bytes) break;
        seal_frame(*frame, header.salt, bytes.subspan(sector, frame->bytes_on_disk()));
        genuine = false;
      }
    }
  }
  return genuine;
}

struct Opened {
  Result<RingScan> scan;
  std::vector<Bytes> visited;
};

Opened open(fuzz::MemoryDisk& disk, const LogStart& start) {
  std::vector<Bytes> visited;
  auto scan = scan_ring(disk, "/d", kGeometry, kCluster, kInstance, start, [&](const RecordView& record) {
    AERODB_ASSERT(record.header.lsn.value() == start.lsn.value() + visited.size() + 1);
    visited.emplace_back(record.bytes.begin(), record.bytes.end());
    return std::optional<std::string>();
  });
  return {std::move(scan), std::move(visited)};
}

TailLabel label_of(const RingScan& scan, const LogStart& start) {
  TailEvidence evidence = scan.tail;
  evidence.bound_lsn = start.lsn;
  rules::NoTrace trace;
  return decide_tail(evidence, trace);
}

struct Counter final : RingVisitor {
  void on_segment(const DumpedSegment&) override {}
  void on_frame(const DumpedFrame&) override {}
  void on_record(const DumpedRecord&) override { ++records; }
  void on_trouble(const std::string&, uint64_t, const Error&) override {}
  uint64_t records = 0;
};

void check(fuzz::MemoryDisk& disk, const Ring6& ring, bool genuine) {
  const auto opened = open(disk, ring.start);
  Counter counter;
  const auto dumped = dump_ring(disk, "/d", counter);
  AERODB_ASSERT(dumped && counter.records >= opened.visited.size());
  if (!opened.scan) return;
  if (genuine) {
    AERODB_ASSERT(opened.visited.size() <= ring.records.size() - ring.start.lsn.value());
    for (size_t i = 0; i < opened.visited.size(); ++i)
      AERODB_ASSERT(opened.visited[i] == ring.records[ring.start.lsn.value() + i]);
  }
  if (label_of(*opened.scan, ring.start) != TailLabel::kT1) return;
  AERODB_ASSERT(opened.scan->end.lsn.value() == ring.start.lsn.value() + opened.visited.size());
  AERODB_ASSERT(repair_tail(disk, "/d", kGeometry, *opened.scan));
  if (!genuine) return;
  const auto again = open(disk, ring.start);
  AERODB_ASSERT(again.scan && again.visited == opened.visited);
  AERODB_ASSERT(label_of(*again.scan, ring.start) == TailLabel::kT1);
}

}  // namespace
}  // namespace aerodb::wal

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace aerodb::wal;
  static const Ring6 ring = whole_ring();
  aerodb::Bytes bytes = ring.bytes;
  const bool genuine = edit(aerodb::ByteReader({data, size}), bytes);
  aerodb::fuzz::MemoryDisk disk;
  const auto paths = segment_paths("/d", kGeometry.slots);
  for (size_t slot = 0; slot < paths.size(); ++slot) {
    const auto begin = bytes.begin() + static_cast<ptrdiff_t>(slot * kGeometry.segment_bytes);
    disk.files[paths[slot]] = aerodb::Bytes(begin, begin + static_cast<ptrdiff_t>(kGeometry.segment_bytes));
  }
  check(disk, ring, genuine);
  return 0;
}
