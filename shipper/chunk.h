// Records on their way: pieces of the source's log as its answers brought them, and the window of recent pieces that
// all targets share.
//
// A shipper reads record headers (length, LSN, chain before) and never a payload. The header is what lets it check that
// an answer is the range asked for, and begin in the middle of a piece where a target's end lies there.
#pragma once

#include <deque>
#include <memory>
#include <optional>

#include "common/base/bytes.h"
#include "common/base/error.h"
#include "common/wire/messages_replication.h"

namespace aerodb::shipper {

// Consecutive records. Copies share the bytes.
struct Chunk {
  Lsn first_lsn{};
  uint32_t count = 0;    // at least 1
  Chain chain_before{};  // before first_lsn
  std::shared_ptr<const Bytes> bytes{};
  size_t offset = 0;  // of first_lsn in bytes

  [[nodiscard]] ByteSpan records() const { return ByteSpan(*bytes).subspan(offset); }
  [[nodiscard]] Lsn next_lsn() const { return Lsn(first_lsn.value() + count); }
};

// A wal.fetch answer, with bytes of its own.
struct FetchAnswer {
  Lsn first_lsn{};
  uint32_t count = 0;
  Chain chain_before{};
  wire::Receipt durable{};
  std::shared_ptr<const Bytes> records{};
};

// The records of an answer; nullopt where it has none. BAD_RECORD unless they are `count` whole records, numbered from
// `from` on, none beyond the durable boundary, the first following chain_before, and at most max_bytes in all unless
// there is only one.
[[nodiscard]] Result<std::optional<Chunk>> check_answer(const FetchAnswer& answer, Lsn from, uint32_t max_bytes);

// The records of `chunk` from `lsn` on. Requires that the chunk was checked and holds `lsn`.
[[nodiscard]] Chunk chunk_from(const Chunk& chunk, Lsn lsn);

// The newest pieces of the source's log, without gaps, bounded in bytes. The oldest go first; the newest always stays.
class Window {
 public:
  explicit Window(uint64_t max_bytes) : max_bytes_(max_bytes) {}

  // Whether it has a place in the log. Before that it holds nothing.
  [[nodiscard]] bool anchored() const { return next_lsn_ != Lsn(); }
  [[nodiscard]] Lsn first_lsn() const { return chunks_.empty() ? next_lsn_ : chunks_.front().first_lsn; }
  [[nodiscard]] Lsn next_lsn() const { return next_lsn_; }  // the first one not held yet

  // Empties it and lets it begin at `lsn`.
  void anchor(Lsn lsn);
  void clear() { anchor(Lsn()); }
  // Requires chunk.first_lsn == next_lsn().
  void append(Chunk chunk);
  // The source's chain before next_lsn(), as an answer without records tells it.
  void note_end_chain(const Chain& chain) { end_chain_ = chain; }

  // The piece that holds `lsn`, beginning there; nullopt where `lsn` is not held.
  [[nodiscard]] std::optional<Chunk> find(Lsn lsn) const;
  // The source's chain before `lsn`, where held.
  [[nodiscard]] std::optional<Chain> chain_before(Lsn lsn) const;
  [[nodiscard]] uint64_t bytes() const { return bytes_; }

 private:
  uint64_t max_bytes_;
  Lsn next_lsn_;
  std::deque<Chunk> chunks_;
  uint64_t bytes_ = 0;
  std::optional<Chain> end_chain_;
};

}  // namespace aerodb::shipper
