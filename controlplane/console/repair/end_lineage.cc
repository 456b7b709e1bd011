// aerodb end-lineage: goes on without a primary whose disk is lost.
#include <fmt/format.h>

#include <algorithm>

#include "controlplane/console/maintenance_verb.h"
#include "controlplane/console/verbs.h"

namespace aerodb::console {
namespace {

class EndLineage final : public MaintenanceVerb {
 public:
  [[nodiscard]] VerbText text() const override {
    return {.path = "end-lineage",
            .summary = "Makes a replica the primary of a new lineage where the old primary's disk is lost.",
            .example =
                "aerodb end-lineage --lost p1 --node r1 --config configs/local --reason 'p1: disk destroyed' \\\n"
                "    --phrase 'end the lineage of p1' --loss-phrase 'give up what p1 acknowledged after LSN 4711'",
            .notes =
                "What the lost node acknowledged beyond this node's log is given up, in the open: receipts of it\n"
                "are answered LINEAGE_ENDED for ever. Every other node of the configuration's directory, and every\n"
                "--peer, is asked for its position: one that is further, or holds a seal, denies it by name; one\n"
                "that does not answer must be named by --absent. A lost node that still runs somewhere goes on\n"
                "acknowledging in its old lineage until it hears of this one.",
            .json = {shape_of<wire::EndLineageResponse>}};
  }
  void declare(Options& options) override {
    options.required_text("--lost", "NODE", lost_, "the primary whose disk is gone");
    options.texts("--absent", "NODE", absent_, "a node that can't answer; may be given several times");
    options.texts("--peer", "NAME=HOST:PORT", peers_,
                  "another node and its replication listener, beside those of the configuration's directory");
    options.text("--phrase", "TEXT", phrase_, "end the lineage of LOST");
    options.text("--loss-phrase", "TEXT", loss_phrase_,
                 "give up what LOST acknowledged after LSN N, N being the end of this node's log");
    MaintenanceVerb::declare(options);
  }
  Result<ExitCode> run(Output& output) override {
    if (auto checked = check_reason(); !checked) return fail(std::move(checked.error()));
    auto session = connect(output);
    if (!session) return fail(std::move(session.error()));
    auto hello = (*session)->ask(wire::kHelloMaintenance, {wire::kProtocolVersion, "aerodb"});
    if (!hello) return fail(std::move(hello.error()));
    auto peers = all_peers(hello->node);
    if (!peers) return fail(std::move(peers.error()));
    auto phrase = typed("--phrase", phrase_, fmt::format("end the lineage of {}", lost_), output);
    if (!phrase) return fail(std::move(phrase.error()));
    // The node says in its refusal what is to be typed: only it knows the end of its log.
    wire::EndLineageRequest asked{request(), lost_, absent_, std::move(*peers), *phrase, loss_phrase_};
    auto answer = (*session)->ask(wire::kEndLineage, asked);
    if (!answer && answer.error().code == ErrorCode::kConfirmationMismatch && loss_phrase_.empty()) {
      auto loss = typed("--loss-phrase", "", std::string(answer.error().detail("loss_phrase").value_or("")), output);
      if (!loss) return fail(std::move(loss.error()));
      asked.request = request();
      asked.loss_phrase = *loss;
      answer = (*session)->ask(wire::kEndLineage, asked);
    }
    if (!answer) return fail(std::move(answer.error()));
    output.message(*answer);
    return ExitCode::kOk;
  }

 private:
  // Everybody but the node asked and the lost one.
  [[nodiscard]] Result<std::vector<wire::ConfiguredPeer>> all_peers(const std::string& asked) const {
    std::vector<wire::ConfiguredPeer> peers;
    auto add = [&](const std::string& name, const std::string& address) {
      const bool known = std::ranges::find(peers, name, &wire::ConfiguredPeer::name) != peers.end();
      if (name != asked && name != lost_ && !known) peers.push_back({name, address});
    };
    for (const auto& peer : peers_) {
      const auto equals = peer.find('=');
      if (equals == std::string::npos || equals == 0)
        return fail(ErrorCode::kUsage, fmt::format("--peer {}: expected NAME=HOST:PORT", peer));
      auto address = runtime::Endpoint::parse(peer.substr(equals + 1));
      if (!address) return fail(ErrorCode::kUsage, fmt::format("--peer {}: {}", peer, address.error().message));
      add(peer.substr(0, equals), address->text());
    }
    if (config_path(target().config()).empty()) return peers;
    auto configured = all_node_configs(target().config());
    if (!configured) return fail(std::move(configured.error()));
    for (const auto& node : *configured) add(node.name, node.listen_replication.text());
    return peers;
  }

  std::string lost_;
  std::vector<std::string> absent_;
  std::vector<std::string> peers_;
  std::string phrase_;
  std::string loss_phrase_;
};

}  // namespace

std::unique_ptr<Verb> make_end_lineage() { return std::make_unique<EndLineage>(); }

}  // namespace aerodb::console
