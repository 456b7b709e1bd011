// aerodb orphans export: of a stopped node's directory, or by a running node itself.
#include <fmt/format.h>

#include <filesystem>

#include "common/engine/orphans.h"
#include "common/engine/recovery.h"
#include "common/uv/posix_disk.h"
#include "controlplane/console/maintenance_verb.h"
#include "controlplane/console/repair/repair.h"
#include "controlplane/console/verbs.h"

namespace aerodb::console {
namespace {

struct OrphansAnswer {
  std::string file;
  engine::OrphansReport report;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("file", self.file, "the export");
    visit("node", self.report.node.name, "node whose log it is of");
    visit("cluster", self.report.node.cluster, "its cluster id");
    visit("fork_lsn", self.report.fork_lsn, "last LSN in common");
    visit("fork_commit", self.report.fork_commit, "last commit there");
    visit("end_lsn", self.report.end.lsn, "end of the log; the export covers a log with this very end");
    visit("end_commit", self.report.end.commit, "last commit there");
    visit("end_chain", self.report.end.chain, "chain after end_lsn");
    visit("schemas", self.report.schemas, "schemas in the file");
    visit("orphans", self.report.versions, "versions in the file, tombstones included");
    visit("floor", self.report.floor, "garbage collection may have removed versions up to this commit before");
    visit("bytes", self.report.bytes, "size of the file");
    visit("sha256", self.report.sha256, "SHA-256 of the file");
  }
};

class ExportOrphans final : public MaintenanceVerb {
 public:
  [[nodiscard]] VerbText text() const override {
    return {
        .path = "orphans export",
        .summary = "Writes what a log holds behind its fork from the history that goes on elsewhere, as JSON lines.",
        .example =
            "aerodb orphans export --node p1 --config configs/local --reason rejoin p1-orphans.jsonl\n"
            "aerodb orphans export --data-dir data/p1 --fork 4711 p1-orphans.jsonl",
        .notes =
            "A running node writes the file on its own machine and asks --from where the histories part, unless\n"
            "it is fenced and knows. With --data-dir the directory is of a stopped node. The file is whole once\n"
            "it is there, and the directory notes down that this log was exported up to its end, which\n"
            "`aerodb bootstrap --discard` asks for. The\n"
            "first line is a header; then schemas, then versions in the order of their commits, tombstones\n"
            "included; the last line is a summary. Nothing is taken back into any node by itself.",
        .json = {shape_of<OrphansAnswer>, shape_of<wire::RepairStatusResponse>}};
  }
  void declare(Options& options) override {
    options.argument("FILE", file_, "the export; must not exist");
    options.text("--from", "NODE", from_, "HOST:PORT of a replication listener, or a name beside --config");
    options.text("--data-dir", "DIR", data_dir_, "the directory of a stopped node, in place of --node");
    options.number("--fork", fork_, 0, kMaxNumber,
                   "with --data-dir: last LSN in common; a fenced node's own directory knows it");
    MaintenanceVerb::declare(options);
  }
  Result<ExitCode> run(Output& output) override {
    if (!data_dir_.empty()) {
      apply_format(output);
      return of_directory(output);
    }
    if (fork_) return fail(ErrorCode::kUsage, "orphans export: --fork is for --data-dir; a running node asks --from");
    return of_node(output);
  }

 private:
  Result<ExitCode> of_node(Output& output) {
    if (auto checked = check_reason(); !checked) return fail(std::move(checked.error()));
    wire::RepairExportRequest asked{request(), std::filesystem::absolute(file_).string(), std::nullopt};
    if (!from_.empty()) {
      auto source = replication_listener(from_, target().config());
      if (!source) return fail(std::move(source.error()));
      asked.source = source->text();
    }
    auto session = connect(output);
    if (!session) return fail(std::move(session.error()));
    auto begun = (*session)->ask(wire::kOrphansExport, asked);
    if (!begun) return fail(std::move(begun.error()));
    return follow_repair(**session, output);
  }
  Result<ExitCode> of_directory(Output& output) const {
    uv::PosixDisk disk;
    engine::OpenOptions open;
    open.data_dir = data_dir_;
    const auto claimed = engine::claim_directory(disk, open);  // holds the lock meanwhile
    if (!claimed) return fail(claimed.error());
    const auto& fence = (*claimed)->fence;
    if (!fork_ && !fence)
      return fail(ErrorCode::kUsage, fmt::format("orphans export: {} is not fenced; give --fork LSN", data_dir_));
    engine::OrphansOptions options;
    options.data_dir = data_dir_;
    options.file = std::filesystem::absolute(file_).string();
    options.fork_lsn = fork_ ? Lsn(*fork_) : fence->fork_lsn;
    auto report = engine::export_orphans(disk, options);
    if (!report) return fail(std::move(report.error()));
    output.message(OrphansAnswer{options.file, std::move(*report)});
    return ExitCode::kOk;
  }

  std::string file_;
  std::string from_;
  std::string data_dir_;
  std::optional<uint64_t> fork_;
};

}  // namespace

std::unique_ptr<Verb> make_orphans_export() { return std::make_unique<ExportOrphans>(); }

}  // namespace aerodb::console
