// Bytes as log records, as a peer sends them or a disk holds them.
//
// Holds: what is read lies within the bytes given; what parses is encoded to the same bytes, but for padding that
// read_record() has checked already.
#include "common/base/assert.h"
#include "common/wal/record.h"

namespace aerodb::wal {
namespace {

void as_records(ByteSpan rest) {
  while (!rest.empty()) {
    const auto record = read_record(rest);
    if (!record) return;
    AERODB_ASSERT(record->bytes.size() >= kRecordHeaderBytes && record->bytes.size() <= rest.size());
    AERODB_ASSERT(record->bytes.size() <= kMaxRecordBytes && record->bytes.size() % 8 == 0);
    if (const auto payload = parse_payload(*record)) {
      Bytes again;
      encode_record(record->header, *payload, again);
      AERODB_ASSERT(again == Bytes(record->bytes.begin(), record->bytes.end()));
      AERODB_ASSERT(record->chain_after() == chain_over(again));
    }
    rest = rest.subspan(record->bytes.size());
  }
}

// The payload alone, under every type: deeper than a fuzzer gets through the header.
void as_payload(ByteSpan bytes) {
  for (uint8_t type = 1; type <= 6; ++type) {
    RecordView view;
    view.header.type = static_cast<RecordType>(type);
    view.payload = bytes;
    if (const auto payload = parse_payload(view)) AERODB_ASSERT(type_of(*payload) == view.header.type);
  }
}

}  // namespace
}  // namespace aerodb::wal

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const aerodb::ByteSpan bytes(data, size);
  aerodb::wal::as_records(bytes);
  aerodb::wal::as_payload(bytes);
  return 0;
}
