#include "common/engine/log_check.h"

#include <fmt/format.h>

namespace aerodb::engine {

LogCheck::LogCheck(const State& at_manifest, const std::optional<KnownPosition>& against, uint64_t max_memory_bytes)
    : known_(against),
      max_memory_bytes_(max_memory_bytes),
      from_(at_manifest.position().lsn),
      authority_(at_manifest.authority()),
      end_(at_manifest.position()) {
  see(end_.lsn, end_.chain);
}

Result<void> LogCheck::take(const wal::RecordView& record, uint64_t memory_bytes) {
  const auto& header = record.header;
  if (auto problem = follow(record)) return fail(ErrorCode::kWalDiscontinuity, std::move(*problem));
  if (memory_bytes > max_memory_bytes_) {
    return fail(ErrorCode::kMemoryFull, fmt::format("the log up to LSN {} takes more than {} bytes of memory",
                                                    header.lsn.value(), max_memory_bytes_));
  }
  end_ = {header.lsn,           header.commit,        authority_.epoch(),
          authority_.lineage(), record.chain_after(), header.digest_after};
  see(end_.lsn, end_.chain);
  records_ += 1;
  bytes_ += record.bytes.size();
  return {};
}

Result<void> LogCheck::finish() const {
  if (!known_ || (found_ && *found_ == known_->chain)) return {};
  if (known_->lsn < from_) {
    return fail(ErrorCode::kLogReleased,
                fmt::format("verify: LSN {} lies before the log, which begins behind LSN {}: what stood there is not "
                            "known any more",
                            known_->lsn.value(), from_.value()));
  }
  const std::string what =
      found_ ? fmt::format("has chain {} there", to_hex(*found_)) : fmt::format("ends at LSN {}", end_.lsn.value());
  return fail(Error{ErrorCode::kPositionNotHeld,
                    fmt::format("verify: LSN {} with chain {} is not held: the log {}", known_->lsn.value(),
                                to_hex(known_->chain), what),
                    {}}
                  .with("expected", to_hex(known_->chain))
                  .with("found", found_ ? to_hex(*found_) : "nothing"));
}

std::optional<std::string> LogCheck::follow(const wal::RecordView& record) {
  switch (record.header.type) {
    case wal::RecordType::kSchema:
    case wal::RecordType::kCommit:
    case wal::RecordType::kFloor:
      return authority_.admits(record.header);
    case wal::RecordType::kLineageStart:
    case wal::RecordType::kEpochStart:
    case wal::RecordType::kSeal:
      break;
  }
  auto payload = wal::parse_payload(record);
  if (!payload) return payload.error().message;
  return authority_.apply(record.header, *payload, record.chain_after());
}

void LogCheck::see(Lsn lsn, const Chain& chain) {
  if (known_ && known_->lsn == lsn) found_ = chain;
}

}  // namespace aerodb::engine
