#include "common/store/run_writer.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/base/assert.h"
#include "common/base/fault.h"
#include "common/document/canonical.h"
#include "common/store/digest.h"
#include "common/store/index_sorter.h"
#include "common/store/run_footer.h"
#include "common/store/section_writer.h"
#include "common/store/tree_walk.h"

namespace aerodb::store {

struct RunWriter::Inside {
  Inside(runtime::Disk& on, std::string data_dir, RunWriterOptions given, std::unique_ptr<runtime::File> opened)
      : disk(on),
        directory(std::move(data_dir)),
        options(std::move(given)),
        file(PacedFile(std::move(opened), [this](uint64_t written) { synced(written); }), options.number,
             options.compression),
        sorter(disk, fmt::format("{}/runs/{:08}.sort", directory, options.number), options.sort_bytes,
               [this] { synced_beside(); }) {}

  void synced(uint64_t written) {
    if (options.progress) options.progress(written);
    synced_beside();
  }
  void synced_beside() {
    if (options.after_sync) options.after_sync();
  }

  Result<void> begin();
  Result<void> add(const RunVersion& version);
  Result<void> add_index_entries(const RunVersion& version);
  void check_order(const RunVersion& version) const;
  void begin_collection(std::string_view name);
  Result<void> end_collection();
  Result<void> write_sorted_indexes();
  Result<void> write_indexes_of(const CollectionTable& table);
  Result<void> end_section();
  Result<RunInfo> finish();

  runtime::Disk& disk;
  std::string directory;
  RunWriterOptions options;
  RunFile file;
  IndexSorter sorter;
  RunFooter footer;
  Bytes header;
  // The collection being written; no section before the first.
  std::string collection;
  std::vector<std::string> paths;  // its indexes, sorted
  std::optional<SectionWriter> section;
  std::string last_id;
  CommitId last_commit;
  Bytes value;  // scratch
};

Result<void> RunWriter::Inside::begin() {
  header = encode_run_header({options.number, options.first_commit, options.last_commit});
  return file.append(header);
}

void RunWriter::Inside::check_order(const RunVersion& version) const {
  AERODB_ASSERT(!version.collection.empty());
  AERODB_ASSERT(!version.id.empty() && version.id.size() <= document::kMaxIdBytes);
  AERODB_ASSERT((version.schema_version == 0) == version.document.empty());
  AERODB_ASSERT(version.commit >= options.first_commit && version.commit <= options.last_commit);
  if (!section) return;
  if (version.collection != collection) {
    AERODB_ASSERT(version.collection > collection);
    return;
  }
  AERODB_ASSERT(version.id > last_id || (version.id == last_id && version.commit < last_commit));
}

void RunWriter::Inside::begin_collection(std::string_view name) {
  collection = name;
  paths.clear();
  for (const auto& [indexed, its_paths] : options.indexes) {
    if (indexed == name) paths = its_paths;
  }
  std::ranges::sort(paths);
  paths.erase(std::ranges::unique(paths).begin(), paths.end());
  section.emplace(file, BlockKind::kDocuments, collection, std::string());
}

Result<void> RunWriter::Inside::add(const RunVersion& version) {
  check_order(version);
  if (!section || version.collection != collection) {
    if (auto ended = end_collection(); !ended) return ended;
    begin_collection(version.collection);
  }
  last_id = version.id;
  last_commit = version.commit;
  ++footer.versions;
  const StoredVersion stored{version.id, version.commit, version.schema_version, version.document};
  if (auto added = section->add(stored); !added) return added;
  if (version.schema_version == 0) {
    ++footer.tombstones;
    return {};
  }
  footer.versions_digest = digest_add(
      footer.versions_digest,
      document_term(version.collection, version.id, version.commit, version.schema_version, version.document));
  return options.table == nullptr ? add_index_entries(version) : Result<void>();
}

Result<void> RunWriter::Inside::add_index_entries(const RunVersion& version) {
  for (uint32_t path = 0; path < paths.size(); ++path) {
    value.clear();
    if (!document::index_key_of(version.document, paths[path], value)) continue;
    if (auto added = sorter.add({path, value, as_bytes(version.id)}); !added) return added;
  }
  return {};
}

Result<void> RunWriter::Inside::end_section() {
  auto ended = section->finish();
  if (!ended) return fail(std::move(ended.error()));
  if (!ended->path.empty()) footer.index_entries += ended->entries;
  footer.sections.push_back(std::move(*ended));
  section.reset();
  return {};
}

Result<void> RunWriter::Inside::end_collection() {
  if (!section) return {};
  if (auto ended = end_section(); !ended) return ended;
  if (options.table == nullptr) return write_sorted_indexes();
  const auto* table = options.table->collection(collection);
  AERODB_ASSERT(table != nullptr);
  return write_indexes_of(*table);
}

Result<void> RunWriter::Inside::write_indexes_of(const CollectionTable& table) {
  for (const auto& path : paths) {
    // An index that came later than the table is of a field that no document here has.
    const auto* index = table.index(path);
    if (index == nullptr || index->entries.size() == 0) continue;
    section.emplace(file, BlockKind::kIndex, collection, path);
    for (TreeWalk walk(index->entries); const IndexEntry* entry = walk.get(); walk.next()) {
      if (auto added = section->add(entry->first(), entry->second()); !added) return added;
    }
    if (auto ended = end_section(); !ended) return ended;
  }
  return {};
}

Result<void> RunWriter::Inside::write_sorted_indexes() {
  uint32_t path = 0;  // of the index section being written
  auto drained = sorter.drain([&](const SortEntry& entry) -> Result<void> {
    if (section && entry.path != path) {
      if (auto ended = end_section(); !ended) return ended;
    }
    path = entry.path;
    if (!section) section.emplace(file, BlockKind::kIndex, collection, paths[path]);
    return section->add(entry.value, entry.id);
  });
  if (!drained) return drained;
  return section ? end_section() : Result<void>();
}

Result<RunInfo> RunWriter::Inside::finish() {
  if (auto ended = end_collection(); !ended) return fail(std::move(ended.error()));
  if (auto removed = sorter.remove_file(); !removed) return fail(std::move(removed.error()));
  const auto place = file.append_block(BlockKind::kFooter, encode_run_footer(footer));
  if (!place) return fail(place.error());
  if (auto done = file.append(encode_run_tail(header, *place)); !done) return fail(std::move(done.error()));
  auto hash = file.finish();
  if (!hash) return fail(std::move(hash.error()));
  if (options.on_step) options.on_step(RunWriteStep::kFileSynced);
  if (!planted(Fault::kRunsDirectoryNotSynced)) {
    if (auto synced = disk.sync_directory(directory + "/runs"); !synced) return fail(std::move(synced.error()));
  }
  if (options.on_step) options.on_step(RunWriteStep::kDirectorySynced);
  RunInfo info;
  info.number = options.number;
  info.first_commit = options.first_commit;
  info.last_commit = options.last_commit;
  info.bytes = file.size();
  info.sha256 = *hash;
  info.versions = footer.versions;
  info.tombstones = footer.tombstones;
  info.index_entries = footer.index_entries;
  info.versions_digest = footer.versions_digest;
  return info;
}

RunWriter::RunWriter(std::unique_ptr<Inside> inside) : inside_(std::move(inside)) {}
RunWriter::~RunWriter() = default;

Result<std::unique_ptr<RunWriter>> RunWriter::create(runtime::Disk& disk, const std::string& directory,
                                                     RunWriterOptions options) {
  AERODB_ASSERT(options.number > 0 && options.first_commit <= options.last_commit);
  const std::string runs = directory + "/runs";
  auto there = disk.exists(runs);
  if (!there) return fail(std::move(there.error()));
  if (!*there) {
    if (auto made = disk.make_directory(runs); !made) return fail(std::move(made.error()));
    if (auto synced = disk.sync_directory(directory); !synced) return fail(std::move(synced.error()));
  }
  auto file = disk.open(run_path(directory, options.number), runtime::OpenMode::kCreate);
  if (!file) return fail(std::move(file.error()));
  auto inside = std::make_unique<Inside>(disk, directory, std::move(options), std::move(*file));
  if (auto begun = inside->begin(); !begun) return fail(std::move(begun.error()));
  return std::make_unique<RunWriter>(std::move(inside));
}

Result<void> RunWriter::add(const RunVersion& version) { return inside_->add(version); }
Result<RunInfo> RunWriter::finish() { return inside_->finish(); }

}  // namespace aerodb::store
