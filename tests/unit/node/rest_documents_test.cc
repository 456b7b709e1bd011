// docs/openapi/node.json and the table of routes in docs/spec/API_SPEC.md say what common/node/rest_routes.h says.
#include <gtest/gtest.h>

#include "common/node/rest_routes.h"
#include "tests/documents.h"
#include "tests/unit/wire/openapi_schemas.h"

namespace aerodb::node {
namespace {

using namespace wire::testing;

constexpr auto kOpenApi = "docs/openapi/node.json";
constexpr auto kPage = "docs/spec/API_SPEC.md";
std::string described(std::string_view schema, std::string_view help) {
  return Object()
      .text("description", help)
      .add("content", Object().add("application/json", Object().add("schema", std::string(schema)).json()).json())
      .json();
}

template <class Request, class Response>
std::string parameters_of(const RestRoute<Request, Response>& route, Schemas& schemas) {
  std::vector<std::string> all;
  for (const auto name : {"collection", "id"}) {
    if (route.path.find("{" + std::string(name) + "}") == std::string_view::npos) continue;
    const auto text = Object().text("type", "string").add("minLength", "1").json();
    all.push_back(Object().text("name", name).text("in", "path").add("required", "true").add("schema", text).json());
  }
  for (auto& parameter : query_parameters<RestParameters>(schemas, route.parameters)) all.push_back(parameter);
  if (route.takes_receipt) {
    all.push_back(Object()
                      .text("name", kReceiptHeader)
                      .text("in", "header")
                      .add("required", "false")
                      .text("description", "the last receipt seen, as JSON")
                      .add("content", Object()
                                          .add("application/json",
                                               Object().add("schema", schema_of<wire::Receipt>(schemas)).json())
                                          .json())
                      .json());
  }
  return array(all);
}

template <class Request, class Response>
std::string body_of(const RestRoute<Request, Response>& route, Schemas& schemas) {
  switch (route.body) {
    case RestBody::kDocument:
      return schemas.packed.at("document");
    case RestBody::kSchema:
      return schemas.packed.at("schema");
    case RestBody::kFields: {
      schemas.may_lack = true;
      const bool named = route.path.find("{collection}") != std::string_view::npos;
      const std::vector<std::string_view> left_out =
          named ? std::vector<std::string_view>{"collection"} : std::vector<std::string_view>{};
      auto object = object_of<Request>(schemas, left_out, {"schema_version"});
      schemas.may_lack = false;
      return object;
    }
    case RestBody::kNone:
      break;
  }
  return "";
}

template <class Request, class Response>
std::string operation_of(const RestRoute<Request, Response>& route, Schemas& schemas) {
  Object operation;
  operation.text("operationId", route.rpc.name).text("summary", route.rpc.help);
  operation.add("parameters", parameters_of(route, schemas));
  if (const auto body = body_of(route, schemas); !body.empty()) {
    operation.add("requestBody",
                  Object()
                      .add("required", "true")
                      .add("content", Object().add("application/json", Object().add("schema", body).json()).json())
                      .json());
  }
  const auto ok = described(schema_of<Response>(schemas), "what the method answers");
  operation.add("responses", Object().add("200", ok).add("default", reference("responses/Error")).json());
  return operation.json();
}

std::string openapi_document() {
  const auto object = Object().text("type", "object").json();
  const auto value = Object().add("type", texts({"string", "number", "boolean"})).json();
  const auto value_or_null = Object().add("type", texts({"string", "number", "boolean", "null"})).json();
  Schemas schemas{.choices = {{"op", {"insert", "update", "delete", "eq", "lt", "le", "gt", "ge"}}},
                  .packed = {{"document", object},
                             {"schema", object},
                             {"schemas", object},
                             {"value", value},
                             {"sort_value", value_or_null},
                             {"explanation", Object().text("$ref", "../explanation.schema.json").json()}}};
  schemas.known["Error"] = R"({"type":"object","required":["error"],"additionalProperties":false,
    "properties":{"error":{"type":"object",
      "required":["code","severity","message","rule","details"],"additionalProperties":false,
      "properties":{"code":{"type":"string","pattern":"^[A-Z][A-Z_]*$"},
        "severity":{"type":"string","enum":["REJECT","ERROR","FATAL"]},"message":{"type":"string"},
        "rule":{"type":["string","null"]},"details":{"type":"object"}}}}})";
  std::vector<std::pair<std::string_view, Object>> paths;
  for_each_rest_route([&](const auto& route) {
    if (paths.empty() || paths.back().first != route.path) paths.emplace_back(route.path, Object());
    std::string verb(route.verb);
    std::ranges::transform(verb, verb.begin(), [](char c) { return static_cast<char>(c - 'A' + 'a'); });
    paths.back().second.add(verb, operation_of(route, schemas));
  });
  Object all_paths;
  for (const auto& [path, operations] : paths) all_paths.add(path, operations.json());
  Object all;
  for (const auto& [name, schema] : schemas.known) all.add(name, schema);
  const auto error = described(reference("schemas/Error"), "refused, by a code of the error table");
  const auto info =
      Object()
          .text("title", "aerodb-primary, aerodb-replica")
          .text("version", "1")
          .text("description", "Documents and schemas of a node as JSON. The methods of its client listener.")
          .json();
  return pretty(
      Object()
          .text("openapi", "3.1.0")
          .add("info", info)
          .add("paths", all_paths.json())
          .add("components",
               Object().add("responses", Object().add("Error", error).json()).add("schemas", all.json()).json())
          .json());
}

std::string route_table() {
  std::string table = "| route | method | parameters | body |\n| --- | --- | --- | --- |\n";
  for_each_rest_route([&](const auto& route) {
    std::string parameters;
    for (const auto& use : route.parameters)
      parameters += fmt::format("{}`{}`", parameters.empty() ? "" : ", ", use.name);
    constexpr std::string_view kBodies[] = {"", "the document", "the method's fields", "the schema"};
    table += fmt::format("| `{} {}` | `{}` | {} | {} |\n", route.verb, route.path, route.rpc.name, parameters,
                         kBodies[static_cast<size_t>(route.body)]);
  });
  return table;
}

TEST(RestDocuments, OpenApiSaysWhatTheRoutesSay) { documents::expect_file(kOpenApi, openapi_document()); }

TEST(RestDocuments, ThePageListsTheRoutes) { documents::expect_section(kPage, "routes", route_table()); }

}  // namespace
}  // namespace aerodb::node
