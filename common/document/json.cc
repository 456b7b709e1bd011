#include "common/document/json.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "common/document/json_string.h"

namespace aerodb::document {
namespace {

// Lets the SAX handlers know how far the library has read.
class CountingIterator {
 public:
  using iterator_category = std::forward_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;

  CountingIterator(const char* at, size_t* count) : at_(at), count_(count) {}
  reference operator*() const { return *at_; }
  CountingIterator& operator++() {
    ++at_;
    ++*count_;
    return *this;
  }
  CountingIterator operator++(int) {
    auto before = *this;
    ++*this;
    return before;
  }
  friend bool operator==(const CountingIterator& a, const CountingIterator& b) { return a.at_ == b.at_; }

 private:
  const char* at_;
  size_t* count_;
};

// What every reader of JSON text shares: the position and the first refusal.
class SaxReader : public nlohmann::json::json_sax_t {
 public:
  explicit SaxReader(std::string_view text) : text_(text) {}

  // Reads one value from where the last one ended; with `whole`, nothing but space may follow.
  Result<void> read(bool whole) {
    const char* first = text_.data() + consumed_;
    const char* last = text_.data() + text_.size();
    size_t end_count = 0;
    if (nlohmann::json::sax_parse(CountingIterator(first, &consumed_), CountingIterator(last, &end_count), this,
                                  nlohmann::json::input_format_t::json, whole)) {
      return {};
    }
    return fail(ErrorCode::kBadRequest, std::move(refusal_));
  }
  // True if only space is left.
  bool skip_space() {
    consumed_ = std::min(text_.find_first_not_of(" \t\r\n", consumed_), text_.size());
    return consumed_ == text_.size();
  }
  // At the character read last.
  bool refuse(std::string_view cause) { return refuse_at(consumed_ == 0 ? 0 : consumed_ - 1, cause); }
  bool refuse_at(size_t offset, std::string_view cause) {
    auto before = text_.substr(0, offset);
    auto line = 1 + std::count(before.begin(), before.end(), '\n');
    size_t line_start = before.rfind('\n') == std::string_view::npos ? 0 : before.rfind('\n') + 1;
    refusal_ = fmt::format("JSON: line {}, column {}: {}", line, before.size() - line_start + 1, cause);
    return false;
  }
  [[nodiscard]] std::string& refusal() { return refusal_; }

  bool binary(nlohmann::json::binary_t& /*value*/) override { return refuse("binary values are no JSON"); }
  bool parse_error(size_t /*position*/, const std::string& /*token*/, const nlohmann::json::exception& error) override {
    // "[json.exception.parse_error.101] parse error at line 1, column 2: <cause>": name and place are said already.
    std::string_view cause = error.what();
    if (auto name_end = cause.find("] "); name_end != std::string_view::npos) cause.remove_prefix(name_end + 2);
    if (cause.starts_with("parse error at ")) cause.remove_prefix(std::min(cause.find(": ") + 2, cause.size()));
    return refuse(cause);
  }

  [[nodiscard]] size_t consumed() const { return consumed_; }

 private:
  std::string_view text_;
  size_t consumed_ = 0;
  std::string refusal_;
};

// Writes MessagePack as the text is read. The size of a container is known at its end: its head is inserted then.
class PackingReader final : public SaxReader {
 public:
  PackingReader(std::string_view text, Bytes& out) : SaxReader(text), writer_(out) {}

  bool null() override {
    return counted([&] { writer_.nil(); });
  }
  bool boolean(bool v) override {
    return counted([&] { writer_.boolean(v); });
  }
  bool number_integer(int64_t v) override {
    return counted([&] { writer_.integer(v); });
  }
  bool number_unsigned(uint64_t v) override {
    return counted([&] { writer_.unsigned_integer(v); });
  }
  bool number_float(double v, const std::string& text) override {
    // The library falls back to a float for an integer that is out of range.
    if (text.find_first_of(".eE") == std::string::npos)
      return refuse(fmt::format("the integer {:.64} is out of range", text));
    return counted([&] { writer_.number(v); });
  }
  bool string(std::string& v) override {
    return counted([&] { writer_.text(v); });
  }
  bool start_object(size_t /*size*/) override { return open(); }
  bool start_array(size_t /*size*/) override { return open(); }
  bool key(std::string& name) override {
    if (!open_.back().keys.insert(name).second) return refuse(fmt::format("the key {:.64} is given twice", name));
    writer_.text(name);
    return true;
  }
  bool end_object() override {
    return close([](PackWriter& head, uint32_t count) { head.map(count); });
  }
  bool end_array() override {
    return close([](PackWriter& head, uint32_t count) { head.array(count); });
  }

 private:
  struct Container {
    size_t begin = 0;
    uint32_t count = 0;
    std::set<std::string> keys;
  };

  template <class Write>
  bool counted(Write&& write) {
    if (!open_.empty()) ++open_.back().count;
    write();
    return true;
  }
  bool open() {
    if (open_.size() == kMaxDepth) return refuse(fmt::format("arrays and objects nest deeper than {}", kMaxDepth));
    return counted([&] { open_.push_back({writer_.out().size(), 0, {}}); });
  }
  template <class WriteHead>
  bool close(WriteHead&& write_head) {
    head_.clear();
    PackWriter head(head_);
    write_head(head, open_.back().count);
    auto& out = writer_.out();
    out.insert(out.begin() + static_cast<std::ptrdiff_t>(open_.back().begin), head_.begin(), head_.end());
    open_.pop_back();
    return true;
  }

  PackWriter writer_;
  Bytes head_;
  std::vector<Container> open_;
};

// Finds where the documents begin and end; what is in them is read later.
class SplittingReader final : public SaxReader {
 public:
  struct Slice {
    size_t begin = 0;
    size_t end = 0;
  };
  struct Array {
    std::string key;  // empty: the value itself is the array
    bool only_objects = true;
    std::string refusal;  // why not
    std::vector<Slice> elements;
  };
  struct Value {
    bool is_object = false;
    bool has_id = false;
    Slice slice;
    std::vector<Array> arrays;  // the value itself, or those that are members of it
  };

  explicit SplittingReader(std::string_view text) : SaxReader(text) {}

  Result<Value> read_one() {
    value_ = {};
    if (auto result = read(false); !result) return fail(result.error());
    return std::move(value_);
  }

  bool null() override { return scalar(); }
  bool boolean(bool /*v*/) override { return scalar(); }
  bool number_integer(int64_t /*v*/) override { return scalar(); }
  bool number_unsigned(uint64_t /*v*/) override { return scalar(); }
  bool number_float(double /*v*/, const std::string& /*text*/) override { return scalar(); }
  bool string(std::string& /*v*/) override { return scalar(); }
  bool key(std::string& name) override {
    if (depth_ == 1) {
      key_ = name;
      value_.has_id = value_.has_id || name == "_id";
    }
    return true;
  }
  bool start_object(size_t /*size*/) override {
    if (depth_ == 0) {
      value_.is_object = true;
      value_.slice.begin = consumed() - 1;
    }
    if (is_element()) value_.arrays.back().elements.push_back({consumed() - 1, 0});
    ++depth_;
    return true;
  }
  bool end_object() override {
    --depth_;
    if (is_element()) value_.arrays.back().elements.back().end = consumed();
    if (depth_ == 0) value_.slice.end = consumed();
    return true;
  }
  bool start_array(size_t /*size*/) override {
    if (depth_ == 0) value_.slice.begin = consumed() - 1;
    if (is_element()) no_objects();
    if (depth_ == array_depth()) {
      value_.arrays.push_back({value_.is_object ? key_ : "", true, {}, {}});
      in_array_ = true;
    }
    ++depth_;
    return true;
  }
  bool end_array() override {
    --depth_;
    if (depth_ == array_depth()) in_array_ = false;
    return true;
  }

 private:
  // Where the arrays stand that may hold the documents.
  [[nodiscard]] size_t array_depth() const { return value_.is_object ? 1 : 0; }
  [[nodiscard]] bool is_element() const { return in_array_ && depth_ == array_depth() + 1; }
  bool scalar() {
    if (depth_ == 0) return refuse("expected an object or an array of objects");
    if (is_element()) no_objects();
    return true;
  }
  void no_objects() {
    auto& array = value_.arrays.back();
    if (!array.only_objects) return;
    array.only_objects = false;
    refuse("an element that is no object");
    array.refusal = std::move(refusal());
  }

  Value value_;
  size_t depth_ = 0;
  bool in_array_ = false;
  std::string key_;
};

// The array of an only value that holds the documents; nullptr if the value is one document.
Result<const SplittingReader::Array*> chosen_array(const SplittingReader::Value& value, std::string_view array_key) {
  using Array = SplittingReader::Array;
  const Array* chosen = nullptr;
  if (!value.is_object) {
    chosen = &value.arrays.front();
  } else if (!array_key.empty()) {
    auto at =
        std::find_if(value.arrays.begin(), value.arrays.end(), [&](const Array& a) { return a.key == array_key; });
    if (at == value.arrays.end())
      return fail(ErrorCode::kBadRequest, fmt::format("JSON: there is no array {}", array_key));
    chosen = &*at;
  } else if (!value.has_id) {
    auto is_candidate = [](const Array& array) { return array.only_objects; };
    if (std::count_if(value.arrays.begin(), value.arrays.end(), is_candidate) > 1) {
      return fail(ErrorCode::kBadRequest,
                  "JSON: more than one array of objects: name the one that holds the documents");
    }
    auto at = std::find_if(value.arrays.begin(), value.arrays.end(), is_candidate);
    chosen = at == value.arrays.end() ? nullptr : &*at;
  }
  if (chosen != nullptr && !chosen->only_objects) return fail(ErrorCode::kBadRequest, chosen->refusal);
  return chosen;
}

}  // namespace

std::string json_string(std::string_view text) {
  return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

Result<void> from_json(std::string_view text, Bytes& out) {
  Bytes packed;
  if (auto read = PackingReader(text, packed).read(true); !read) return read;
  out.insert(out.end(), packed.begin(), packed.end());
  return {};
}

Result<ParsedJson> parse_json(std::string_view text) {
  ParsedJson json;
  if (auto read = from_json(text, json.packed); !read) return fail(std::move(read.error()));
  if (auto parsed = json.tape.parse(json.packed); !parsed) return fail(std::move(parsed.error()));
  return json;
}

Result<std::vector<std::string>> split_json_documents(std::string_view text, std::string_view array_key) {
  SplittingReader reader(text);
  std::vector<std::string> documents;
  auto take = [&](SplittingReader::Slice slice) {
    documents.emplace_back(text.substr(slice.begin, slice.end - slice.begin));
  };
  for (size_t count = 0; !reader.skip_space(); ++count) {
    auto value = reader.read_one();
    if (!value) return fail(value.error());
    bool is_only = count == 0 && reader.skip_space();
    if (is_only) {
      auto array = chosen_array(*value, array_key);
      if (!array) return fail(array.error());
      if (*array == nullptr) {
        take(value->slice);
      } else {
        for (auto slice : (*array)->elements) take(slice);
      }
      return documents;
    }
    if (!value->is_object) {
      reader.refuse_at(value->slice.begin, "an array is not the only value of the text");
      return fail(ErrorCode::kBadRequest, std::move(reader.refusal()));
    }
    if (!array_key.empty()) {
      reader.refuse_at(reader.consumed(), fmt::format("more than one value, so {} does not name an array", array_key));
      return fail(ErrorCode::kBadRequest, std::move(reader.refusal()));
    }
    take(value->slice);
  }
  return documents;
}

}  // namespace aerodb::document
