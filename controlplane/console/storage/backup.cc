// aerodb backup.
#include <fmt/format.h>

#include "common/engine/backup_directory.h"
#include "common/uv/posix_disk.h"
#include "controlplane/console/storage/byte_progress.h"
#include "controlplane/console/storage/online_source.h"
#include "controlplane/console/target.h"
#include "controlplane/console/verbs.h"

namespace aerodb::console {
namespace {

struct BackupAnswer {
  std::string file;
  std::string source;
  engine::BackupReport report;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("file", self.file, "the backup");
    visit("source", self.source, "node: taken of it while it runs; directory: of a stopped node");
    visit("node", self.report.info.node, "name of the node");
    visit("cluster", self.report.info.cluster, "its cluster id");
    visit("bytes", self.report.bytes, "size of the file");
    visit("runs", self.report.runs, "runs in it");
    visit("records", self.report.records, "log records behind them");
    visit("manifest_commit", self.report.info.manifest_commit, "first commit that restore --to-commit takes");
    visit("commit", self.report.info.end_commit, "last commit in it");
    visit("lsn", self.report.info.end_lsn, "its end");
    visit("lineage", self.report.info.end_lineage, "lineage there");
    visit("epoch", self.report.info.end_epoch, "epoch there");
    visit("chain", self.report.info.end_chain, "chain after lsn");
    visit("digest", self.report.digest, "state digest after lsn");
  }
};

class Backup final : public Verb {
 public:
  [[nodiscard]] VerbText text() const override {
    return {.path = "backup",
            .summary = "Writes everything that a node holds into one tar, of a running node or a stopped one.",
            .example =
                "aerodb backup --output backup.tar\n"
                "aerodb backup --output backup.tar --node p1 --config configs/local\n"
                "aerodb backup --output backup.tar --data-dir data/p1",
            .notes =
                "Whose data: --node is asked over its maintenance listener; --data-dir is read under its lock. With\n"
                "neither, the node of the configuration is asked where it runs, and its directory read where not.\n"
                "A running node goes on with everything. What it writes after the command is not in the backup.",
            .json = {shape_of<BackupAnswer>}};
  }
  void declare(Options& options) override {
    options.required_text("--output", "FILE", file_, "the backup; must not exist");
    options.text("--data-dir", "DIR", data_dir_, "the directory of a stopped node");
    options.text("--node", "NODE", node_, "a running node: its maintenance listener, or a name of the configuration");
    options.text("--config", "PATH", config_,
                 "a node's TOML or a directory of them (else AERODB_CONFIG, ./aerodb.toml)");
    options.number("--timeout-ms", timeout_ms_, 1, 3'600'000, "longest wait for one answer of the node");
    format_.declare(options);
  }
  Result<ExitCode> run(Output& output) override {
    format_.apply(output);
    if (!data_dir_.empty()) {
      if (node_.empty() && config_.empty()) return of_directory(data_dir_, output);
      return fail(ErrorCode::kUsage, "backup: --data-dir stands in place of --node and --config");
    }
    auto session = NodeTarget(node_, config_, timeout_ms_, NodeListener::kMaintenance).connect();
    if (session) return of_node(**session, output);
    if (!node_.empty() || session.error().code != ErrorCode::kUnreachable) return fail(std::move(session.error()));
    auto config = find_node_config("", config_);
    if (!config) return fail(std::move(config.error()));
    return of_directory(config->data_dir, output);
  }

 private:
  Result<ExitCode> of_directory(const std::string& directory, Output& output) {
    auto source = engine::DirectorySource::open(disk_, directory);
    if (!source) return fail(std::move(source.error()));
    return write(**source, "directory", output);
  }
  Result<ExitCode> of_node(Session& session, Output& output) {
    auto source = OnlineSource::open(session);
    if (!source) return fail(std::move(source.error()));
    return write(**source, "node", output);
  }
  Result<ExitCode> write(engine::BackupSource& source, std::string_view kind, Output& output) {
    ByteProgress progress(output);
    auto report =
        engine::write_backup(disk_, file_, source, [&](uint64_t done, uint64_t total) { progress.show(done, total); });
    progress.finish();
    if (!report) return fail(std::move(report.error()));
    output.message(BackupAnswer{file_, std::string(kind), std::move(*report)});
    return ExitCode::kOk;
  }

  uv::PosixDisk disk_;
  std::string file_;
  std::string data_dir_;
  std::string node_;
  std::string config_;
  uint64_t timeout_ms_ = 60'000;
  FormatOption format_;
};

}  // namespace

std::unique_ptr<Verb> make_backup() { return std::make_unique<Backup>(); }

}  // namespace aerodb::console
