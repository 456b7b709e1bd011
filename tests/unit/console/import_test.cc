#include <gtest/gtest.h>

#include "controlplane/console/data/importer.h"

namespace aerodb::console {
namespace {

ImportPlan plan(std::string id_field) {
  auto schema = document::schema_from_json(R"({"collection": "c", "version": 1, "fields": {
    "_id": {"type": "string", "required": true}, "code": {"type": "string"}, "number": {"type": "int"},
    "raw": {"type": "bytes"}}})");
  EXPECT_TRUE(schema.has_value());
  return {"c", *schema, std::move(id_field), 200, std::nullopt};
}

std::string read(std::string_view json, std::string id_field) {
  auto packed = import_document(json, plan(std::move(id_field)));
  if (!packed) return std::string(packed.error().row().name);
  return *document::to_json(*packed);
}

TEST(ImportDocument, TakesItsOwnId) { EXPECT_EQ(read(R"({"_id":"a","number":1})", ""), R"({"_id":"a","number":1})"); }

TEST(ImportDocument, FillsTheIdAndKeepsTheField) {
  EXPECT_EQ(read(R"({"number":1,"code":"x"})", "code"), R"({"_id":"x","number":1,"code":"x"})");
  EXPECT_EQ(read(R"({"number":-7})", "number"), R"({"_id":"-7","number":-7})");
}

TEST(ImportDocument, FillsTheIdOfADocumentWithALongHead) {
  // Sixteen pairs need a map head of three bytes, fifteen one.
  std::string fields;
  for (int i = 0; i < 15; ++i) fields += ",\"f" + std::to_string(i) + "\":" + std::to_string(i);
  EXPECT_EQ(read("{\"code\":\"x\"" + fields + "}", "code"), "{\"_id\":\"x\",\"code\":\"x\"" + fields + "}");
}

TEST(ImportDocument, RefusesAnIdThatIsMissingDoubleOrNoText) {
  EXPECT_EQ(read(R"({"number":1})", "code"), "BAD_REQUEST");
  EXPECT_EQ(read(R"({})", "code"), "BAD_REQUEST");
  EXPECT_EQ(read(R"({"_id":"a","code":"x"})", "code"), "BAD_REQUEST");
  EXPECT_EQ(read(R"({"code":true})", "code"), "BAD_REQUEST");
}

TEST(ImportDocument, ReadsBytesAsHex) {
  EXPECT_EQ(read(R"({"_id":"a","raw":"00ff"})", ""), R"({"_id":"a","raw":"00ff"})");
  EXPECT_EQ(read(R"({"_id":"a","raw":"0"})", ""), "BAD_REQUEST");
}

}  // namespace
}  // namespace aerodb::console
