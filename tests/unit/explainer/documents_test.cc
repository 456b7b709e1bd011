// docs/openapi/explainer.json and docs/spec/OBSERVABILITY_API.md say what routes and structs say. With AERODB_UPDATE=1
// in the environment the tests write them instead of comparing.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "tests/unit/explainer/api_documents.h"

namespace aerodb::explainer {
namespace {

// Tests run in the root of the source tree.
constexpr auto kOpenApi = "docs/openapi/explainer.json";
constexpr auto kPage = "docs/spec/OBSERVABILITY_API.md";
constexpr std::string_view kBegin = "<!-- routes:begin -->\n";
constexpr std::string_view kEnd = "<!-- routes:end -->\n";

bool updating() { return std::getenv("AERODB_UPDATE") != nullptr; }

std::string read_text(const std::string& path) {
  std::ifstream file(path);
  EXPECT_TRUE(file) << path;
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

TEST(ApiDocuments, OpenApiSaysWhatTheRoutesSay) {
  const auto expected = testing::openapi_document();
  if (updating()) {
    std::ofstream(kOpenApi) << expected;
    return;
  }
  EXPECT_EQ(read_text(kOpenApi), expected) << "AERODB_UPDATE=1 rewrites " << kOpenApi;
}

TEST(ApiDocuments, ThePageListsWhatTheRoutesAnswer) {
  const auto text = read_text(kPage);
  const auto begin = text.find(kBegin);
  const auto end = text.find(kEnd);
  ASSERT_NE(begin, std::string::npos) << kPage;
  ASSERT_NE(end, std::string::npos) << kPage;
  const auto from = begin + kBegin.size();
  const auto tables = testing::route_tables();
  if (updating()) {
    std::ofstream(kPage) << text.substr(0, from) << tables << text.substr(end);
    return;
  }
  EXPECT_EQ(text.substr(from, end - from), tables) << "AERODB_UPDATE=1 rewrites the tables";
}

}  // namespace
}  // namespace aerodb::explainer
