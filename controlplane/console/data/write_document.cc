#include "controlplane/console/data/write_document.h"

namespace aerodb::console {

void WriteDocument::declare(Options& options) {
  options.argument("COLLECTION", collection_, "the collection");
  options.argument("DOCUMENT", document_, "the document as JSON; - for standard input, @FILE for a file");
  declare_version_written(options, schema_version_);
  data_.declare(options);
}

Result<ExitCode> WriteDocument::run(Output& output) {
  data_.format.apply(output);
  auto text = text_of_word(document_);
  if (!text) return fail(std::move(text.error()));
  auto receipt = data_.receipt.load();
  if (!receipt) return fail(std::move(receipt.error()));
  auto session = data_.node.connect();
  if (!session) return fail(std::move(session.error()));
  auto schema = registered_schema(**session, collection_, schema_version_);
  if (!schema) return fail(std::move(schema.error()));
  Bytes packed;
  if (auto read = document::document_from_json(*text, *schema, packed); !read) return fail(std::move(read.error()));
  return send_write(**session, method_, {collection_, schema->version, *receipt, wire::Packed{packed}}, data_, output);
}

}  // namespace aerodb::console
