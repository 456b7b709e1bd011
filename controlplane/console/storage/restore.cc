// aerodb restore.
#include <fmt/format.h>

#include "common/config/config.h"
#include "common/engine/restore.h"
#include "common/uv/posix_disk.h"
#include "common/uv/system_clock.h"
#include "controlplane/console/node/init.h"
#include "controlplane/console/storage/byte_progress.h"
#include "controlplane/console/target.h"
#include "controlplane/console/verbs.h"

namespace aerodb::console {
namespace {

struct RestoreAnswer {
  std::string data_dir;
  engine::RestoreReport report;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("node", self.report.node.name, "name of the node restored");
    visit("data_dir", self.data_dir, "its directory");
    visit("cluster", self.report.node.cluster, "cluster id");
    visit("instance", self.report.node.instance, "id of this data directory");
    visit("backup_node", self.report.backup.node, "node that the backup was taken of");
    visit("backup_cluster", self.report.backup.cluster, "that node's cluster id");
    visit("documents", self.report.live_documents, "live documents");
    visit("runs", self.report.runs, "runs in the directory");
    visit("records_replayed", self.report.records_replayed, "log records of the backup that are in it");
    visit("commit", self.report.restored.commit, "commit restored: digest, ids and answers are those of the backup");
    visit("digest", self.report.restored.digest, "state digest there");
    visit("parent_lineage", self.report.restored.lineage, "lineage of the backup");
    visit("parent_lsn", self.report.restored.lsn, "last LSN of the backup in it");
    visit("parent_chain", self.report.restored.chain, "chain after that");
    visit("lineage", self.report.start.lineage, "lineage that this restore starts");
    visit("epoch", self.report.start.epoch, "its epoch");
    visit("lsn", self.report.start.lsn, "LSN of the record that starts it");
    visit("chain", self.report.start.chain, "chain after that");
  }
};

class Restore final : public Verb {
 public:
  [[nodiscard]] VerbText text() const override {
    return {.path = "restore",
            .summary = "Makes a node of a backup, in an empty or absent directory, with authority of its own.",
            .example =
                "aerodb restore --input backup.tar\n"
                "aerodb restore --input backup.tar --config configs/local/p1.toml --to-commit 4711\n"
                "aerodb restore --input backup.tar --data-dir data/p2 --name p2",
            .notes =
                "The whole backup is proven before the directory changes. The node restored starts a lineage of its\n"
                "own and, unless told otherwise, a cluster of its own: the node that the backup was taken of may\n"
                "still run. Replicas follow it after a bootstrap.",
            .json = {shape_of<RestoreAnswer>}};
  }
  void declare(Options& options) override {
    options.required_text("--input", "FILE", file_, "the backup");
    options.text("--data-dir", "DIR", data_dir_, "instead of a configuration: the directory");
    options.text("--name", "NAME", name_, "with --data-dir: the node's name (default: as in the backup)");
    options.number("--segments", segments_, 1, 4096, "with --data-dir: segments of the log's ring");
    options.number("--segment-bytes", segment_bytes_, 1, config::kGiB, "with --data-dir: size of each");
    options.text("--node", "NAME", node_, "the node of that name among the configurations");
    options.text("--config", "PATH", config_,
                 "a node's TOML or a directory of them (else AERODB_CONFIG, ./aerodb.toml)");
    options.number("--to-commit", to_commit_, 0, kMaxNumber, "up to this commit (default: everything)");
    options.flag("--same-cluster", same_cluster_, "keep the backup's cluster id: it takes the place of a node lost");
    options.text("--cluster-id", "HEX", cluster_, "id of the cluster (default: the configuration's, or a random one)");
    options.text("--lineage-id", "HEX", lineage_, "id of the lineage that begins here (default: random)");
    options.text("--instance-id", "HEX", instance_, "id of this data directory (default: random)");
    options.number("--max-memory-bytes", max_memory_bytes_, config::kMiB, kMaxNumber,
                   "refuse a backup whose log takes more to replay");
    options.text("--reason", "TEXT", reason_, "why; stands in the record that begins the lineage");
    format_.declare(options);
  }
  Result<ExitCode> run(Output& output) override {
    format_.apply(output);
    auto options = restore_options();
    if (!options) return fail(std::move(options.error()));
    if (auto checked = check_geometry("restore", options->geometry); !checked) return fail(std::move(checked.error()));
    ByteProgress progress(output);
    options->progress = [&](uint64_t done, uint64_t total) { progress.show(done, total); };
    uv::PosixDisk disk;
    uv::SystemRandom random;
    auto report = engine::restore_backup(disk, random, file_, *options);
    progress.finish();
    if (!report) return fail(std::move(report.error()));
    output.message(RestoreAnswer{options->data_dir, std::move(*report)});
    return ExitCode::kOk;
  }

 private:
  [[nodiscard]] Result<engine::RestoreOptions> restore_options() const {
    engine::RestoreOptions options;
    if (auto placed = place(options); !placed) return fail(std::move(placed.error()));
    const auto configured = options.cluster;
    if (auto read = read_id("--cluster-id", cluster_, options.cluster); !read) return fail(std::move(read.error()));
    if (auto read = read_id("--lineage-id", lineage_, options.lineage); !read) return fail(std::move(read.error()));
    if (auto read = read_id("--instance-id", instance_, options.instance); !read) return fail(std::move(read.error()));
    if (configured && options.cluster != configured)
      return fail(ErrorCode::kUsage, "restore: --cluster-id is not the node.cluster_id of the configuration");
    if (same_cluster_ && !cluster_.empty())
      return fail(ErrorCode::kUsage, "restore: --same-cluster stands in place of --cluster-id");
    options.same_cluster = same_cluster_;
    if (to_commit_) options.to_commit = CommitId(*to_commit_);
    options.operator_name = account_name();
    options.reason = reason_;
    if (max_memory_bytes_) options.max_memory_bytes = *max_memory_bytes_;
    return options;
  }

  // Where to, and as which node.
  Result<void> place(engine::RestoreOptions& options) const {
    if (!data_dir_.empty()) {
      if (!node_.empty() || !config_.empty())
        return fail(ErrorCode::kUsage, "restore: --data-dir stands in place of --node and --config");
      options.data_dir = data_dir_;
      options.name = name_;
      options.geometry = {static_cast<uint32_t>(segments_), segment_bytes_};
      return {};
    }
    if (!name_.empty()) return fail(ErrorCode::kUsage, "restore: --name goes with --data-dir");
    auto config = find_node_config(node_, config_);
    if (!config) return fail(std::move(config.error()));
    options.data_dir = config->data_dir;
    options.name = config->name;
    options.geometry = {config->wal_segments, config->wal_segment_bytes};
    options.cluster = config->cluster_id;
    options.max_memory_bytes = config->memory_max_bytes;
    return {};
  }

  std::string file_;
  std::string data_dir_;
  std::string name_;
  uint64_t segments_ = 4;
  uint64_t segment_bytes_ = 64 * config::kMiB;
  std::string node_;
  std::string config_;
  std::optional<uint64_t> to_commit_;
  bool same_cluster_ = false;
  std::string cluster_;
  std::string lineage_;
  std::string instance_;
  std::optional<uint64_t> max_memory_bytes_;
  std::string reason_ = "restore";
  FormatOption format_;
};

}  // namespace

std::unique_ptr<Verb> make_restore() { return std::make_unique<Restore>(); }

}  // namespace aerodb::console
