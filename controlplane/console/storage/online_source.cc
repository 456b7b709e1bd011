#include "controlplane/console/storage/online_source.h"

#include <fmt/format.h>

#include <map>

#include "common/wal/record.h"
#include "common/wire/methods.h"

namespace aerodb::console {
namespace {

constexpr uint32_t kPieceBytes = 1u << 20;
constexpr size_t kPiecesUnderWay = 4;  // as many as a node serves to one connection

// One run on its way here.
class Transfer {
 public:
  Transfer(Session& session, uint64_t hold, const store::RunInfo& run) : session_(session), hold_(hold), run_(run) {}

  Result<void> read(const engine::BackupSource::Take& take) {
    while (delivered_ < run_.bytes) {
      auto piece = next_piece();
      if (!piece) return fail(settled(std::move(piece.error())));
      if (auto taken = take(*piece); !taken) return fail(settled(std::move(taken.error())));
      delivered_ += piece->size();
    }
    return {};
  }

 private:
  Result<Bytes> next_piece() {
    while (!failure_) {
      ask();
      auto arrived = arrived_.find(delivered_);
      if (arrived != arrived_.end()) {
        Bytes piece = std::move(arrived->second);
        arrived_.erase(arrived);
        return piece;
      }
      session_.run();
    }
    return fail(session_.named(*failure_));
  }

  void ask() {
    while (!failure_ && asked_ < run_.bytes && under_way_ + arrived_.size() < kPiecesUnderWay) {
      const uint64_t offset = asked_;
      const auto wanted = static_cast<uint32_t>(std::min<uint64_t>(kPieceBytes, run_.bytes - offset));
      asked_ += wanted;
      ++under_way_;
      session_.client().call(wire::kStorageReadRun, {hold_, run_.number, offset, wanted}, session_.timeout_ms(),
                             [this, offset, wanted](Result<wire::StorageReadRunResponse> answer) {
                               --under_way_;
                               arrive(offset, wanted, answer);
                               session_.stop();
                             });
    }
  }

  void arrive(uint64_t offset, uint32_t wanted, Result<wire::StorageReadRunResponse>& answer) {
    if (answer && answer->bytes.size() == wanted) {
      arrived_[offset] = Bytes(answer->bytes.begin(), answer->bytes.end());
    } else if (!failure_) {
      failure_ = answer ? Error{ErrorCode::kBadMessage,
                                fmt::format("storage.read_run: {} bytes of run {} at {}, expected {}",
                                            answer->bytes.size(), run_.number, offset, wanted),
                                {}}
                        : std::move(answer.error());
    }
  }

  // No answer comes back to an object that is gone.
  Error settled(Error error) {
    while (under_way_ > 0) session_.run();
    return error;
  }

  Session& session_;
  uint64_t hold_;
  const store::RunInfo& run_;
  uint64_t asked_ = 0;      // bytes asked for
  uint64_t delivered_ = 0;  // bytes handed over
  size_t under_way_ = 0;
  std::map<uint64_t, Bytes> arrived_;  // by offset, not yet handed over
  std::optional<Error> failure_;
};

}  // namespace

Result<std::unique_ptr<OnlineSource>> OnlineSource::open(Session& session) {
  auto source = std::unique_ptr<OnlineSource>(new OnlineSource(session));
  Result<void> read;
  auto called = session.call(wire::kStorageHold, wire::Empty{}, [&](const wire::StorageHoldResponse& answer) {
    source->hold_ = answer.hold;
    auto& [info, manifest] = source->contents_;
    if (answer.manifest) {
      auto decoded = store::decode_manifest(*answer.manifest, "storage.hold");
      if (decoded) {
        manifest = std::move(*decoded);
      } else {
        read = fail(std::move(decoded.error()));
      }
    }
    manifest.segment_sequence = 0;
    const auto& end = answer.receipt;
    info = {answer.cluster, answer.node,   answer.instance, manifest.lsn, manifest.commit,
            end.lsn,        end.commit_id, end.epoch,       end.lineage,  end.chain};
  });
  if (called) called = std::move(read);
  if (!called) return fail(std::move(called.error()));
  return source;
}

Result<void> OnlineSource::read_log(const Take& take) {
  const Lsn end = contents_.info.end_lsn;
  for (Lsn next = contents_.info.manifest_lsn.next(); next <= end;) {
    Result<void> taken;
    const Lsn before = next;
    auto called =
        session_.call(wire::kStorageReadLog, {next, kPieceBytes}, [&](const wire::EvidenceRecordsResponse& answer) {
          // The node goes on: what comes after the end is not part of this backup.
          for (ByteSpan rest = answer.records; taken && !rest.empty() && next <= end; next = next.next()) {
            auto record = wal::read_record(rest);
            taken = record ? take(record->bytes) : fail(std::move(record.error()));
            if (taken) rest = rest.subspan(record->bytes.size());
          }
        });
    if (called) called = std::move(taken);
    if (!called) return called;
    if (next == before) {
      return fail(ErrorCode::kBadMessage, fmt::format("storage.read_log: no record at LSN {}", next.value()));
    }
  }
  return {};
}

Result<void> OnlineSource::read_run(const store::RunInfo& run, const Take& take) {
  return Transfer(session_, hold_, run).read(take);
}

}  // namespace aerodb::console
