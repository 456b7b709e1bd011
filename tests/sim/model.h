// What must be true, kept apart from the code under test: one history of durable records, the documents that follow
// from it, and what clients asked for. Every answer is compared with it when it arrives, and every node's log whenever
// its durable boundary moves. The first thing that does not fit ends the seed.
//
// There is one history: a record is in it from the moment the first node calls it durable, and stays for ever, since no
// disk is lost here. So a node whose chain differs at an LSN, or which comes back from a crash with less than it had
// called durable, is wrong, whatever happened to it.
#pragma once

#include <array>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/engine/engine.h"
#include "common/wire/methods.h"
#include "tests/sim/counters.h"
#include "tests/sim/runtime/disk.h"

namespace aerodb::sim {

using NodeIndex = uint32_t;
inline constexpr NodeIndex kNodes = 3;
inline constexpr uint32_t kCollections = 2;
inline constexpr uint32_t kSchemaVersions = 2;

[[nodiscard]] std::string_view collection_name(uint32_t collection);
[[nodiscard]] const std::string& id_name(uint32_t id);
// Canonical bytes of the schemas that the simulation registers; versions start at 1.
[[nodiscard]] const Bytes& schema_bytes(uint32_t collection, uint32_t version);

// Made on the asking side, in place of an answer.
[[nodiscard]] inline bool nobody_answered(ErrorCode code) {
  return code == ErrorCode::kConnectionLost || code == ErrorCode::kTimedOut || code == ErrorCode::kUnreachable;
}

// One operation as a client means it.
struct Operation {
  wal::Operation op = wal::Operation::kInsert;
  uint32_t collection = 0;
  uint32_t id = 0;
  uint32_t schema_version = 1;
  std::optional<CommitId> if_commit;
  std::optional<int64_t> k;             // its indexed field
  Bytes document;                       // canonical, unless form_error
  std::optional<ErrorCode> form_error;  // what is wrong with the document by itself
};

// What was known of a node when it was asked: no answer of it may fall behind that.
struct Asked {
  NodeIndex node = 0;
  uint32_t incarnation = 0;
  Lsn lsn;
  CommitId commit;
  bool ready = false;
  uint64_t manifest = 0;            // installed then: a later one may have released its ring
  std::optional<Epoch> primary_in;  // the epoch in which it may write, if it says so itself
};

struct WriteIssue {
  uint64_t number = 0;
  enum class State : uint8_t { kOpen, kUnknown, kDone, kRefused } state = State::kOpen;
  Asked asked;
  std::optional<wire::Receipt> shown;
  std::vector<Operation> operations;
  std::optional<CommitId> commit;  // the one that holds it
};

struct Read {
  Asked asked;
  uint32_t collection = 0;
  uint32_t id = 0;
  uint32_t schema_version = 1;
  std::optional<CommitId> at_commit;
  std::optional<wire::Receipt> shown;
};

// On one field: k, or _id.
struct Query {
  Read read;
  bool by_id = false;
  std::string op;  // of the only predicate; empty: none
  int64_t k = 0;   // compared with k, or as the number of an id
  bool descending = false;
  uint32_t limit = 1;
};

struct NodeFacts {
  std::string name;
  InstanceId instance;
  const engine::Engine* engine = nullptr;  // of the present incarnation, once it serves
  uint32_t incarnation = 0;
  engine::Position durable;    // the highest that any incarnation called durable
  bool disk_faulty = false;    // faults were injected into its machine's disk: it may halt
  bool halted = false;         // the present incarnation has
  bool halt_recorded = false;  // one incarnation found the halt on disk
  bool was_full = false;       // refused records for lack of room
  bool left_behind = false;    // the log it needs was released
};

class Model {
 public:
  Model(uint32_t ids, uint64_t max_wal_bytes, Counters& counters);

  // --- verdict
  void fail(std::string reason);
  [[nodiscard]] bool failed() const { return !reason_.empty(); }
  [[nodiscard]] const std::string& reason() const { return reason_; }

  // --- nodes
  [[nodiscard]] NodeFacts& node(NodeIndex node) { return nodes_[node]; }
  [[nodiscard]] Asked ask(NodeIndex node) const;
  // At each move of the durable boundary, at a halt, and after recovery.
  void observe(NodeIndex node, const SimDisk& disk);
  void recovered(NodeIndex node, const SimDisk& disk);
  // At the end: every document of the node in all its versions, the digest from scratch, and every byte of its runs.
  void compare_whole(NodeIndex node, const SimDisk& disk);

  // --- history
  [[nodiscard]] Lsn last_lsn() const { return Lsn(history_.size() - 1); }
  [[nodiscard]] CommitId last_commit() const { return history_.back().commit; }
  [[nodiscard]] std::optional<NodeIndex> epoch_owner() const;
  [[nodiscard]] bool ends_with_seal() const { return history_.back().type == wal::RecordType::kSeal; }
  [[nodiscard]] bool schema_registered(uint32_t collection, uint32_t version) const {
    return schema_lsn_[collection][version - 1] > Lsn();
  }
  // The live version of a document at the end of the history.
  [[nodiscard]] std::optional<CommitId> live(uint32_t collection, uint32_t id) const;
  [[nodiscard]] uint32_t ids() const { return ids_; }

  // --- clients
  WriteIssue& issue(Asked asked, std::vector<Operation> operations, std::optional<wire::Receipt> shown);
  void settle(WriteIssue& issue, const Result<wire::ReceiptResponse>& answer);
  void check_schema_answer(const Asked& asked, const Result<wire::ReceiptResponse>& answer);
  void check_get(const Read& read, const Result<wire::DocGetResponse>& answer);
  void check_query(const Query& query, const Result<wire::DocQueryResponse>& answer);
  void check_explanation(const Read& read, const Result<wire::ExplanationResponse>& answer);
  void check_status(const Asked& asked, const wire::StatusResponse& answer);

  // --- operator
  void check_demoted(const Asked& asked, const wire::ControlDemoteResponse& answer);
  void check_promoted(const Asked& asked, const wire::ControlPromoteResponse& answer);
  void check_declined(const Asked& asked, const wire::ControlDeclineResponse& answer);
  void check_outcome(const Asked& asked, const std::string& request_id, const wire::ControlOutcomeResponse& answer);
  void check_control_explanation(const wire::ExplanationResponse& answer);

 private:
  struct Entry {
    Chain chain;
    Digest digest;
    CommitId commit;
    Epoch epoch;
    wal::RecordType type = wal::RecordType::kLineageStart;
  };
  struct Version {
    CommitId commit;
    uint32_t schema_version = 0;  // 0: tombstone
    std::optional<int64_t> k;
    Bytes document;
  };
  struct SealFacts {
    std::string successor;
    InstanceId instance;
    bool declined = false;  // its successor's statement was handed out
  };
  struct EpochFacts {
    Lsn lsn;
    Lsn seal_lsn;
    InstanceId instance;
    bool by_successor = false;
  };
  struct Verdict {
    std::optional<ErrorCode> code;  // absent: accepted
    CommitId commit;                // that the refusal names
    friend bool operator==(const Verdict&, const Verdict&) = default;
  };

  void count(Counter counter) { ++counters_[static_cast<size_t>(counter)]; }
  [[nodiscard]] std::string name(NodeIndex node) const { return nodes_[node].name; }
  void extend(NodeIndex node, const SimDisk& disk);
  void take_records(NodeIndex node, ByteSpan records);
  void take_record(NodeIndex node, const wal::RecordView& record);
  void take_commit(const wal::RecordView& record, const wal::Commit& commit);
  void take_schema(const wal::RecordView& record, const wal::SchemaRecord& schema);
  void take_authority(const wal::RecordView& record, const wal::Payload& payload);
  void take_floor(const wal::RecordView& record, const wal::Floor& floor);
  // The floor once the record at `lsn` is applied.
  [[nodiscard]] CommitId floor_at(Lsn lsn) const;
  void verify_runs(NodeIndex node, const SimDisk& disk);
  [[nodiscard]] std::vector<Version> logical_chain(uint32_t collection, uint32_t id, CommitId bound,
                                                   CommitId floor) const;
  [[nodiscard]] bool matches(const WriteIssue& issue, const wal::Commit& commit) const;
  // Two requests for the same deletions can't be told apart in the log.
  [[nodiscard]] static bool are_twins(const WriteIssue& a, const WriteIssue& b);
  // Takes the commit from the request that was thought to have made it, for a twin that may have; false: there is none.
  [[nodiscard]] bool give_to_twin(WriteIssue& issue);
  [[nodiscard]] std::vector<Version>& versions(uint32_t collection, uint32_t id) {
    return documents_[collection * ids_ + id];
  }
  [[nodiscard]] const std::vector<Version>& versions(uint32_t collection, uint32_t id) const {
    return documents_[collection * ids_ + id];
  }
  // Tombstones included; nullptr: there was nothing yet.
  [[nodiscard]] const Version* newest(uint32_t collection, uint32_t id, CommitId bound) const;
  [[nodiscard]] const Version* visible(uint32_t collection, uint32_t id, CommitId bound) const;
  [[nodiscard]] bool has_schema(uint32_t collection, uint32_t version, Lsn at) const {
    const Lsn lsn = schema_lsn_[collection][version - 1];
    return lsn > Lsn() && lsn <= at;
  }
  // What a primary whose log ends at `at` must say to these operations.
  [[nodiscard]] Verdict evaluate(const std::vector<Operation>& operations, Lsn at) const;
  void check_receipt(std::string_view what, const Asked& asked, const std::optional<wire::Receipt>& shown,
                     const wire::Receipt& receipt);
  void check_acknowledged(WriteIssue& issue, const wire::Receipt& receipt);
  void check_refused(WriteIssue& issue, const Error& error);
  // The refusals that any read can get; false: it is none of them.
  [[nodiscard]] bool is_read_refusal(const Read& read, const Error& error);
  void unexpected(std::string_view what, const Asked& asked, const Error& error);
  struct Walk {
    std::optional<ErrorCode> refusal;
    std::vector<std::pair<uint32_t, const Version*>> found;  // id
  };
  [[nodiscard]] Walk walk(const Query& query, CommitId at) const;
  [[nodiscard]] Digest digest_from_scratch() const;

  uint32_t ids_;
  uint64_t max_wal_bytes_;
  Counters& counters_;
  std::string reason_;
  std::array<NodeFacts, kNodes> nodes_;
  std::vector<Entry> history_ = std::vector<Entry>(1);  // by LSN; 0 is before the first
  LineageId lineage_;
  std::vector<Lsn> commit_lsn_ = {Lsn()};     // by commit
  std::vector<uint64_t> commit_issue_ = {0};  // by commit: number of the issue it holds
  std::vector<std::vector<Version>> documents_;
  std::array<std::array<Lsn, kSchemaVersions>, kCollections> schema_lsn_{};
  std::map<Lsn, SealFacts> seals_;
  std::map<Lsn, CommitId> floors_;
  std::vector<EpochFacts> epochs_;                    // by epoch - 1
  std::map<std::string, std::vector<Lsn>> requests_;  // authority records by request id
  std::deque<WriteIssue> issues_;                     // by number - 1
  std::vector<uint64_t> open_issues_;                 // numbers: may still turn up in the history
  Bytes scratch_;
};

}  // namespace aerodb::sim
