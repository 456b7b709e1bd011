#include "common/engine/node_directory.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/engine/node_files.h"
#include "common/engine/small_file.h"

namespace aerodb::engine {

Result<NodeFile> read_node_file(runtime::Disk& disk, const std::string& data_dir) {
  const std::string path = data_dir + "/NODE";
  auto content = read_optional(disk, path, kNodeMagic);
  if (!content) return fail(std::move(content.error()));
  if (!*content) return fail(ErrorCode::kNotInitialized, fmt::format("open {}: it holds no NODE file", data_dir));
  ByteReader in(**content);
  NodeFile node;
  node.cluster = in.id<ClusterId>();
  node.instance = in.id<InstanceId>();
  node.name = in.string();
  node.initial_lsn = Lsn(in.u64());
  if (!in.at_end()) return damaged_file(path);
  return node;
}

Result<std::optional<CleanStop>> read_clean_stop(runtime::Disk& disk, const std::string& data_dir) {
  const std::string path = data_dir + "/CLEAN_STOP";
  auto content = read_optional(disk, path, kCleanMagic);
  if (!content) return fail(std::move(content.error()));
  if (!*content) return std::optional<CleanStop>();
  ByteReader in(**content);
  CleanStop stop;
  stop.lsn = Lsn(in.u64());
  stop.chain = in.id<Chain>();
  if (!in.at_end()) return damaged_file(path);
  return std::optional(stop);
}

Halt halt_for(std::string_view rule, const Error& error, Lsn lsn) {
  Halt halt{std::string(rule), std::string(error.row().name), error.message, lsn};
  halt.expected = error.detail("expected");
  halt.found = error.detail("found");
  return halt;
}

Result<Halt> decode_halt(ByteSpan bytes, std::string_view what) {
  auto content = open_file(kHaltMagic, bytes, what, kHaltFormat);
  if (!content) return fail(std::move(content.error()));
  ByteReader in(*content);
  Halt halt;
  halt.rule = in.string();
  halt.code = in.string();
  halt.reason = in.string();
  halt.lsn = Lsn(in.u64());
  if (in.ok() && in.at_end()) return halt;  // format 1
  for (auto* value : {&halt.expected, &halt.found}) {
    if (in.u8() != 0) *value = in.string();
  }
  if (!in.at_end()) return damaged_file(what);
  return halt;
}

Result<std::optional<Halt>> read_halt(runtime::Disk& disk, const std::string& data_dir) {
  const std::string path = data_dir + "/HALT";
  return decode_file(disk, path, [&](ByteSpan bytes) { return decode_halt(bytes, path); });
}

Result<std::optional<Fence>> read_fence(runtime::Disk& disk, const std::string& data_dir) {
  const std::string path = data_dir + "/FENCED";
  auto content = read_optional(disk, path, kFenceMagic);
  if (!content) return fail(std::move(content.error()));
  if (!*content) return std::optional<Fence>();
  ByteReader in(**content);
  Fence fence;
  fence.lineage = in.id<LineageId>();
  fence.fork_lsn = Lsn(in.u64());
  fence.fork_chain = in.id<Chain>();
  fence.node = in.string();
  fence.instance = in.id<InstanceId>();
  if (!in.at_end() || fence.fork_lsn == Lsn()) return damaged_file(path);
  return std::optional(std::move(fence));
}

Result<std::optional<LineageId>> read_accepted(runtime::Disk& disk, const std::string& data_dir) {
  const std::string path = data_dir + "/authority/accepted";
  auto content = read_optional(disk, path, kAcceptedMagic);
  if (!content) return fail(std::move(content.error()));
  if (!*content) return std::optional<LineageId>();
  ByteReader in(**content);
  const auto lineage = in.id<LineageId>();
  if (!in.at_end()) return damaged_file(path);
  return std::optional(lineage);
}

Result<Decline> decode_decline(ByteSpan statement) {
  auto bad = [] { return fail(ErrorCode::kBadRequest, "decline statement: it does not parse"); };
  auto content = open_file(kDeclineMagic, statement, "decline statement");
  if (!content) return bad();
  ByteReader in(*content);
  Decline decline;
  decline.cluster = in.id<ClusterId>();
  decline.seal_lsn = Lsn(in.u64());
  decline.seal_chain = in.id<Chain>();
  decline.node = in.string();
  decline.instance = in.id<InstanceId>();
  decline.who.request_id = in.string();
  decline.who.operator_name = in.string();
  decline.who.reason = in.string();
  auto head = in.blob();
  if (!in.at_end() || (!head.empty() && head.size() != sizeof(Sha256))) return bad();
  if (!head.empty()) std::ranges::copy(head, decline.who.audit_head.emplace().begin());
  return decline;
}

namespace {
constexpr std::string_view kDecline = "decline-";

// nullopt: a file of another kind.
std::optional<Lsn> declined_lsn(std::string_view file) {
  if (!file.starts_with(kDecline)) return std::nullopt;
  const auto lsn = from_decimal(file.substr(kDecline.size()));
  return lsn ? std::optional(Lsn(*lsn)) : std::nullopt;
}
}  // namespace

std::string decline_name(Lsn seal_lsn) { return fmt::format("{}{}", kDecline, seal_lsn.value()); }

Result<std::optional<Decline>> read_decline(runtime::Disk& disk, const std::string& data_dir, Lsn seal_lsn) {
  const std::string path = data_dir + "/authority/" + decline_name(seal_lsn);
  return decode_file(disk, path, [&](ByteSpan bytes) -> Result<Decline> {
    auto decline = decode_decline(bytes);
    if (!decline) return damaged_file(path);
    return decline;
  });
}

Result<std::vector<DeclinedSeal>> read_declined_seals(runtime::Disk& disk, const std::string& data_dir, Lsn from) {
  auto files = disk.list(data_dir + "/authority");
  if (!files) return fail(std::move(files.error()));
  std::vector<DeclinedSeal> seals;
  for (const auto& file : *files) {
    const auto lsn = declined_lsn(file);
    if (!lsn || *lsn < from) continue;
    auto decline = read_decline(disk, data_dir, *lsn);
    if (!decline) return fail(std::move(decline.error()));
    if (*decline) seals.push_back({(*decline)->seal_lsn, (*decline)->seal_chain});
  }
  return seals;
}

}  // namespace aerodb::engine
