#include "shipper/chunk.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/base/assert.h"
#include "common/wal/format.h"

namespace aerodb::shipper {
namespace {

// What each held piece costs beside its bytes, so that many small ones are bounded too.
constexpr uint64_t kChunkOverheadBytes = 128;

struct RecordHead {
  uint64_t size = 0;  // header, payload and padding
  Lsn lsn;
  Chain chain_before;
};

// The fields at their places in the record header (common/wal/format.h). Requires a whole header.
RecordHead read_head(ByteSpan record) {
  ByteReader in(record);
  RecordHead head;
  head.size = round_up(wal::kRecordHeaderBytes + uint64_t{in.u32()}, 8);
  in.raw(12);  // type, flags, format, epoch
  head.lsn = Lsn(in.u64());
  in.raw(8);  // commit id
  head.chain_before = in.id<Chain>();
  return head;
}

std::unexpected<Error> broken(Lsn from, std::string_view what) {
  return fail(ErrorCode::kBadRecord, fmt::format("wal.fetch from LSN {}: the answer {}", from.value(), what));
}

}  // namespace

Result<std::optional<Chunk>> check_answer(const FetchAnswer& answer, Lsn from, uint32_t max_bytes) {
  if (answer.first_lsn != from) return broken(from, fmt::format("begins at LSN {}", answer.first_lsn.value()));
  const auto bytes = ByteSpan(*answer.records);
  if (answer.count == 0) {
    if (!bytes.empty()) return broken(from, "has bytes but no records");
    return std::optional<Chunk>();
  }
  if (answer.count > 1 && bytes.size() > max_bytes) return broken(from, "is larger than asked for");
  if (from.value() + answer.count - 1 > answer.durable.lsn.value()) {
    return broken(from, "goes beyond the durable boundary it names");
  }
  size_t at = 0;
  for (uint32_t i = 0; i < answer.count; ++i) {
    if (bytes.size() - at < wal::kRecordHeaderBytes) return broken(from, "ends inside a record header");
    const auto head = read_head(bytes.subspan(at));
    if (head.size > wal::kMaxRecordBytes || head.size > bytes.size() - at) return broken(from, "ends inside a record");
    if (head.lsn.value() != from.value() + i) return broken(from, "has records out of order");
    if (i == 0 && head.chain_before != answer.chain_before)
      return broken(from, "names a chain that its first record denies");
    at += head.size;
  }
  if (at != bytes.size()) return broken(from, "has bytes after its last record");
  return Chunk{answer.first_lsn, answer.count, answer.chain_before, answer.records, 0};
}

Chunk chunk_from(const Chunk& chunk, Lsn lsn) {
  AERODB_ASSERT(chunk.first_lsn <= lsn && lsn < chunk.next_lsn());
  Chunk rest = chunk;
  while (rest.first_lsn < lsn) {
    rest.offset += read_head(rest.records()).size;
    rest.first_lsn = rest.first_lsn.next();
    --rest.count;
  }
  rest.chain_before = read_head(rest.records()).chain_before;
  return rest;
}

void Window::anchor(Lsn lsn) {
  next_lsn_ = lsn;
  chunks_.clear();
  bytes_ = 0;
  end_chain_.reset();
}

void Window::append(Chunk chunk) {
  AERODB_ASSERT(anchored() && chunk.first_lsn == next_lsn_);
  next_lsn_ = chunk.next_lsn();
  bytes_ += chunk.records().size() + kChunkOverheadBytes;
  end_chain_.reset();
  chunks_.push_back(std::move(chunk));
  while (bytes_ > max_bytes_ && chunks_.size() > 1) {
    bytes_ -= chunks_.front().records().size() + kChunkOverheadBytes;
    chunks_.pop_front();
  }
}

std::optional<Chunk> Window::find(Lsn lsn) const {
  if (chunks_.empty() || lsn < first_lsn() || lsn >= next_lsn_) return std::nullopt;
  const auto after = std::ranges::upper_bound(chunks_, lsn, {}, &Chunk::first_lsn);
  return chunk_from(*std::prev(after), lsn);
}

std::optional<Chain> Window::chain_before(Lsn lsn) const {
  if (const auto chunk = find(lsn)) return chunk->chain_before;
  return anchored() && lsn == next_lsn_ ? end_chain_ : std::nullopt;
}

}  // namespace aerodb::shipper
