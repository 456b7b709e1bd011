#include "common/engine/orphans.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <tuple>

#include "common/base/checksum.h"
#include "common/document/json.h"
#include "common/engine/recovery.h"
#include "common/engine/small_file.h"
#include "common/store/merge.h"
#include "common/store/paced_file.h"

namespace aerodb::engine {
namespace {

constexpr std::string_view kMarkerMagic = "AEROORPH";

std::string marker_path(const std::string& data_dir) { return data_dir + "/authority/orphans"; }

Result<void> refuse_existing(runtime::Disk& disk, const std::string& path) {
  auto present = disk.exists(path);
  if (!present) return fail(std::move(present.error()));
  if (*present) return fail(ErrorCode::kBackupExists, fmt::format("export orphans: {} exists", path));
  return {};
}

// JSON lines, hashed on their way.
class LinesFile {
 public:
  LinesFile(std::unique_ptr<runtime::File> file, std::function<void(uint64_t)> progress)
      : file_(std::move(file), std::move(progress)) {}
  Result<void> add(ByteSpan packed) {
    auto text = document::to_json(packed);
    if (!text) return fail(ErrorCode::kBadRecord, "export orphans: " + text.error().message);
    text->push_back('\n');
    hash_.update(as_bytes(*text));
    return file_.append(as_bytes(*text));
  }
  Result<void> finish(OrphansReport& report) {
    if (auto flushed = file_.flush(); !flushed) return flushed;
    report.bytes = file_.size();
    report.sha256 = hash_.finish();
    return {};
  }

 private:
  store::PacedFile file_;
  Sha256Stream hash_;
};

// The versions of everything behind `fork` in the order of their commits, by passes over the whole: each gathers the
// lowest ones that it may hold.
class ByCommit {
 public:
  using Key = std::tuple<CommitId, std::string, std::string>;  // commit, collection, _id
  struct Held {
    uint32_t schema_version = 0;
    Bytes document;
  };
  using Take = std::function<Result<void>(const Key& key, const Held& version)>;

  ByCommit(runtime::Disk& disk, const State& state, CommitId fork, uint64_t max_bytes)
      : disk_(disk), state_(state), last_(fork.next(), "", ""), max_bytes_(max_bytes) {}

  Result<void> each(const Take& take) {
    do {
      if (auto gathered = gather(); !gathered) return gathered;
      for (const auto& [key, version] : held_) {
        if (auto taken = take(key, version); !taken) return taken;
      }
      if (!held_.empty()) last_ = held_.rbegin()->first;
    } while (more_);
    return {};
  }

 private:
  Result<void> gather() {
    held_.clear();
    held_bytes_ = 0;
    more_ = false;
    std::vector<std::unique_ptr<store::VersionSource>> sources;
    sources.push_back(store::versions_of(state_.layers().active()));
    const auto& runs = state_.layers().runs();
    for (auto run = runs.rbegin(); run != runs.rend() && (*run)->info().last_commit >= std::get<0>(last_); ++run) {
      auto file = disk_.open((*run)->path(), runtime::OpenMode::kRead);
      if (!file) return fail(std::move(file.error()));
      sources.push_back(store::versions_of(*run, std::move(*file)));
    }
    // Nothing lies at or below floor 0, so that nothing is passed over.
    auto versions = store::merge_versions(std::move(sources), {CommitId(0), false});
    while (true) {
      auto version = versions->next();
      if (!version) return fail(std::move(version.error()));
      if (!*version) return {};
      if ((*version)->commit >= std::get<0>(last_)) take(**version);
    }
  }

  void take(const store::RunVersion& version) {
    Key key(version.commit, version.collection, version.id);
    if (key <= last_) return;
    if (more_ && key > held_.rbegin()->first) return;
    held_bytes_ += bytes_of(key, version.document.size());
    held_.emplace(std::move(key),
                  Held{version.schema_version, Bytes(version.document.begin(), version.document.end())});
    while (held_bytes_ > max_bytes_ && held_.size() > 1) {
      const auto highest = std::prev(held_.end());
      held_bytes_ -= bytes_of(highest->first, highest->second.document.size());
      held_.erase(highest);
      more_ = true;
    }
  }
  static uint64_t bytes_of(const Key& key, uint64_t document_bytes) {
    constexpr uint64_t kNodeBytes = 160;
    return kNodeBytes + std::get<1>(key).size() + std::get<2>(key).size() + document_bytes;
  }

  runtime::Disk& disk_;
  const State& state_;
  Key last_;  // given out; at first one that is below all of them
  uint64_t max_bytes_;
  std::map<Key, Held> held_;
  uint64_t held_bytes_ = 0;
  bool more_ = false;  // versions above the highest one held were passed over
};

// What stands in the file, line by line.
class Export {
 public:
  Export(runtime::Disk& disk, const OrphansOptions& options, const State& state, OrphansReport& report,
         LinesFile& lines)
      : disk_(disk), options_(options), state_(state), report_(report), lines_(lines) {}

  Result<void> run() {
    if (auto written = header(); !written) return written;
    if (auto written = schemas(); !written) return written;
    ByCommit versions(disk_, state_, report_.fork_commit, options_.sorted_bytes);
    auto written =
        versions.each([this](const ByCommit::Key& key, const ByCommit::Held& held) { return version(key, held); });
    if (!written) return written;
    return summary();
  }

 private:
  Result<void> header() {
    return line("orphans", 10, [this](document::PackWriter& out) {
      out.field("format", 1);
      out.field("cluster", report_.node.cluster);
      out.field("node", report_.node.name);
      out.field("instance", report_.node.instance);
      out.field("lineage", report_.end.lineage);
      out.field("fork_lsn", report_.fork_lsn);
      out.field("fork_commit", report_.fork_commit);
      out.field("end_lsn", report_.end.lsn);
      out.field("end_commit", report_.end.commit);
      out.field("end_chain", report_.end.chain);
    });
  }

  Result<void> schemas() {
    std::map<Lsn, const RegisteredSchema*> behind;
    for (const auto& [collection, versions] : state_.schemas()) {
      for (const auto& [number, schema] : versions) {
        if (schema.lsn > report_.fork_lsn) behind.emplace(schema.lsn, &schema);
      }
    }
    report_.schemas = behind.size();
    for (const auto& [lsn, schema] : behind) {
      auto written = line("schema", 2, [&](document::PackWriter& out) {
        out.field("lsn", lsn);
        out.text("schema");
        out.raw(schema->canonical);
      });
      if (!written) return written;
    }
    return {};
  }

  Result<void> version(const ByCommit::Key& key, const ByCommit::Held& held) {
    const auto& [commit, collection, id] = key;
    const bool tombstone = held.schema_version == 0;
    report_.versions += 1;
    return line("version", tombstone ? 5 : 7, [&](document::PackWriter& out) {
      out.field("commit", commit);
      out.field("lsn", state_.lsn_of(commit));
      out.field("collection", collection);
      out.field("_id", id);
      out.field("kind", tombstone ? "tombstone" : "document");
      if (tombstone) return;
      out.field("schema_version", held.schema_version);
      out.text("document");
      out.raw(held.document);
    });
  }

  Result<void> summary() {
    return line("summary", 3, [this](document::PackWriter& out) {
      out.field("schemas", report_.schemas);
      out.field("versions", report_.versions);
      out.field("floor", report_.floor);
    });
  }

  template <class Fill>
  Result<void> line(std::string_view kind, uint32_t fields, Fill&& fill) {
    packed_.clear();
    document::PackWriter out(packed_);
    out.map(fields + 1);
    out.field("line", kind);
    fill(out);
    return lines_.add(packed_);
  }

  runtime::Disk& disk_;
  const OrphansOptions& options_;
  const State& state_;
  OrphansReport& report_;
  LinesFile& lines_;
  Bytes packed_;
};

Result<void> write_file(runtime::Disk& disk, const OrphansOptions& options, const State& state, OrphansReport& report) {
  const std::string partial = options.file + ".partial";
  auto file = disk.open(partial, runtime::OpenMode::kCreate);
  if (!file) return fail(std::move(file.error()));
  Result<void> written;
  {
    LinesFile lines(std::move(*file), options.progress);
    written = Export(disk, options, state, report, lines).run();
    if (written) written = lines.finish(report);
  }
  if (written) written = refuse_existing(disk, options.file);
  if (written) written = disk.rename(partial, options.file);
  if (!written) {
    // The error stands as it is, whether or not the file can be removed.
    static_cast<void>(disk.remove(partial));
    return written;
  }
  return disk.sync_directory(runtime::parent_directory(options.file));
}

}  // namespace

Result<std::optional<OrphansMarker>> read_orphans_marker(runtime::Disk& disk, const std::string& data_dir) {
  const std::string path = marker_path(data_dir);
  auto content = read_optional(disk, path, kMarkerMagic);
  if (!content) return fail(std::move(content.error()));
  if (!*content) return std::optional<OrphansMarker>();
  ByteReader in(**content);
  OrphansMarker marker;
  marker.end_lsn = Lsn(in.u64());
  marker.end_chain = in.id<Chain>();
  marker.fork_lsn = Lsn(in.u64());
  const auto hash = in.raw(sizeof(Sha256));
  if (!in.at_end()) return damaged_file(path);
  std::ranges::copy(hash, marker.file.begin());
  return std::optional(marker);
}

Result<void> write_orphans_marker(runtime::Disk& disk, const std::string& data_dir, const OrphansMarker& marker) {
  Bytes content;
  ByteWriter out(content);
  out.u64(marker.end_lsn.value());
  out.id(marker.end_chain);
  out.u64(marker.fork_lsn.value());
  out.raw(marker.file);
  return runtime::replace_file(disk, data_dir + "/authority", "orphans", seal_file(kMarkerMagic, content));
}

Result<OrphansReport> export_orphans(runtime::Disk& disk, const OrphansOptions& options) {
  if (!options.file.starts_with('/'))
    return fail(ErrorCode::kBadRequest, fmt::format("export orphans: {} is not an absolute path", options.file));
  if (auto free = refuse_existing(disk, options.file); !free) return fail(std::move(free.error()));
  if (auto free = refuse_existing(disk, options.file + ".partial"); !free) return fail(std::move(free.error()));
  auto node = read_node_file(disk, options.data_dir);
  if (!node) return fail(std::move(node.error()));
  auto geometry = wal::ring_geometry(disk, options.data_dir);
  if (!geometry) return fail(std::move(geometry.error()));
  OpenOptions open;
  open.data_dir = options.data_dir;
  open.geometry = *geometry;
  open.cache_bytes = options.cache_bytes;
  OpenedNode opened(*node);
  if (auto read = inspect_log(disk, open, {Trust::kOwnLog, nullptr}, opened); !read)
    return fail(std::move(read.error()));
  const auto& end = opened.state.position();
  if (end.lsn <= options.fork_lsn) {
    return fail(ErrorCode::kNothingToDo, fmt::format("export orphans: the log of {} ends at LSN {}, the fork is at {}",
                                                     node->name, end.lsn.value(), options.fork_lsn.value()));
  }
  OrphansReport report;
  report.node = std::move(*node);
  report.fork_lsn = options.fork_lsn;
  report.fork_commit = opened.state.commit_at(options.fork_lsn);
  report.end = end;
  report.floor = opened.state.floor();
  if (auto written = write_file(disk, options, opened.state, report); !written) return fail(std::move(written.error()));
  const OrphansMarker marker{end.lsn, end.chain, options.fork_lsn, report.sha256};
  if (auto marked = write_orphans_marker(disk, options.data_dir, marker); !marked)
    return fail(std::move(marked.error()));
  return report;
}

}  // namespace aerodb::engine
