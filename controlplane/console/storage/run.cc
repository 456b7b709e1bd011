// aerodb run dump, run verify: one run file without its node.
#include <fmt/format.h>

#include <algorithm>

#include "common/base/checksum.h"
#include "common/uv/posix_disk.h"
#include "controlplane/console/storage/offline.h"
#include "controlplane/console/verbs.h"

namespace aerodb::console {
namespace {

struct RunLine {
  std::string line = "run";
  std::string path;
  store::RunInfo info;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("line", self.line, "run");
    visit("path", self.path, "its file");
    visit("number", self.info.number, "run number");
    visit("first_commit", self.info.first_commit, "first commit it covers");
    visit("last_commit", self.info.last_commit, "last commit it covers");
    visit("bytes", self.info.bytes, "size of the file");
    visit("sha256", self.info.sha256, "SHA-256 of the file");
    visit("versions", self.info.versions, "versions, tombstones included");
    visit("tombstones", self.info.tombstones, "of these deletions");
    visit("index_entries", self.info.index_entries, "index entries");
    visit("versions_digest", self.info.versions_digest, "sum of the digest terms of its documents");
  }
};
struct SectionLine {
  std::string line = "section";
  std::string collection;
  std::string index;
  uint64_t entries = 0;
  uint64_t bytes = 0;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("line", self.line, "section");
    visit("collection", self.collection, "collection");
    visit("index", self.index, "indexed field; empty: the documents");
    visit("entries", self.entries, "entries in it");
    visit("bytes", self.bytes, "stored bytes");
  }
};
struct VersionLine {
  std::string line = "version";
  std::string collection;
  std::string id;
  CommitId commit;
  uint32_t schema_version = 0;
  uint64_t bytes = 0;
  DocumentHash hash;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("line", self.line, "version");
    visit("collection", self.collection, "collection");
    visit("id", self.id, "_id");
    visit("commit", self.commit, "commit that wrote it");
    visit("schema_version", self.schema_version, "0: a deletion");
    visit("bytes", self.bytes, "of the canonical document");
    visit("hash", self.hash, "XXH3-128 of the canonical document; zero for a deletion");
  }
};

class RunVerb : public Verb {
 public:
  void declare(Options& options) override { options.argument("FILE", file_, "a run file, as in DIR/runs"); }
  Result<ExitCode> run(Output& output) override {
    uv::PosixDisk disk;
    auto info = store::Run::describe(disk, file_);
    if (!info) return fail(std::move(info.error()));
    auto opened = store::Run::open(disk, file_, *info);
    if (!opened) return fail(std::move(opened.error()));
    if (auto looked = look(disk, *opened, output); !looked) return fail(std::move(looked.error()));
    return ExitCode::kOk;
  }

 protected:
  [[nodiscard]] const std::string& file() const { return file_; }
  virtual Result<void> look(runtime::Disk& disk, const std::shared_ptr<const store::Run>& run, Output& output) = 0;

 private:
  std::string file_;
};

class Dump final : public RunVerb {
 public:
  [[nodiscard]] VerbText text() const override {
    return {.path = "run dump",
            .summary = "Shows a run file: what it says of itself, its sections and every version, as JSON lines.",
            .example = "aerodb run dump data/p1/runs/00000001.run",
            .notes = "Ends with RUN_DAMAGED at the first block that does not hold; `run verify` checks everything.",
            .json = {shape_of<RunLine>, shape_of<SectionLine>, shape_of<VersionLine>}};
  }

 private:
  Result<void> look(runtime::Disk& disk, const std::shared_ptr<const store::Run>& run, Output& output) override {
    output.line(json_of(RunLine{.path = file(), .info = run->info()}));
    for (const auto& section : run->sections()) {
      output.line(json_of(SectionLine{.collection = section.collection,
                                      .index = section.path,
                                      .entries = section.entries,
                                      .bytes = section.bytes}));
    }
    auto opened = disk.open(file(), runtime::OpenMode::kRead);
    if (!opened) return fail(std::move(opened.error()));
    store::RunScan scan(run, std::move(*opened));
    while (true) {
      auto version = scan.next();
      if (!version) return fail(std::move(version.error()));
      if (!*version) return {};
      const auto& v = **version;
      const DocumentHash hash = v.schema_version == 0 ? DocumentHash{} : DocumentHash{xxh3_128(v.document)};
      output.line(json_of(VersionLine{.collection = std::string(v.collection),
                                      .id = std::string(v.id),
                                      .commit = v.commit,
                                      .schema_version = v.schema_version,
                                      .bytes = v.document.size(),
                                      .hash = hash}));
    }
  }
};

class VerifyRun final : public RunVerb {
 public:
  [[nodiscard]] VerbText text() const override {
    return {.path = "run verify",
            .summary = "Checks every byte of a run file and names what does not hold.",
            .example = "aerodb run verify data/p1/runs/00000001.run",
            .notes =
                "Blocks, order, filters, counts, and index sections against the documents. Whether it is the\n"
                "file that a manifest means is for `aerodb verify` to say.",
            .json = {shape_of<RunLine>}};
  }

 private:
  Result<void> look(runtime::Disk& disk, const std::shared_ptr<const store::Run>& run, Output& output) override {
    if (auto verified = store::verify_run(disk, file(), run->info(), indexes_of(*run)); !verified) return verified;
    output.line(json_of(RunLine{.path = file(), .info = run->info()}));
    return {};
  }
  // The indexes that it has sections of.
  static store::IndexedPaths indexes_of(const store::Run& run) {
    store::IndexedPaths indexes;
    for (const auto& section : run.sections()) {
      if (indexes.empty() || indexes.back().first != section.collection)
        indexes.emplace_back(section.collection, std::vector<std::string>());
      if (!section.path.empty()) indexes.back().second.push_back(section.path);
    }
    return indexes;
  }
};

}  // namespace

std::unique_ptr<Verb> make_run_dump() { return std::make_unique<Dump>(); }
std::unique_ptr<Verb> make_run_verify() { return std::make_unique<VerifyRun>(); }

}  // namespace aerodb::console
