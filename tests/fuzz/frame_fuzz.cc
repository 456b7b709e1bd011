// Bytes as a segment file: its header, its frames, the records in them.
//
// Holds: nothing is read outside the file; a frame that is taken lies within it; records are taken from its body
// without passing its end. The fuzzer can't guess checksums: where the header is not valid, one is put in its place,
// and a second pass seals the first frame where its header is in bounds.
#include "common/base/assert.h"
#include "common/wal/log_tail.h"
#include "common/wal/record.h"
#include "common/wal/segment_reader.h"
#include "tests/fuzz/memory_disk.h"

namespace aerodb::wal {
namespace {

// Whole records only, as scan and reader take them: true if the body is exactly `count` of them.
bool walk_records(ByteSpan body, uint32_t count) {
  for (uint32_t i = 0; i < count; ++i) {
    const auto record = read_record(body);
    if (!record) return false;
    body = body.subspan(record->bytes.size());
  }
  return body.empty();
}

void as_segment(Bytes& file, const SegmentHeader& header) {
  fuzz::MemoryFile opened(file);
  SegmentReader reader(opened, file.size(), header);
  uint64_t offset = kSegmentHeaderBytes;
  while (true) {
    const auto frame = reader.frame_at(offset);
    if (!frame || !*frame) break;
    AERODB_ASSERT(offset + (*frame)->header.bytes_on_disk() <= file.size());
    const auto body = (*frame)->body();
    if (walk_records(body, (*frame)->header.count)) {
      Bytes taken;
      const Lsn first = (*frame)->header.first_lsn;
      const uint32_t count = take_records(body, first, first, Lsn(first.value() + 1), 100, taken);
      AERODB_ASSERT(count <= 2 && taken.size() <= body.size());
    }
    offset += (*frame)->header.bytes_on_disk();
  }
  const auto later = reader.find_frame(offset, 0);
  if (later && *later) AERODB_ASSERT(**later >= offset && **later < file.size());
}

}  // namespace
}  // namespace aerodb::wal

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace aerodb::wal;
  aerodb::Bytes file(data, data + size);
  file.resize(aerodb::round_up(std::max<uint64_t>(size, 2 * kSectorBytes), kSectorBytes), 0);
  SegmentHeader header;
  if (read_segment_header(file, header) != SegmentHeaderState::kValid) {
    header.sequence = 1;
    header.salt = 7;
    encode_segment_header(header, std::span(file).first<kSegmentHeaderBytes>());
  }
  as_segment(file, header);
  const auto frame = std::span(file).subspan(kSegmentHeaderBytes);
  const auto first = peek_frame_header(frame, header.sequence);
  if (first && first->bytes_on_disk() <= frame.size()) {
    seal_frame(*first, header.salt, frame.first(first->bytes_on_disk()));
    as_segment(file, header);
  }
  return 0;
}
