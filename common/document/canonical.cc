#include "common/document/canonical.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "common/document/packed.h"

namespace aerodb::document {
namespace {

// A place in a document, as a list from the inside out on the stack: its path is spelled only if something is refused.
struct Place {
  const Place* parent = nullptr;  // nullptr: the document itself
  std::string_view name;          // a member of an object, or
  uint32_t index = 0;             // an element of an array, where the name is empty
};

std::string path_of(const Place& place) {
  if (place.parent == nullptr) return {};
  std::string path = path_of(*place.parent);
  if (place.name.empty()) return fmt::format("{}[{}]", path, place.index);
  return path.empty() ? std::string(place.name) : fmt::format("{}.{}", path, place.name);
}

bool is_document_id(const Place& place) { return place.parent->parent == nullptr && place.name == "_id"; }

// A key of any length (valid UTF-8) as it may stand in a message.
std::string shown(std::string_view key) {
  if (key.empty()) return "\"\"";
  if (key.size() <= kMaxNameBytes) return std::string(key);
  size_t cut = kMaxNameBytes;
  while ((static_cast<uint8_t>(key[cut]) & 0xc0) == 0x80) --cut;
  return fmt::format("{}...", key.substr(0, cut));
}

const Field* find_field(const std::vector<Field>& fields, std::string_view name) {
  auto at = std::lower_bound(fields.begin(), fields.end(), name,
                             [](const Field& field, std::string_view wanted) { return field.name < wanted; });
  return at != fields.end() && at->name == name ? &*at : nullptr;
}

// What both walks refuse, in the same words. Every function answers false, so that a walk is `return refuse(...)`.
class Refusals {
 public:
  [[nodiscard]] Error take() { return std::move(*error_); }

 protected:
  bool refuse(ErrorCode code, const Place& place, std::string_view cause) {
    auto path = path_of(place);
    error_ =
        Error{code, path.empty() ? fmt::format("document: {}", cause) : fmt::format("field {}: {}", path, cause), {}};
    if (!path.empty()) error_->with("field", path);
    return false;
  }
  bool invalid(const Place& place, std::string_view cause) { return refuse(ErrorCode::kDocumentInvalid, place, cause); }
  bool wrong_type(const Place& place, std::string_view expected, std::string_view found) {
    refuse(ErrorCode::kWrongType, place, fmt::format("expected {}, found {}", expected, found));
    error_->with("expected", expected).with("found", found);
    return false;
  }
  bool wrong_type(const Place& place, FieldType expected, const Token& found) {
    if (found.type == Type::kUint && expected == FieldType::kInt) {
      return wrong_type(place, "int", fmt::format("{}, which is beyond int64", found.unsigned_integer));
    }
    return wrong_type(place, field_type_name(expected), type_name(found.type));
  }
  bool undeclared(const Place& object, std::string_view key) {
    std::string name = shown(key);
    return refuse(ErrorCode::kUndeclaredField, {&object, name}, "is not declared by the schema");
  }
  bool missing(const Place& object, const Field& field) {
    return refuse(ErrorCode::kMissingRequired, {&object, field.name}, "is required and missing");
  }
  bool duplicate(const Place& object, const Field& field) {
    return refuse(ErrorCode::kDuplicateKey, {&object, field.name}, "is given twice");
  }
  bool too_large(const Place& root, uint64_t bytes, uint32_t max_bytes) {
    refuse(ErrorCode::kDocumentTooLarge, root, fmt::format("more than {} bytes in canonical form", max_bytes));
    error_->with("max_bytes", max_bytes).with("bytes_at_least", bytes);
    return false;
  }
  bool check_text(std::string_view text, const Place& place) {
    if (!is_valid_utf8(text)) return invalid(place, "the string is not valid UTF-8");
    if (is_document_id(place) && (text.empty() || text.size() > kMaxIdBytes)) {
      return invalid(place, fmt::format("must be 1 to {} bytes, found {}", kMaxIdBytes, text.size()));
    }
    return true;
  }
  bool check_finite(double number, const Place& place) {
    if (std::isfinite(number)) return true;
    return invalid(place, std::isnan(number) ? "NaN can't be stored" : "an infinity can't be stored");
  }

 private:
  std::optional<Error> error_;
};

// Writes a document's canonical form; recursion follows the schema, whose nesting is bounded.
class Canonicalizer : public Refusals {
 public:
  Canonicalizer(uint32_t max_bytes, Bytes& out) : max_bytes_(max_bytes), start_(out.size()), writer_(out) {}

  bool document(Cursor document, const Schema& schema) {
    Place root;
    if (document.type() != Type::kMap) {
      return invalid(root, fmt::format("expected a map, found {}", type_name(document.type())));
    }
    return object(document, schema.fields, root);
  }

 private:
  static constexpr uint32_t kAbsent = 0;  // token 0 is never inside a map

  bool object(Cursor map, const std::vector<Field>& fields, const Place& place) {
    constexpr size_t kSlotsOnStack = 64;
    std::array<uint32_t, kSlotsOnStack> on_stack;
    std::vector<uint32_t> on_heap;
    if (fields.size() > kSlotsOnStack) on_heap.resize(fields.size());
    std::span<uint32_t> slots(on_heap.empty() ? on_stack.data() : on_heap.data(), fields.size());
    std::fill(slots.begin(), slots.end(), kAbsent);
    if (!sort_into(slots, map, fields, place)) return false;

    writer_.map(map.token().size);
    for (size_t i = 0; i < fields.size(); ++i) {
      if (slots[i] == kAbsent) {
        if (fields[i].required) return missing(place, fields[i]);
        continue;
      }
      writer_.text(fields[i].name);
      if (!value(map.at(slots[i]), fields[i], {&place, fields[i].name})) return false;
    }
    return true;
  }

  // Puts the index of each value into the slot of its field.
  bool sort_into(std::span<uint32_t> slots, Cursor map, const std::vector<Field>& fields, const Place& place) {
    Cursor at = map.first();
    size_t likely = 0;  // most writers give the keys in one order again and again, often this one
    for (uint32_t pair = 0; pair < map.token().size; ++pair) {
      auto key = at.text();
      if (!key) return invalid(place, fmt::format("a key is a {}, not a string", type_name(at.type())));
      if (likely == fields.size() || fields[likely].name != *key) {
        const Field* field = find_field(fields, *key);
        if (field == nullptr)
          return is_valid_utf8(*key) ? undeclared(place, *key) : invalid(place, "a key is not valid UTF-8");
        likely = static_cast<size_t>(field - fields.data());
      }
      if (slots[likely] != kAbsent) return duplicate(place, fields[likely]);
      Cursor value = at.skip();
      slots[likely] = value.index();
      at = value.skip();
      ++likely;
    }
    return true;
  }

  bool value(Cursor given, const Field& field, const Place& place) {
    if (!typed(given, field, place)) return false;
    auto size = writer_.size() - start_;
    if (size > max_bytes_) return too_large({}, size, max_bytes_);
    return true;
  }

  bool typed(Cursor given, const Field& field, const Place& place) {
    switch (field.type) {
      case FieldType::kString: {
        auto text = given.text();
        if (!text) break;
        if (!check_text(*text, place)) return false;
        writer_.text(*text);
        return true;
      }
      case FieldType::kInt:
        if (given.type() != Type::kInt) break;
        writer_.integer(given.token().integer);
        return true;
      case FieldType::kFloat:
        return number(given, place);
      case FieldType::kBool:
        if (given.type() != Type::kBool) break;
        writer_.boolean(given.token().boolean);
        return true;
      case FieldType::kBytes: {
        auto bytes = given.bytes();
        if (!bytes) break;
        writer_.bytes(*bytes);
        return true;
      }
      case FieldType::kObject:
        if (given.type() != Type::kMap) break;
        return object(given, field.fields, place);
      case FieldType::kArray:
        if (given.type() != Type::kArray) break;
        return array(given, *field.element, place);
    }
    return wrong_type(place, field.type, given.token());
  }

  bool number(Cursor given, const Place& place) {
    if (given.type() == Type::kInt || given.type() == Type::kUint) {
      auto exact = exact_float(given.token());
      if (!exact) return wrong_type(place, "float", "an integer that float64 does not hold exactly");
      writer_.number(*exact);
      return true;
    }
    auto number = given.number();
    if (!number) return wrong_type(place, FieldType::kFloat, given.token());
    if (!check_finite(*number, place)) return false;
    writer_.number(*number == 0 ? 0.0 : *number);
    return true;
  }

  bool array(Cursor given, const Field& element, const Place& place) {
    writer_.array(given.token().size);
    Cursor at = given.first();
    for (uint32_t i = 0; i < given.token().size; ++i, at = at.skip()) {
      if (!value(at, element, {&place, {}, i})) return false;
    }
    return true;
  }

  uint32_t max_bytes_;
  size_t start_;
  StagedPackWriter writer_;
};

// Follows canonical bytes and stops at the first that canonicalize would not have written.
class CanonicalCheck : public Refusals {
 public:
  explicit CanonicalCheck(ByteSpan bytes) : bytes_(bytes), reader_(bytes) {}

  bool document(const Schema& schema, uint32_t max_bytes) {
    Place root;
    if (bytes_.size() > max_bytes) return too_large(root, bytes_.size(), max_bytes);
    Token head;
    if (!read(head, root)) return false;
    if (head.type != Type::kMap) return invalid(root, fmt::format("expected a map, found {}", type_name(head.type)));
    if (!object(head.size, schema.fields, root)) return false;
    return reader_.at_end() || invalid(root, fmt::format("{} bytes after the end", bytes_.size() - reader_.offset()));
  }

 private:
  bool read(Token& token, const Place& place) {
    if (!reader_.next(token)) {
      return invalid(place, fmt::format("offset {}: the bytes end early or are no document", reader_.offset()));
    }
    return reader_.shortest() || invalid(place, fmt::format("a {} is not in its shortest form", type_name(token.type)));
  }

  bool object(uint32_t pairs, const std::vector<Field>& fields, const Place& place) {
    size_t next = 0;  // the first field that may still come
    const Field* left_out = nullptr;
    for (uint32_t pair = 0; pair < pairs; ++pair) {
      Token token;
      if (!read(token, place)) return false;
      if (token.type != Type::kString) {
        return invalid(place, fmt::format("a key is a {}, not a string", type_name(token.type)));
      }
      std::string_view key = reader_.text(token);
      size_t found = next;
      while (found < fields.size() && fields[found].name < key) {
        if (fields[found].required && left_out == nullptr) left_out = &fields[found];
        ++found;
      }
      if (found == fields.size() || fields[found].name != key) return misplaced(key, next, fields, place);
      next = found + 1;
      if (!value(fields[found], {&place, fields[found].name})) return false;
    }
    for (; next < fields.size(); ++next) {
      if (fields[next].required && left_out == nullptr) left_out = &fields[next];
    }
    return left_out == nullptr || missing(place, *left_out);
  }

  bool misplaced(std::string_view key, size_t next, const std::vector<Field>& fields, const Place& place) {
    if (!is_valid_utf8(key)) return invalid(place, "a key is not valid UTF-8");
    const Field* field = find_field(fields, key);
    if (field == nullptr) return undeclared(place, key);
    if (next > 0 && field == &fields[next - 1]) return duplicate(place, *field);
    return invalid({&place, field->name}, "keys are not in byte order");
  }

  bool value(const Field& field, const Place& place) {
    Token token;
    if (!read(token, place)) return false;
    switch (field.type) {
      case FieldType::kString:
        if (token.type == Type::kString) return check_text(reader_.text(token), place);
        break;
      case FieldType::kInt:
        if (token.type == Type::kInt) return true;
        break;
      case FieldType::kFloat:
        if (token.type != Type::kFloat) break;
        if (token.number == 0 && std::signbit(token.number)) return invalid(place, "-0.0 is not canonical");
        return check_finite(token.number, place);
      case FieldType::kBool:
        if (token.type == Type::kBool) return true;
        break;
      case FieldType::kBytes:
        if (token.type == Type::kBytes) return true;
        break;
      case FieldType::kObject:
        if (token.type == Type::kMap) return object(token.size, field.fields, place);
        break;
      case FieldType::kArray:
        if (token.type == Type::kArray) return array(token.size, *field.element, place);
        break;
    }
    return wrong_type(place, field.type, token);
  }

  bool array(uint32_t count, const Field& element, const Place& place) {
    for (uint32_t i = 0; i < count; ++i) {
      if (!value(element, {&place, {}, i})) return false;
    }
    return true;
  }

  ByteSpan bytes_;
  PackedReader reader_;
};

}  // namespace

Result<void> canonicalize(Cursor document, const Schema& schema, uint32_t max_bytes, Bytes& out) {
  const size_t before = out.size();
  std::optional<Error> refused;
  {
    Canonicalizer canonicalizer(max_bytes, out);
    if (!canonicalizer.document(document, schema)) refused = canonicalizer.take();
  }
  if (!refused) return {};
  out.resize(before);
  return fail(std::move(*refused));
}

Result<void> check_canonical(ByteSpan bytes, const Schema& schema, uint32_t max_bytes) {
  CanonicalCheck check(bytes);
  if (check.document(schema, max_bytes)) return {};
  return fail(check.take());
}

}  // namespace aerodb::document
