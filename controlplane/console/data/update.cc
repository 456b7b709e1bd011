// aerodb update.
#include "controlplane/console/data/write_document.h"
#include "controlplane/console/verbs.h"

namespace aerodb::console {
namespace {

class Update final : public WriteDocument {
 public:
  Update() : WriteDocument(wire::kDocUpdate) {}
  [[nodiscard]] VerbText text() const override {
    return {.path = "update",
            .summary = "Replaces a document that is there, as a whole.",
            .example = "aerodb update countries @aruba.json --node p1 --config configs/local",
            .json = {shape_of<wire::ReceiptResponse>}};
  }
};

}  // namespace

std::unique_ptr<Verb> make_update() { return std::make_unique<Update>(); }

}  // namespace aerodb::console
