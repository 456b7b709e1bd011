// aerodb inspect replication, promotion, authority, wal, snapshots, checkpoints: what nodes answered to one question.
#include <fmt/format.h>

#include "controlplane/console/explain/explain.h"
#include "controlplane/console/verbs.h"

namespace aerodb::console {
namespace {

template <class Number>
std::string number_text(const std::optional<Number>& number) {
  return number ? std::to_string(number->value()) : "-";
}

// The stamp, then the answer. A node without one has nothing but the reason.
std::string render_answer(const wire::NodeAnswer& row, const Screen& screen) {
  std::string text = fmt::format("{} {}  {}  epoch {}  durable {}  commit {}\n", printable(row.node),
                                 printable(row.address), row.reached ? "reached" : "unreached", number_text(row.epoch),
                                 number_text(row.durable_lsn), number_text(row.commit_id));
  if (row.why) text += printable(*row.why) + "\n";
  if (!row.answer) return text;
  const auto value = row.answer->value;
  if (value.type() != document::Type::kMap) return text + printable(cell_of(value)) + "\n";
  const auto explanation = value.find("explanation");
  return text + (explanation ? render_explanation(explanation->raw(), screen) : render_map(value, screen));
}

class InspectView final : public Verb {
 public:
  enum class Nodes : uint8_t { kEach, kOne };
  InspectView(std::string what, Nodes nodes, std::string summary, std::string notes)
      : what_(std::move(what)), nodes_(nodes), summary_(std::move(summary)), notes_(std::move(notes)) {}

  [[nodiscard]] VerbText text() const override {
    return {.path = "inspect " + what_,
            .summary = summary_,
            .example = fmt::format("aerodb inspect {}{} --config configs/local", what_, one() ? " p1" : ""),
            .notes = notes_,
            .advice = Advice::kNone,
            .json = {shape_of<wire::InspectViewResponse>, shape_of<wire::NodeAnswer>}};
  }
  void declare(Options& options) override {
    if (one()) options.argument("NODE", node_, "name of the node");
    desk_.declare(options);
    format_.declare(options);
  }
  Result<ExitCode> run(Output& output) override {
    format_.apply(output);
    auto session = desk_.connect();
    if (!session) return fail(std::move(session.error()));
    const wire::InspectViewRequest request{what_, one() ? std::optional(node_) : std::nullopt};
    auto called = (*session)->call(wire::kInspectView, request, [&output](const wire::InspectViewResponse& answer) {
      if (!output.is_table()) return output.list(answer, answer.nodes);
      for (const auto& row : answer.nodes) output.text(render_answer(row, output.screen()));
    });
    if (!called) return fail(std::move(called.error()));
    return ExitCode::kOk;
  }

 private:
  [[nodiscard]] bool one() const { return nodes_ == Nodes::kOne; }

  std::string what_;
  Nodes nodes_;
  std::string summary_;
  std::string notes_;
  std::string node_;
  ServiceTarget desk_{ServiceTarget::Kind::kControlPlane, 60'000};
  FormatOption format_;
};

std::unique_ptr<Verb> of_one(std::string what, std::string summary, std::string notes) {
  return std::make_unique<InspectView>(std::move(what), InspectView::Nodes::kOne, std::move(summary), std::move(notes));
}

}  // namespace

std::unique_ptr<Verb> make_inspect_replication() {
  return std::make_unique<InspectView>(
      "replication", InspectView::Nodes::kEach, "Shows each node's own prefix and the session that feeds it.",
      "Each node answers for itself, as of a moment of its own, stamped with its own epoch, LSN and commit.");
}
std::unique_ptr<Verb> make_inspect_promotion() {
  return of_one("promotion", "Shows a node's explanation of why its newest epoch could begin.", "");
}
std::unique_ptr<Verb> make_inspect_authority() {
  return of_one("authority", "Shows a node's role, lineage, epoch, seal and ancestry, as its log gives them.", "");
}
std::unique_ptr<Verb> make_inspect_wal() { return of_one("wal", "Shows a node's log ring and its positions.", ""); }
std::unique_ptr<Verb> make_inspect_snapshots() {
  return of_one("snapshots", "Shows what a node stores: manifest, runs, snapshots, pins and holds.", "");
}
std::unique_ptr<Verb> make_inspect_checkpoints() {
  return of_one("checkpoints", "Shows a node's explanation of its installed checkpoint.",
                "While an operation replaces it, the node answers OPERATION_RUNNING.");
}

}  // namespace aerodb::console
