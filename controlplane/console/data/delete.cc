// aerodb delete.
#include "controlplane/console/data/write_document.h"
#include "controlplane/console/verbs.h"

namespace aerodb::console {
namespace {

class Delete final : public Verb {
 public:
  [[nodiscard]] VerbText text() const override {
    return {.path = "delete",
            .summary = "Deletes a document that is there.",
            .example = "aerodb delete countries AW",
            .notes = "Older versions stay readable with --at-commit.",
            .json = {shape_of<wire::ReceiptResponse>}};
  }
  void declare(Options& options) override {
    options.argument("COLLECTION", collection_, "the collection");
    options.argument("ID", id_, "_id of the document");
    data_.declare(options);
  }
  Result<ExitCode> run(Output& output) override {
    data_.format.apply(output);
    auto receipt = data_.receipt.load();
    if (!receipt) return fail(std::move(receipt.error()));
    auto session = data_.node.connect();
    if (!session) return fail(std::move(session.error()));
    return send_write(**session, wire::kDocDelete, {collection_, id_, *receipt}, data_, output);
  }

 private:
  std::string collection_;
  std::string id_;
  DataOptions data_;
};

}  // namespace

std::unique_ptr<Verb> make_delete() { return std::make_unique<Delete>(); }

}  // namespace aerodb::console
