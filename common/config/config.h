// Strict TOML: a file in, a checked struct out. An unknown key, a wrong type, a value out of range and a missing
// required key are refused with file, line and column. Relative paths in a configuration are relative to the working
// directory.
#pragma once

#include <string>
#include <string_view>

#include "common/base/error.h"
#include "common/config/key.h"
#include "common/config/problems.h"

namespace aerodb::config {

inline constexpr uint64_t kMaxConfigBytes = kMiB;

// Who a configuration is for, told by which of the tables [node], [shipper], [explainer], [controlplane] it has.
enum class ConfigKind : uint8_t { kNode, kShipper, kExplainer, kControlplane };
[[nodiscard]] std::string_view config_kind_name(ConfigKind kind);
// CONFIG_INVALID unless `text` is TOML with exactly one of these tables.
[[nodiscard]] Result<ConfigKind> kind_of_config(std::string_view text);

// Reads `text` into the members that `keys` point at. What is wrong goes to `problems`; members may then be half set.
void read_keys(std::string_view text, std::vector<Key> keys, Problems& problems);
// The content of a file. CONFIG_INVALID where it can't be read or is larger than kMaxConfigBytes.
[[nodiscard]] Result<std::string> read_config_file(const std::string& path);
[[nodiscard]] std::string print_keys(const std::vector<Key>& keys);
[[nodiscard]] std::string reference_of_keys(const std::vector<Key>& keys);

// CONFIG_INVALID with every problem; see problems.h.
template <class Config>
[[nodiscard]] Result<Config> parse(std::string_view text, std::string_view origin) {
  Config config;
  Problems problems(origin);
  read_keys(text, keys_of(config), problems);
  if (problems.empty()) {
    if constexpr (requires { config.complete(); }) config.complete();
    if constexpr (requires { config.check(problems); }) config.check(problems);
  }
  if (!problems.empty()) return fail(problems.error());
  return config;
}

template <class Config>
[[nodiscard]] Result<Config> load(const std::string& path) {
  auto text = read_config_file(path);
  if (!text) return fail(std::move(text.error()));
  return parse<Config>(*text, path);
}

// The effective configuration as commented TOML. Parsed again it gives the same.
template <class Config>
[[nodiscard]] std::string print(const Config& config) {
  Config copy = config;
  return print_keys(keys_of(copy));
}

// A Markdown table with a row a key, as docs/configuration.md shows it.
template <class Config>
[[nodiscard]] std::string reference_table() {
  Config defaults;
  return reference_of_keys(keys_of(defaults));
}

}  // namespace aerodb::config
