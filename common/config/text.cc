#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "common/base/bytes.h"
#include "common/config/config.h"

namespace aerodb::config {
namespace {

constexpr std::string_view kLogLevels = "debug, info, warn, error";

struct TypeText {
  std::string_view operator()(const bool*) const { return "boolean"; }
  std::string_view operator()(const uint16_t*) const { return "integer"; }
  std::string_view operator()(const uint32_t*) const { return "integer"; }
  std::string_view operator()(const uint64_t*) const { return "integer"; }
  std::string_view operator()(const std::string*) const { return "string"; }
  std::string_view operator()(const std::optional<std::string>*) const { return "string"; }
  std::string_view operator()(const std::optional<ClusterId>*) const { return "id"; }
  std::string_view operator()(const LogLevel*) const { return "string"; }
  std::string_view operator()(const runtime::Endpoint*) const { return "address"; }
  std::string_view operator()(const std::vector<std::string>*) const { return "list of strings"; }
  std::string_view operator()(const Tables&) const { return "list of tables"; }
};

struct ValueText {
  std::string operator()(const bool* value) const { return *value ? "true" : "false"; }
  std::string operator()(const uint16_t* value) const { return fmt::format("{}", *value); }
  std::string operator()(const uint32_t* value) const { return fmt::format("{}", *value); }
  std::string operator()(const uint64_t* value) const { return fmt::format("{}", *value); }
  std::string operator()(const std::string* value) const { return quote(*value); }
  std::string operator()(const std::optional<std::string>* value) const { return *value ? quote(**value) : ""; }
  std::string operator()(const std::optional<ClusterId>* value) const { return *value ? quote(to_hex(**value)) : ""; }
  std::string operator()(const LogLevel* value) const { return quote(log_level_name(*value)); }
  std::string operator()(const runtime::Endpoint* value) const {
    return *value == runtime::Endpoint{} ? "" : quote(value->text());
  }
  std::string operator()(const std::vector<std::string>* value) const {
    std::vector<std::string> quoted;
    std::ranges::transform(*value, std::back_inserter(quoted), quote);
    return fmt::format("[{}]", fmt::join(quoted, ", "));
  }
  std::string operator()(const Tables&) const { return ""; }
};

std::string_view table_of(const Key& key) {
  size_t dot = key.name.rfind('.');
  return dot == std::string_view::npos ? std::string_view{} : key.name.substr(0, dot);
}

void print_key(const Key& key, std::string& out) {
  size_t dot = key.name.rfind('.');
  std::string_view leaf = dot == std::string_view::npos ? key.name : key.name.substr(dot + 1);
  std::string range = range_text(key);
  out += fmt::format("# {} ({}{}{})\n", key.help, type_text(key), range.empty() ? "" : ", ", range);
  std::string value = value_text(key);
  out += value.empty() ? fmt::format("# {} is not set\n", leaf) : fmt::format("{} = {}\n", leaf, value);
}

void print_tables(const Key& key, std::string& out) {
  for (const auto& element : std::get<Tables>(key.member).elements()) {
    out += fmt::format("\n# {}\n[[{}]]\n", key.help, key.name);
    for (const Key& inner : element) print_key(inner, out);
  }
}

std::string default_text(const Key& key) {
  if (key.rule.required) return "required";
  if (key.rule.derived) return std::string(*key.rule.derived);
  if (std::holds_alternative<Tables>(key.member)) return "none";
  std::string value = value_text(key);
  return value.empty() ? "not set" : fmt::format("`{}`", value);
}

void reference_row(const Key& key, std::string_view name, std::string& out) {
  out +=
      fmt::format("| `{}` | {} | {} | {} | {} |\n", name, type_text(key), range_text(key), default_text(key), key.help);
}

}  // namespace

std::string_view log_level_name(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return "debug";
    case LogLevel::kInfo:
      return "info";
    case LogLevel::kWarn:
      return "warn";
    case LogLevel::kError:
      return "error";
  }
  return "";
}

std::string quote(std::string_view text) {
  std::string out = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      out += fmt::format("\\u{:04x}", static_cast<unsigned char>(c));
    } else {
      out += c;
    }
  }
  return out + '"';
}

std::string type_text(const Key& key) { return std::string(std::visit(TypeText{}, key.member)); }

std::string range_text(const Key& key) {
  if (std::holds_alternative<LogLevel*>(key.member)) return fmt::format("one of {}", kLogLevels);
  if (std::holds_alternative<std::optional<ClusterId>*>(key.member)) return "32 hex digits";
  if (std::holds_alternative<runtime::Endpoint*>(key.member)) return "HOST:PORT or unix:PATH";
  if (key.rule.max > 0) return fmt::format("{} to {}", key.rule.min, key.rule.max);
  if (!key.rule.one_of.empty()) return fmt::format("one of {}", fmt::join(key.rule.one_of, ", "));
  if (key.rule.name) return "1 to 64 of A-Z a-z 0-9 . _ -";
  if (!key.rule.required) return "";
  return std::holds_alternative<std::string*>(key.member) ? "not empty" : "at least one";
}

std::string value_text(const Key& key) { return std::visit(ValueText{}, key.member); }

std::string print_keys(const std::vector<Key>& keys) {
  // TOML opens a table once: keys without a table come first, then each table where its first key stands.
  std::vector<std::string_view> tables = {""};
  for (const Key& key : keys) {
    if (std::ranges::find(tables, table_of(key)) == tables.end()) tables.push_back(table_of(key));
  }
  std::string out;
  for (std::string_view table : tables) {
    if (!table.empty()) out += fmt::format("{}[{}]\n", out.empty() ? "" : "\n", table);
    for (const Key& key : keys) {
      if (table_of(key) == table && !std::holds_alternative<Tables>(key.member)) print_key(key, out);
    }
  }
  for (const Key& key : keys) {
    if (std::holds_alternative<Tables>(key.member)) print_tables(key, out);
  }
  return out;
}

std::string reference_of_keys(const std::vector<Key>& keys) {
  std::string out = "| key | type | range | default | what it is |\n| --- | --- | --- | --- | --- |\n";
  for (const Key& key : keys) {
    const auto* tables = std::get_if<Tables>(&key.member);
    if (tables == nullptr) {
      reference_row(key, key.name, out);
      continue;
    }
    reference_row(key, fmt::format("[[{}]]", key.name), out);
    for (const Key& inner : tables->append()) reference_row(inner, fmt::format("[[{}]] {}", key.name, inner.name), out);
  }
  return out;
}

}  // namespace aerodb::config
