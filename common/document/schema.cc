#include "common/document/schema.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/document/canonical.h"

namespace aerodb::document {
namespace {

constexpr std::string_view kTypeNames[] = {"string", "int", "float", "bool", "bytes", "object", "array"};

std::unexpected<Error> invalid(std::string_view place, std::string_view cause) {
  return fail(ErrorCode::kSchemaInvalid, fmt::format("schema: {}: {}", place, cause));
}

bool may_be_indexed(FieldType type) { return type != FieldType::kObject && type != FieldType::kArray; }

bool name_less(const Field& field, std::string_view name) { return field.name < name; }

const Field* find_in(const std::vector<Field>& fields, std::string_view name) {
  auto at = std::lower_bound(fields.begin(), fields.end(), name, name_less);
  return at != fields.end() && at->name == name ? &*at : nullptr;
}

// Where a field stands in its schema, and what that forbids.
struct Site {
  std::string path;  // dotted; "tags[]" is the element of the array "tags"
  bool in_array = false;
  size_t nesting = 1;  // objects and arrays around it

  [[nodiscard]] std::string field() const { return "field " + path; }
  [[nodiscard]] Site member(std::string_view name) const {
    return {path.empty() ? std::string(name) : fmt::format("{}.{}", path, name), in_array, nesting};
  }
};

// The keys of one map, each at most once; nullopt where absent.
struct Keys {
  std::optional<Cursor> collection, version, fields, name, type, required, indexed, element;
};

class SchemaDecoder {
 public:
  Result<Schema> decode(Cursor map) {
    auto keys = read_keys(map, "schema", {"collection", "version", "fields"});
    if (!keys) return fail(keys.error());
    Schema schema;
    auto collection = keys->collection ? keys->collection->text() : std::nullopt;
    if (!collection) return invalid("collection", "a string is required");
    if (auto checked = check_name(*collection, "collection"); !checked) return fail(checked.error());
    schema.collection = *collection;
    auto version = keys->version ? keys->version->unsigned_integer() : std::nullopt;
    if (!version || *version == 0 || *version > UINT32_MAX)
      return invalid("version", "an int from 1 to 4294967295 is required");
    schema.version = static_cast<uint32_t>(*version);
    if (!keys->fields) return invalid("fields", "an array of fields is required");
    auto fields = decode_fields(*keys->fields, Site{});
    if (!fields) return fail(fields.error());
    schema.fields = std::move(*fields);
    if (auto checked = check_id(schema); !checked) return fail(checked.error());
    return schema;
  }

 private:
  static Result<void> check_id(const Schema& schema) {
    const Field* id = find_in(schema.fields, "_id");
    if (id == nullptr) return invalid("field _id", "is required in every schema");
    if (id->type != FieldType::kString || !id->required) return invalid("field _id", "must be a required string");
    if (id->indexed) return invalid("field _id", "can't be declared indexed: it is the key");
    return {};
  }

  static Result<void> check_name(std::string_view name, std::string_view what) {
    if (name.empty()) return invalid(what, "the name is empty");
    if (name.size() > kMaxNameBytes) {
      return invalid(what, fmt::format("a name of {} bytes is longer than {}", name.size(), kMaxNameBytes));
    }
    if (!is_valid_utf8(name)) return invalid(what, "the name is not valid UTF-8");
    return {};
  }

  static Result<Keys> read_keys(Cursor map, std::string_view place, std::initializer_list<std::string_view> allowed) {
    if (map.type() != Type::kMap) return invalid(place, fmt::format("expected a map, found {}", type_name(map.type())));
    Keys keys;
    Cursor at = map.first();
    for (uint32_t pair = 0; pair < map.token().size; ++pair) {
      auto key = at.text();
      Cursor value = at.skip();
      at = value.skip();
      if (!key) return invalid(place, "a key is not a string");
      if (std::find(allowed.begin(), allowed.end(), *key) == allowed.end()) {
        return invalid(place, is_valid_utf8(*key) ? fmt::format("unknown key {:.64}", *key) : "unknown key");
      }
      auto& slot = slot_of(keys, *key);
      if (slot) return invalid(place, fmt::format("key {} is given twice", *key));
      slot = value;
    }
    return keys;
  }

  static std::optional<Cursor>& slot_of(Keys& keys, std::string_view key) {
    if (key == "collection") return keys.collection;
    if (key == "version") return keys.version;
    if (key == "fields") return keys.fields;
    if (key == "name") return keys.name;
    if (key == "type") return keys.type;
    if (key == "required") return keys.required;
    if (key == "indexed") return keys.indexed;
    return keys.element;
  }

  Result<std::vector<Field>> decode_fields(Cursor list, const Site& site) {
    auto place = site.path.empty() ? std::string("fields") : site.field();
    if (list.type() != Type::kArray) {
      return invalid(place, fmt::format("fields must be an array, found {}", type_name(list.type())));
    }
    std::vector<Field> fields;
    Cursor at = list.first();
    for (uint32_t i = 0; i < list.token().size; ++i, at = at.skip()) {
      auto field = decode_named(at, site, place);
      if (!field) return fail(field.error());
      fields.push_back(std::move(*field));
    }
    std::sort(fields.begin(), fields.end(), [](const Field& a, const Field& b) { return a.name < b.name; });
    auto twice = std::adjacent_find(fields.begin(), fields.end(),
                                    [](const Field& a, const Field& b) { return a.name == b.name; });
    if (twice != fields.end()) return invalid(site.member(twice->name).field(), "is declared twice");
    return fields;
  }

  Result<Field> decode_named(Cursor map, const Site& around, std::string_view place) {
    auto name_value = map.find("name");
    auto name = name_value ? name_value->text() : std::nullopt;
    if (!name) return invalid(place, "a field has no name");
    if (auto checked = check_name(*name, place); !checked) return fail(checked.error());
    Site site = around.member(*name);
    if (name->find('.') != std::string_view::npos) return invalid(site.field(), "a name can't contain a dot");
    auto field = decode_field(map, site);
    if (field) field->name = *name;
    return field;
  }

  Result<Field> decode_element(Cursor map, const Site& array) {
    Site site{array.path + "[]", true, array.nesting + 1};
    auto field = decode_field(map, site);
    if (!field) return field;
    auto name = map.find("name");
    if (name && name->text() != "") return invalid(site.field(), "an element has no name");
    if (field->required) return invalid(site.field(), "an element can't be required");
    return field;
  }

  // All but the name.
  Result<Field> decode_field(Cursor map, const Site& site) {
    if (++count_ > kMaxFields) return invalid(site.field(), fmt::format("more than {} fields", kMaxFields));
    auto keys = read_keys(map, site.field(), {"name", "type", "required", "indexed", "fields", "element"});
    if (!keys) return fail(keys.error());
    auto type_text = keys->type ? keys->type->text() : std::nullopt;
    if (!type_text) return invalid(site.field(), "type is required");
    auto type = field_type_from_name(*type_text);
    if (!type) {
      return invalid(site.field(),
                     is_valid_utf8(*type_text) ? fmt::format("unknown type {:.64}", *type_text) : "unknown type");
    }
    Field field;
    field.type = *type;
    for (auto [key, flag, name] : {std::tuple{keys->required, &field.required, "required"},
                                   std::tuple{keys->indexed, &field.indexed, "indexed"}}) {
      if (!key) continue;
      if (key->type() != Type::kBool) return invalid(site.field(), fmt::format("{} must be a bool", name));
      *flag = *key->boolean();
    }
    if (field.indexed && !may_be_indexed(field.type)) {
      return invalid(site.field(), fmt::format("a field of type {} can't be indexed", *type_text));
    }
    if (field.indexed && site.in_array) return invalid(site.field(), "a field inside an array can't be indexed");
    if (auto read = decode_inner(*keys, site, field); !read) return fail(read.error());
    return field;
  }

  Result<void> decode_inner(const Keys& keys, const Site& site, Field& field) {
    bool is_object = field.type == FieldType::kObject;
    bool is_array = field.type == FieldType::kArray;
    if (is_object != keys.fields.has_value()) {
      return invalid(site.field(), is_object ? "an object needs fields" : "only an object has fields");
    }
    if (is_array != keys.element.has_value()) {
      return invalid(site.field(), is_array ? "an array needs an element" : "only an array has an element");
    }
    if ((is_object || is_array) && site.nesting >= kMaxNesting) {
      return invalid(site.field(), fmt::format("objects and arrays nest deeper than {}", kMaxNesting));
    }
    if (is_object) {
      auto fields = decode_fields(*keys.fields, {site.path, site.in_array, site.nesting + 1});
      if (!fields) return fail(fields.error());
      field.fields = std::move(*fields);
    }
    if (is_array) {
      auto element = decode_element(*keys.element, site);
      if (!element) return fail(element.error());
      field.element = std::make_shared<const Field>(std::move(*element));
    }
    return {};
  }

  size_t count_ = 0;
};

void encode_fields(const std::vector<Field>& fields, PackWriter& out);

void encode_field(const Field& field, PackWriter& out) {
  bool is_object = field.type == FieldType::kObject;
  bool is_array = field.type == FieldType::kArray;
  out.map(4 + (is_object ? 1 : 0) + (is_array ? 1 : 0));
  if (is_array) {
    out.text("element");
    encode_field(*field.element, out);
  }
  if (is_object) {
    out.text("fields");
    encode_fields(field.fields, out);
  }
  out.field("indexed", field.indexed);
  out.field("name", std::string_view(field.name));
  out.field("required", field.required);
  out.field("type", field_type_name(field.type));
}

void encode_fields(const std::vector<Field>& fields, PackWriter& out) {
  out.array(static_cast<uint32_t>(fields.size()));
  for (const auto& field : fields) encode_field(field, out);
}

Result<void> check_fields(const std::vector<Field>& previous, const std::vector<Field>& next, const Site& site);

Result<void> check_field(const Field& previous, const Field& next, const Site& site) {
  auto changed = [&](std::string_view what) {
    return invalid(site.field(), fmt::format("{} differs from the version before", what));
  };
  if (previous.type != next.type) return changed("type");
  if (previous.required != next.required) return changed("required");
  if (previous.indexed != next.indexed) return changed("indexed");
  if (previous.type == FieldType::kArray)
    return check_field(*previous.element, *next.element, {site.path + "[]", true, 1});
  return check_fields(previous.fields, next.fields, site);
}

Result<void> check_fields(const std::vector<Field>& previous, const std::vector<Field>& next, const Site& site) {
  for (const auto& field : previous) {
    Site place = site.member(field.name);
    const Field* kept = find_in(next, field.name);
    if (kept == nullptr) return invalid(place.field(), "is in the version before and can't be left out");
    if (auto checked = check_field(field, *kept, place); !checked) return checked;
  }
  for (const auto& field : next) {
    if (field.required && find_in(previous, field.name) == nullptr) {
      return invalid(site.member(field.name).field(), "a new field can't be required");
    }
  }
  return {};
}

void collect_indexed(const std::vector<Field>& fields, const std::string& prefix, std::vector<std::string>& out) {
  for (const auto& field : fields) {
    std::string path = prefix + field.name;
    if (field.indexed) out.push_back(path);
    collect_indexed(field.fields, path + ".", out);
  }
}

}  // namespace

std::string_view field_type_name(FieldType type) { return kTypeNames[static_cast<size_t>(type)]; }

std::optional<FieldType> field_type_from_name(std::string_view name) {
  for (size_t i = 0; i < std::size(kTypeNames); ++i) {
    if (kTypeNames[i] == name) return static_cast<FieldType>(i);
  }
  return std::nullopt;
}

bool operator==(const Field& a, const Field& b) {
  if (a.name != b.name || a.type != b.type || a.required != b.required || a.indexed != b.indexed) return false;
  if (a.fields != b.fields || (a.element == nullptr) != (b.element == nullptr)) return false;
  return a.element == nullptr || *a.element == *b.element;
}

const Field* Schema::find(std::string_view path) const {
  const std::vector<Field>* level = &fields;
  while (true) {
    size_t dot = path.find('.');
    const Field* field = find_in(*level, path.substr(0, dot));
    if (field == nullptr || dot == std::string_view::npos) return field;
    level = &field->fields;
    path.remove_prefix(dot + 1);
  }
}

std::vector<std::string> Schema::indexed_paths() const {
  std::vector<std::string> paths;
  collect_indexed(fields, "", paths);
  return paths;
}

Result<Schema> decode_schema(Cursor map) { return SchemaDecoder().decode(map); }

void encode_schema(const Schema& schema, Bytes& out) {
  PackWriter writer(out);
  writer.map(3);
  writer.field("collection", std::string_view(schema.collection));
  writer.text("fields");
  encode_fields(schema.fields, writer);
  writer.field("version", schema.version);
}

Result<void> check_additive(const Schema& previous, const Schema& next) {
  if (next.collection != previous.collection) return invalid("collection", "differs from the version before");
  if (uint64_t{next.version} != uint64_t{previous.version} + 1) {
    return invalid("version", fmt::format("expected {}, found {}", uint64_t{previous.version} + 1, next.version));
  }
  return check_fields(previous.fields, next.fields, Site{});
}

}  // namespace aerodb::document
