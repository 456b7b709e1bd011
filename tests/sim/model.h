// What must be true, kept apart from the code under test: a tree of histories of durable records, the documents that
// follow from each, and what clients and operators asked for. Every answer is compared with it when it arrives, and
// every node's log whenever its durable boundary moves. The first thing that does not fit ends the seed.
//
// A record is in the tree from the moment the first node calls it durable, and stays for ever. A node's log is a prefix
// of one branch. It may come back with less than it had called durable only where its disk was lost, or where an
// operator had it take a snapshot; it may move to another branch only by that, or where its own log ends before the
// fork and an operator accepted the other lineage. A branch begins only by an operator's end-lineage.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "common/engine/engine.h"
#include "common/wire/methods.h"
#include "tests/sim/counters.h"
#include "tests/sim/history.h"
#include "tests/sim/runtime/disk.h"

namespace aerodb::sim {

using NodeIndex = uint32_t;
using BranchIndex = size_t;
inline constexpr NodeIndex kNodesMax = 5;

// Made on the asking side, in place of an answer.
[[nodiscard]] inline bool nobody_answered(ErrorCode code) {
  return code == ErrorCode::kConnectionLost || code == ErrorCode::kTimedOut || code == ErrorCode::kUnreachable;
}

// In which a node may write.
struct Term {
  LineageId lineage;
  Epoch epoch;
  friend bool operator==(const Term&, const Term&) = default;
};

// What was known of a node when it was asked: no answer of it may fall behind that.
struct Asked {
  NodeIndex node = 0;
  uint32_t incarnation = 0;
  uint32_t openings = 0;
  size_t stay = 0;
  Lsn lsn;
  CommitId commit;
  bool ready = false;
  uint64_t manifest = 0;           // installed then: a later one may have released its ring
  std::optional<Term> primary_in;  // if it says so itself
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
  std::string op;       // of the only predicate; empty: none
  int64_t k = 0;        // compared with k, or as the number of an id
  bool sorted = false;  // by that field
  bool descending = false;
  uint32_t limit = 1;
};

struct HistoryRead {
  Read read;
  std::optional<CommitId> before;
  uint32_t limit = 1;
};

// What a node answered to a read, for the explanation of the same read on the same node.
struct GetTold {
  std::optional<CommitId> version;
};
struct HistoryTold {
  std::optional<CommitId> before;
  CommitId floor;
  bool complete = false;
  std::vector<CommitId> versions;
};
struct QueryTold {
  uint64_t bound_entries = 0;
  Sha256 plan_hash{};
  Sha256 documents{};  // one behind the other
};
struct Told {
  size_t stay = 0;  // of the node when it was asked: another one has other histories
  std::optional<GetTold> get;
  std::optional<HistoryTold> history;
  std::optional<QueryTold> query;
};

// From one replacement of what a node holds to the next: a snapshot taken, or a disk lost.
struct Stay {
  BranchIndex branch = 0;
  InstanceId instance;
  engine::Position durable;  // the highest that any incarnation called durable
  bool fenced = false;
  size_t branches_when_empty = 0;  // that there were: an empty log adopts any of them
};

// What an operator asked a node for and has not been seen yet: it may come about.
struct Permits {
  uint32_t resumes = 0;              // of a halt
  std::vector<NodeIndex> snapshots;  // by source
  uint32_t lineage_ends = 0;
  std::set<LineageId> lineages;  // accepted
  std::set<std::string> lost;    // nodes whose authority was to end
};

struct NodeFacts {
  std::string name;
  const engine::Engine* engine = nullptr;  // the present one, once it serves
  uint32_t incarnation = 0;
  uint32_t openings = 0;  // of its directory
  std::vector<Stay> stays{1};
  Permits permits;
  std::vector<std::string> export_files;  // that were asked for, on its disk
  bool disk_faulty = false;               // faults were injected into its machine's disk: it may halt
  bool halted = false;                    // the present engine has
  bool halt_recorded = false;             // one opening found the halt on disk
  bool was_full = false;                  // refused records for lack of room
  bool gone = false;                      // for good, with its disk
  [[nodiscard]] Stay& stay() { return stays.back(); }
  [[nodiscard]] const Stay& stay() const { return stays.back(); }
  [[nodiscard]] const engine::Position& durable() const { return stays.back().durable; }
  [[nodiscard]] const InstanceId& instance() const { return stays.back().instance; }
};

class Model {
 public:
  Model(NodeIndex nodes, uint32_t ids, uint64_t max_wal_bytes, Counters& counters);

  // --- verdict
  void fail(std::string reason);
  [[nodiscard]] bool failed() const { return !reason_.empty(); }
  [[nodiscard]] const std::string& reason() const { return reason_; }

  // --- nodes
  [[nodiscard]] NodeIndex nodes() const { return static_cast<NodeIndex>(nodes_.size()); }
  [[nodiscard]] NodeFacts& node(NodeIndex node) { return nodes_[node]; }
  [[nodiscard]] const NodeFacts& node(NodeIndex node) const { return nodes_[node]; }
  [[nodiscard]] Asked ask(NodeIndex node) const;
  // At each move of the durable boundary, at a halt, and after the directory was opened.
  void observe(NodeIndex node, const SimDisk& disk);
  void recovered(NodeIndex node, const SimDisk& disk);
  // Its directory is made, or made anew after its disk was lost.
  void initialized(NodeIndex node, const InstanceId& instance);
  // At the end: every document of the node in all its versions, the digest from scratch, and every byte of its runs.
  void compare_whole(NodeIndex node, const SimDisk& disk);

  // --- histories
  [[nodiscard]] const History& branch(BranchIndex index) const { return branches_[index]; }
  [[nodiscard]] size_t branches() const { return branches_.size(); }
  // The newest: on which the operator means to go on.
  [[nodiscard]] const History& main() const { return branches_.back(); }
  [[nodiscard]] BranchIndex main_index() const { return branches_.size() - 1; }
  [[nodiscard]] std::optional<NodeIndex> epoch_owner() const;
  // Last LSN that two branches have in common.
  [[nodiscard]] Lsn common_end(BranchIndex a, BranchIndex b) const;
  [[nodiscard]] bool schema_registered(uint32_t collection, uint32_t version) const {
    return main().schema_lsn[collection][version - 1] > Lsn();
  }
  // The live version of a document at the end of the main branch.
  [[nodiscard]] std::optional<CommitId> live(uint32_t collection, uint32_t id) const;

  // --- clients
  WriteIssue& issue(Asked asked, std::vector<Operation> operations, std::optional<wire::Receipt> shown);
  void settle(WriteIssue& issue, const Result<wire::ReceiptResponse>& answer);
  void check_schema_answer(const Asked& asked, const Result<wire::ReceiptResponse>& answer);
  void check_get(const Read& read, const Result<wire::DocGetResponse>& answer);
  void check_query(const Query& query, const Result<wire::DocQueryResponse>& answer);
  void check_history(const HistoryRead& asked, const Result<wire::DocHistoryResponse>& answer);
  // `told`: what the node answered to the same read, if it was asked.
  void check_explanation(const Read& read, const Told& told, const Result<wire::ExplanationResponse>& answer);
  void check_query_explanation(const Query& query, const Told& told, const Result<wire::ExplanationResponse>& answer);
  void check_status(const Asked& asked, const wire::StatusResponse& answer);

  // --- operator
  void check_demoted(const Asked& asked, const wire::ControlDemoteResponse& answer);
  void check_promoted(const Asked& asked, const wire::ControlPromoteResponse& answer);
  void check_declined(const Asked& asked, const wire::ControlDeclineResponse& answer);
  void check_outcome(const Asked& asked, const std::string& request_id, const wire::ControlOutcomeResponse& answer);
  void check_control_explanation(const wire::ExplanationResponse& answer);
  void check_lineage_ended(const Asked& asked, const wire::EndLineageRequest& request,
                           const wire::EndLineageResponse& answer);
  // What a finished export wrote.
  void check_exported(NodeIndex node, const wire::RepairStatusResponse& status, const std::string& file,
                      const SimDisk& disk);

 private:
  // An answer is judged by what the node held when it was asked, and by anything that has taken its place since.
  struct View {
    const History& history;
    const Stay& stay;
    Asked asked;
  };
  template <class Check>
  void on_each_stay(const Asked& asked, Check check) {
    const NodeFacts& facts = nodes_[asked.node];
    for (size_t i = asked.stay; i < facts.stays.size() && !failed(); ++i) {
      View view{branches_[facts.stays[i].branch], facts.stays[i], asked};
      if (i > asked.stay) view.asked.lsn = Lsn();
      if (i > asked.stay) view.asked.commit = CommitId();
      check(view);
      if (!failed() || i + 1 == facts.stays.size()) return;
      reason_.clear();
    }
  }

  void count(Counter counter) { ++counters_[static_cast<size_t>(counter)]; }
  [[nodiscard]] std::string name(NodeIndex node) const { return nodes_[node].name; }
  // Whether the directory was closed and opened since.
  [[nodiscard]] bool reopened(const Asked& asked) const {
    const NodeFacts& facts = nodes_[asked.node];
    return facts.engine == nullptr || facts.openings != asked.openings;
  }
  [[nodiscard]] bool was_fenced(const Asked& asked) const;

  // growth
  [[nodiscard]] bool is_replaced(const NodeFacts& facts) const;
  void take_replacement(NodeIndex node, const SimDisk& disk);
  void check_halt(NodeIndex node);
  void check_fence(NodeIndex node);
  void find_place(NodeIndex node, const SimDisk& disk);
  [[nodiscard]] static bool lies_on(const History& history, const engine::Position& position);
  [[nodiscard]] std::optional<BranchIndex> branch_of(const engine::Position& position) const;
  [[nodiscard]] std::optional<BranchIndex> branch_of_snapshot(NodeIndex index, const engine::Position& visible) const;
  bool follow(NodeIndex index, Lsn lsn, const Chain& chain);
  [[nodiscard]] bool may_follow(NodeIndex node, BranchIndex branch) const;
  void grow(NodeIndex node, const SimDisk& disk);
  void take_records(NodeIndex node, ByteSpan records);
  void take_record(NodeIndex node, const wal::RecordView& record);
  void begin_branch(NodeIndex node, const wal::RecordView& record, const wal::LineageStart& start);
  void take_commit(History& history, const wal::RecordView& record, const wal::Commit& commit);
  void take_schema(History& history, const wal::RecordView& record, const wal::SchemaRecord& schema);
  void take_authority(History& history, const wal::RecordView& record, const wal::Payload& payload);
  void take_seal(History& history, const wal::RecordView& record, const wal::Seal& seal);
  void take_epoch(History& history, const wal::RecordView& record, const wal::EpochStart& start);
  void take_floor(History& history, const wal::RecordView& record, const wal::Floor& floor);
  void verify_runs(NodeIndex node, const SimDisk& disk);
  // What a whole file of orphans covers; nullopt: it is not whole.
  struct Exported {
    Lsn fork;
    Lsn end;
    uint64_t versions = 0;
  };
  [[nodiscard]] std::optional<Exported> read_export(NodeIndex node, const Bytes& file);
  [[nodiscard]] bool is_exported(NodeIndex node, const engine::Position& end, const SimDisk& disk);

  // writes
  [[nodiscard]] bool matches(const WriteIssue& issue, const wal::Commit& commit) const;
  // Two requests for the same deletions can't be told apart in the log.
  [[nodiscard]] static bool are_twins(const WriteIssue& a, const WriteIssue& b);
  // Takes the commit from the request that was thought to have made it, for a twin that may have; false: there is none.
  [[nodiscard]] bool give_to_twin(const History& history, WriteIssue& issue);
  // On every branch that has the commit.
  void set_holder(CommitId commit, uint64_t from, uint64_t to);
  void check_receipt(std::string_view what, const View& view, const std::optional<wire::Receipt>& shown,
                     const wire::Receipt& receipt);
  void check_acknowledged(const View& view, WriteIssue& issue, const wire::Receipt& receipt);
  void check_refused(const View& view, WriteIssue& issue, const Error& error);
  // A receipt that the node's history left, or never had.
  [[nodiscard]] bool departs(const View& view, const std::optional<wire::Receipt>& shown, ErrorCode code) const;
  void unexpected(std::string_view what, const Asked& asked, const Error& error);

  // reads
  // The refusals that any read can get; false: it is none of them.
  [[nodiscard]] bool is_read_refusal(const View& view, const Read& read, const Error& error);
  void judge_get(const View& view, const Read& read, const Result<wire::DocGetResponse>& answer);
  void judge_query(const View& view, const Query& query, const Result<wire::DocQueryResponse>& answer);
  void judge_history(const View& view, const HistoryRead& asked, const Result<wire::DocHistoryResponse>& answer);
  // Fails unless the object follows from its own evidence.
  [[nodiscard]] std::optional<document::Tape> rederived(const std::string& what,
                                                        const wire::ExplanationResponse& answer);
  [[nodiscard]] bool is_same_stay(const View& view, const Told& told) const;
  void judge_explanation(const View& view, const Read& read, const Told& told,
                         const Result<wire::ExplanationResponse>& answer);
  void judge_history_told(const std::string& what, document::Cursor object, const HistoryTold& told);
  void judge_query_explanation(const View& view, const Query& query, const Told& told,
                               const Result<wire::ExplanationResponse>& answer);
  void judge_status(const View& view, const wire::StatusResponse& answer);
  struct Walk {
    std::optional<ErrorCode> refusal;
    std::vector<std::pair<uint32_t, const Version*>> found;  // id
  };
  [[nodiscard]] Walk walk(const History& history, const Query& query, CommitId at) const;

  uint32_t ids_;
  uint64_t max_wal_bytes_;
  Counters& counters_;
  std::string reason_;
  std::vector<NodeFacts> nodes_;
  std::deque<History> branches_;
  std::deque<WriteIssue> issues_;      // by number - 1
  std::vector<uint64_t> open_issues_;  // numbers: may still turn up in a history
  Bytes scratch_;
};

}  // namespace aerodb::sim
