#include "common/engine/plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <iterator>
#include <utility>

#include "common/document/canonical.h"

namespace aerodb::engine {
namespace {

// The least key above `key`.
Bytes next_key(ByteSpan key) {
  Bytes next;
  next.reserve(key.size() + 1);
  next.assign(key.begin(), key.end());
  next.push_back(0);
  return next;
}

// _id first, then the order of Schema::indexed_paths: by name, level by level, so that a dot is below every byte.
bool declared_before(std::string_view a, std::string_view b) {
  if (a == kIdPath || b == kIdPath) return a != b && a == kIdPath;
  auto rank = [](char c) { return c == '.' ? -1 : int{static_cast<unsigned char>(c)}; };
  return std::ranges::lexicographical_compare(a, b, {}, rank, rank);
}

class Planner {
 public:
  Planner(const QueryRequest& request, const document::Schema& schema, uint64_t max_entries)
      : request_(request), schema_(schema), max_entries_allowed_(max_entries) {}

  Result<Plan> make(std::optional<std::vector<FieldRange>>* asked) {
    if (auto checked = check_numbers(); !checked) return fail(std::move(checked.error()));
    for (const auto& predicate : request_.where) {
      if (auto read = read_predicate(predicate); !read) return fail(std::move(read.error()));
    }
    if (request_.sort) {
      if (auto field = range_of(*request_.sort); !field) return fail(std::move(field.error()));
    }
    if (asked != nullptr) *asked = ranges_;
    const FieldRange* chosen = choose();
    if (chosen == nullptr) return unbounded("no equality, range or sort names _id or an indexed field (P6)");
    plan_.index = chosen->path;
    plan_.descending = request_.descending;
    plan_.limit = *request_.limit;
    set_span(*chosen);
    if (request_.after) {
      if (auto continued = read_after(*chosen); !continued) return fail(std::move(continued.error()));
    }
    if (plan_.rule == PlanRule::kP1) plan_.descending = false;  // one entry at most: no direction
    take_residuals();
    set_bound();
    return std::move(plan_);
  }

 private:
  [[nodiscard]] std::unexpected<Error> bad(std::string_view why) const {
    return fail(ErrorCode::kBadRequest, fmt::format("query {}: {}", request_.collection, why));
  }
  [[nodiscard]] std::unexpected<Error> unbounded(std::string_view why) const {
    return fail(ErrorCode::kQueryUnbounded, fmt::format("query {}: {} (QRY-2)", request_.collection, why));
  }

  [[nodiscard]] Result<void> check_numbers() const {
    if (!request_.limit || *request_.limit == 0) {
      return fail(ErrorCode::kLimitRequired,
                  fmt::format("query {}: a limit of 1 to {} is needed (QRY-1)", request_.collection, kMaxQueryLimit));
    }
    if (*request_.limit > kMaxQueryLimit)
      return bad(fmt::format("limit {}, at most {}", *request_.limit, kMaxQueryLimit));
    const uint64_t max_entries = request_.max_entries.value_or(max_entries_allowed_);
    if (max_entries == 0 || max_entries > max_entries_allowed_)
      return bad(fmt::format("max_entries {}, 1 to {} allowed", max_entries, max_entries_allowed_));
    if (request_.where.size() > kMaxQueryPredicates)
      return bad(fmt::format("{} predicates, at most {}", request_.where.size(), kMaxQueryPredicates));
    return {};
  }

  // The range of a field, made where there is none yet; its place stays until the next call.
  [[nodiscard]] Result<FieldRange*> range_of(std::string_view path) {
    auto at = std::ranges::lower_bound(ranges_, path, declared_before, &FieldRange::path);
    if (at != ranges_.end() && at->path == path) return &*at;
    const auto* field = schema_.find(path);
    if (field == nullptr || (path != kIdPath && !field->indexed)) {
      return unbounded(
          fmt::format("field {} is not declared indexed in schema version {}", path, request_.schema_version));
    }
    return &*ranges_.insert(at, FieldRange{path, field->type, {}});
  }

  [[nodiscard]] Result<Bytes> key_of(const FieldRange& field, document::Cursor value) const {
    Bytes key;
    if (field.path == kIdPath) {
      auto text = value.text();
      if (!text) return wrong_type(field.path, "value: expected string");
      key.assign(text->begin(), text->end());
    } else if (auto converted = document::index_key_of_value(value, field.type, key); !converted) {
      return wrong_type(field.path, converted.error().message);
    }
    return key;
  }
  [[nodiscard]] std::unexpected<Error> wrong_type(std::string_view path, std::string_view why) const {
    return fail(
        Error{ErrorCode::kWrongType, fmt::format("query {}: field {}: {}", request_.collection, path, why), {}}.with(
            "field", std::string(path)));
  }

  [[nodiscard]] Result<void> read_predicate(const Predicate& predicate) {
    auto field = range_of(predicate.field);
    if (!field) return fail(std::move(field.error()));
    auto key = key_of(**field, predicate.value);
    if (!key) return fail(std::move(key.error()));
    KeyRange& range = (*field)->range;
    switch (predicate.comparison) {
      case Comparison::kEqual:
        range.at_least(*key, false);
        range.at_most(std::move(*key), false);
        break;
      case Comparison::kLess:
        range.at_most(std::move(*key), true);
        break;
      case Comparison::kLessOrEqual:
        range.at_most(std::move(*key), false);
        break;
      case Comparison::kGreater:
        range.at_least(std::move(*key), true);
        break;
      case Comparison::kGreaterOrEqual:
        range.at_least(std::move(*key), false);
        break;
    }
    return {};
  }

  // The table in plan.h, over the fields that predicates or the sort name: no other fits a row of it.
  const FieldRange* choose() {
    const auto sort = !request_.sort              ? rules::SortBy::kNothing
                      : *request_.sort == kIdPath ? rules::SortBy::kId
                                                  : rules::SortBy::kField;
    auto row_of = [&](const FieldRange& field) {
      const KeyRange& range = field.range;
      const auto fit = range.is_point()          ? rules::IndexFit::kEquality
                       : range.low || range.high ? rules::IndexFit::kRange
                                                 : rules::IndexFit::kSort;
      return rules::plan_row(field.path == kIdPath, fit, request_.sort == field.path, sort);
    };
    const auto chosen = rules::choose_index(ranges_, row_of);
    if (chosen == ranges_.end()) return nullptr;
    plan_.rule = *row_of(*chosen);
    return &*chosen;
  }
  FieldRange* find(std::string_view path) {
    auto at = std::ranges::find(ranges_, path, &FieldRange::path);
    return at == ranges_.end() ? nullptr : &*at;
  }

  // From ranges with open and closed ends to half-open spans of entries.
  void set_span(const FieldRange& chosen) {
    const KeyRange& range = chosen.range;
    if (range.low) plan_.from.first = range.low_open ? next_key(*range.low) : *range.low;
    if (range.high) plan_.to = EntryKey{range.high_open ? *range.high : next_key(*range.high), {}};
    const FieldRange* id = find(kIdPath);
    held_ = &chosen != id && range.is_point();
    if (!held_ || id == nullptr) return;
    if (id->range.low) plan_.from.second = id->range.low_open ? next_key(*id->range.low) : *id->range.low;
    if (id->range.high)
      plan_.to = EntryKey{*range.low, id->range.high_open ? *id->range.high : next_key(*id->range.high)};
  }

  [[nodiscard]] Result<void> read_after(const FieldRange& chosen) {
    const PageEnd& after = *request_.after;
    if (!request_.at_commit) return bad("after: needs at_commit: pages are of one commit");
    if (after.id.empty() || after.id.size() > document::kMaxIdBytes)
      return bad(fmt::format("after: an _id of 1 to {} bytes is needed", document::kMaxIdBytes));
    const std::string_view order = request_.sort.value_or(chosen.path);
    if (after.sort_value.has_value() != (order != kIdPath))
      return bad(
          fmt::format("after: the order is by {}: {} sort value belongs to it", order, order == kIdPath ? "no" : "a"));
    Bytes value;
    if (after.sort_value) {
      auto key = key_of(*find(order), *after.sort_value);
      if (!key) return fail(std::move(key.error()));
      value = std::move(*key);
    }
    if (plan_.by_id() && order != kIdPath) {
      narrow_by_page(find(order)->range, std::move(value));
    } else if (plan_.by_id()) {
      plan_.go_on_behind({as_bytes(after.id), {}});
    } else {
      plan_.go_on_behind({order == kIdPath ? *chosen.range.low : value, as_bytes(after.id)});
    }
    return {};
  }
  // P1 under a sort by a field: the one document lies behind the page's end by its value, or at the same value by its
  // _id.
  void narrow_by_page(KeyRange& range, Bytes value) {
    const int order = store::compare_bytes(plan_.from.first, as_bytes(request_.after->id));
    if (request_.descending)
      range.at_most(std::move(value), order >= 0);
    else
      range.at_least(std::move(value), order <= 0);
  }

  void take_residuals() {
    for (auto& field : ranges_) {
      if (field.path == plan_.index || (held_ && field.path == kIdPath)) continue;
      plan_.residuals.push_back({field.path, std::move(field.range)});
    }
  }

  void set_bound() {
    plan_.bound_entries =
        rules::bound_of(plan_.rule, !plan_.residuals.empty(), plan_.limit, request_.max_entries, max_entries_allowed_)
            .entries;
  }

  const QueryRequest& request_;
  const document::Schema& schema_;
  uint64_t max_entries_allowed_;
  std::vector<FieldRange> ranges_;  // in declaration order
  Plan plan_;
  bool held_ = false;  // the index of a field is walked at one value
};

// Written by hand: every query writes its text, to be hashed.
class PlanWriter {
 public:
  PlanWriter() { text_.reserve(512); }
  PlanWriter& raw(std::string_view text) {
    text_ += text;
    return *this;
  }
  PlanWriter& number(uint64_t value) {
    char digits[20];
    const auto end = std::to_chars(std::begin(digits), std::end(digits), value).ptr;
    return raw({std::begin(digits), end});
  }
  PlanWriter& name(std::string_view value) { return number(value.size()).raw(":").raw(value); }
  PlanWriter& hex(ByteSpan bytes) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    for (const uint8_t byte : bytes) {
      text_ += kDigits[byte >> 4];
      text_ += kDigits[byte & 15];
    }
    return *this;
  }
  PlanWriter& place(std::string_view label, const EntryKey& key) {
    return raw(label).hex(key.first).raw(":").hex(key.second).raw("\n");
  }
  PlanWriter& range(const KeyRange& range) {
    if (!range.low && !range.high) raw(" present");
    if (range.low) raw(range.low_open ? " > " : " >= ").hex(*range.low);
    if (range.high) raw(range.high_open ? " < " : " <= ").hex(*range.high);
    return raw("\n");
  }
  [[nodiscard]] std::string take() { return std::move(text_); }

 private:
  std::string text_;
};

}  // namespace

bool KeyRange::contains(ByteSpan key) const {
  if (low) {
    const int order = store::compare_bytes(key, *low);
    if (order < 0 || (order == 0 && low_open)) return false;
  }
  if (!high) return true;
  const int order = store::compare_bytes(key, *high);
  return order < 0 || (order == 0 && !high_open);
}

bool KeyRange::is_point() const { return low && high && *low == *high && !low_open && !high_open; }

void KeyRange::at_least(Bytes key, bool open) {
  const int order = low ? store::compare_bytes(key, *low) : 1;
  if (order > 0) {
    low = std::move(key);
    low_open = open;
  } else if (order == 0) {
    low_open = low_open || open;
  }
}

void KeyRange::at_most(Bytes key, bool open) {
  const int order = high ? store::compare_bytes(key, *high) : -1;
  if (order < 0) {
    high = std::move(key);
    high_open = open;
  } else if (order == 0) {
    high_open = high_open || open;
  }
}

void Plan::go_on_behind(const store::TreeKey& last) {
  auto bytes = [](ByteSpan span) { return Bytes(span.begin(), span.end()); };
  EntryKey end = descending ? EntryKey{bytes(last.first), bytes(last.second)}
                 : by_id()  ? EntryKey{next_key(last.first), {}}
                            : EntryKey{bytes(last.first), next_key(last.second)};
  if (!descending) {
    if (compare_keys(end.view(), from.view()) > 0) from = std::move(end);
  } else if (!to || compare_keys(end.view(), to->view()) < 0) {
    to = std::move(end);
  }
}

Result<Plan> make_plan(const QueryRequest& request, const document::Schema& schema, uint64_t max_entries,
                       std::optional<std::vector<FieldRange>>* asked) {
  return Planner(request, schema, max_entries).make(asked);
}

std::string plan_text(const Plan& plan, const document::Schema& schema) {
  PlanWriter writer;
  writer.raw("plan P").number(static_cast<uint64_t>(plan.rule)).raw("\ncollection ").name(schema.collection);
  writer.raw("\nschema ").number(schema.version).raw("\nindex ").name(plan.index);
  writer.raw(plan.descending ? "\ndescending\n" : "\nascending\n");
  writer.place("from ", plan.from);
  if (plan.to) writer.place("to ", *plan.to);
  for (const auto& residual : plan.residuals) writer.raw("check ").name(residual.path).range(residual.range);
  return writer.raw("limit ").number(plan.limit).raw("\nbound ").number(plan.bound_entries).raw("\n").take();
}

}  // namespace aerodb::engine
