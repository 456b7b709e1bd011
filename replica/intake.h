// How a replica takes records: sessions, and each batch through received -> validated -> durable -> applied.
//
// Happy path: replica.open names the source and its ancestry; an empty append whose chain_before equals this log's
// chain proves the session; every further append must follow without gap. A batch is received (decide_append: REPL-8,
// REPL-2, REPL-1), validated whole against the pending state (engine: REPL-3), appended, and answered when it is
// durable, which is when reads see it.
//
// A node that holds authority takes no records, but hears what replica.open tells of other lineages
// (common/node/lineage.h). A source that went on in another lineage is followed only once the operator accepted it
// (decide_follow: REPL-7, REPL-10); one that does so under a session is refused from that record on.
//
// What can go wrong:
//   - a peer that has not proven itself: refused, counted, an event. Never a halt (REPL-9).
//   - disorder of the transport: NOT_NEXT or STALE_SESSION; the shipper opens anew.
//   - a full ring or memory: REPLICA_FULL; a run that can't be read: its error. Not halts.
//   - a proven session that then shows another chain, other bytes or records that don't validate: this log or that one
//     is wrong. The node halts, durably, with the rule and what was found.
//
// A batch that needs versions from runs which are not in memory is put back until they are (common/node/restart.h):
// nothing of it has happened then.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/node/node.h"
#include "common/rules/append_rules.h"

namespace aerodb::replica {

enum class SessionState : uint8_t {
  kNone,    // no session since start
  kOpened,  // its end has not been shown to lie on this log's chain
  kProven,  // it has
};

class Intake {
 public:
  // Registers replica.open and replica.append on the node's replication listener. The node must outlive it.
  explicit Intake(node::Node& node);
  Intake(const Intake&) = delete;
  Intake& operator=(const Intake&) = delete;

 private:
  struct Session {
    uint64_t number = 0;
    SessionState state = SessionState::kNone;
    std::string shipper;
    InstanceId shipper_instance;
    uint64_t connection = 0;  // it was opened on: no other may speak for it
    std::string source_node;
    std::vector<LineageId> lineages;  // of the source's ancestry; the first names the genesis chain of an empty log
  };
  void open(const wire::ReplicaOpenRequest& request, wire::Responder responder);
  void open_session(const wire::ReplicaOpenRequest& request, wire::Responder responder);
  void append(const wire::ReplicaAppendRequest& request, wire::Responder responder);
  // Whether this node takes records at all now.
  [[nodiscard]] Result<void> takes_records() const;
  // Whether the source's ancestry continues this log's (REPL-7, REPL-10).
  [[nodiscard]] Result<void> check_ancestry(const wire::ReplicaOpenRequest& request) const;
  // No record of a batch may start a lineage that the session's opening did not show (REPL-10).
  [[nodiscard]] Result<void> check_lineages(const wire::ReplicaAppendRequest& request) const;
  // Decides a batch; answers what is refused. Halts where a proven session shows a divergence.
  [[nodiscard]] Result<void> receive(const wire::ReplicaAppendRequest& request, uint64_t connection);
  [[nodiscard]] engine::Restartable<Result<void>> validate(const wire::ReplicaAppendRequest& request,
                                                           store::LeasedBlocks& blocks);
  // All of a batch up to where it is in the log, on its way to the disk.
  [[nodiscard]] engine::Restartable<Result<void>> take_in(const wire::ReplicaAppendRequest& request,
                                                          uint64_t connection, store::LeasedBlocks& blocks);
  void answer_when_durable(bool with_records, wire::Responder responder);
  [[nodiscard]] Chain own_chain() const;
  void refuse(wire::Responder responder, const Error& error, uint64_t session, Lsn first_lsn);
  void halt(std::string_view rule, const Error& error, Lsn lsn);
  void note_source(const wire::Receipt& durable);
  void show(wire::NodeReplicationResponse& view) const;

  node::Node& node_;
  Session session_;
  std::optional<InstanceId> superseded_instance_;  // the loser of a change of shippers
  uint64_t sessions_opened_ = 0;
  std::optional<wire::Receipt> source_durable_;
  uint64_t source_heard_us_ = 0;
};

}  // namespace aerodb::replica
