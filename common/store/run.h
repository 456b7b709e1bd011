// One immutable run: sorted versions of a range of commits, with the index entries of their documents. Grammar in
// docs/spec/RUN_FORMAT.md. Opening reads header, tail and footer; everything else comes block by block, when needed.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "common/base/ids.h"
#include "common/runtime/disk.h"
#include "common/store/blocks.h"
#include "common/store/cursor.h"
#include "common/store/damage.h"
#include "common/store/run_format.h"

namespace aerodb::store {

using RunNumber = uint64_t;  // per data directory, never repeats; first is 1

// What the manifest says of a run.
struct RunInfo {
  RunNumber number = 0;
  CommitId first_commit;  // range of commits covered; neighbours join without gap
  CommitId last_commit;
  uint64_t bytes = 0;
  Sha256 sha256{};        // of the whole file
  uint64_t versions = 0;  // tombstones included
  uint64_t tombstones = 0;
  uint64_t index_entries = 0;
  Digest versions_digest;  // sum of the digest terms of all its versions that are documents
  friend bool operator==(const RunInfo&, const RunInfo&) = default;
};

// A sorted sequence of entries within a run: documents of a collection (path empty), or one index of it.
struct RunSection {
  std::string collection;
  std::string path;
  BlockHandle top;
  uint32_t height = 0;  // levels of separators, the top included
  uint64_t entries = 0;
  uint64_t bytes = 0;  // stored, of its blocks and partitions
};
[[nodiscard]] std::string section_name(const RunSection& section);  // for messages: "documents of c", "index n of c"
// Of the blocks at a level of the section; 0: entries.
[[nodiscard]] BlockKind kind_of_level(const RunSection& section, uint32_t level);

[[nodiscard]] std::string run_name(RunNumber number);                               // "00000001.run"
[[nodiscard]] std::string run_path(const std::string& data_dir, RunNumber number);  // DIR/runs/00000001.run
[[nodiscard]] std::optional<RunNumber> run_number_of(std::string_view name);

class Run : public std::enable_shared_from_this<Run> {
 public:
  // IO, RUN_DAMAGED (with file and offset), NEWER_FORMAT. Checks header, tail and footer against `info`.
  [[nodiscard]] static Result<std::shared_ptr<const Run>> open(runtime::Disk& disk, const std::string& path,
                                                               const RunInfo& info);
  // What a file says of itself, with its hash: for tools that have no manifest. Reads all of it. The same errors.
  [[nodiscard]] static Result<RunInfo> describe(runtime::Disk& disk, const std::string& path);
  [[nodiscard]] const RunInfo& info() const { return info_; }
  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] const std::vector<RunSection>& sections() const { return sections_; }
  [[nodiscard]] const RunSection* section(std::string_view collection, std::string_view index_path) const;

  // The newest version of `id` with commit <= bound; empty where this run has none. nullopt: a block is not at hand.
  [[nodiscard]] std::optional<VersionView> find(Blocks& blocks, std::string_view collection, std::string_view id,
                                                CommitId bound) const;
  // Over the ids of a collection (index_path empty; each id once) or over an index. nullptr where it has no such
  // section. The run must outlive it.
  [[nodiscard]] std::unique_ptr<EntryCursor> cursor(std::string_view collection, std::string_view index_path) const;

  // Reads, checks and decompresses one block. RUN_DAMAGED names file, section, offset and what is wrong. Any thread.
  [[nodiscard]] Result<BlockRef> read_block(runtime::File& file, const BlockHandle& handle) const;
  // The same in two steps, for readers that have their own way to the bytes: whether a handle may lead where it leads,
  // and the raw body, within `stored` or within `scratch`.
  [[nodiscard]] Result<void> check_place(const BlockHandle& handle) const;
  [[nodiscard]] Result<ByteSpan> unpack(const BlockHandle& handle, ByteSpan stored, Bytes& scratch) const;
  // RUN_DAMAGED for something at `offset` of this file.
  [[nodiscard]] Error damaged(uint64_t offset, const Damage& damage) const;

 private:
  struct Loaded {
    RunInfo info;
    std::string path;
    std::vector<RunSection> sections;  // by (collection, path)
  };

 public:
  explicit Run(Loaded loaded)
      : info_(loaded.info), path_(std::move(loaded.path)), sections_(std::move(loaded.sections)) {}

 private:
  // `info`: what the manifest says, or nullptr: what the file says itself, its hash left out.
  [[nodiscard]] static Result<Loaded> load(runtime::Disk& disk, const std::string& path, const RunInfo* info);
  RunInfo info_;
  std::string path_;
  std::vector<RunSection> sections_;
};

// All versions of a run in file order, for merges, digests and verification. Blocking.
struct RunVersion {
  std::string_view collection;
  std::string_view id;
  CommitId commit;
  uint32_t schema_version = 0;  // 0: tombstone
  ByteSpan document;
};
class RunScan {
 public:
  RunScan(std::shared_ptr<const Run> run, std::unique_ptr<runtime::File> file);
  ~RunScan();
  RunScan(RunScan&&) noexcept;
  // The next version, valid until the call after; nullopt at the end. IO, RUN_DAMAGED.
  [[nodiscard]] Result<std::optional<RunVersion>> next();

 private:
  struct Inside;
  std::unique_ptr<Inside> inside_;
};

// Checks everything of a run: every block, order within and between blocks, separators, filters that hold every id,
// index sections equal to what the documents give, counts, SHA-256. Answers the first trouble, named: RUN_DAMAGED with
// file, section, offset, expected and found. Writes nothing; memory does not grow with the run.
using IndexedPaths = std::vector<std::pair<std::string, std::vector<std::string>>>;  // by collection, sorted
[[nodiscard]] Result<void> verify_run(runtime::Disk& disk, const std::string& path, const RunInfo& info,
                                      const IndexedPaths& indexes);

}  // namespace aerodb::store
