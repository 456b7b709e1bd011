#include "common/rules/registry.h"

#include "common/base/assert.h"

namespace aerodb::rules {
namespace {

using enum RuleId;

// clang-format off
constexpr Rule kRules[] = {
    {kWal1, "WAL-1", "Every record's LSN is the one after the record before it, and its chain_before is the chain after that record.", "phase 5, WAL prefix rule"},
    {kWal2, "WAL-2", "Commit ids are assigned by the primary alone, start at 1, have no gap, and stay below 2^53, as LSNs do.", "phase 5, CommitId authority"},
    {kWal3, "WAL-3", "At most one frame is unsynced at any time.", "extension"},
    {kWal4, "WAL-4", "An answer to a write, a refusal included, is given only when the LSN it was decided on is durable.", "phase 5, no acknowledged write loss"},
    {kWal5, "WAL-5", "A failed write or sync of the log is never retried: the node halts and every pending answer is unknown.", "phase 5, explicit failure"},
    {kWal6, "WAL-6", "The ring and the memory table are bounded; when a bound is reached writes are refused and nothing grows.", "phase 1, WAL growth bounded"},
    {kWal7, "WAL-7", "A record is at most 12 MiB, a frame at most one such record and its header, and neither crosses a segment.", "extension"},
    {kDoc1, "DOC-1", "A document is written and read under a registered schema version of its collection.", "phase 1, schema metadata"},
    {kDoc2, "DOC-2", "A registered schema is immutable; a next version keeps every field and adds only optional ones.", "phase 1, milestone 5"},
    {kDoc3, "DOC-3", "A document is checked whole against its schema before the log is touched.", "extension"},
    {kDoc4, "DOC-4", "A stored document is in canonical form: equal documents are equal bytes.", "phase 5, deterministic replay"},
    {kMvcc1, "MVCC-1", "A version with commit <= the bound of the read exists; the newest such version is the one that the read sees.", "phase 4, MVCC visibility"},
    {kMvcc2, "MVCC-2", "The bound of a read is at most the last visible commit, which is durable and applied.", "phase 5, reads only when MVCC-safe"},
    {kMvcc3, "MVCC-3", "That version is a document; where it is a tombstone there is no visible version.", "explanation model, tombstone handling"},
    {kMvcc4, "MVCC-4", "The bound of a read is at least the floor.", "extension"},
    {kMvcc5, "MVCC-5", "The versions of a document strictly descend by commit, and each names the commit of the one before it.", "explanation model, CommitId comparisons"},
    {kMvcc6, "MVCC-6", "An insert needs that no live document has the _id; an update and a delete need that one has.", "extension"},
    {kMvcc7, "MVCC-7", "A read that meets a version written under a newer schema version than it names is refused.", "phase 1, versioned reads enforced"},
    {kMvcc8, "MVCC-8", "A precondition holds where the newest version's commit is the one it names; 0 stands for no live document.", "extension"},
    {kMvcc9, "MVCC-9", "A batch is one commit, all or nothing, and names each _id at most once.", "extension"},
    {kQry1, "QRY-1", "A query states a limit of at least 1.", "explanation model, bounds enforcement"},
    {kQry2, "QRY-2", "A query is served by _id or by a declared index.", "explanation model, query planning"},
    {kQry3, "QRY-3", "The bound of a query is stated before it runs and counts entries visible at its commit.", "explanation model, bounds enforcement"},
    {kQry4, "QRY-4", "A query that would pass its bound fails whole.", "explanation model, bounds enforcement"},
    {kQry5, "QRY-5", "An index only proposes; each candidate is checked on its visible version.", "explanation model, index advisory usage"},
    {kRec1, "REC-1", "The log ends at the first invalid frame position that no valid frame of the same ring sequence follows (T1).", "explanation model, checksum validation"},
    {kRec2, "REC-2", "An invalid frame that a valid one follows is damage to durable bytes: the node refuses to start (T2).", "explanation model, checksum validation"},
    {kRec3, "REC-3", "A log that ends below a position known to be durable has lost acknowledged data: the node refuses to start (T3).", "phase 5, no acknowledged write loss"},
    {kRec4, "REC-4", "A gap in LSN or commit id, a broken chain, a falling epoch or an unknown lineage: the node refuses to start (T4).", "explanation model, WAL replay"},
    {kRec5, "REC-5", "Recovery writes the last valid frame again in place and syncs it before anything is answered.", "phase 5, no acknowledged write loss"},
    {kRec6, "REC-6", "The state digest after replay equals the one that the last record states.", "phase 5, deterministic replay"},
    {kRec7, "REC-7", "One process at a time holds a data directory.", "extension"},
    {kRec8, "REC-8", "A data directory is opened only under the name and format that its NODE file states.", "extension"},
    {kRec9, "REC-9", "A start makes the manifest it relies on durable, with its runs and their directories, before a segment of the log is reused.", "phase 1, WAL truncation after a snapshot"},
    {kCkpt1, "CKPT-1", "A manifest is installed only when its runs and their directory are synced and the log is durable up to its LSN.", "phase 1, snapshot must fsync, manifest written last"},
    {kCkpt2, "CKPT-2", "A segment of the ring is reused only when an installed manifest covers every record in it.", "phase 1, WAL truncation after a snapshot"},
    {kCkpt3, "CKPT-3", "Run numbers never repeat; the runs of a manifest are disjoint, ascending and complete up to its commit.", "phase 1, recovery never partial"},
    {kCkpt4, "CKPT-4", "Versions are dropped only by a merge, and only those that no read at or above the floor can see.", "phase 4, MVCC visibility"},
    {kCkpt5, "CKPT-5", "Bytes of a run, manifest or backup are used only where their checksum holds.", "phase 1, restore validates checksums"},
    {kCkpt6, "CKPT-6", "The floor only rises, by a record of the log, never above the last visible commit nor above a pin.", "extension"},
    {kCkpt7, "CKPT-7", "A restore changes its target only after every member, schema, document, digest and chain of the backup verified.", "phase 1, restore validates"},
    {kCkpt8, "CKPT-8", "Storage operations run only by command, on a READY node, one at a time, and each is old or new after a crash.", "phase 1, no hidden background activity"},
    {kRepl1, "REPL-1", "A replica's log is a strict prefix of its source's: equal chains at the replica's end.", "phase 5, WAL prefix rule"},
    {kRepl2, "REPL-2", "A replica takes only records that follow its last one without gap.", "phase 5, replica WAL validation"},
    {kRepl3, "REPL-3", "Equal logs mean equal state: previous commit and digest are computed and compared before a batch is written.", "phase 5, no silent divergence"},
    {kRepl4, "REPL-4", "A node answers reads only when READY and with its log validated by this process.", "phase 5, replica read-safety"},
    {kRepl5, "REPL-5", "A node answers only what it has applied: the commit asked and the LSN of the receipt shown.", "phase 5, replica read-safety"},
    {kRepl6, "REPL-6", "A replica acknowledges no write.", "phase 5, replication model"},
    {kRepl7, "REPL-7", "The lineage and epoch of a receipt, or of a source, lie in the ancestry of the log, and its LSN within that epoch.", "phase 5, no silent divergence"},
    {kRepl8, "REPL-8", "A replica takes records from one session at a time: a newer one supersedes, and another shipper's stops the loser.", "extension"},
    {kRepl9, "REPL-9", "Bytes from a peer that has not proven itself never halt a node.", "extension"},
    {kRepl10, "REPL-10", "A source of another lineage is followed only where this log ends at or before the fork, with equal chain, and after the operator accepted that lineage.", "extension"},
    {kRepl11, "REPL-11", "A snapshot is installed whole or not at all, and only where every file and the digest over all of them are what its manifest says.", "phase 5, snapshot bootstrap"},
    {kRepl12, "REPL-12", "Records of a log are discarded only by command, and those that the source does not have only after they were exported.", "phase 5, no silent divergence"},
    {kAuth1, "AUTH-1", "A node may write only where the last authority record of its own log names it.", "phase 5, CommitId authority"},
    {kAuth2, "AUTH-2", "In an epoch nothing follows a seal but a record that answers a decline of it.", "extension"},
    {kAuth3, "AUTH-3", "A node is fenced only by a statement that its own log proves.", "extension"},
    {kAuth4, "AUTH-4", "Promotion needs a log that ends with a seal.", "extension"},
    {kAuth5, "AUTH-5", "Promotion needs a seal that names this node and this instance.", "extension"},
    {kAuth6, "AUTH-6", "Promotion needs that this node has not declined that seal.", "extension"},
    {kAuth7, "AUTH-7", "Promotion needs a READY node.", "extension"},
    {kAuth8, "AUTH-8", "Promotion needs a log and a state validated by this process.", "extension"},
    {kAuth9, "AUTH-9", "Demotion needs a node that holds authority.", "extension"},
    {kAuth10, "AUTH-10", "A seal names a successor by node and instance, and not the node that it seals.", "extension"},
    {kAuth11, "AUTH-11", "A seal is passed on, or ended by its own node, only with the named successor's own decline of it.", "extension"},
    {kAuth12, "AUTH-12", "A node declines only a seal that names it and that nothing has answered.", "extension"},
    {kAuth13, "AUTH-13", "A lineage is ended only where every other configured node answered or is named absent by the operator.", "extension"},
    {kAuth14, "AUTH-14", "A lineage is ended only where no node that answered is further on it, holds its authority, or holds a seal for another than the lost node.", "extension"},
    {kAuth15, "AUTH-15", "A lineage is ended only by a READY replica with a validated log, and only where the lost node holds its authority: it is named by the log, or by the seal that the log ends with.", "extension"},
    {kFail1, "FAIL-1", "Bytes from outside are bounded and checked; a violation is named and harms no other connection.", "phase 5, explicit failure"},
    {kFail2, "FAIL-2", "A halted node answers no document reads and no writes, and stays so across restarts.", "phase 5, failure philosophy"},
    {kFail3, "FAIL-3", "What cannot be reached is unknown; nothing is assumed in its place.", "phase 4, no inferred state"},
    {kFail4, "FAIL-4", "A halt ends only by command, once log and state verify and its cause is gone.", "phase 5, failure philosophy"},
    {kCtrl1, "CTRL-1", "A control command is one of a closed list and carries a reason.", "phase 7, 3.2 and 8"},
    {kCtrl2, "CTRL-2", "A control command runs only after a typed confirmation bound to command, operator and binding evidence.", "phase 7, 3.4"},
    {kCtrl3, "CTRL-3", "A confirmation is used once; use, a next command, a restart or a changed binding field ends it.", "phase 7, 3.4"},
    {kCtrl4, "CTRL-4", "Each stage of a command is audited and synced before the next may happen.", "phase 7, 3.5"},
    {kCtrl5, "CTRL-5", "Each audit record holds the hash of the one before it.", "phase 7, 3.5"},
    {kCtrl6, "CTRL-6", "Command methods are served on the Unix socket alone.", "extension"},
    {kCtrl7, "CTRL-7", "A confirmed command is exactly one kernel operation, and is never repeated by the control plane.", "phase 7, 4.1 and 4.6"},
};
// clang-format on

constexpr bool rules_in_enum_order() {
  for (size_t i = 0; i < std::size(kRules); ++i) {
    if (static_cast<size_t>(kRules[i].id) != i) return false;
  }
  return true;
}
static_assert(rules_in_enum_order());

}  // namespace

std::span<const Rule> rule_table() { return kRules; }

const Rule& rule(RuleId id) {
  AERODB_ASSERT(static_cast<size_t>(id) < std::size(kRules));
  return kRules[static_cast<size_t>(id)];
}

std::optional<RuleId> rule_from_name(std::string_view name) {
  for (const auto& row : kRules) {
    if (row.name == name) return row.id;
  }
  return std::nullopt;
}

}  // namespace aerodb::rules
