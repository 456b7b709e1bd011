#include "tests/bench/sample.h"

#include <fmt/format.h>

#include <utility>

#include "common/base/assert.h"
#include "common/document/canonical.h"

namespace aerodb::bench {

document::Schema sample_schema() {
  using document::Field;
  using document::FieldType;
  Field id{.name = "_id", .type = FieldType::kString, .required = true, .fields = {}, .element = {}};
  Field number{.name = "number", .type = FieldType::kInt, .indexed = true, .fields = {}, .element = {}};
  Field text{.name = "text", .type = FieldType::kString, .fields = {}, .element = {}};
  return {.collection = "c", .version = 1, .fields = {std::move(id), std::move(number), std::move(text)}};
}

std::string sample_id(uint64_t number) { return fmt::format("document-{:08}", number); }

Bytes sample_document(uint64_t number, size_t text_bytes) {
  Bytes packed;
  document::PackWriter out(packed);
  out.map(3);
  out.field("text", std::string(text_bytes, 'x'));
  out.field("number", number);
  out.field("_id", sample_id(number));
  return packed;
}

Bytes sample_canonical(uint64_t number, size_t text_bytes) {
  const auto packed = sample_document(number, text_bytes);
  document::Tape tape;
  const bool parsed = tape.parse(packed).has_value();
  AERODB_ASSERT(parsed);
  Bytes canonical;
  const bool ok =
      document::canonicalize(tape.root(), sample_schema(), document::kDefaultMaxDocumentBytes, canonical).has_value();
  AERODB_ASSERT(ok);
  return canonical;
}

}  // namespace aerodb::bench
