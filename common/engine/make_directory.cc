// The writing half of node_directory.h: the making of a directory, and what is written into one.
#include <fmt/format.h>

#include "common/engine/node_directory.h"
#include "common/engine/node_files.h"
#include "common/engine/small_file.h"
#include "common/wal/append_at_rest.h"
#include "common/wal/ring_files.h"

namespace aerodb::engine {
namespace {

Result<void> check_empty(runtime::Disk& disk, const std::string& data_dir) {
  auto present = disk.exists(data_dir);
  if (!present) return fail(std::move(present.error()));
  if (!*present) return {};
  auto names = disk.list(data_dir);
  if (!names) return fail(std::move(names.error()));
  for (const auto& name : *names) {
    // LOCK is what the caller of init holds.
    if (name != "lost+found" && name != "LOCK") {
      return fail(ErrorCode::kAlreadyInitialized, fmt::format("init {}: the directory holds {}", data_dir, name));
    }
  }
  return {};
}

// What starts the log of a primary.
Result<void> write_first_lineage(runtime::Disk& disk, runtime::Random& random, const InitOptions& options,
                                 const NodeFile& node, LineageId lineage) {
  wal::LineageStart start;
  start.lineage = lineage;
  start.reason = wal::LineageReason::kInit;
  start.node = node.name;
  start.instance = node.instance;
  start.who = {"init", options.operator_name, options.reason, std::nullopt};
  const wal::RecordHeader header{
      0,       wal::RecordType::kLineageStart, Epoch(1), Lsn(1), CommitId(0), wal::genesis_chain(node.cluster, lineage),
      Digest{}};
  auto written = write_first_record(disk, random, options.data_dir, node, header, start);
  if (!written) return fail(std::move(written.error()));
  return {};
}

}  // namespace

Result<void> make_durable_directory(runtime::Disk& disk, std::string path) {
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  std::vector<std::string> holders;  // of the entries that are new
  for (std::string at = path; at != "/" && at != "."; at = runtime::parent_directory(at)) {
    auto present = disk.exists(at);
    if (!present) return fail(std::move(present.error()));
    if (*present) break;
    holders.push_back(runtime::parent_directory(at));
  }
  if (auto made = disk.make_directory(path); !made) return made;
  for (const auto& holder : holders) {
    if (auto synced = disk.sync_directory(holder); !synced) return synced;
  }
  return {};
}

Result<Chain> write_first_record(runtime::Disk& disk, runtime::Random& random, const std::string& data_dir,
                                 const NodeFile& node, const wal::RecordHeader& record,
                                 const wal::LineageStart& start) {
  auto geometry = wal::ring_geometry(disk, data_dir);
  if (!geometry) return fail(std::move(geometry.error()));
  Bytes bytes;
  wal::encode_record(record, start, bytes);
  wal::LogEnd before;
  before.lsn = Lsn(record.lsn.value() - 1);
  auto written = wal::append_at_rest(disk, random, data_dir, node.cluster, node.instance,
                                     wal::Ring(*geometry, before.cursor, 0), before, bytes);
  if (!written) return fail(std::move(written.error()));
  return wal::chain_over(bytes);
}

Result<void> write_node_file(runtime::Disk& disk, const std::string& data_dir, const NodeFile& node) {
  Bytes content;
  ByteWriter out(content);
  out.id(node.cluster);
  out.id(node.instance);
  out.string(node.name);
  out.u64(node.initial_lsn.value());
  return runtime::replace_file(disk, data_dir, "NODE", seal_file(kNodeMagic, content));
}

Result<NodeFile> init_directory(runtime::Disk& disk, runtime::Random& random, const InitOptions& options) {
  if (auto empty = check_empty(disk, options.data_dir); !empty) return fail(std::move(empty.error()));
  if (!options.primary && !options.cluster)
    return fail(ErrorCode::kUsage, "init: a replica needs the cluster id of its primary");
  NodeFile node{options.cluster.value_or(ClusterId{}), options.name, options.instance.value_or(InstanceId{}),
                Lsn(options.primary ? 1 : 0)};
  if (!options.cluster) node.cluster = runtime::random_id<ClusterId>(random);
  if (!options.instance) node.instance = runtime::random_id<InstanceId>(random);
  const LineageId lineage = options.lineage ? *options.lineage : runtime::random_id<LineageId>(random);
  if (auto made = make_durable_directory(disk, options.data_dir); !made) return fail(std::move(made.error()));
  if (auto made = disk.make_directory(options.data_dir + "/authority"); !made) return fail(std::move(made.error()));
  if (auto ring = wal::create_ring(disk, options.data_dir, options.geometry); !ring)
    return fail(std::move(ring.error()));
  if (options.primary) {
    if (auto first = write_first_lineage(disk, random, options, node, lineage); !first)
      return fail(std::move(first.error()));
  }
  // NODE comes last: without it the directory is not a node, and init can be tried again on a fresh one.
  if (auto written = write_node_file(disk, options.data_dir, node); !written) return fail(std::move(written.error()));
  return node;
}

Result<void> write_clean_stop(runtime::Disk& disk, const std::string& data_dir, const CleanStop& stop) {
  Bytes content;
  ByteWriter out(content);
  out.u64(stop.lsn.value());
  out.id(stop.chain);
  return runtime::replace_file(disk, data_dir, "CLEAN_STOP", seal_file(kCleanMagic, content));
}

Bytes encode_halt(const Halt& halt) {
  Bytes content;
  ByteWriter out(content);
  out.string(halt.rule);
  out.string(halt.code);
  out.string(halt.reason);
  out.u64(halt.lsn.value());
  for (const auto* value : {&halt.expected, &halt.found}) {
    out.u8(value->has_value() ? 1 : 0);
    if (*value) out.string(**value);
  }
  return seal_file(kHaltMagic, content, kHaltFormat);
}

Result<void> write_halt(runtime::Disk& disk, const std::string& data_dir, const Halt& halt) {
  return runtime::replace_file(disk, data_dir, "HALT", encode_halt(halt));
}

Result<void> write_fence(runtime::Disk& disk, const std::string& data_dir, const Fence& fence) {
  Bytes content;
  ByteWriter out(content);
  out.id(fence.lineage);
  out.u64(fence.fork_lsn.value());
  out.id(fence.fork_chain);
  out.string(fence.node);
  out.id(fence.instance);
  return runtime::replace_file(disk, data_dir, "FENCED", seal_file(kFenceMagic, content));
}

Result<void> write_accepted(runtime::Disk& disk, const std::string& data_dir, LineageId lineage) {
  Bytes content;
  ByteWriter(content).id(lineage);
  return runtime::replace_file(disk, data_dir + "/authority", "accepted", seal_file(kAcceptedMagic, content));
}

Bytes encode_decline(const Decline& decline) {
  Bytes content;
  ByteWriter out(content);
  out.id(decline.cluster);
  out.u64(decline.seal_lsn.value());
  out.id(decline.seal_chain);
  out.string(decline.node);
  out.id(decline.instance);
  out.string(decline.who.request_id);
  out.string(decline.who.operator_name);
  out.string(decline.who.reason);
  out.blob(decline.who.audit_head ? ByteSpan(*decline.who.audit_head) : ByteSpan());
  return seal_file(kDeclineMagic, content);
}

Result<void> write_decline(runtime::Disk& disk, const std::string& data_dir, const Decline& decline) {
  return runtime::replace_file(disk, data_dir + "/authority", decline_name(decline.seal_lsn), encode_decline(decline));
}

}  // namespace aerodb::engine
