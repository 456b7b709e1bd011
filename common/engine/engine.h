// One node's database: admission, durability, reads, authority. Thread: the loop's. Knows nothing of sockets.
//
// Life of a write: admitted (checked against the newest state, pending included; commit id given; its version enters
// the memory table) -> framed -> durable -> visible (reads are bounded by the durable commit) -> answered. Every answer
// to a write, refusals included, waits until the LSN it was decided on is durable (WAL-4): see hold().
//
// Trouble with the log: the node halts, every pending answer says OUTCOME_UNKNOWN, nothing is retried (WAL-5).
//
// An engine can end before its process does: end(), wait until it is at rest, leave().
#pragma once

#include <array>
#include <concepts>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "common/document/canonical.h"
#include "common/engine/decision.h"
#include "common/engine/recovery.h"
#include "common/engine/state.h"
#include "common/engine/storage.h"
#include "common/rules/authority_rules.h"
#include "common/rules/lineage_rules.h"
#include "common/rules/read_gate.h"
#include "common/rules/read_visibility.h"
#include "common/runtime/runtime.h"
#include "common/wal/reader.h"
#include "common/wal/writer.h"

namespace aerodb::engine {

inline constexpr size_t kMaxBatchOperations = 1000;
inline constexpr uint32_t kMaxQueryLimit = 10'000;
inline constexpr uint32_t kMaxHistoryLimit = 1'000;
inline constexpr size_t kMaxAnswerBytes = 16u << 20;  // documents of one answer: no message could carry more

struct EngineOptions {
  std::string data_dir;
  wal::RingGeometry geometry;
  wal::WriterOptions writer;
  uint64_t max_memory_bytes = 1ull << 30;
  uint32_t max_document_bytes = document::kDefaultMaxDocumentBytes;
  uint64_t max_query_entries = 100'000;
  StorageOptions storage;
};

// A position that a client saw.
struct ReceiptClaim {
  LineageId lineage;
  Epoch epoch;
  Lsn lsn;
  Chain chain;
};

// What a read or write answers that may need blocks of runs which are not in memory. nullopt: they are noted in the
// lease; fetch them and call again, with the same lease. Nothing was changed.
template <class T>
using Restartable = std::optional<T>;

// A decision on newest state, to be answered when `decided_on` is durable.
template <class T>
struct Decided {
  Result<T> outcome;
  Lsn decided_on;
};

struct WriteOperation {
  wal::Operation op = wal::Operation::kInsert;
  std::string_view collection;
  std::string_view id;                       // delete
  uint32_t schema_version = 0;               // insert, update
  std::optional<CommitId> if_commit;         // precondition (MVCC-8)
  std::optional<document::Cursor> document;  // insert, update
};

struct GetRequest {
  std::string_view collection;
  std::string_view id;
  uint32_t schema_version = 0;
  std::optional<CommitId> at_commit;
  std::optional<ReceiptClaim> receipt;
};
struct GetAnswer {
  CommitId at_commit;
  store::VersionView version;  // empty: no visible version. Valid until the engine's next change or the lease's end
  Position position;
};

enum class Comparison : uint8_t { kEqual, kLess, kLessOrEqual, kGreater, kGreaterOrEqual };
inline constexpr std::array<std::string_view, 5> kComparisonNames = {"eq", "lt", "le", "gt", "ge"};
struct Predicate {
  std::string_view field;  // dotted path of an indexed field, or "_id"
  Comparison comparison = Comparison::kEqual;
  document::Cursor value;
};
// Where the page before ended: the last document's sort value (an index key: nothing where the sort is by _id) and _id.
struct PageEnd {
  std::optional<document::Cursor> sort_value;
  std::string_view id;
};
struct QueryRequest {
  std::string_view collection;
  uint32_t schema_version = 0;
  std::vector<Predicate> where;  // all of them (AND)
  std::optional<std::string_view> sort;
  bool descending = false;
  std::optional<uint32_t> limit;
  std::optional<uint64_t> max_entries;
  std::optional<PageEnd> after;  // needs at_commit
  std::optional<CommitId> at_commit;
  std::optional<ReceiptClaim> receipt;
};
struct QueryVersion {
  CommitId commit;
  uint32_t schema_version = 0;
  size_t begin = 0;  // in QueryAnswer::documents
  size_t bytes = 0;
};
struct QueryAnswer {
  CommitId at_commit;
  std::string index;           // path, or "_id"
  uint64_t bound_entries = 0;  // stated before it ran (QRY-3)
  Sha256 plan_hash{};          // of the plan's canonical text: equal plans, equal hashes, on every node
  std::vector<QueryVersion> versions;
  Bytes documents;
  Position position;
  [[nodiscard]] ByteSpan document(const QueryVersion& v) const { return ByteSpan(documents).subspan(v.begin, v.bytes); }
};
class QueryRecord;
// How far a query came before it lacked a block. Start with an empty one; the same request must be given again.
struct QueryProgress {
  bool started = false;
  CommitId at_commit;  // fixed at the start
  Bytes last_value;    // the entry last looked at: index key, _id
  Bytes last_id;
  uint64_t visited = 0;
  QueryAnswer answer;
  std::shared_ptr<QueryRecord> record;  // put there before the first call where the run is to be explained
  // Everything but the record: that notes anew.
  void begin_again();
};

struct HistoryRequest {
  std::string_view collection;
  std::string_view id;
  uint32_t schema_version = 0;
  std::optional<CommitId> before_commit;  // versions below this one
  uint32_t limit = 0;                     // 1 to kMaxHistoryLimit
  std::optional<ReceiptClaim> receipt;
};
struct HistoryAnswer {
  CommitId at_commit;
  CommitId floor;
  std::vector<store::VersionView> versions;  // newest first, tombstones included
  bool complete = false;                     // the oldest one readable is among them
  Position position;
};

// What the operator handed over with a control command.
struct AuthorityRequest {
  rules::AuthorityCommand command = rules::AuthorityCommand::kDemote;
  wal::WhoAndWhy who;
  std::optional<std::string> successor;
  std::optional<InstanceId> successor_instance;
  std::optional<Decline> decline;
};
struct AuthorityOutcome {
  Lsn record_lsn;  // seal, or epoch_start
  Lsn seal_lsn;
  uint64_t seal_number = 0;
  std::string successor;
  InstanceId successor_instance;
  Epoch epoch;
  bool repeated = false;  // the record stood already; nothing was written
  Position position;
};

// A lineage that this node ended, and its own that goes on from there.
struct LineageEnd {
  Position after;  // the lineage_start
  LineageId lineage;
  LineageId parent;
  Lsn fork_lsn;  // last of the parent
  CommitId fork_commit;
  bool repeated = false;  // the record stood already; nothing was written
};

class EngineEvents {
 public:
  virtual ~EngineEvents() = default;
  virtual void on_durable(const Position& position) = 0;
  virtual void on_halt(const Halt& halt) = 0;
};

class Engine final : private wal::WriterEvents {
 public:
  // Takes over what recovery opened. `runtime` and `events` must outlive the engine; the log device must be open.
  Engine(runtime::Runtime& runtime, std::unique_ptr<OpenedNode> opened, EngineOptions options, EngineEvents& events);
  ~Engine() override;

  // --- who and where
  [[nodiscard]] const NodeFile& node() const { return opened_->node; }
  [[nodiscard]] const RecoveryReport& recovery() const { return opened_->report; }
  [[nodiscard]] rules::NodeState state() const { return halt_ ? rules::NodeState::kHalted : rules::NodeState::kReady; }
  [[nodiscard]] const std::optional<Halt>& halt_reason() const { return halt_; }
  // What reads see: durable and applied.
  [[nodiscard]] const Position& visible() const { return visible_; }
  // With everything admitted, durable or not.
  [[nodiscard]] const Position& newest() const { return opened_->state.position(); }
  [[nodiscard]] const Authority& visible_authority() const { return visible_authority_; }
  [[nodiscard]] rules::Role role() const { return visible_authority_.role_of(node().instance); }
  // Includes an authority record that is not durable yet: what admission looks at.
  [[nodiscard]] rules::Role newest_role() const { return state_().authority().role_of(node().instance); }
  [[nodiscard]] const State& state_data() const { return opened_->state; }
  [[nodiscard]] const wal::Writer& writer() const { return writer_; }
  [[nodiscard]] wal::Reader& reader() { return reader_; }
  // Versions below it may be gone (CKPT-4). As of the visible commit.
  [[nodiscard]] CommitId floor() const { return visible_floor_; }
  // Chain after `lsn`, where it is among the last 65,536 durable ones. None at LSN 0: that is the genesis chain of a
  // lineage that an empty log does not name.
  [[nodiscard]] std::optional<Chain> chain_at(Lsn lsn) const;

  // --- writes; each answer goes through hold()
  // Looks the newest versions up first, so that nothing has changed where it must be called again.
  [[nodiscard]] Restartable<Decided<Position>> write(std::span<const WriteOperation> operations,
                                                     const std::optional<ReceiptClaim>& receipt,
                                                     store::LeasedBlocks& blocks);
  // The same schema again is no change and answers the present position.
  [[nodiscard]] Decided<Position> register_schema(document::Cursor schema);
  // Logs a new floor: reads below it are refused from then on, on every node, and merges may drop what they no longer
  // can see (CKPT-4, CKPT-6). NOT_PRIMARY and its kin, FLOOR_REFUSED, PINNED, WAL_FULL.
  [[nodiscard]] Decided<Position> raise_floor(CommitId floor, const wal::WhoAndWhy& who);
  // Runs `answer` with the outcome when it may be answered: at once where everything it was decided on is durable.
  // `answer` comes as what it is, so that it and the outcome take one allocation together.
  template <class T, std::invocable<Result<T>> Answer>
  void hold(Decided<T> decided, Answer answer) {
    const bool early = planted(decided.outcome ? Fault::kEarlyAcknowledgement : Fault::kRefusalNotHeld);
    when_durable(early ? Lsn() : decided.decided_on,
                 [outcome = std::move(decided.outcome), answer = std::move(answer)](Result<void> durable) mutable {
                   if (durable)
                     answer(std::move(outcome));
                   else
                     answer(fail(std::move(durable.error())));
                 });
  }
  // Runs `done` once `lsn` is durable, or with OUTCOME_UNKNOWN when the log failed before.
  void when_durable(Lsn lsn, std::move_only_function<void(Result<void>)> done);
  // Whether one sync may be carried out inline now (a single active connection). Default: never.
  void set_inline_policy(std::function<bool()> policy) { inline_policy_ = std::move(policy); }

  // --- reads
  [[nodiscard]] Restartable<Result<GetAnswer>> get(const GetRequest& request, store::Blocks& blocks) const;
  [[nodiscard]] Restartable<Result<QueryAnswer>> query(const QueryRequest& request, QueryProgress& progress,
                                                       store::LeasedBlocks& blocks) const;
  [[nodiscard]] Restartable<Result<HistoryAnswer>> history(const HistoryRequest& request,
                                                           store::LeasedBlocks& blocks) const;
  // The bound of a read that the gate lets pass.
  [[nodiscard]] Result<CommitId> admit_read(std::string_view operation, std::optional<CommitId> at_commit,
                                            const std::optional<ReceiptClaim>& receipt) const;
  [[nodiscard]] rules::ReadGateEvidence gate_evidence(std::optional<CommitId> at_commit,
                                                      const std::optional<ReceiptClaim>& receipt) const;
  // Versions of one document in the logical view at `bound`, newest first. Empty where there is none.
  [[nodiscard]] Restartable<Result<std::vector<rules::VersionEvidence>>> version_chain(std::string_view collection,
                                                                                       std::string_view id,
                                                                                       CommitId bound,
                                                                                       store::Blocks& blocks) const;
  [[nodiscard]] store::LeasedBlocks lease() { return store::LeasedBlocks(storage_->cache()); }

  // --- replication: the next records, continuity with this log already decided (rules/append_rules.h). All or nothing:
  // structure, canonical form, previous commits and digests are checked before the log is touched (REPL-3).
  // REPLICA_FULL: no room. Anything else: the batch proves a divergence; the caller decides to halt. Where it was not
  // the first record that failed, the state is ahead of the log until the next start, and every later batch is refused.
  [[nodiscard]] Restartable<Result<Lsn>> append_batch(ByteSpan records, uint32_t count, store::LeasedBlocks& blocks);

  // --- fencing and lineages
  [[nodiscard]] const std::optional<Fence>& fence_reason() const { return fence_; }
  // Ends this node's authority for a lineage that its own log proves (AUTH-3): written first, then in force, then
  // `done`. What was admitted before is still answered when durable. The first fence stands.
  void fence(const Fence& fence, std::move_only_function<void(Result<void>)> done);
  // The lineage that the operator let this replica follow (REPL-10). What accepts one writes authority/accepted first.
  [[nodiscard]] const std::optional<LineageId>& accepted_lineage() const { return opened_->accepted_lineage; }
  void accept_lineage(LineageId lineage) { opened_->accepted_lineage = lineage; }

  // --- storage operations, pins and holds
  [[nodiscard]] Storage& storage() { return *storage_; }
  [[nodiscard]] const Storage& storage() const { return *storage_; }

  // --- authority
  [[nodiscard]] rules::AuthorityEvidence authority_evidence(const AuthorityRequest& request) const;
  // CONTROL: DEMOTION_DENIED, PROMOTION_DENIED, PROMOTION_UNDETERMINED, WAL_FULL. Answers go through hold().
  [[nodiscard]] Decided<AuthorityOutcome> demote(const AuthorityRequest& request);
  [[nodiscard]] Decided<AuthorityOutcome> promote(const AuthorityRequest& request);
  // Waits until the seal is durable here, syncs the decline beside the log, then answers the statement. DECLINE_DENIED.
  void decline(const AuthorityRequest& request, std::move_only_function<void(Result<Bytes>)> done);
  // A successor's statement as handed over; BAD_REQUEST where it is of another log.
  [[nodiscard]] Result<Decline> check_decline(ByteSpan statement) const;

  // Keeps what the start of an epoch at `lsn` was decided on beside the log, where this process decided it and it is
  // not kept yet; then `done`. For when the record is durable and nobody was told. A disk that refuses is logged: the
  // epoch stands without.
  void keep_decision(Lsn lsn, runtime::Callback done);

  // What this node knows itself; `peers` is what the others answered.
  [[nodiscard]] rules::EndLineageEvidence end_lineage_evidence(std::string lost,
                                                               std::vector<rules::PeerEvidence> peers) const;
  // Appends a lineage_start of `lineage` that forks from the end of this log and names this node: it holds authority
  // from then on. END_LINEAGE_DENIED, END_LINEAGE_UNDETERMINED, WAL_FULL. A request that did so before is answered with
  // its record, whatever the evidence.
  [[nodiscard]] Decided<LineageEnd> end_lineage(const rules::EndLineageEvidence& evidence, const wal::WhoAndWhy& who,
                                                LineageId lineage);
  // What that request did in this log; nullopt where it ended no lineage. Decided on the newest record.
  [[nodiscard]] std::optional<Decided<LineageEnd>> lineage_ended_by(const std::string& request_id) const;

  // Stops for good: no reads, no writes, durable across restarts. Every held answer becomes OUTCOME_UNKNOWN.
  void halt(Halt reason);
  // Runs `done` once the halt stands on disk (or could not be written: an own disk error), at once where nothing
  // halted.
  void when_halt_recorded(runtime::Callback done);
  // Records where the log ends, for the next start's T3. Blocking: at a clean stop, when nothing is pending.
  [[nodiscard]] Result<void> clean_stop(runtime::Disk& disk) const;
  [[nodiscard]] bool idle() const { return writer_.idle() && held_.empty(); }

  // Ends the service for good: the storage operation under way fails, everything held is answered OUTCOME_UNKNOWN, and
  // nothing may be asked any more. What was admitted still goes to the log. `at_rest` runs once, in a later turn, when
  // no write is in flight and no Job of this engine works on the directory or reads its log: the engine may go then.
  void end(std::string_view why, runtime::Callback at_rest);
  // What an engine at rest leaves: the directory's lock, and a state that may take long to free. Only the destructor
  // may follow.
  [[nodiscard]] std::unique_ptr<OpenedNode> leave() { return std::move(opened_); }

 private:
  struct Held {
    Lsn lsn;
    std::move_only_function<void(Result<void>)> done;
  };
  void on_durable(Lsn lsn) override;
  void on_log_failure(Error error) override;
  [[nodiscard]] State& state_() { return opened_->state; }
  [[nodiscard]] const State& state_() const { return opened_->state; }
  [[nodiscard]] bool fenced() const { return fence_.has_value(); }
  struct Appended {
    wal::RecordView record;  // valid until the next is encoded
    Position after;
  };
  // Appends one authority, floor or schema record that this node makes.
  [[nodiscard]] Appended append_own(const wal::RecordHeader& header, const wal::Payload& payload);
  [[nodiscard]] wal::RecordHeader next_header(Epoch epoch) const;
  void appended(const Position& position);
  // The LSN that a decision made now rests on. A halted node refuses by its halt alone, which waits for nothing.
  [[nodiscard]] Lsn decided_on() const { return halt_ ? Lsn() : writer_.appended(); }
  void write_statement(const Decline& decline);
  void declined(Lsn seal_lsn, const Result<Bytes>& statement);
  void note_visible_chain();
  void schedule_pump();
  void fail_held(const Error& error);
  [[nodiscard]] Result<void> check_write(std::span<const WriteOperation> operations,
                                         const std::optional<ReceiptClaim>& receipt);
  [[nodiscard]] Result<void> prepare_operation(const WriteOperation& operation);
  [[nodiscard]] Restartable<Result<Position>> admit(std::span<const WriteOperation> operations,
                                                    const std::optional<ReceiptClaim>& receipt,
                                                    store::LeasedBlocks& blocks);
  [[nodiscard]] Result<void> check_against(const WriteOperation& asked, const wal::CommitOperation& operation,
                                           const store::VersionView& before) const;
  [[nodiscard]] Result<Position> admit_floor(CommitId floor, const wal::WhoAndWhy& who);
  [[nodiscard]] Result<Position> admit_schema(document::Cursor schema);
  [[nodiscard]] const RegisteredSchema* schema_for_read(std::string_view collection, uint32_t version,
                                                        Error& error) const;
  void fence_written(const Result<void>& written);
  [[nodiscard]] bool at_rest() const;
  void note_rest();

  runtime::Runtime& runtime_;
  EngineEvents& events_;
  EngineOptions options_;
  std::unique_ptr<OpenedNode> opened_;
  wal::Writer writer_;
  wal::Reader reader_;
  std::unique_ptr<Storage> storage_;
  Position visible_;
  CommitId visible_floor_;
  Authority visible_authority_;
  struct PendingAuthority {
    Lsn lsn;
    Authority authority;
  };
  std::deque<PendingAuthority> pending_authority_;  // after each authority record that is not durable yet
  struct PendingFloor {
    Lsn lsn;
    CommitId floor;
  };
  std::deque<PendingFloor> pending_floors_;
  std::deque<Position> pending_;  // positions admitted and not yet durable
  std::deque<Held> held_;
  std::vector<Chain> chain_window_;  // by distance from chain_window_from_, modulo its largest size; grows up to that
  Lsn chain_window_from_;
  std::optional<Halt> halt_;
  bool halt_recorded_ = false;
  std::vector<runtime::Callback> halt_waiters_;
  std::optional<Fence> fence_;
  std::optional<Fence> fence_on_its_way_;
  std::vector<std::move_only_function<void(Result<void>)>> fence_waiters_;
  runtime::Callback at_rest_;  // after end()
  std::function<bool()> inline_policy_;
  bool pump_scheduled_ = false;
  std::vector<DeclinedSeal> declined_seals_;
  std::map<Lsn, std::vector<std::move_only_function<void(Result<Bytes>)>>>
      declining_;  // by seal: who waits for its statement
  struct Unkept {
    Decision decision;
    std::vector<runtime::Callback> waiting;  // none: its Job did not begin
  };
  std::map<Lsn, Unkept> decisions_;  // of this process, by LSN, not kept yet
  uint32_t keeping_ = 0;
  // Scratch of the write path.
  Bytes canonical_;
  struct Prepared {
    wal::CommitOperation operation;
    size_t begin = 0;  // in canonical_
    size_t end = 0;
  };
  std::vector<Prepared> prepared_;
  std::vector<Before> befores_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace aerodb::engine
