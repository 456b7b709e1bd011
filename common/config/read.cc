// The only file that knows toml++. It walks the parsed file and the rows side by side: what the file has and no row
// names is unknown, what a row requires and the file lacks is missing, and everything else is checked where it is
// assigned.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <toml++/toml.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <set>

#include "common/base/assert.h"
#include "common/base/bytes.h"
#include "common/config/config.h"

namespace aerodb::config {
namespace {

constexpr size_t kMaxListElements = 1024;
constexpr size_t kMaxShownBytes = 80;

Position position(const toml::source_region& region) {
  return {std::max<uint32_t>(region.begin.line, 1), std::max<uint32_t>(region.begin.column, 1)};
}

std::string shown(const toml::node& node) {
  if (const auto* text = node.as_string()) {
    if (text->get().size() <= kMaxShownBytes) return quote(text->get());
    return fmt::format("a string of {} bytes", text->get().size());
  }
  if (const auto* number = node.as_integer()) return fmt::format("{}", number->get());
  if (const auto* flag = node.as_boolean()) return flag->get() ? "true" : "false";
  if (const auto* number = node.as_floating_point()) return fmt::format("the float {}", number->get());
  if (node.is_table()) return "a table";
  if (node.is_array()) return "an array";
  return "a date or time";
}

std::string expectation(const Key& key) {
  std::string range = range_text(key);
  return range.empty() ? type_text(key) : fmt::format("{}, {}", type_text(key), range);
}

bool is_name(std::string_view text) {
  return !text.empty() && text.size() <= 64 && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
           c == '-';
  });
}

// Puts a node's value into the member; false where it does not fit.
class Assign {
 public:
  Assign(const toml::node& node, const Rule& rule) : node_(node), rule_(rule) {}

  bool operator()(bool* member) const {
    const auto* value = node_.as_boolean();
    if (value != nullptr) *member = value->get();
    return value != nullptr;
  }
  bool operator()(uint16_t* member) const { return integer(member); }
  bool operator()(uint32_t* member) const { return integer(member); }
  bool operator()(uint64_t* member) const { return integer(member); }
  bool operator()(std::string* member) const {
    const auto* value = node_.as_string();
    if (value == nullptr || !text_fits(value->get())) return false;
    *member = value->get();
    return true;
  }
  bool operator()(std::optional<std::string>* member) const { return (*this)(&member->emplace()); }
  bool operator()(std::optional<ClusterId>* member) const {
    const auto* value = node_.as_string();
    if (value == nullptr) return false;
    *member = id_from_hex<ClusterId>(value->get());
    return member->has_value();
  }
  bool operator()(LogLevel* member) const {
    const auto* value = node_.as_string();
    if (value == nullptr) return false;
    for (auto level : {LogLevel::kDebug, LogLevel::kInfo, LogLevel::kWarn, LogLevel::kError}) {
      if (value->get() != log_level_name(level)) continue;
      *member = level;
      return true;
    }
    return false;
  }
  bool operator()(runtime::Endpoint* member) const {
    const auto* value = node_.as_string();
    if (value == nullptr) return false;
    auto endpoint = runtime::Endpoint::parse(value->get());
    if (endpoint) *member = *endpoint;
    return endpoint.has_value();
  }
  bool operator()(std::vector<std::string>* member) const {
    const auto* list = node_.as_array();
    if (list == nullptr || list->size() > kMaxListElements || (rule_.required && list->empty())) return false;
    member->clear();
    for (const toml::node& element : *list) {
      if (!Assign(element, rule_)(&member->emplace_back())) return false;
    }
    return true;
  }
  bool operator()(const Tables&) const { return false; }

 private:
  template <class Integer>
  bool integer(Integer* member) const {
    AERODB_ASSERT(rule_.max > 0 && rule_.max <= std::numeric_limits<Integer>::max());
    const auto* value = node_.as_integer();
    if (value == nullptr || value->get() < 0) return false;
    const auto number = static_cast<uint64_t>(value->get());
    if (number < rule_.min || number > rule_.max) return false;
    *member = static_cast<Integer>(number);
    return true;
  }
  bool text_fits(std::string_view text) const {
    if (rule_.required && text.empty()) return false;
    if (rule_.name && !is_name(text)) return false;
    return rule_.one_of.empty() || std::ranges::find(rule_.one_of, text) != rule_.one_of.end();
  }
  const toml::node& node_;
  const Rule& rule_;
};

// One root: the file itself, or one element of an array of tables. `label` is what stands before its keys in messages.
class Reader {
 public:
  Reader(std::vector<Key> keys, std::string label, Problems& problems)
      : keys_(std::move(keys)), label_(std::move(label)), problems_(problems) {}

  void read(const toml::table& root) {
    walk(root, "");
    for (const Key& key : keys_) {
      if (key.rule.required && !seen_.contains(key.name))
        problems_.add(label_ + std::string(key.name), "nothing", expectation(key));
    }
  }

 private:
  void walk(const toml::table& table, const std::string& prefix) {
    for (auto&& [key, node] : table) {
      const std::string path = prefix + std::string(key.str());
      if (const Key* row = find(path)) {
        problems_.remember(label_ + path, position(node.source()));
        seen_.insert(row->name);
        assign(*row, node);
      } else if (is_table_name(path)) {
        problems_.remember(label_ + path, position(node.source()));
        if (const auto* inner = node.as_table()) {
          walk(*inner, path + ".");
        } else {
          problems_.add(position(node.source()), label_ + path, shown(node), "a table");
        }
      } else {
        problems_.add(position(key.source()), label_ + path, "an unknown key", "one of " + known_under(prefix));
      }
    }
  }

  void assign(const Key& key, const toml::node& node) {
    if (const auto* tables = std::get_if<Tables>(&key.member)) return assign_tables(key, *tables, node);
    if (!std::visit(Assign(node, key.rule), key.member)) {
      problems_.add(position(node.source()), label_ + std::string(key.name), shown(node), expectation(key));
    }
  }

  void assign_tables(const Key& key, const Tables& tables, const toml::node& node) {
    const auto* list = node.as_array();
    const std::string name = label_ + std::string(key.name);
    if (list == nullptr || list->size() > kMaxListElements || (key.rule.required && list->empty())) {
      problems_.add(position(node.source()), name,
                    list == nullptr ? shown(node) : fmt::format("{} elements", list->size()), expectation(key));
      return;
    }
    for (size_t i = 0; i < list->size(); ++i) {
      const toml::node& element = *list->get(i);
      const std::string label = fmt::format("{}[{}]", name, i);
      problems_.remember(label, position(element.source()));
      if (const auto* table = element.as_table()) {
        Reader(tables.append(), label + ".", problems_).read(*table);
      } else {
        problems_.add(label, shown(element), "a table");
      }
    }
  }

  const Key* find(std::string_view path) const {
    auto row = std::ranges::find(keys_, path, &Key::name);
    return row == keys_.end() ? nullptr : &*row;
  }
  bool is_table_name(const std::string& path) const {
    return std::ranges::any_of(keys_, [&](const Key& key) { return key.name.starts_with(path + "."); });
  }
  // The keys and tables directly below `prefix`, in order of definition.
  std::string known_under(std::string_view prefix) const {
    std::vector<std::string_view> names;
    for (const Key& key : keys_) {
      if (!key.name.starts_with(prefix)) continue;
      std::string_view rest = key.name.substr(prefix.size());
      rest = rest.substr(0, rest.find('.'));
      if (std::ranges::find(names, rest) == names.end()) names.push_back(rest);
    }
    return fmt::format("{}", fmt::join(names, ", "));
  }

  std::vector<Key> keys_;
  std::string label_;
  Problems& problems_;
  std::set<std::string_view> seen_;
};

std::optional<toml::table> parse_toml(std::string_view text, Problems& problems) {
  if (text.size() > kMaxConfigBytes) {
    problems.add("TOML", fmt::format("{} bytes", text.size()), fmt::format("at most {} bytes", kMaxConfigBytes));
    return std::nullopt;
  }
  try {
    return toml::parse(text);
  } catch (const toml::parse_error& error) {
    problems.add(position(error.source()), "TOML", fmt::format("\"{}\"", error.description()), "valid TOML 1.0");
    return std::nullopt;
  }
}

constexpr ConfigKind kKinds[] = {ConfigKind::kNode, ConfigKind::kShipper, ConfigKind::kExplainer,
                                 ConfigKind::kControlplane};

}  // namespace

std::string_view config_kind_name(ConfigKind kind) {
  switch (kind) {
    case ConfigKind::kNode:
      return "node";
    case ConfigKind::kShipper:
      return "shipper";
    case ConfigKind::kExplainer:
      return "explainer";
    case ConfigKind::kControlplane:
      return "controlplane";
  }
  return "";
}

Result<ConfigKind> kind_of_config(std::string_view text) {
  Problems problems("configuration");
  auto root = parse_toml(text, problems);
  if (!root) return fail(problems.error());
  std::vector<ConfigKind> found;
  std::vector<std::string> names;
  for (ConfigKind kind : kKinds) {
    const auto* node = root->get(config_kind_name(kind));
    // [[node]] lists the nodes that another role talks to; it does not make the file a node's.
    if (node == nullptr || !node->is_table()) continue;
    found.push_back(kind);
    names.push_back(fmt::format("[{}]", config_kind_name(kind)));
  }
  if (found.size() == 1) return found.front();
  problems.add(
      "TOML", found.empty() ? "none of the four tables that name a role" : fmt::format("{}", fmt::join(names, " and ")),
      "exactly one of [node], [shipper], [explainer], [controlplane]");
  return fail(problems.error());
}

void read_keys(std::string_view text, std::vector<Key> keys, Problems& problems) {
  auto root = parse_toml(text, problems);
  if (root) Reader(std::move(keys), "", problems).read(*root);
}

Result<std::string> read_config_file(const std::string& path) {
  const auto refuse = [&](std::string_view found) {
    Problems problems(path);
    problems.add("file", found, "a readable TOML file");
    return fail(problems.error());
  };
  std::ifstream file(path, std::ios::binary);
  if (!file) return refuse(std::strerror(errno));
  // One byte more than allowed, so that a file that is too large is seen as such.
  std::string text(kMaxConfigBytes + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (file.bad() || (file.fail() && !file.eof())) return refuse("a read error");
  text.resize(static_cast<size_t>(file.gcount()));
  return text;
}

}  // namespace aerodb::config
