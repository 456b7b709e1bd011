// Query requests that own what they point to, for the tests of plans and queries.
#pragma once

#include <deque>
#include <initializer_list>
#include <string>
#include <string_view>

#include "tests/unit/engine/node_kit.h"

namespace aerodb::engine::testing {

// Version 1 of collection "c", limit 100, until told otherwise.
class Ask {
 public:
  Ask() {
    request.collection = "c";
    request.schema_version = 1;
    request.limit = 100;
  }
  Ask(Ask&&) = default;  // what is kept stays where it is
  // `comparison` as people write it: = < <= > >=. The value is JSON.
  Ask& where(std::string_view field, std::string_view comparison, std::string_view json) {
    request.where.push_back({keep(field), comparison_of(comparison), value(json)});
    return *this;
  }
  Ask& sort(std::string_view field, bool descending = false) {
    request.sort = keep(field);
    request.descending = descending;
    return *this;
  }
  Ask& limit(uint32_t limit) {
    request.limit = limit;
    return *this;
  }
  Ask& max_entries(uint64_t entries) {
    request.max_entries = entries;
    return *this;
  }
  Ask& at(CommitId commit) {
    request.at_commit = commit;
    return *this;
  }
  // Behind a document; no value where the order is by _id.
  Ask& after(std::optional<std::string_view> json, std::string_view id) {
    request.after = PageEnd{std::nullopt, keep(id)};
    if (json) request.after->sort_value = value(*json);
    return *this;
  }
  QueryRequest request;

 private:
  static Comparison comparison_of(std::string_view text) {
    using enum Comparison;
    if (text == "=") return kEqual;
    if (text == "<") return kLess;
    if (text == "<=") return kLessOrEqual;
    if (text == ">") return kGreater;
    EXPECT_EQ(text, ">=");
    return kGreaterOrEqual;
  }
  std::string_view keep(std::string_view text) { return texts_.emplace_back(text); }
  document::Cursor value(std::string_view json) { return values_.emplace_back(json).root(); }

  std::deque<std::string> texts_;  // deques keep what they hold where it is
  std::deque<Packed> values_;
};

}  // namespace aerodb::engine::testing
