// How a configuration is defined: a plain struct with its defaults in place, whose static keys() gives each key one
// row. Reader, printer, docs/configuration.md and its test all work on these rows.
//
//   struct WalConfig {
//     std::string dir;
//     uint64_t segment_bytes = 64 * kMiB;
//     template <class Self, class Visit> static void keys(Self& self, Visit&& visit) {
//       visit("wal.dir", self.dir, {.required = true}, "where the segments are");
//       visit("wal.segment_bytes", self.segment_bytes, {.min = 16 * kMiB, .max = kGiB}, "size of each segment");
//     }
//   };
//
// Two more members are optional, and run in this order once every key was read without trouble:
//   void complete();                             fills in what is derived from other keys
//   void check(config::Problems& problems) const;  rules between keys
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>
#include <vector>

#include "common/base/ids.h"
#include "common/base/log.h"
#include "common/runtime/network.h"

namespace aerodb::config {

inline constexpr uint64_t kKiB = 1024;
inline constexpr uint64_t kMiB = 1024 * kKiB;
inline constexpr uint64_t kGiB = 1024 * kMiB;

inline constexpr std::span<const std::string_view> kAnyText;

// What a value must satisfy beyond its type. A required text is never empty.
struct Rule {
  bool required = false;                                   // no default; a list has at least one element
  bool name = false;                                       // text: 1 to 64 of A-Z a-z 0-9 . _ -
  uint64_t min = 0;                                        // integers: every one states its range, both ends included
  uint64_t max = 0;                                        // integers
  std::span<const std::string_view> one_of = kAnyText;     // text: the only values allowed
  std::optional<std::string_view> derived = std::nullopt;  // where the key is left out: what complete() puts there
};

struct Key;

// An array of tables, element by element. Keys point into the element and are good until the next append().
struct Tables {
  std::function<std::vector<Key>()> append;                 // adds an element with its defaults
  std::function<std::vector<std::vector<Key>>()> elements;  // those there are
};

using Member =
    std::variant<bool*, uint16_t*, uint32_t*, uint64_t*, std::string*, std::optional<std::string>*,
                 std::optional<ClusterId>*, LogLevel*, runtime::Endpoint*, std::vector<std::string>*, Tables>;

// One row. `name` is dotted ("wal.segment_bytes"); within an array of tables it is relative to the element.
struct Key {
  std::string_view name;
  Rule rule;
  std::string_view help;
  Member member;
};

template <class Config>
[[nodiscard]] std::vector<Key> keys_of(Config& config);

// Visitor of keys(): any other member type than those of Member must be a vector of structs with keys().
class KeyCollector {
 public:
  explicit KeyCollector(std::vector<Key>& keys) : keys_(keys) {}

  template <class M>
  void operator()(std::string_view name, M& member, const Rule& rule, std::string_view help) {
    if constexpr (std::is_constructible_v<Member, M*>) {
      keys_.push_back({name, rule, help, Member(&member)});
    } else {
      keys_.push_back({name, rule, help, tables_of(member)});
    }
  }
  template <class M>
  void operator()(std::string_view name, M& member, std::string_view help) {
    (*this)(name, member, Rule{}, help);
  }

 private:
  template <class Element>
  static Tables tables_of(std::vector<Element>& list) {
    return {.append = [&list] { return keys_of(list.emplace_back()); },
            .elements =
                [&list] {
                  std::vector<std::vector<Key>> all;
                  for (Element& element : list) all.push_back(keys_of(element));
                  return all;
                }};
  }
  std::vector<Key>& keys_;
};

template <class Config>
std::vector<Key> keys_of(Config& config) {
  std::vector<Key> keys;
  Config::keys(config, KeyCollector(keys));
  return keys;
}

// Words for people, as errors, printed files and the reference use them.
[[nodiscard]] std::string type_text(const Key& key);   // "integer", "address", "list of tables"
[[nodiscard]] std::string range_text(const Key& key);  // "16777216..1073741824"; empty where the type says it all
// The value as TOML; empty where there is none.
[[nodiscard]] std::string value_text(const Key& key);
[[nodiscard]] std::string_view log_level_name(LogLevel level);
// A TOML basic string, quotes included.
[[nodiscard]] std::string quote(std::string_view text);

}  // namespace aerodb::config
