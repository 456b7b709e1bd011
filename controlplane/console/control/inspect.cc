// aerodb inspect cluster, inspect node: what each node says of itself, as the control plane got it.
#include "controlplane/console/target.h"
#include "controlplane/console/verbs.h"

namespace aerodb::console {
namespace {

// One line a node, none left out. A node that was not reached has nothing but the reason.
std::string render_views(const std::vector<wire::NodeView>& views, const Screen& screen) {
  Table table({"node", "reached", "role", "state", "fenced", "epoch", "authority", "durable", "applied", "commit",
               "chain", "address"});
  for (const auto& view : views) {
    if (!view.status) {
      table.row({printable(view.node), printable(view.why.value_or("no")), "-", "-", "-", "-", "-", "-", "-", "-", "-",
                 printable(view.address)});
      continue;
    }
    const auto& status = *view.status;
    table.row({printable(view.node), "yes", printable(status.role), printable(status.state),
               status.fenced ? "yes" : "no", std::to_string(status.epoch.value()), printable(status.authority_node),
               std::to_string(status.durable_lsn.value()), std::to_string(status.applied_lsn.value()),
               std::to_string(status.commit_id.value()), to_hex(status.chain), printable(view.address)});
  }
  return table.render(screen);
}

class Inspect : public Verb {
 public:
  void declare(Options& options) override {
    desk_.declare(options);
    format_.declare(options);
  }

 protected:
  ServiceTarget desk_{ServiceTarget::Kind::kControlPlane, 60'000};
  FormatOption format_;
};

class InspectCluster final : public Inspect {
 public:
  [[nodiscard]] VerbText text() const override {
    return {.path = "inspect cluster",
            .summary = "Shows every configured node's own answer, one line each.",
            .example = "aerodb inspect cluster --control-plane unix:.cluster/c1/control_plane.sock",
            .notes = "Lines are as of different moments: each node answers for itself. -o json has every field.",
            .advice = Advice::kNone,
            .json = {shape_of<wire::InspectClusterResponse>, shape_of<wire::NodeView>}};
  }
  Result<ExitCode> run(Output& output) override {
    format_.apply(output);
    auto session = desk_.connect();
    if (!session) return fail(std::move(session.error()));
    auto answer = (*session)->ask(wire::kInspectCluster, wire::Empty{});
    if (!answer) return fail(std::move(answer.error()));
    if (output.is_table())
      output.text(render_views(answer->nodes, output.screen()));
    else
      output.list(*answer, answer->nodes);
    return ExitCode::kOk;
  }
};

class InspectNode final : public Inspect {
 public:
  [[nodiscard]] VerbText text() const override {
    return {.path = "inspect node",
            .summary = "Shows one configured node's own answer, whole.",
            .example = "aerodb inspect node p1 --config configs/local",
            .advice = Advice::kNone,
            .json = {shape_of<wire::NodeView>}};
  }
  void declare(Options& options) override {
    options.argument("NODE", node_, "name of the node");
    Inspect::declare(options);
  }
  Result<ExitCode> run(Output& output) override {
    format_.apply(output);
    auto session = desk_.connect();
    if (!session) return fail(std::move(session.error()));
    auto answer = (*session)->ask(wire::kInspectNode, {node_});
    if (!answer) return fail(std::move(answer.error()));
    output.message(*answer);
    return ExitCode::kOk;
  }

 private:
  std::string node_;
};

}  // namespace

std::unique_ptr<Verb> make_inspect_cluster() { return std::make_unique<InspectCluster>(); }
std::unique_ptr<Verb> make_inspect_node() { return std::make_unique<InspectNode>(); }

}  // namespace aerodb::console
