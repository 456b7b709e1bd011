// aerodb seal.
#include "common/engine/offline_seal.h"
#include "common/node/translate.h"
#include "common/uv/posix_disk.h"
#include "common/uv/system_clock.h"
#include "controlplane/console/node/init.h"
#include "controlplane/console/target.h"
#include "controlplane/console/verbs.h"

namespace aerodb::console {
namespace {

struct SealAnswer {
  std::optional<std::string> request_id;
  engine::OfflineSealReport report;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("node", self.report.node.name, "node that is sealed");
    visit("cluster", self.report.node.cluster, "its cluster id");
    visit("instance", self.report.node.instance, "id of its data directory");
    visit("successor", self.report.seal.successor, "node that the seal names");
    visit("successor_instance", self.report.seal.successor_instance, "instance that the seal names");
    visit("seal_lsn", self.report.seal.seal_lsn, "LSN of the seal: the end of the log");
    visit("seal_number", self.report.seal.seal_number, "seals in this epoch up to this one");
    visit("epoch", self.report.seal.epoch, "epoch that it ends");
    visit("lineage", self.report.seal.position.lineage, "lineage there");
    visit("commit", self.report.seal.position.commit, "last commit before it");
    visit("chain", self.report.seal.position.chain, "chain after the seal");
    visit("digest", self.report.seal.position.digest, "state digest there");
    visit("repeated", self.report.seal.repeated, "the seal stood already; nothing was written");
    visit("request_id", self.request_id, "under which it was written now; nil: repeated");
  }
};

class Seal final : public Verb {
 public:
  [[nodiscard]] VerbText text() const override {
    return {.path = "seal",
            .summary = "Seals the epoch of a primary that can't run, on its data directory, for a successor.",
            .example =
                "aerodb seal --data-dir data/p1 --to r1 --instance 00112233445566778899aabbccddeeff \\\n"
                "    --reason 'p1: board failed, disk moved to another machine'",
            .notes =
                "What demote does, without the node: the same rules decide, and the seal is the last record of the\n"
                "log. It reaches the successor as every record does, from this log: `aerodb promote` there needs\n"
                "it. The instance is the one that `aerodb status` of the successor shows. The same command again\n"
                "answers the same seal.",
            .json = {shape_of<SealAnswer>}};
  }
  void declare(Options& options) override {
    options.required_text("--data-dir", "DIR", data_dir_, "the data directory of the stopped primary");
    options.required_text("--to", "NAME", successor_, "node that the seal names");
    options.required_text("--instance", "HEX", instance_, "instance of that node");
    options.required_text("--reason", "TEXT", reason_, "why; stands in the seal");
    format_.declare(options);
  }
  Result<ExitCode> run(Output& output) override {
    format_.apply(output);
    std::optional<InstanceId> instance;
    if (auto read = read_id("--instance", instance_, instance); !read) return fail(std::move(read.error()));
    if (!instance || successor_.empty() || successor_.size() > node::kMaxNameBytes)
      return fail(ErrorCode::kUsage, "seal: --to and --instance name a node");
    uv::PosixDisk disk;
    uv::SystemRandom random;
    const wire::Request request{to_hex(runtime::random_id<InstanceId>(random)), account_name(), reason_, std::nullopt};
    if (auto checked = node::check_request(request); !checked) return fail(std::move(checked.error()));
    auto report = engine::seal_directory(disk, random, {data_dir_, successor_, *instance, node::who_of(request)});
    if (!report) return fail(std::move(report.error()));
    SealAnswer answer{std::nullopt, std::move(*report)};
    if (!answer.report.seal.repeated) answer.request_id = request.request_id;
    output.message(answer);
    return ExitCode::kOk;
  }

 private:
  std::string data_dir_;
  std::string successor_;
  std::string instance_;
  std::string reason_;
  FormatOption format_;
};

}  // namespace

std::unique_ptr<Verb> make_seal() { return std::make_unique<Seal>(); }

}  // namespace aerodb::console
