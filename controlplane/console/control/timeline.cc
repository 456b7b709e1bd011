// aerodb timeline.
#include "controlplane/console/control/timeline.h"

#include <fmt/format.h>

#include "controlplane/console/timeline/fetch.h"
#include "controlplane/console/timeline/report_lines.h"
#include "controlplane/console/verbs.h"

namespace aerodb::console {

void TimelineOptions::declare(Options& options) {
  options.texts("--from", "END", from_, "first entry: an audit number, or NODE:EVENT; may be repeated");
  options.texts("--to", "END", to_, "last entry, in the same forms; may be repeated");
  options.texts("--node", "NAME", nodes_, "ask this node and no others; may be repeated");
  desk_.declare(options);
}

Result<timeline::Report> TimelineOptions::report() const {
  const auto range = timeline::range_of(from_, to_);
  if (!range) return fail(range.error());
  auto session = desk_.connect();
  if (!session) return fail(std::move(session.error()));
  const auto logs = timeline::fetch(**session, nodes_);
  if (!logs) return fail(logs.error());
  return timeline::report_of(*logs, *range);
}

namespace {

std::string render(const timeline::Report& report, const Screen& screen) {
  std::string out;
  for (const auto& node : report.nodes) {
    if (!node.reached) out += printable(timeline::node_line(node)) + "\n";
  }
  if (!report.audit.whole) out += "the audit log is broken; `audit verify` says where\n";
  for (const auto& proof : report.contradictions)
    out += "contradicted: " + printable(timeline::proof_line(proof)) + "\n";
  Table table({"entry", "time", "what", "order", "after", "text"});
  for (const auto& entry : report.entries) {
    table.row({printable(entry.entry), time_text(entry.wall_us), printable(entry.what),
               entry.order == "unproven" ? "unproven" : "", printable(timeline::known_before(entry)),
               printable(entry.text)});
  }
  return out + table.render(screen);
}

class Timeline final : public Verb {
 public:
  [[nodiscard]] VerbText text() const override {
    return {.path = "timeline",
            .summary = "Lists audit records and events of all nodes in the order that is proven.",
            .example =
                "aerodb timeline --config configs/local\n"
                "aerodb timeline --from 6 --to 10 --from p1:20 --config configs/local",
            .notes =
                "A line comes after the one above it by proof, unless its order is \"unproven\"; \"after\" names the\n"
                "last entry of each other log that is proven to be before it. Clocks order nothing. An entry that no\n"
                "proof puts outside of the range is in it. -o json has every record word for word.",
            .advice = Advice::kNone,
            .json = {shape_of<timeline::Report>, shape_of<timeline::ReportEntry>}};
  }
  void declare(Options& options) override {
    timeline_.declare(options);
    format_.declare(options);
  }
  Result<ExitCode> run(Output& output) override {
    format_.apply(output);
    const auto report = timeline_.report();
    if (!report) return fail(report.error());
    if (output.is_table())
      output.text(render(*report, output.screen()));
    else
      output.list(*report, report->entries);
    return ExitCode::kOk;
  }

 private:
  TimelineOptions timeline_;
  FormatOption format_;
};

}  // namespace

std::unique_ptr<Verb> make_timeline() { return std::make_unique<Timeline>(); }

}  // namespace aerodb::console
