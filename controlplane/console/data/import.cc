// aerodb import.
#include <fmt/format.h>

#include "controlplane/console/data/data_options.h"
#include "controlplane/console/data/importer.h"
#include "controlplane/console/verbs.h"

namespace aerodb::console {
namespace {

constexpr uint64_t kMaxFileBytes = uint64_t{2} << 30;
constexpr uint64_t kMaxBatch = 1000;  // operations of one commit

struct ImportReport {
  std::string collection;
  uint64_t documents = 0;
  uint64_t batches = 0;
  double seconds = 0;
  double documents_per_second = 0;
  std::optional<wire::Receipt> receipt;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("collection", self.collection, "collection");
    visit("documents", self.documents, "documents written");
    visit("batches", self.batches, "commits that took");
    visit("seconds", self.seconds, "from the first batch to the last answer");
    visit("documents_per_second", self.documents_per_second, "documents / seconds");
    visit("receipt", self.receipt, "position of the last batch");
  }
};

class Import final : public Verb {
 public:
  [[nodiscard]] VerbText text() const override {
    return {.path = "import",
            .summary = "Inserts the documents of a file in batches.",
            .example = "aerodb import countries /usr/share/iso-codes/json/iso_3166-1.json --id-field alpha_2",
            .notes =
                "FILE is a JSON array, JSON lines, or an object that holds one array of objects. A batch is one\n"
                "commit. The first batch that is refused ends the import; what was written before stays.",
            .json = {shape_of<ImportReport>}};
  }
  void declare(Options& options) override {
    options.argument("COLLECTION", collection_, "the collection");
    options.argument("FILE", file_, "the documents");
    options.text("--array", "KEY", array_, "key of the array, where the object holds several");
    options.text("--id-field", "FIELD", id_field_, "fill _id from this field");
    options.number("--batch", batch_, 1, kMaxBatch, "documents of one commit");
    declare_version_written(options, schema_version_);
    data_.declare(options);
  }
  Result<ExitCode> run(Output& output) override {
    data_.format.apply(output);
    auto documents = read_documents();
    if (!documents) return fail(std::move(documents.error()));
    auto receipt = data_.receipt.load();
    if (!receipt) return fail(std::move(receipt.error()));
    auto session = data_.node.connect();
    if (!session) return fail(std::move(session.error()));
    auto schema = registered_schema(**session, collection_, schema_version_);
    if (!schema) return fail(std::move(schema.error()));
    const ImportPlan plan{collection_, std::move(*schema), id_field_, batch_, *receipt};
    Progress progress(output, documents->size());
    Importer importer(**session, plan, *documents, progress);
    auto imported = importer.run();
    const double seconds = progress.seconds();
    if (importer.receipt()) {
      if (auto saved = data_.receipt.save(*importer.receipt()); imported) imported = std::move(saved);
    }
    if (!imported) return fail(std::move(imported.error()));
    report(importer, seconds, output);
    return ExitCode::kOk;
  }

 private:
  [[nodiscard]] Result<std::vector<std::string>> read_documents() const {
    auto text = text_of_file(file_, kMaxFileBytes);
    if (!text) return fail(std::move(text.error()));
    auto documents = document::split_json_documents(*text, array_);
    if (!documents) documents.error().message = fmt::format("{}: {}", file_, documents.error().message);
    return documents;
  }

  void report(const Importer& importer, double seconds, Output& output) const {
    const double rate = seconds > 0 ? static_cast<double>(importer.written()) / seconds : 0;
    if (output.is_table()) {
      output.line(fmt::format("{} documents in {} batches, {:.3f} s, {:.0f} documents/s", importer.written(),
                              importer.batches(), seconds, rate));
    } else {
      output.message(
          ImportReport{collection_, importer.written(), importer.batches(), seconds, rate, importer.receipt()});
    }
  }

  std::string collection_;
  std::string file_;
  std::string array_;
  std::string id_field_;
  uint64_t batch_ = 200;
  std::optional<uint64_t> schema_version_;
  DataOptions data_;
};

}  // namespace

std::unique_ptr<Verb> make_import() { return std::make_unique<Import>(); }

}  // namespace aerodb::console
