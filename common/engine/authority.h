// Who may write, as a fold over the authority records of the log (rules AUTH-1, AUTH-2). Nothing else decides it.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/base/ids.h"
#include "common/rules/states.h"
#include "common/wal/record.h"

namespace aerodb::engine {

// One epoch of one lineage. It alone decides what belongs together.
struct AncestryEntry {
  LineageId lineage;
  Epoch epoch;
  Lsn first_lsn;
  CommitId first_commit;  // last commit before first_lsn
  Chain chain;            // chain before first_lsn
  std::string node;
  InstanceId instance;
  std::string reason;  // init, promotion, end, restore
  std::optional<LineageId> parent;
};

struct SealState {
  Lsn lsn;
  uint64_t number = 0;
  std::string successor;
  InstanceId successor_instance;
  Chain chain_after;
  bool passed_on = false;  // it answers a decline
};

// What a request left in the log.
struct RecordedOutcome {
  wal::RecordType type;
  Lsn lsn;
};

class Authority {
 public:
  // Takes the next authority record. Answers why it can't follow, or nullopt. The state is unchanged where it answers.
  [[nodiscard]] std::optional<std::string> apply(const wal::RecordHeader& header, const wal::Payload& payload,
                                                 const Chain& chain_after);
  // Why a record of `type` and `epoch` that is no authority record can't stand here, or nullopt.
  [[nodiscard]] std::optional<std::string> admits(const wal::RecordHeader& header) const;

  [[nodiscard]] bool empty() const { return ancestry_.empty(); }
  [[nodiscard]] const std::vector<AncestryEntry>& ancestry() const { return ancestry_; }
  [[nodiscard]] const AncestryEntry* current() const { return ancestry_.empty() ? nullptr : &ancestry_.back(); }
  // The seal that the log ends with, unless something answered it.
  [[nodiscard]] const std::optional<SealState>& seal() const { return seal_; }
  [[nodiscard]] rules::Role role_of(const InstanceId& instance) const;
  [[nodiscard]] Epoch epoch() const { return ancestry_.empty() ? Epoch() : ancestry_.back().epoch; }
  [[nodiscard]] LineageId lineage() const { return ancestry_.empty() ? LineageId{} : ancestry_.back().lineage; }
  [[nodiscard]] std::optional<RecordedOutcome> outcome(const std::string& request_id) const;

 private:
  [[nodiscard]] std::optional<std::string> start_lineage(const wal::RecordHeader& header,
                                                         const wal::LineageStart& start);
  [[nodiscard]] std::optional<std::string> start_epoch(const wal::RecordHeader& header, const wal::EpochStart& start);
  [[nodiscard]] std::optional<std::string> seal_epoch(const wal::RecordHeader& header, const wal::Seal& seal,
                                                      const Chain& chain_after);
  void record(const wal::WhoAndWhy& who, const wal::RecordHeader& header);

  std::vector<AncestryEntry> ancestry_;
  std::optional<SealState> seal_;
  std::map<std::string, RecordedOutcome> outcomes_;
};

}  // namespace aerodb::engine
