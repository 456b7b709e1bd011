// aerodb schema register, schema list.
#include <fmt/format.h>

#include "controlplane/console/data/data_options.h"
#include "controlplane/console/verbs.h"

namespace aerodb::console {
namespace {

constexpr uint64_t kMaxSchemaBytes = uint64_t{1} << 20;

class SchemaRegister final : public Verb {
 public:
  [[nodiscard]] VerbText text() const override {
    return {.path = "schema register",
            .summary = "Registers a schema version from a JSON file.",
            .example = "aerodb schema register configs/examples/countries.schema.json --node 127.0.0.1:7301",
            .notes = "The same file again changes nothing. A version is never changed: a new one adds optional fields.",
            .json = {shape_of<wire::ReceiptResponse>}};
  }
  void declare(Options& options) override {
    options.argument("FILE", file_, "the schema as JSON");
    node_.declare(options);
    format_.declare(options);
  }
  Result<ExitCode> run(Output& output) override {
    format_.apply(output);
    auto text = text_of_file(file_, kMaxSchemaBytes);
    if (!text) return fail(std::move(text.error()));
    auto schema = document::schema_from_json(*text);
    if (!schema) {
      schema.error().message = fmt::format("{}: {}", file_, schema.error().message);
      return fail(std::move(schema.error()));
    }
    Bytes packed;
    document::encode_schema(*schema, packed);
    auto session = node_.connect();
    if (!session) return fail(std::move(session.error()));
    auto answer = (*session)->ask(wire::kSchemaRegister, {wire::Packed{packed}});
    if (!answer) return fail(std::move(answer.error()));
    if (output.is_table()) {
      output.line(fmt::format("{} version {} is registered", schema->collection, schema->version));
    }
    output.message(*answer);
    return ExitCode::kOk;
  }

 private:
  std::string file_;
  NodeTarget node_;
  FormatOption format_;
};

void add_rows(Table& table, const document::Schema& schema, const std::vector<document::Field>& fields,
              const std::string& prefix) {
  for (const auto& field : fields) {
    const std::string path = prefix + field.name;
    table.row({printable(schema.collection), std::to_string(schema.version), printable(path),
               std::string(document::field_type_name(field.type)), field.required ? "yes" : "",
               field.indexed ? "yes" : ""});
    add_rows(table, schema, field.fields, path + ".");
  }
}

// A schema as it was registered: what a JSON line holds.
struct SchemaLine {
  std::string collection;
  uint32_t version = 0;
  wire::Packed schema_fields;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("collection", self.collection, "collection");
    visit("version", self.version, "version");
    visit("fields", self.schema_fields, "its fields");
  }
};

class SchemaList final : public Verb {
 public:
  [[nodiscard]] VerbText text() const override {
    return {.path = "schema list",
            .summary = "Shows every registered schema, field by field.",
            .example = "aerodb schema list --node 127.0.0.1:7301",
            .json = {shape_of<wire::SchemaListResponse>, shape_of<SchemaLine>}};
  }
  void declare(Options& options) override {
    node_.declare(options);
    format_.declare(options);
  }
  Result<ExitCode> run(Output& output) override {
    format_.apply(output);
    auto session = node_.connect();
    if (!session) return fail(std::move(session.error()));
    Result<void> shown;
    auto called = (*session)->call(wire::kSchemaList, wire::Empty{},
                                   [&](const wire::SchemaListResponse& answer) { shown = show(answer, output); });
    if (called) called = std::move(shown);
    if (!called) return fail(std::move(called.error()));
    return ExitCode::kOk;
  }

 private:
  static Result<void> show(const wire::SchemaListResponse& answer, Output& output) {
    if (output.format() == Format::kJson) {
      output.message(answer);
      return {};
    }
    Table table({"collection", "version", "field", "type", "required", "indexed"});
    for (const auto& packed : answer.schemas) {
      document::Tape tape;
      if (auto parsed = tape.parse(packed.bytes); !parsed) return parsed;
      if (!output.is_table()) {
        output.line(document::to_json(tape.root()));
        continue;
      }
      auto schema = document::decode_schema(tape.root());
      if (!schema) return fail(std::move(schema.error()));
      add_rows(table, *schema, schema->fields, "");
    }
    if (output.is_table()) output.text(table.render(output.screen()));
    return {};
  }
  NodeTarget node_;
  FormatOption format_;
};

}  // namespace

std::unique_ptr<Verb> make_schema_register() { return std::make_unique<SchemaRegister>(); }
std::unique_ptr<Verb> make_schema_list() { return std::make_unique<SchemaList>(); }

}  // namespace aerodb::console
