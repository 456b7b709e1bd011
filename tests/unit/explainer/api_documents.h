// What docs/openapi/explainer.json and docs/spec/OBSERVABILITY_API.md say of the HTTP API, as routes and structs define
// it.
#pragma once

#include <string>

namespace aerodb::explainer::testing {

// The whole OpenAPI 3.1 document, as JSON.
[[nodiscard]] std::string openapi_document();
// Markdown: the table of routes, that of parameters, and the fields of `data` route by route.
[[nodiscard]] std::string route_tables();

}  // namespace aerodb::explainer::testing
