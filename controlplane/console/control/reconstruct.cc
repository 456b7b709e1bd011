// aerodb reconstruct.
#include <fmt/format.h>

#include "controlplane/console/control/timeline.h"
#include "controlplane/console/data/data_options.h"
#include "controlplane/console/verbs.h"

namespace aerodb::console {
namespace {

class Reconstruct final : public Verb {
 public:
  [[nodiscard]] VerbText text() const override {
    return {
        .path = "reconstruct",
        .summary = "Writes a report of what happened in a range of the timeline.",
        .example = "aerodb reconstruct --from 1 --to 10 --format html --output switchover.html --config configs/local",
        .notes =
            "One file that needs nothing else: who asked for what, on which evidence, what the kernel answered,\n"
            "and every audit record and every event of the range, word for word.",
        .advice = Advice::kNone,
        .json = {shape_of<timeline::Report>}};
  }
  void declare(Options& options) override {
    timeline_.declare(options);
    options.choice("--format", {"text", "json", "html"}, format_, "form of the report");
    options.required_text("--output", "FILE", file_, "written whole, in place of an older one");
  }
  Result<ExitCode> run(Output& output) override {
    if (!timeline_.has_both_ends()) return fail(ErrorCode::kUsage, "reconstruct: a range needs --from and --to");
    const auto report = timeline_.report();
    if (!report) return fail(report.error());
    if (auto saved = save_text(file_, render(*report)); !saved) return fail(std::move(saved.error()));
    output.line(
        fmt::format("{}: {} audit records, {} events", printable(file_), report->audit_records, report->events));
    return ExitCode::kOk;
  }

 private:
  [[nodiscard]] std::string render(const timeline::Report& report) const {
    if (format_ == "json") return timeline::json_text_of(report);
    return format_ == "html" ? timeline::html_of(report) : timeline::text_of(report);
  }
  TimelineOptions timeline_;
  std::string format_ = "text";
  std::string file_;
};

}  // namespace

std::unique_ptr<Verb> make_reconstruct() { return std::make_unique<Reconstruct>(); }

}  // namespace aerodb::console
