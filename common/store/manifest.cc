#include "common/store/manifest.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "common/base/checksum.h"
#include "common/base/fault.h"
#include "common/store/run_format.h"

namespace aerodb::store {
namespace {

constexpr size_t kHeaderBytes = 32;
// The least that an element of each list takes: counts beyond what is left can't be true.
constexpr size_t kLeastRecordBytes = 4;
constexpr size_t kLeastSchemaBytes = 8 + 4;
constexpr size_t kStepBytes = 8 + 8;
constexpr size_t kRunBytes = 7 * 8 + 32 + 16;

std::unexpected<Error> damaged(const std::string& name, size_t offset, const std::string& what) {
  return fail(Error{ErrorCode::kManifestDamaged, fmt::format("manifest {}: at byte {}: {}", name, offset, what), {}}
                  .with("file", name)
                  .with("offset", offset));
}

// --- body, in the order of docs/spec/CHECKPOINT.md

template <class List, class Each>
void write_list(ByteWriter& out, const List& list, Each&& each) {
  out.u32(static_cast<uint32_t>(list.size()));
  for (const auto& element : list) each(element);
}

void write_run(ByteWriter& out, const RunInfo& run) {
  out.u64(run.number);
  out.u64(run.first_commit.value());
  out.u64(run.last_commit.value());
  out.u64(run.bytes);
  out.raw(run.sha256);
  out.u64(run.versions);
  out.u64(run.tombstones);
  out.u64(run.index_entries);
  out.id(run.versions_digest);
}

RunInfo read_run(ByteReader& in) {
  RunInfo run;
  run.number = in.u64();
  run.first_commit = CommitId(in.u64());
  run.last_commit = CommitId(in.u64());
  run.bytes = in.u64();
  const auto hash = in.raw(run.sha256.size());
  std::ranges::copy(hash, run.sha256.begin());
  run.versions = in.u64();
  run.tombstones = in.u64();
  run.index_entries = in.u64();
  run.versions_digest = in.id<Digest>();
  return run;
}

void write_body(const Manifest& manifest, ByteWriter& out) {
  out.u64(manifest.number);
  out.id(manifest.cluster);
  out.u64(manifest.lsn.value());
  out.u64(manifest.commit.value());
  out.u64(manifest.epoch.value());
  out.id(manifest.lineage);
  out.id(manifest.chain);
  out.id(manifest.digest);
  out.u64(manifest.floor.value());
  out.u64(manifest.live_documents);
  out.u64(manifest.next_run);
  out.u64(manifest.segment_sequence);
  write_list(out, manifest.authority_records, [&](const Bytes& record) { out.blob(record); });
  write_list(out, manifest.schemas, [&](const ManifestSchema& schema) {
    out.u64(schema.lsn.value());
    out.blob(schema.canonical);
  });
  write_list(out, manifest.steps, [&](const CommitStep& step) {
    out.u64(step.from_commit.value());
    out.u64(step.lsn_minus_commit);
  });
  write_list(out, manifest.runs, [&](const RunInfo& run) { write_run(out, run); });
}

// Takes as many elements as stated, but stops where the bytes end; the caller looks at in.ok().
template <class T, class Each>
std::vector<T> read_list(ByteReader& in, size_t least_bytes, Each&& each) {
  std::vector<T> list;
  const uint32_t count = in.u32();
  if (count > in.remaining() / least_bytes) {
    (void)in.raw(in.remaining() + 1);
    return list;
  }
  list.reserve(count);
  for (uint32_t i = 0; i < count && in.ok(); ++i) list.push_back(each());
  return list;
}

Manifest read_body(ByteReader& in) {
  auto bytes_of = [](ByteSpan span) { return Bytes(span.begin(), span.end()); };
  Manifest manifest;
  manifest.number = in.u64();
  manifest.cluster = in.id<ClusterId>();
  manifest.lsn = Lsn(in.u64());
  manifest.commit = CommitId(in.u64());
  manifest.epoch = Epoch(in.u64());
  manifest.lineage = in.id<LineageId>();
  manifest.chain = in.id<Chain>();
  manifest.digest = in.id<Digest>();
  manifest.floor = CommitId(in.u64());
  manifest.live_documents = in.u64();
  manifest.next_run = in.u64();
  manifest.segment_sequence = in.u64();
  manifest.authority_records = read_list<Bytes>(in, kLeastRecordBytes, [&] { return bytes_of(in.blob()); });
  manifest.schemas = read_list<ManifestSchema>(in, kLeastSchemaBytes, [&] {
    const Lsn lsn(in.u64());
    return ManifestSchema{lsn, bytes_of(in.blob())};
  });
  manifest.steps = read_list<CommitStep>(in, kStepBytes, [&] {
    const CommitId from(in.u64());
    return CommitStep{from, in.u64()};
  });
  manifest.runs = read_list<RunInfo>(in, kRunBytes, [&] { return read_run(in); });
  return manifest;
}

// --- what must hold between the fields; each answers what does not, or nullopt

using Problem = std::optional<std::string>;

Problem check_positions(const Manifest& m) {
  if (m.number == 0) return "its number is 0";
  if (m.lsn.value() > kMaxNumber) return fmt::format("LSN {}, at most {} is possible", m.lsn.value(), kMaxNumber);
  if (m.commit.value() > m.lsn.value())
    return fmt::format("commit {} lies beyond LSN {}", m.commit.value(), m.lsn.value());
  if (m.floor > m.commit) return fmt::format("floor {} lies beyond commit {}", m.floor.value(), m.commit.value());
  if (m.next_run == 0 || m.next_run > kMaxNumber) return fmt::format("next run {}", m.next_run);
  return std::nullopt;
}

Problem check_schemas(const Manifest& m) {
  Lsn before;
  for (const auto& schema : m.schemas) {
    if (schema.lsn <= before || schema.lsn > m.lsn)
      return fmt::format("schema at LSN {} behind one at {}, last LSN {}", schema.lsn.value(), before.value(),
                         m.lsn.value());
    before = schema.lsn;
  }
  return std::nullopt;
}

Problem check_steps(const Manifest& m) {
  if (m.steps.empty()) return m.commit == CommitId() ? Problem() : "no step";
  if (m.steps.front().from_commit != CommitId(1)) return "the first step is not at commit 1";
  for (size_t i = 1; i < m.steps.size(); ++i) {
    const auto& before = m.steps[i - 1];
    const auto& step = m.steps[i];
    if (step.from_commit <= before.from_commit || step.lsn_minus_commit <= before.lsn_minus_commit)
      return fmt::format("step {} does not ascend", i);
  }
  const auto& last = m.steps.back();
  if (last.from_commit > m.commit || last.lsn_minus_commit > m.lsn.value() - m.commit.value())
    return fmt::format("the last step, at commit {}, lies beyond commit {}, LSN {}", last.from_commit.value(),
                       m.commit.value(), m.lsn.value());
  return std::nullopt;
}

Problem check_runs(const Manifest& m) {
  std::set<RunNumber> numbers;
  CommitId covered;
  uint64_t documents = 0;
  for (const auto& run : m.runs) {
    if (run.number == 0 || run.number >= m.next_run || !numbers.insert(run.number).second)
      return fmt::format("run number {}, next run {}", run.number, m.next_run);
    if (run.first_commit != covered.next() || run.last_commit < run.first_commit)
      return fmt::format("run {} covers commits {} to {}, behind commit {} (CKPT-3)", run.number,
                         run.first_commit.value(), run.last_commit.value(), covered.value());
    if (run.tombstones > run.versions || run.versions > run.bytes || run.bytes > kMaxNumber)
      return fmt::format("run {}: {} tombstones, {} versions, {} bytes", run.number, run.tombstones, run.versions,
                         run.bytes);
    covered = run.last_commit;
    documents = std::min(documents + run.versions - run.tombstones, kMaxNumber);
  }
  if (covered != m.commit)
    return fmt::format("the runs end at commit {}, expected {} (CKPT-3)", covered.value(), m.commit.value());
  if (m.live_documents > documents)
    return fmt::format("{} live documents, the runs hold {} versions of any", m.live_documents, documents);
  return std::nullopt;
}

Problem check(const Manifest& manifest) {
  if (auto problem = check_positions(manifest)) return problem;
  if (auto problem = check_schemas(manifest)) return problem;
  if (auto problem = check_steps(manifest)) return problem;
  return check_runs(manifest);
}

// --- files in DIR/runs

// The run that a file in DIR/runs belongs to: the run itself, or what its writer sorted in.
std::optional<RunNumber> owner_of(std::string_view name) {
  constexpr std::string_view kSorting = ".sort";
  if (!name.ends_with(kSorting)) return run_number_of(name);
  name.remove_suffix(kSorting.size());
  return run_number_of(fmt::format("{}.run", name));
}

Result<std::vector<std::string>> list_runs(runtime::Disk& disk, const std::string& data_dir) {
  const std::string directory = data_dir + "/runs";
  auto exists = disk.exists(directory);
  if (!exists) return fail(std::move(exists.error()));
  if (!*exists) return std::vector<std::string>();
  return disk.list(directory);
}

}  // namespace

uint64_t Manifest::run_bytes() const {
  uint64_t bytes = 0;
  for (const auto& run : runs) bytes += run.bytes;
  return bytes;
}

Bytes encode_manifest(const Manifest& manifest) {
  Bytes body;
  ByteWriter body_out(body);
  write_body(manifest, body_out);
  Bytes bytes;
  bytes.reserve(kHeaderBytes + body.size());
  ByteWriter out(bytes);
  out.u32(kManifestMagic);
  out.u32(kManifestFormat);
  out.u64(body.size());
  out.raw(xxh3_128(body));
  out.raw(body);
  return bytes;
}

Result<Manifest> decode_manifest(ByteSpan bytes, const std::string& name) {
  if (bytes.size() < kHeaderBytes)
    return damaged(name, bytes.size(), fmt::format("it ends, a header has {} bytes", kHeaderBytes));
  ByteReader header(bytes.first(kHeaderBytes));
  if (const uint32_t magic = header.u32(); magic != kManifestMagic)
    return damaged(name, 0, fmt::format("magic {:08x}, expected {:08x}", magic, kManifestMagic));
  const uint32_t format = header.u32();
  if (format > kManifestFormat) {
    return fail(ErrorCode::kNewerFormat,
                fmt::format("manifest {}: format {}, this binary knows {} (REC-8)", name, format, kManifestFormat));
  }
  if (format != kManifestFormat) return damaged(name, 4, fmt::format("format {}", format));
  const ByteSpan body = bytes.subspan(kHeaderBytes);
  if (const uint64_t length = header.u64(); length != body.size())
    return damaged(name, 8, fmt::format("length {}, there are {} bytes", length, body.size()));
  const auto found = xxh3_128(body);
  if (const ByteSpan stated = header.raw(found.size()); !std::ranges::equal(stated, found))
    return damaged(name, 16, fmt::format("checksum {}, the bytes have {}", to_hex(stated), to_hex(ByteSpan(found))));

  ByteReader in(body);
  Manifest manifest = read_body(in);
  if (!in.ok()) return damaged(name, kHeaderBytes + in.offset(), "a field goes beyond the end");
  if (!in.at_end()) return damaged(name, kHeaderBytes + in.offset(), fmt::format("{} bytes too many", in.remaining()));
  if (auto problem = check(manifest)) return damaged(name, kHeaderBytes, *problem);
  return manifest;
}

Result<std::optional<Manifest>> read_manifest(runtime::Disk& disk, const std::string& directory) {
  const std::string path = fmt::format("{}/{}", directory, kManifestName);
  auto exists = disk.exists(path);
  if (!exists) return fail(std::move(exists.error()));
  if (!*exists) return std::nullopt;
  auto bytes = runtime::read_file(disk, path, kMaxManifestBytes);
  if (!bytes) return fail(std::move(bytes.error()));
  auto manifest = decode_manifest(*bytes, path);
  if (!manifest) return fail(std::move(manifest.error()));
  return std::move(*manifest);
}

Result<std::vector<std::string>> stray_runs(runtime::Disk& disk, const std::string& data_dir,
                                            const Manifest& manifest) {
  auto names = list_runs(disk, data_dir);
  if (!names) return names;
  std::set<std::string> named;
  for (const auto& run : manifest.runs) named.insert(run_name(run.number));
  std::erase_if(*names, [&](const std::string& name) { return !owner_of(name) || named.contains(name); });
  return names;
}

Result<RunNumber> next_run_number(runtime::Disk& disk, const std::string& data_dir, const Manifest& manifest) {
  RunNumber next = manifest.next_run;
  if (planted(Fault::kRunNumberReused)) return next;
  auto names = list_runs(disk, data_dir);
  if (!names) return fail(std::move(names.error()));
  for (const auto& name : *names) {
    if (const auto number = owner_of(name); number && *number >= next) next = std::min(*number, kMaxNumber) + 1;
  }
  if (next > kMaxNumber)
    return fail(ErrorCode::kNumberExhausted, fmt::format("open {}: a run's number is {} (CKPT-3)", data_dir, next - 1));
  return next;
}

}  // namespace aerodb::store
