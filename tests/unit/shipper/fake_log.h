// A log of made-up records: right headers and chains, payloads that mean nothing. A shipper can't tell.
#pragma once

#include <string>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/checksum.h"
#include "common/wal/format.h"
#include "shipper/chunk.h"

namespace aerodb::shipper::testing {

inline Chain chain_of(uint8_t fill) {
  Chain chain;
  chain.bytes.fill(fill);
  return chain;
}
inline const Chain kGenesis = chain_of(0xEE);

class FakeLog {
 public:
  // Appends a record with `payload_bytes` of payload; `fill` makes histories differ.
  void append(size_t payload_bytes = 40, uint8_t fill = 0x11) {
    Bytes record;
    ByteWriter out(record);
    out.u32(static_cast<uint32_t>(payload_bytes));
    out.u8(5);
    out.u8(0);
    out.u16(wal::kRecordFormat);
    out.u64(1);
    out.u64(records_.size() + 1);
    out.u64(records_.size());
    out.id(end_chain());
    out.zeros(16);
    out.raw(Bytes(payload_bytes, fill));
    out.zeros(round_up(record.size(), 8) - record.size());
    take(record);
  }
  void append_many(size_t count, size_t payload_bytes = 40, uint8_t fill = 0x11) {
    for (size_t i = 0; i < count; ++i) append(payload_bytes, fill);
  }
  // One record, verbatim.
  void take(const Bytes& record) {
    records_.push_back(record);
    Chain chain;
    chain.bytes = xxh3_128(record);
    chains_.push_back(chain);
  }
  void cut_to(Lsn lsn) {
    records_.resize(lsn.value());
    chains_.resize(lsn.value());
  }

  [[nodiscard]] Lsn end() const { return Lsn(records_.size()); }
  [[nodiscard]] Chain end_chain() const { return chain_before(end().next()); }
  [[nodiscard]] Chain chain_before(Lsn lsn) const { return lsn <= Lsn(1) ? kGenesis : chains_.at(lsn.value() - 2); }
  [[nodiscard]] const std::vector<Bytes>& records() const { return records_; }
  [[nodiscard]] wire::Receipt receipt() const {
    wire::Receipt receipt;
    receipt.epoch = Epoch(1);
    receipt.lsn = end();
    receipt.commit_id = CommitId(end().value());
    if (end() > Lsn()) receipt.chain = end_chain();
    return receipt;
  }
  // What wal.fetch answers.
  [[nodiscard]] FetchAnswer fetch(Lsn from, uint32_t max_bytes) const {
    Bytes bytes;
    uint32_t count = 0;
    for (auto i = from.value(); i <= end().value(); ++i) {
      const auto& record = records_[i - 1];
      if (count > 0 && bytes.size() + record.size() > max_bytes) break;
      bytes.insert(bytes.end(), record.begin(), record.end());
      ++count;
    }
    return {from, count, chain_before(from), receipt(), std::make_shared<const Bytes>(std::move(bytes))};
  }
  [[nodiscard]] Chunk chunk(Lsn from, uint32_t max_bytes) const {
    auto answer = fetch(from, max_bytes);
    return {answer.first_lsn, answer.count, answer.chain_before, answer.records, 0};
  }

 private:
  std::vector<Bytes> records_;
  std::vector<Chain> chains_;  // after each
};

// Bytes of one record with the default payload.
inline constexpr uint32_t kRecordBytes = 104;

}  // namespace aerodb::shipper::testing
