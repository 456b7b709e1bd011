#include "tests/sim/workload.h"

#include <fmt/format.h>

#include <vector>

#include "common/document/schema.h"

namespace aerodb::sim {
namespace {

constexpr std::string_view kCollectionNames[kCollections] = {"people", "things"};

document::Schema make_schema(uint32_t collection, uint32_t version) {
  using document::FieldType;
  document::Schema schema;
  schema.collection = kCollectionNames[collection];
  schema.version = version;
  auto add = [&](std::string_view name, FieldType type, bool required, bool indexed) {
    document::Field field;
    field.name = name;
    field.type = type;
    field.required = required;
    field.indexed = indexed;
    schema.fields.push_back(std::move(field));
  };
  add("_id", FieldType::kString, true, false);
  add("k", FieldType::kInt, false, true);
  add("n", FieldType::kInt, true, false);
  add("pad", FieldType::kString, false, false);
  if (version > 1) add("w", FieldType::kInt, false, true);
  return schema;
}

}  // namespace

std::string_view collection_name(uint32_t collection) { return kCollectionNames[collection]; }

const std::string& id_name(uint32_t id) {
  static const std::vector<std::string> kNames = [] {
    std::vector<std::string> names;
    for (uint32_t i = 0; i < 100; ++i) names.push_back(fmt::format("d{:02}", i));
    return names;
  }();
  return kNames[id];
}

const Bytes& schema_bytes(uint32_t collection, uint32_t version) {
  static const std::vector<Bytes> kSchemas = [] {
    std::vector<Bytes> all;
    for (uint32_t c = 0; c < kCollections; ++c) {
      for (uint32_t v = 1; v <= kSchemaVersions; ++v) document::encode_schema(make_schema(c, v), all.emplace_back());
    }
    return all;
  }();
  return kSchemas[collection * kSchemaVersions + version - 1];
}

}  // namespace aerodb::sim
