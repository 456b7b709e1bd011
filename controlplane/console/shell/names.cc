#include "controlplane/console/shell/names.h"

#include <algorithm>

#include "controlplane/console/data/data_options.h"

namespace aerodb::console {
namespace {

constexpr uint64_t kPatienceMs = 500;

std::vector<std::string> node_names(const std::string& config) {
  std::vector<std::string> names;
  auto configs = all_node_configs(config);
  if (!configs) return names;
  for (const auto& found : *configs) names.push_back(found.name);
  return names;
}

std::vector<document::Schema> schemas_of(const std::string& node, const std::string& config) {
  std::vector<document::Schema> schemas;
  auto session = NodeTarget(node, config, kPatienceMs).connect();
  if (!session) return schemas;
  (void)(*session)->call(wire::kSchemaList, {}, [&](const wire::SchemaListResponse& answer) {
    for (const auto& packed : answer.schemas) {
      document::Tape tape;
      if (!tape.parse(packed.bytes)) continue;
      if (auto schema = document::decode_schema(tape.root())) schemas.push_back(std::move(*schema));
    }
  });
  return schemas;
}

std::string first_argument(const VerbOutline& verb) {
  const auto found = std::ranges::find(verb.options, true, &OptionOutline::positional);
  return found == verb.options.end() ? "" : found->names.front();
}

// What the last word is the name of: the first argument of verbs about documents is a collection.
bool is_collection(const WordPlace& place) {
  return place.verb != nullptr && place.value_of == nullptr && place.arguments.empty() &&
         first_argument(*place.verb) == "COLLECTION";
}
bool is_field(const WordPlace& place) {
  if (place.value_of == nullptr || place.arguments.empty()) return false;
  const auto& names = place.value_of->names;
  return std::ranges::find(names, "--where") != names.end() || std::ranges::find(names, "--sort") != names.end();
}
bool is_node(const WordPlace& place) {
  if (place.value_of != nullptr) {
    const auto& names = place.value_of->names;
    return place.value_of->type == "NODE" || std::ranges::find(names, "--node") != names.end();
  }
  return place.verb != nullptr && place.arguments.empty() && first_argument(*place.verb) == "NODE";
}

std::vector<std::string> candidates_for(const WordPlace& place, const std::string& node, const std::string& config) {
  std::vector<std::string> names;
  if (is_node(place)) return node_names(config);
  if (!is_collection(place) && !is_field(place)) return names;
  for (const auto& schema : schemas_of(node, config)) {
    if (is_collection(place)) {
      names.push_back(schema.collection);
    } else if (schema.collection == place.arguments.front()) {
      for (const auto& path : schema.indexed_paths()) names.emplace_back(path);
    }
  }
  return names;
}

}  // namespace

std::vector<std::string> known_names(const std::vector<VerbOutline>& verbs, const std::vector<std::string>& words,
                                     const std::string& node, const std::string& config) {
  auto names = candidates_for(place_of_last(verbs, words), node, config);
  std::erase_if(names, [&](const std::string& name) { return !name.starts_with(words.back()); });
  std::ranges::sort(names);
  names.erase(std::ranges::unique(names).begin(), names.end());
  return names;
}

}  // namespace aerodb::console
