// aerodb insert.
#include "controlplane/console/data/write_document.h"
#include "controlplane/console/verbs.h"

namespace aerodb::console {
namespace {

class Insert final : public WriteDocument {
 public:
  Insert() : WriteDocument(wire::kDocInsert) {}
  [[nodiscard]] VerbText text() const override {
    return {.path = "insert",
            .summary = "Inserts a document that is not there.",
            .example =
                "aerodb insert countries '{\"_id\": \"AW\", \"alpha_2\": \"AW\", \"alpha_3\": \"ABW\",\n"
                "  \"numeric\": \"533\", \"name\": \"Aruba\", \"flag\": \"AW\"}'",
            .notes = "It is answered when it is durable. The receipt says where in the log.",
            .json = {shape_of<wire::ReceiptResponse>}};
  }
};

}  // namespace

std::unique_ptr<Verb> make_insert() { return std::make_unique<Insert>(); }

}  // namespace aerodb::console
