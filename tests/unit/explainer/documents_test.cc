// docs/openapi/explainer.json and docs/spec/OBSERVABILITY_API.md say what routes and structs say.
#include <gtest/gtest.h>

#include "tests/documents.h"
#include "tests/unit/explainer/api_documents.h"

namespace aerodb::explainer {
namespace {

constexpr auto kOpenApi = "docs/openapi/explainer.json";
constexpr auto kPage = "docs/spec/OBSERVABILITY_API.md";
TEST(ApiDocuments, OpenApiSaysWhatTheRoutesSay) { documents::expect_file(kOpenApi, testing::openapi_document()); }

TEST(ApiDocuments, ThePageListsWhatTheRoutesAnswer) {
  documents::expect_section(kPage, "routes", testing::route_tables());
}

}  // namespace
}  // namespace aerodb::explainer
