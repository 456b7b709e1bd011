// Bytes as the parameters of doc.query, planned under a schema with indexes of every type.
//
// Holds: whatever is planned states a bound within what the node allows and has one plan text.
#include "common/base/assert.h"
#include "common/engine/plan.h"
#include "common/wire/codec.h"
#include "common/wire/methods.h"

namespace aerodb::engine {
namespace {

constexpr uint64_t kMaxEntries = 1000;

document::Schema indexed_schema() {
  using document::FieldType;
  document::Schema schema;
  schema.collection = "c";
  schema.version = 1;
  auto add = [&schema](std::string name, FieldType type, bool indexed) {
    document::Field field;
    field.name = std::move(name);
    field.type = type;
    field.indexed = indexed;
    field.required = field.name == "_id";
    schema.fields.push_back(std::move(field));
  };
  add("_id", FieldType::kString, false);
  add("b", FieldType::kBool, true);
  add("f", FieldType::kFloat, true);
  add("i", FieldType::kInt, true);
  add("s", FieldType::kString, true);
  add("t", FieldType::kString, false);
  add("x", FieldType::kBytes, true);
  return schema;
}

void plan(const wire::DocQueryRequest& asked, const document::Schema& schema) {
  QueryRequest request;
  request.collection = asked.collection;
  request.schema_version = asked.schema_version;
  request.sort = asked.sort;
  request.descending = asked.descending.value_or(false);
  request.limit = asked.limit;
  request.max_entries = asked.max_entries;
  request.at_commit = asked.at_commit;
  std::vector<document::Tape> tapes(asked.where.size() + 1);
  for (size_t i = 0; i < asked.where.size(); ++i) {
    if (!tapes[i].parse(asked.where[i].value.bytes)) return;
    const auto comparison = static_cast<Comparison>(asked.where[i].op.size() % 5);
    request.where.push_back({asked.where[i].field, comparison, tapes[i].root()});
  }
  if (asked.after) {
    request.after = PageEnd{std::nullopt, asked.after->id};
    if (asked.after->sort_value) {
      if (!tapes.back().parse(asked.after->sort_value->bytes)) return;
      request.after->sort_value = tapes.back().root();
    }
  }
  const auto planned = make_plan(request, schema, kMaxEntries);
  if (!planned) return;
  AERODB_ASSERT(planned->bound_entries > 0);
  AERODB_ASSERT(plan_text(*planned, schema) == plan_text(*make_plan(request, schema, kMaxEntries), schema));
}

}  // namespace
}  // namespace aerodb::engine

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace aerodb;
  static const document::Schema kSchema = engine::indexed_schema();
  document::Tape tape;
  if (!tape.parse(ByteSpan(data, size)) || tape.root().type() != document::Type::kMap) return 0;
  if (const auto request = wire::decode<wire::DocQueryRequest>(tape.root())) engine::plan(*request, kSchema);
  return 0;
}
