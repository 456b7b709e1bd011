// Histories that fork: where two of them part, who is fenced by one, whose records a replica may take, and when a node
// may go on in a lineage of its own.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "common/base/error.h"
#include "common/base/fault.h"
#include "common/rules/states.h"
#include "common/rules/trace.h"

namespace aerodb::rules {

// One epoch of an ancestry, as far as histories are compared by it.
struct HistoryEpoch {
  LineageId lineage;
  Epoch epoch;
  Lsn first_lsn;
  CommitId first_commit;  // last commit before first_lsn
  Chain chain;            // chain before first_lsn
  friend bool operator==(const HistoryEpoch&, const HistoryEpoch&) = default;
};

struct CommonEnd {
  Lsn lsn;
  std::optional<Chain> chain;  // after it, where an ancestry states it: theirs before one's own
};

// The last LSN that two logs have in common as far as their ancestries tell: the records themselves may differ before,
// which only a chain shows. nullopt: no epoch in common (an empty log has none).
[[nodiscard]] std::optional<CommonEnd> common_end(std::span<const HistoryEpoch> own, Lsn own_end,
                                                  std::span<const HistoryEpoch> theirs, Lsn their_end);
// How many epochs both begin with.
[[nodiscard]] size_t common_epochs(std::span<const HistoryEpoch> own, std::span<const HistoryEpoch> theirs);
// Index of their first epoch of a lineage that `own` does not hold: where they forked. nullopt: none.
[[nodiscard]] std::optional<size_t> first_foreign(std::span<const HistoryEpoch> own,
                                                  std::span<const HistoryEpoch> theirs);

// --- fencing (AUTH-3): does another lineage end this node's authority? Asked of a node that holds authority or is
// sealed.
struct FenceEvidence {
  InstanceId instance;
  Lsn own_lsn;  // end of this node's durable log
  LineageId other_lineage;
  std::string other_reason;  // how it started; a lineage that a restore started gave nobody up
  InstanceId other_instance;
  Lsn fork_lsn;  // last LSN before it
  Chain fork_chain;
  std::optional<Chain> own_chain_at_fork;  // absent: this log does not reach so far, or holds it no longer
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("instance", self.instance);
    visit("own_lsn", self.own_lsn);
    visit("other_lineage", self.other_lineage);
    visit("other_reason", self.other_reason);
    visit("other_instance", self.other_instance);
    visit("fork_lsn", self.fork_lsn);
    visit("fork_chain", self.fork_chain);
    visit("own_chain_at_fork", self.own_chain_at_fork);
  }
};

enum class FenceVerdict : uint8_t {
  kProven,        // it forks from this very log and names another node
  kUnproven,      // this log shows nothing of the kind
  kUndetermined,  // the chain at the fork is not held any more
};

// Changes nothing unless kProven.
template <class Trace>
[[nodiscard]] FenceVerdict decide_fence(const FenceEvidence& e, Trace& trace) {
  const bool claims = e.other_reason == "end" && e.other_instance != e.instance && e.fork_lsn <= e.own_lsn;
  Evaluation proven = Evaluation::kFalse;
  if (planted(Fault::kFencedOnClaim)) {
    proven = Evaluation::kTrue;
  } else if (claims) {
    proven = e.own_chain_at_fork ? evaluation(*e.own_chain_at_fork == e.fork_chain) : Evaluation::kUndetermined;
  }
  trace.apply(RuleId::kAuth3, proven, e, "fork_chain", "fork_lsn", "instance", "other_instance", "other_lineage",
              "other_reason", "own_chain_at_fork", "own_lsn");
  switch (proven) {
    case Evaluation::kTrue:
      return FenceVerdict::kProven;
    case Evaluation::kUndetermined:
      return FenceVerdict::kUndetermined;
    case Evaluation::kFalse:
      break;
  }
  return FenceVerdict::kUnproven;
}

// --- following (REPL-7, REPL-10, in this order): may this node take records of that source?
struct FollowEvidence {
  ClusterId cluster;
  ClusterId source_cluster;
  Lsn own_lsn;  // end of this node's log, pending records included
  Chain own_chain;
  std::optional<LineageId> own_lineage;  // absent: the log is empty
  std::optional<LineageId> accepted_lineage;
  std::optional<Lsn> own_departs_lsn;       // first LSN of this log's first epoch that the source's ancestry lacks
  Lsn source_lsn;                           // its durable boundary, as told
  std::optional<LineageId> source_lineage;  // its newest; absent: its log is empty
  // Its first epoch that this log lacks.
  std::optional<LineageId> source_departs_lineage;
  std::optional<Lsn> source_departs_lsn;
  std::optional<Chain> source_departs_chain;  // before that LSN
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("cluster", self.cluster);
    visit("source_cluster", self.source_cluster);
    visit("own_lsn", self.own_lsn);
    visit("own_chain", self.own_chain);
    visit("own_lineage", self.own_lineage);
    visit("accepted_lineage", self.accepted_lineage);
    visit("own_departs_lsn", self.own_departs_lsn);
    visit("source_lsn", self.source_lsn);
    visit("source_lineage", self.source_lineage);
    visit("source_departs_lineage", self.source_departs_lineage);
    visit("source_departs_lsn", self.source_departs_lsn);
    visit("source_departs_chain", self.source_departs_chain);
  }
};
// Fills in what two ancestries say of each other; cluster, chain and accepted lineage are for the caller.
[[nodiscard]] FollowEvidence compare_histories(std::span<const HistoryEpoch> own, Lsn own_end,
                                               std::span<const HistoryEpoch> theirs, Lsn their_end);

enum class FollowVerdict : uint8_t {
  kFollows,
  kSourceBehind,    // it has not reached this log's epoch
  kLineageChanged,  // it went on another way than this log, or in a lineage that was not accepted
  kLineageUnknown,  // another cluster
};

namespace detail {

// REPL-7: every epoch of this log is one of the source's, and none of the source's starts inside this log.
[[nodiscard]] inline FollowVerdict same_history(const FollowEvidence& e) {
  if (e.cluster != e.source_cluster) return FollowVerdict::kLineageUnknown;
  if (!e.source_lineage) return FollowVerdict::kSourceBehind;
  if (!e.own_lineage) return FollowVerdict::kFollows;  // an empty log adopts
  if (e.own_departs_lsn) {
    const bool elsewhere = e.source_departs_lsn || e.source_lsn >= *e.own_departs_lsn;
    return elsewhere ? FollowVerdict::kLineageChanged : FollowVerdict::kSourceBehind;
  }
  const bool forks = e.source_departs_lineage && e.source_departs_lineage != e.own_lineage;
  if (forks && planted(Fault::kForkIgnored)) return FollowVerdict::kFollows;
  const bool inside = e.source_departs_lsn && *e.source_departs_lsn <= e.own_lsn;
  return inside ? FollowVerdict::kLineageChanged : FollowVerdict::kFollows;
}
// REPL-10: the source is on this log's lineage, or on the accepted one, whose fork agrees with this log's end.
[[nodiscard]] inline bool may_change_lineage(const FollowEvidence& e) {
  if (!e.own_lineage || e.source_lineage == e.own_lineage) return true;
  if (planted(Fault::kForkIgnored)) return true;
  const bool at_own_end = e.source_departs_lsn && *e.source_departs_lsn == e.own_lsn.next();
  return e.accepted_lineage && e.source_lineage == e.accepted_lineage &&
         (!at_own_end || e.source_departs_chain == e.own_chain);
}

}  // namespace detail

template <class Trace>
[[nodiscard]] FollowVerdict decide_follow(const FollowEvidence& e, Trace& trace) {
  const auto history = detail::same_history(e);
  const bool lineage = detail::may_change_lineage(e);
  trace.apply(RuleId::kRepl7, evaluation(history == FollowVerdict::kFollows), e, "cluster", "own_departs_lsn",
              "own_lineage", "own_lsn", "source_cluster", "source_departs_lsn", "source_lineage", "source_lsn");
  trace.apply(RuleId::kRepl10, evaluation(lineage), e, "accepted_lineage", "own_chain", "own_lineage", "own_lsn",
              "source_departs_chain", "source_departs_lineage", "source_departs_lsn", "source_lineage");
  if (history != FollowVerdict::kFollows) return history;
  return lineage ? FollowVerdict::kFollows : FollowVerdict::kLineageChanged;
}

// --- ending a lineage (AUTH-15, AUTH-13, AUTH-14, in this order): may this node go on in a lineage of its own?
// What one configured node answered.
struct PeerEvidence {
  std::string name;
  bool absent = false;  // the operator named it so
  bool answered = false;
  std::optional<InstanceId> instance;
  std::optional<Lsn> durable_lsn;
  std::optional<Lsn> departs_lsn;      // of its first epoch that this log lacks
  std::optional<Lsn> own_departs_lsn;  // of this log's first epoch that it lacks
  std::optional<Lsn> seal_lsn;         // of the seal that its log ends with
  std::optional<std::string> seal_successor;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("name", self.name);
    visit("absent", self.absent);
    visit("answered", self.answered);
    visit("instance", self.instance);
    visit("durable_lsn", self.durable_lsn);
    visit("departs_lsn", self.departs_lsn);
    visit("own_departs_lsn", self.own_departs_lsn);
    visit("seal_lsn", self.seal_lsn);
    visit("seal_successor", self.seal_successor);
  }
};

struct EndLineageEvidence {
  // the node
  std::string node;
  NodeState state = NodeState::kInitializing;
  bool fenced = false;
  bool log_validated = false;
  Role role = Role::kReplica;
  std::optional<LineageId> lineage;
  Epoch epoch;
  std::string authority_node;  // that the log names
  InstanceId authority_instance;
  Lsn own_lsn;  // end of its log, pending records included
  std::optional<Lsn> seal_lsn;
  std::optional<std::string> seal_successor;
  // the command
  std::string lost;
  std::vector<PeerEvidence> peers;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("node", self.node);
    visit("state", self.state);
    visit("fenced", self.fenced);
    visit("log_validated", self.log_validated);
    visit("role", self.role);
    visit("lineage", self.lineage);
    visit("epoch", self.epoch);
    visit("authority_node", self.authority_node);
    visit("authority_instance", self.authority_instance);
    visit("own_lsn", self.own_lsn);
    visit("seal_lsn", self.seal_lsn);
    visit("seal_successor", self.seal_successor);
    visit("lost", self.lost);
    visit("peers", self.peers);
  }
};

enum class EndLineageDecision : uint8_t { kGranted, kDenied, kUndetermined };

// AUTH-14 for one peer: why it speaks against an end; nullopt where it does not.
[[nodiscard]] std::optional<std::string> peer_objects(const EndLineageEvidence& e, const PeerEvidence& peer);

// Lost is who holds the authority that ends: the node that the log names, or, behind a seal, the successor that alone
// could have answered it.
[[nodiscard]] inline const std::string& authority_to_end(const EndLineageEvidence& e) {
  return e.seal_successor && !planted(Fault::kSealedLineageEnded) ? *e.seal_successor : e.authority_node;
}

template <class Trace>
[[nodiscard]] EndLineageDecision decide_end_lineage(const EndLineageEvidence& e, Trace& trace) {
  const bool may = e.state == NodeState::kReady && !e.fenced && e.log_validated && e.role == Role::kReplica &&
                   e.lineage && e.lost == authority_to_end(e);
  bool all_heard = true;
  bool none_objects = true;
  for (const auto& peer : e.peers) {
    all_heard = all_heard && (peer.answered || peer.absent || planted(Fault::kAbsentAssumed));
    none_objects = none_objects && !peer_objects(e, peer);
  }
  trace.apply(RuleId::kAuth15, evaluation(may), e, "authority_node", "fenced", "lineage", "log_validated", "lost",
              "role", "seal_lsn", "seal_successor", "state");
  trace.apply(RuleId::kAuth13, all_heard ? Evaluation::kTrue : Evaluation::kUndetermined, e, "peers");
  trace.apply(RuleId::kAuth14, evaluation(none_objects), e, "authority_instance", "epoch", "lineage", "lost", "own_lsn",
              "peers");
  if (!may || !none_objects) return EndLineageDecision::kDenied;
  return all_heard ? EndLineageDecision::kGranted : EndLineageDecision::kUndetermined;
}

}  // namespace aerodb::rules
