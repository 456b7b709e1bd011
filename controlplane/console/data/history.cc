// aerodb history.
#include <fmt/format.h>

#include "controlplane/console/data/data_options.h"
#include "controlplane/console/verbs.h"

namespace aerodb::console {
namespace {

class History final : public Verb {
 public:
  [[nodiscard]] VerbText text() const override {
    return {.path = "history",
            .summary = "Shows the versions of one document, newest first.",
            .example = "aerodb history countries AW --limit 10 --node r1 --config configs/local",
            .notes = "Of the versions at or below the floor only the newest is shown, and no deletion.",
            .json = {shape_of<wire::DocHistoryResponse>, shape_of<wire::HistoryVersion>}};
  }
  void declare(Options& options) override {
    options.argument("COLLECTION", collection_, "the collection");
    options.argument("ID", id_, "_id of the document");
    options.number("--before-commit", before_commit_, 1, kMaxNumber, "the next page: versions older than this commit");
    options.number("--limit", limit_, 1, 1000, "at most so many versions");
    declare_version_read(options, schema_version_);
    data_.declare(options);
  }
  Result<ExitCode> run(Output& output) override {
    auto reading = data_.begin_read(output, collection_, schema_version_);
    if (!reading) return fail(std::move(reading.error()));
    const wire::DocHistoryRequest request{collection_,
                                          id_,
                                          reading->schema.version,
                                          number_of<CommitId>(before_commit_),
                                          static_cast<uint32_t>(limit_),
                                          reading->receipt};
    wire::Receipt seen;
    auto called = reading->session->call(wire::kDocHistory, request, [&](const wire::DocHistoryResponse& answer) {
      seen = answer.receipt;
      show(answer, output);
    });
    if (called) called = data_.receipt.save(seen);
    if (!called) return fail(std::move(called.error()));
    return ExitCode::kOk;
  }

 private:
  static void show(const wire::DocHistoryResponse& answer, Output& output) {
    const auto& data = answer.data;
    if (!output.is_table()) return output.list(answer, data.versions);
    Table table({"commit", "schema", "document"});
    for (const auto& version : data.versions) {
      const auto json = version.document ? document::to_json(version.document->bytes) : Result<std::string>("deleted");
      table.row({std::to_string(version.commit_id.value()), std::to_string(version.schema_version),
                 printable(json ? *json : json.error().message)});
    }
    output.text(table.render(output.screen()));
    output.line(fmt::format("{} versions at commit {}, floor {}{}", data.versions.size(), data.at_commit.value(),
                            data.floor.value(), data.complete ? "" : "; older ones follow with --before-commit"));
  }

  std::string collection_;
  std::string id_;
  std::optional<uint64_t> before_commit_;
  uint64_t limit_ = 100;
  std::optional<uint64_t> schema_version_;
  DataOptions data_;
};

}  // namespace

std::unique_ptr<Verb> make_history() { return std::make_unique<History>(); }

}  // namespace aerodb::console
