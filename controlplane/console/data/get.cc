// aerodb get.
#include <fmt/format.h>

#include "controlplane/console/data/data_options.h"
#include "controlplane/console/verbs.h"

namespace aerodb::console {
namespace {

class Get final : public Verb {
 public:
  [[nodiscard]] VerbText text() const override {
    return {.path = "get",
            .summary = "Shows one document as of a commit.",
            .example = "aerodb get countries AW --at-commit 3 --node r1 --config configs/local",
            .notes = "That there is no visible version is an answer as well: exit code 0.",
            .json = {shape_of<wire::DocGetResponse>}};
  }
  void declare(Options& options) override {
    options.argument("COLLECTION", collection_, "the collection");
    options.argument("ID", id_, "_id of the document");
    declare_at_commit(options, at_commit_);
    declare_version_read(options, schema_version_);
    data_.declare(options);
  }
  Result<ExitCode> run(Output& output) override {
    auto reading = data_.begin_read(output, collection_, schema_version_);
    if (!reading) return fail(std::move(reading.error()));
    const wire::DocGetRequest request{collection_, id_, reading->schema.version, number_of<CommitId>(at_commit_),
                                      reading->receipt};
    wire::Receipt seen;
    auto called = reading->session->call(wire::kDocGet, request, [&](const wire::DocGetResponse& answer) {
      seen = answer.receipt;
      show(answer, output);
    });
    if (called) called = data_.receipt.save(seen);
    if (!called) return fail(std::move(called.error()));
    return ExitCode::kOk;
  }

 private:
  void show(const wire::DocGetResponse& answer, Output& output) const {
    if (!output.is_table()) return output.message(answer);
    const std::string name = printable(fmt::format("{}/{}", collection_, id_));
    const uint64_t at_commit = answer.data.at_commit.value();
    if (!answer.data.version) return output.line(fmt::format("{}: no visible version at commit {}", name, at_commit));
    const auto& version = *answer.data.version;
    output.line(fmt::format("{}: version of commit {}, schema version {}, read at commit {}", name,
                            version.commit_id.value(), version.schema_version, at_commit));
    const auto json = document::to_json(version.document.bytes, document::JsonStyle::kPretty);
    output.line(json ? *json : json.error().message);
  }

  std::string collection_;
  std::string id_;
  std::optional<uint64_t> at_commit_;
  std::optional<uint64_t> schema_version_;
  DataOptions data_;
};

}  // namespace

std::unique_ptr<Verb> make_get() { return std::make_unique<Get>(); }

}  // namespace aerodb::console
