#include <fmt/format.h>
#include <fmt/ranges.h>

#include "explainer/routes.h"
#include "tests/unit/explainer/api_documents.h"
#include "tests/unit/wire/field_tables.h"

namespace aerodb::explainer::testing {
namespace {

using wire::testing::field_table;
using wire::testing::Structures;

std::string parameters_text(std::span<const ParameterUse> uses) {
  std::vector<std::string> all;
  for (const auto& use : uses) all.push_back(fmt::format("`{}`{}", use.name, use.required ? " required" : ""));
  return fmt::format("{}", fmt::join(all, ", "));
}

template <class... Data>
std::string data_tables(const Route<Data...>& route, Structures& structures) {
  std::string text;
  [[maybe_unused]] size_t form = 0;
  (
      [&] {
        if (form++ > 0)
          text += fmt::format("{}{}:\n\n", static_cast<char>(std::toupper(route.other_form[0])),
                              route.other_form.substr(1));
        text += field_table<Data>(structures, "data");
      }(),
      ...);
  return text;
}

}  // namespace

std::string route_tables() {
  std::string routes = "| route | parameters | `data` |\n|---|---|---|\n";
  std::string tables;
  Structures structures;
  bool explained = false;  // all explanations have the same data
  for_each_route([&](const auto& route) {
    const auto what =
        route.other_form.empty() ? std::string(route.help) : fmt::format("{}; {}", route.help, route.other_form);
    routes += fmt::format("| `GET {}` | {} | {} |\n", route.path, parameters_text(route.parameters), what);
    const bool explanation = route.path.starts_with("/v1/explain/");
    if (route.path == kMetricsRoute.path || (explanation && explained)) return;
    tables += fmt::format("#### `{}`\n\n", explanation ? "/v1/explain/*" : route.path);
    tables += data_tables(route, structures);
    explained = explained || explanation;
  });
  std::string parameters = "| parameter | |\n|---|---|\n";
  const Parameters none;
  Parameters::fields(none, [&](std::string_view name, const auto&, std::string_view help) {
    parameters += fmt::format("| `{}` | {} |\n", name, help);
  });
  return fmt::format("{}\n{}\n### Fields\n\n{}### Structures\n\n{}", routes, parameters, tables, structures.text);
}

}  // namespace aerodb::explainer::testing
