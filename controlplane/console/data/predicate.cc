#include "controlplane/console/data/predicate.h"

#include <fmt/format.h>

#include <charconv>

#include "common/document/msgpack.h"

namespace aerodb::console {
namespace {

struct Operator {
  std::string_view text;
  std::string_view name;
};
// Longer ones first.
constexpr Operator kOperators[] = {{"<=", "le"}, {">=", "ge"}, {"<", "lt"}, {">", "gt"}, {"=", "eq"}};

template <class T>
bool read_whole(std::string_view text, T& value) {
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  return error == std::errc() && stop == end;
}

bool pack_value(std::string_view text, document::FieldType type, Bytes& out) {
  document::PackWriter writer(out);
  switch (type) {
    case document::FieldType::kString:
      writer.text(text);
      return true;
    case document::FieldType::kInt: {
      int64_t number = 0;
      if (!read_whole(text, number)) return false;
      writer.integer(number);
      return true;
    }
    case document::FieldType::kFloat: {
      double number = 0;
      if (!read_whole(text, number)) return false;
      writer.number(number);
      return true;
    }
    case document::FieldType::kBool:
      if (text != "true" && text != "false") return false;
      writer.boolean(text == "true");
      return true;
    case document::FieldType::kBytes: {
      const auto bytes = from_hex(text);
      if (!bytes) return false;
      writer.bytes(*bytes);
      return true;
    }
    case document::FieldType::kObject:
    case document::FieldType::kArray:
      return false;
  }
  return false;
}

}  // namespace

Result<Predicate> parse_predicate(std::string_view text, const document::Schema& schema) {
  const size_t at = text.find_first_of("<>=");
  if (at == std::string_view::npos || at == 0) {
    return fail(ErrorCode::kUsage, fmt::format("--where \"{}\": expected FIELD, one of < <= > >= =, VALUE", text));
  }
  Predicate predicate{std::string(text.substr(0, at)), {}, {}};
  std::string_view value = text.substr(at);
  for (const auto& op : kOperators) {
    if (!value.starts_with(op.text)) continue;
    predicate.op = op.name;
    value.remove_prefix(op.text.size());
    break;
  }
  const auto* field = schema.find(predicate.field);
  if (field == nullptr) {
    return fail(ErrorCode::kUsage, fmt::format("--where \"{}\": {} version {} declares no field \"{}\"", text,
                                               schema.collection, schema.version, predicate.field));
  }
  if (!pack_value(value, field->type, predicate.value)) {
    return fail(ErrorCode::kUsage, fmt::format("--where \"{}\": \"{}\" is no value of type {}", text, value,
                                               document::field_type_name(field->type)));
  }
  return predicate;
}

}  // namespace aerodb::console
