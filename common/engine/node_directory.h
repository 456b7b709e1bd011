// The files of a data directory beside its log, and the making of one. Blocking: for init, start-up and Jobs.
//
//   NODE                    identity, written once by init
//   LOCK                    held by the process that has the directory open
//   wal/NNNN.seg            the ring
//   CLEAN_STOP              position at the last clean stop: a lower bound for the next start (tail label T3)
//   HALT                    why the node halted; survives restarts until an operator's act
//   FENCED                  the lineage that ended this node's authority (AUTH-3); goes with the log that it is about
//   authority/decline-LSN   a decline of the seal at LSN
//   authority/accepted      the lineage that the operator let this replica follow (REPL-10)
//   authority/orphans       what an export of orphans wrote (REPL-12)
//   authority/decision-LSN  what the start of an epoch at LSN was decided on (decision.h)
//   bootstrap.partial/      files of a snapshot under way; INSTALL marks that they take the place of log and runs
//   quarantine/             bytes of torn frames
//   events.jsonl            numbered events
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/base/ids.h"
#include "common/runtime/clock.h"
#include "common/runtime/disk.h"
#include "common/wal/record.h"
#include "common/wal/ring.h"

namespace aerodb::engine {

struct NodeFile {
  ClusterId cluster;
  std::string name;
  InstanceId instance;
  // What init or restore itself made durable: 1 on a primary, 0 on a replica and after an install, that of its
  // lineage_start on a restored node; a bound for ever (T3).
  Lsn initial_lsn;
};

struct InitOptions {
  std::string data_dir;
  std::string name;
  wal::RingGeometry geometry;
  bool primary = false;              // writes the first lineage_start; otherwise the log stays empty
  std::optional<ClusterId> cluster;  // a replica needs one; a primary gets a random one where absent
  std::optional<LineageId> lineage;  // fixed ids, for comparisons between runs
  std::optional<InstanceId> instance;
  std::string operator_name;
  std::string reason;
};

// Makes a node of an empty or absent directory. ALREADY_INITIALIZED where it holds anything but lost+found.
[[nodiscard]] Result<NodeFile> init_directory(runtime::Disk& disk, runtime::Random& random, const InitOptions& options);

// What init and restore have in common: the parts of a directory in the making.
// A directory and its parents; the entry of each one made is durable afterwards.
[[nodiscard]] Result<void> make_durable_directory(runtime::Disk& disk, std::string path);
// The first frame of the ring in `data_dir`, all zero so far: one record, durable. Answers the chain after it.
[[nodiscard]] Result<Chain> write_first_record(runtime::Disk& disk, runtime::Random& random,
                                               const std::string& data_dir, const NodeFile& node,
                                               const wal::RecordHeader& record, const wal::LineageStart& start);
[[nodiscard]] Result<void> write_node_file(runtime::Disk& disk, const std::string& data_dir, const NodeFile& node);

// NOT_INITIALIZED, BAD_NODE_FILE, NEWER_FORMAT.
[[nodiscard]] Result<NodeFile> read_node_file(runtime::Disk& disk, const std::string& data_dir);

struct CleanStop {
  Lsn lsn;
  Chain chain;
};
[[nodiscard]] Result<std::optional<CleanStop>> read_clean_stop(runtime::Disk& disk, const std::string& data_dir);
[[nodiscard]] Result<void> write_clean_stop(runtime::Disk& disk, const std::string& data_dir, const CleanStop& stop);

// Why a node halted: the failing rule, what was expected and found.
struct Halt {
  std::string rule;
  std::string code;
  std::string reason;
  Lsn lsn;  // where
  // Where the cause is that something differs: a chain, a digest, a number, as text.
  std::optional<std::string> expected{};
  std::optional<std::string> found{};
};
// What an error says of itself, its details included.
[[nodiscard]] Halt halt_for(std::string_view rule, const Error& error, Lsn lsn);
[[nodiscard]] Bytes encode_halt(const Halt& halt);
// BAD_NODE_FILE, NEWER_FORMAT. `what` is for messages.
[[nodiscard]] Result<Halt> decode_halt(ByteSpan bytes, std::string_view what);
[[nodiscard]] Result<std::optional<Halt>> read_halt(runtime::Disk& disk, const std::string& data_dir);
[[nodiscard]] Result<void> write_halt(runtime::Disk& disk, const std::string& data_dir, const Halt& halt);

// Another lineage that forks from this log and names another node: the end of this node's authority (AUTH-3).
struct Fence {
  LineageId lineage;
  Lsn fork_lsn;      // last LSN in common
  Chain fork_chain;  // chain after it
  std::string node;  // that it names
  InstanceId instance;
};
[[nodiscard]] Result<std::optional<Fence>> read_fence(runtime::Disk& disk, const std::string& data_dir);
[[nodiscard]] Result<void> write_fence(runtime::Disk& disk, const std::string& data_dir, const Fence& fence);

// The lineage that the operator accepted; it counts until the log holds its lineage_start.
[[nodiscard]] Result<std::optional<LineageId>> read_accepted(runtime::Disk& disk, const std::string& data_dir);
[[nodiscard]] Result<void> write_accepted(runtime::Disk& disk, const std::string& data_dir, LineageId lineage);

// A successor's statement that it declines a seal. Bytes that an operator hands from node to node.
struct Decline {
  ClusterId cluster;
  Lsn seal_lsn;
  Chain seal_chain;  // chain after the seal: ties the statement to this very log
  std::string node;
  InstanceId instance;
  wal::WhoAndWhy who;
};
[[nodiscard]] Bytes encode_decline(const Decline& decline);
[[nodiscard]] Result<Decline> decode_decline(ByteSpan statement);
[[nodiscard]] Result<std::optional<Decline>> read_decline(runtime::Disk& disk, const std::string& data_dir,
                                                          Lsn seal_lsn);
// A seal of which a decline is on disk. It stays so whatever becomes of the log: the statement was perhaps handed out.
struct DeclinedSeal {
  Lsn lsn;
  Chain chain_after;
  friend bool operator==(const DeclinedSeal&, const DeclinedSeal&) = default;
};
// Those from `from` on: a log that ends there may hold the first of them, or come to hold it again.
[[nodiscard]] Result<std::vector<DeclinedSeal>> read_declined_seals(runtime::Disk& disk, const std::string& data_dir,
                                                                    Lsn from);
[[nodiscard]] Result<void> write_decline(runtime::Disk& disk, const std::string& data_dir, const Decline& decline);

}  // namespace aerodb::engine
