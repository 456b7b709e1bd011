// aerodb query.
#include <fmt/format.h>

#include <limits>

#include "controlplane/console/data/data_options.h"
#include "controlplane/console/data/predicate.h"
#include "controlplane/console/explain/explain.h"
#include "controlplane/console/verbs.h"

namespace aerodb::console {
namespace {

// One row a document, one column a top-level field of the schema.
Result<std::string> render_documents(const wire::DocQueryData& data, const document::Schema& schema,
                                     const Screen& screen) {
  std::vector<std::string> columns = {"_id"};
  for (const auto& field : schema.fields) {
    if (field.name != "_id") columns.push_back(printable(field.name));
  }
  columns.emplace_back("commit");
  Table table(columns);
  for (const auto& version : data.versions) {
    document::Tape tape;
    if (auto parsed = tape.parse(version.document.bytes); !parsed) return fail(std::move(parsed.error()));
    std::vector<std::string> cells;
    for (size_t i = 0; i + 1 < columns.size(); ++i) {
      const auto value = tape.root().find(columns[i]);
      cells.push_back(value ? cell_of(*value) : "");
    }
    cells.push_back(std::to_string(version.commit_id.value()));
    table.row(std::move(cells));
  }
  return table.render(screen);
}

class Query final : public Verb {
 public:
  [[nodiscard]] VerbText text() const override {
    return {.path = "query",
            .summary = "Finds documents by an indexed field, within a stated bound.",
            .example = "aerodb query countries --where 'name>=N' --where 'name<O' --sort name --limit 20",
            .notes = "All predicates must hold. FIELD is indexed, or _id. A query without a provable bound is refused.",
            .json = {shape_of<wire::DocQueryResponse>, shape_of<wire::DocVersion>}};
  }
  void declare(Options& options) override {
    options.argument("COLLECTION", collection_, "the collection");
    options.texts("--where", "PREDICATE", where_, "FIELD, one of = < <= > >=, VALUE; may be repeated");
    options.text("--sort", "FIELD", sort_, "order by this field");
    options.flag("--descending", descending_, "order downwards");
    options.number("--limit", limit_, 1, std::numeric_limits<uint32_t>::max(), "at most so many documents; mandatory");
    options.number("--max-entries", max_entries_, 1, kMaxNumber, "fail rather than visit more index entries");
    options.text("--after-id", "ID", after_id_, "the next page: documents beyond this one; needs --at-commit");
    options.text("--after-value", "VALUE", after_value_, "its value of the sort field; not where the order is by _id");
    declare_at_commit(options, at_commit_);
    declare_version_read(options, schema_version_);
    options.flag("--explain", explain_, "prove as well how this very answer was found");
    data_.declare(options);
  }
  Result<ExitCode> run(Output& output) override {
    auto reading = data_.begin_read(output, collection_, schema_version_);
    if (!reading) return fail(std::move(reading.error()));
    std::vector<Predicate> predicates;
    for (const std::string& text : where_) {
      auto predicate = parse_predicate(text, reading->schema);
      if (!predicate) return fail(std::move(predicate.error()));
      predicates.push_back(std::move(*predicate));
    }
    auto after = page_end(reading->schema);
    if (!after) return fail(std::move(after.error()));
    wire::Receipt seen;
    Result<void> shown;
    auto called = reading->session->call(wire::kDocQuery,
                                         request_of(predicates, *after, reading->schema.version, reading->receipt),
                                         [&](const wire::DocQueryResponse& answer) {
                                           seen = answer.receipt;
                                           shown = show(answer, reading->schema, output);
                                         });
    if (called) called = std::move(shown);
    if (called) called = data_.receipt.save(seen);
    if (!called) return fail(std::move(called.error()));
    return ExitCode::kOk;
  }

 private:
  // The value of the page end, read by the type of the sort field as a predicate's is; absent: none given.
  [[nodiscard]] Result<std::optional<Bytes>> page_end(const document::Schema& schema) const {
    if (!after_value_) return std::optional<Bytes>();
    if (!after_id_ || !sort_)
      return fail(ErrorCode::kUsage, "query: --after-value stands beside --after-id and --sort");
    auto value = parse_predicate(fmt::format("{}={}", *sort_, *after_value_), schema);
    if (!value) return fail(std::move(value.error()));
    return std::optional(std::move(value->value));
  }

  [[nodiscard]] wire::DocQueryRequest request_of(const std::vector<Predicate>& predicates,
                                                 const std::optional<Bytes>& after_value, uint32_t schema_version,
                                                 const std::optional<wire::Receipt>& receipt) const {
    wire::DocQueryRequest request;
    request.collection = collection_;
    request.schema_version = schema_version;
    for (const auto& predicate : predicates) {
      request.where.push_back({predicate.field, predicate.op, wire::Packed{predicate.value}});
    }
    if (sort_) request.sort = *sort_;
    if (descending_) request.descending = true;
    if (limit_) request.limit = static_cast<uint32_t>(*limit_);
    request.max_entries = max_entries_;
    if (after_id_) {
      request.after.emplace();
      request.after->id = *after_id_;
      if (after_value) request.after->sort_value = wire::Packed{*after_value};
    }
    request.at_commit = number_of<CommitId>(at_commit_);
    request.receipt = receipt;
    if (explain_) request.explain = true;
    return request;
  }

  static Result<void> show(const wire::DocQueryResponse& answer, const document::Schema& schema, Output& output) {
    if (!output.is_table()) {
      // An explanation belongs to the whole: as lines it would be lost.
      if (answer.explanation)
        output.message(answer);
      else
        output.list(answer, answer.data.versions);
      return {};
    }
    auto table = render_documents(answer.data, schema, output.screen());
    if (!table) return fail(std::move(table.error()));
    output.text(*table);
    const auto& data = answer.data;
    output.line(fmt::format("{} documents at commit {}; index {}, bound {} entries", data.versions.size(),
                            data.at_commit.value(), data.index, data.bound_entries));
    if (answer.explanation)
      output.text("\n" + render_explanation(answer.explanation->explanation.bytes, output.screen()));
    return {};
  }

  std::string collection_;
  std::vector<std::string> where_;
  std::optional<std::string> sort_;
  bool descending_ = false;
  std::optional<uint64_t> limit_;
  std::optional<uint64_t> max_entries_;
  std::optional<std::string> after_id_;
  std::optional<std::string> after_value_;
  std::optional<uint64_t> at_commit_;
  std::optional<uint64_t> schema_version_;
  bool explain_ = false;
  DataOptions data_;
};

}  // namespace

std::unique_ptr<Verb> make_query() { return std::make_unique<Query>(); }

}  // namespace aerodb::console
