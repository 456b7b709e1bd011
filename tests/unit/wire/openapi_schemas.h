// OpenAPI 3.1 of message structs: their JSON form as schemas, and the JSON text that describes it.
#pragma once

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/assert.h"
#include "common/document/json.h"
#include "common/uv/http/parameters.h"
#include "tests/unit/wire/field_tables.h"

namespace aerodb::wire::testing {

using http::json_string;

// Members of a JSON object, as text.
class Object {
 public:
  Object& add(std::string_view name, std::string value) {
    members_.push_back(json_string(name) + ":" + value);
    return *this;
  }
  Object& text(std::string_view name, std::string_view value) { return add(name, json_string(value)); }
  [[nodiscard]] std::string json() const { return fmt::format("{{{}}}", fmt::join(members_, ",")); }

 private:
  std::vector<std::string> members_;
};
inline std::string array(const std::vector<std::string>& elements) {
  return fmt::format("[{}]", fmt::join(elements, ","));
}
inline std::string reference(std::string_view name) {
  return Object().text("$ref", fmt::format("#/components/{}", name)).json();
}
inline std::string texts(const std::vector<std::string_view>& values) {
  std::vector<std::string> quoted;
  for (const auto value : values) quoted.push_back(json_string(value));
  return array(quoted);
}

inline Object number(uint64_t minimum, uint64_t maximum) {
  return Object()
      .text("type", "integer")
      .add("minimum", std::to_string(minimum))
      .add("maximum", std::to_string(maximum));
}
inline Object hex(size_t digits) {
  return Object().text("type", "string").text("pattern", fmt::format("^[0-9a-f]{{{}}}$", digits));
}

// What is described so far, and what the structs do not say by themselves.
struct Schemas {
  std::map<std::string, std::string> known = {};                           // by name, as JSON
  std::map<std::string_view, std::vector<std::string_view>> choices = {};  // texts of which only some are possible
  std::map<std::string_view, std::string> packed = {};                     // values that are no struct, by member
  bool may_lack = false;  // optional members may be left out: of what is sent, not of what is answered
  std::string_view member = {};
};

template <class T>
std::string schema_of(Schemas& schemas);

template <class T>
std::string with_help(Schemas& schemas, std::string_view name, std::string_view help) {
  schemas.member = name;
  std::string schema = schema_of<T>(schemas);
  if (const auto choice = schemas.choices.find(name); choice != schemas.choices.end()) {
    schema = Object().text("type", "string").add("enum", texts(choice->second)).json();
  }
  schema.pop_back();
  return fmt::format(R"({},"description":{}}})", schema, json_string(help));
}

// An object with the members of a message, `left_out` apart.
template <class T>
std::string object_of(Schemas& schemas, const std::vector<std::string_view>& left_out = {},
                      const std::vector<std::string_view>& not_required = {}) {
  Object properties;
  std::vector<std::string_view> required;
  T value{};
  T::fields(value, [&](std::string_view field, auto& member, std::string_view help) {
    using Member = std::remove_cvref_t<decltype(member)>;
    if (std::ranges::count(left_out, field) != 0) return;
    properties.add(field, with_help<Member>(schemas, field, help));
    if (codec::kIsOptional<Member> && schemas.may_lack) return;
    if (std::ranges::count(not_required, field) == 0) required.push_back(field);
  });
  return Object()
      .text("type", "object")
      .add("required", texts(required))
      .add("additionalProperties", "false")
      .add("properties", properties.json())
      .json();
}

template <class T>
std::string structure(Schemas& schemas) {
  const std::string name = struct_name<T>();
  if (!schemas.known.contains(name)) {
    schemas.known[name];  // it may stand within itself
    schemas.known[name] = object_of<T>(schemas);
  }
  return reference("schemas/" + name);
}

template <class T>
std::string schema_of(Schemas& schemas) {
  if constexpr (std::is_same_v<T, bool>) {
    return Object().text("type", "boolean").json();
  } else if constexpr (std::is_integral_v<T> || codec::kIsNumber<T>) {
    return number(0, kMaxNumber).json();
  } else if constexpr (codec::kIsText<T>) {
    return Object().text("type", "string").json();
  } else if constexpr (codec::kIsByteArray<T>) {
    return hex(2 * std::tuple_size_v<T>).json();
  } else if constexpr (codec::kIsId<T>) {
    return hex(32).json();
  } else if constexpr (std::is_same_v<T, Packed>) {
    return schemas.packed.at(schemas.member);
  } else if constexpr (codec::kIsOptional<T>) {
    const std::string absent = Object().text("type", "null").json();
    return Object().add("anyOf", array({schema_of<typename T::value_type>(schemas), absent})).json();
  } else if constexpr (codec::kIsVector<T>) {
    return Object().text("type", "array").add("items", schema_of<typename T::value_type>(schemas)).json();
  } else {
    return structure<T>(schemas);
  }
}

// A parameter's schema; an absent one is simply not there.
template <class Parameters>
std::string parameter_schema(Schemas& schemas, std::string_view wanted) {
  std::string schema;
  const Parameters none;
  Parameters::fields(none, [&](std::string_view name, const auto& member, std::string_view) {
    if (name != wanted) return;
    using Value = typename std::remove_cvref_t<decltype(member)>::value_type;
    if constexpr (std::is_same_v<Value, uint32_t>) {
      schema = number(1, http::kMaxLimit).add("default", std::to_string(http::kDefaultLimit)).json();
    } else if constexpr (std::is_same_v<Value, std::string>) {
      const auto choice = schemas.choices.find(name);
      schema = choice == schemas.choices.end()
                   ? Object().text("type", "string").add("minLength", "1").json()
                   : Object().text("type", "string").add("enum", texts(choice->second)).json();
    } else {
      schema = schema_of<Value>(schemas);
    }
  });
  AERODB_ASSERT(!schema.empty());
  return schema;
}

template <class Parameters>
std::vector<std::string> query_parameters(Schemas& schemas, std::span<const http::ParameterUse> uses) {
  std::vector<std::string> all;
  const Parameters none;
  for (const auto& use : uses) {
    std::string_view help;
    Parameters::fields(none, [&](std::string_view name, const auto&, std::string_view text) {
      if (name == use.name) help = text;
    });
    all.push_back(Object()
                      .text("name", use.name)
                      .text("in", "query")
                      .add("required", use.required ? "true" : "false")
                      .text("description", help)
                      .add("schema", parameter_schema<Parameters>(schemas, use.name))
                      .json());
  }
  return all;
}

// The document as it stands in its file.
inline std::string pretty(const std::string& json) {
  Bytes packed;
  const auto read = document::from_json(json, packed);
  AERODB_ASSERT(read.has_value());
  return document::to_json(ByteSpan(packed), document::JsonStyle::kPretty).value_or("") + "\n";
}

}  // namespace aerodb::wire::testing
