#include <fmt/format.h>

#include "explainer/routes.h"
#include "tests/unit/explainer/api_documents.h"
#include "tests/unit/wire/openapi_schemas.h"

namespace aerodb::explainer::testing {
namespace {

using namespace wire::testing;

// Texts of which only some are possible.
const std::map<std::string_view, std::vector<std::string_view>> kChoices = {
    {"rules_follow", {"true", "false"}},
    {"evidence_checked", {"log", "peer", "status", "none"}},
    {"evidence_agrees", {"true", "false", "unknown"}},
    {"command", {"demote", "promote", "decline"}},
};

std::string next_schema(Schemas& schemas, std::span<const ParameterUse> uses) {
  Object properties;
  for (const auto& use : uses) {
    if (use.name.starts_with("after_") || use.name.starts_with("before_")) {
      properties.add(use.name, parameter_schema<Parameters>(schemas, use.name));
    }
  }
  const std::string one = Object()
                              .text("type", "object")
                              .add("minProperties", "1")
                              .add("maxProperties", "1")
                              .add("additionalProperties", "false")
                              .add("properties", properties.json())
                              .json();
  return Object()
      .add("anyOf", array({one, Object().text("type", "null").json()}))
      .text("description", "which parameter gives the next page; null at the end")
      .json();
}

template <class... Data>
std::string content_of(const Route<Data...>& route, Schemas& schemas) {
  if constexpr (sizeof...(Data) == 0) {
    const std::string text = Object().add("schema", Object().text("type", "string").json()).json();
    return Object().add("text/plain", text).json();
  } else {
    std::vector<std::string> forms{schema_of<Data>(schemas)...};
    std::vector<std::string_view> required{"api_version", "observed_at", "data", "notes"};
    Object properties;
    properties.add("api_version", Object().add("const", "1").json());
    properties.add("observed_at", reference("schemas/ObservedAt"));
    properties.add("data", forms.size() == 1 ? forms.front() : Object().add("anyOf", array(forms)).json());
    properties.add("notes", reference("schemas/Notes"));
    if (route.paged) {
      properties.add("next", next_schema(schemas, route.parameters));
      required.push_back("next");
    }
    const std::string envelope = Object()
                                     .text("type", "object")
                                     .add("required", texts(required))
                                     .add("additionalProperties", "false")
                                     .add("properties", properties.json())
                                     .json();
    return Object().add("application/json", Object().add("schema", envelope).json()).json();
  }
}

template <class... Data>
std::string path_json(const Route<Data...>& route, Schemas& schemas) {
  std::string summary(route.help);
  if (!route.other_form.empty()) summary += fmt::format("; {}", route.other_form);
  const std::string ok =
      Object().text("description", "what was observed").add("content", content_of(route, schemas)).json();
  const std::string responses = Object().add("200", ok).add("default", reference("responses/Error")).json();
  const std::string get = Object()
                              .text("summary", summary)
                              .add("parameters", array(query_parameters<Parameters>(schemas, route.parameters)))
                              .add("responses", responses)
                              .json();
  return Object().add("get", get).json();
}

// What no struct of ours defines.
void add_envelope_parts(Schemas& schemas) {
  schemas.known["ObservedAt"] =
      R"({"type":"object","required":["node","snapshot","commit_id"],"additionalProperties":false,
    "properties":{"node":{"type":["string","null"],"description":"null: several nodes, or none"},
      "snapshot":{"type":"string","enum":["explicit","live"],"description":"explicit: the request named a commit"},
      "commit_id":{"type":["integer","null"],"minimum":0,"maximum":9007199254740991,
        "description":"the commit that data speaks of; null: none"}}})";
  schemas.known["Notes"] = R"({"type":"array","items":{"type":"string","pattern":"^[A-Z][A-Z_]*$"},
    "description":"codes of the error table for what could not be seen on the way"})";
  schemas.known["Error"] = R"({"type":"object","required":["api_version","error"],"additionalProperties":false,
    "properties":{"api_version":{"const":1},"error":{"type":"object",
      "required":["code","severity","message","rule","details"],"additionalProperties":false,
      "properties":{"code":{"type":"string","pattern":"^[A-Z][A-Z_]*$"},
        "severity":{"type":"string","enum":["REJECT","ERROR","FATAL"]},"message":{"type":"string"},
        "rule":{"type":["string","null"]},"details":{"type":"object"}}}}})";
}

}  // namespace

std::string openapi_document() {
  Schemas schemas{.choices = kChoices,
                  .packed = {{"explanation", Object().text("$ref", "../explanation.schema.json").json()}}};
  add_envelope_parts(schemas);
  Object paths;
  for_each_route([&](const auto& route) { paths.add(route.path, path_json(route, schemas)); });
  Object all;
  for (const auto& [name, schema] : schemas.known) all.add(name, schema);
  const std::string error =
      Object()
          .text("description", "refused, by a code of the error table")
          .add("content",
               Object().add("application/json", Object().add("schema", reference("schemas/Error")).json()).json())
          .json();
  const std::string info =
      Object()
          .text("title", "aerodb-explainer")
          .text("version", "1")
          .text("description", "What AeroDB's processes say of themselves. GET only, nothing writes.")
          .json();
  const std::string document =
      Object()
          .text("openapi", "3.1.0")
          .add("info", info)
          .add("servers", array({Object().text("url", "http://127.0.0.1:7380").json()}))
          .add("paths", paths.json())
          .add("components",
               Object().add("responses", Object().add("Error", error).json()).add("schemas", all.json()).json())
          .json();
  return pretty(document);
}

}  // namespace aerodb::explainer::testing
