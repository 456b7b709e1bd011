#include "tests/unit/document/support.h"

namespace aerodb::document {
namespace {

using Texts = std::vector<std::string>;

Texts split(std::string_view text, std::string_view key = "") {
  auto result = split_json_documents(text, key);
  EXPECT_TRUE(result.has_value()) << (result ? "" : result.error().message);
  return result.value_or(Texts{});
}
void expect_refused(std::string_view text, std::string_view key, std::string_view message) {
  auto result = split_json_documents(text, key);
  ASSERT_FALSE(result.has_value()) << text;
  EXPECT_EQ(result.error().row().name, "BAD_REQUEST");
  EXPECT_EQ(result.error().message, message);
}

TEST(JsonSplit, Array) {
  EXPECT_EQ(split(R"( [ {"a": [1, {"b": 2}]} , {} ,{"c":{"d":[{}]}}] )"),
            (Texts{R"({"a": [1, {"b": 2}]})", "{}", R"({"c":{"d":[{}]}})"}));
  EXPECT_EQ(split("[]"), Texts{});
}

TEST(JsonSplit, Lines) {
  EXPECT_EQ(split("{\"_id\": \"a\"}\n{\"_id\": \"b\", \"x\": [{}]}\r\n\n{}\n"),
            (Texts{R"({"_id": "a"})", R"({"_id": "b", "x": [{}]})", "{}"}));
  EXPECT_EQ(split("{}\n{}"), (Texts{"{}", "{}"}));
  EXPECT_EQ(split(""), Texts{});
  EXPECT_EQ(split(" \n "), Texts{});
}

TEST(JsonSplit, ObjectThatHoldsTheArray) {
  constexpr std::string_view kText = R"({"type": "all", "bounds": [1, 2], "features": [{"a": [{}]}, {"b": 2}]})";
  EXPECT_EQ(split(kText), (Texts{R"({"a": [{}]})", R"({"b": 2})"}));
  EXPECT_EQ(split(kText, "features"), (Texts{R"({"a": [{}]})", R"({"b": 2})"}));
  EXPECT_EQ(split(R"({"x": {"features": [{}, {}]}, "features": []})"), Texts{});
  expect_refused(kText, "none", "JSON: there is no array none");
  expect_refused(kText, "type", "JSON: there is no array type");
  expect_refused(kText, "bounds", "JSON: line 1, column 29: an element that is no object");
}

TEST(JsonSplit, KeyChoosesAmongArrays) {
  constexpr std::string_view kText = R"({"a": [{"n": 1}], "b": [{"n": 2}]})";
  EXPECT_EQ(split(kText, "b"), Texts{R"({"n": 2})"});
  expect_refused(kText, "", "JSON: more than one array of objects: name the one that holds the documents");
}

TEST(JsonSplit, OnlyObjectMayBeADocument) {
  EXPECT_EQ(split(R"({"_id": "a", "items": [{"n": 1}]})"), Texts{R"({"_id": "a", "items": [{"n": 1}]})"});
  EXPECT_EQ(split(R"({"_id": "a", "items": [{"n": 1}]})", "items"), Texts{R"({"n": 1})"});
  EXPECT_EQ(split(R"({"code": "a", "tags": ["x"]})"), Texts{R"({"code": "a", "tags": ["x"]})"});
}

TEST(JsonSplit, RefusesWhatHoldsNoDocuments) {
  expect_refused("[{}, 1]", "", "JSON: line 1, column 7: an element that is no object");
  expect_refused("[{},\n [{}]]", "", "JSON: line 2, column 2: an element that is no object");
  expect_refused("5", "", "JSON: line 1, column 1: expected an object or an array of objects");
  expect_refused("{}\n5", "", "JSON: line 2, column 1: expected an object or an array of objects");
  expect_refused("{}\n[{}]", "", "JSON: line 2, column 1: an array is not the only value of the text");
  expect_refused("[{}]\n{}", "", "JSON: line 1, column 1: an array is not the only value of the text");
  expect_refused("{\"a\": [{}]}\n{}", "a", "JSON: line 2, column 1: more than one value, so a does not name an array");
}

TEST(JsonSplit, RefusesBrokenTextByPlace) {
  auto result = split_json_documents("{\"a\": 1}\n{\"a\": }\n", "");
  ASSERT_FALSE(result.has_value());
  EXPECT_TRUE(result.error().message.starts_with("JSON: line 2, column 7: syntax error")) << result.error().message;
  EXPECT_FALSE(split_json_documents("[{}", "").has_value());
  EXPECT_FALSE(split_json_documents("[{}] ]", "").has_value());
  EXPECT_FALSE(split_json_documents("{\"a\": \"\xff\"}", "").has_value());
}

TEST(JsonSplit, DeepTextDoesNotExhaustTheStack) {
  auto result = split_json_documents("[{\"a\": " + std::string(1000000, '[') + std::string(1000000, ']') + "}]", "");
  ASSERT_TRUE(result.has_value());
  EXPECT_EQ(result->size(), 1u);
}

}  // namespace
}  // namespace aerodb::document
