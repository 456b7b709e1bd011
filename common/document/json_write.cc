#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>

#include "common/document/canonical.h"
#include "common/document/json.h"
#include "common/document/json_string.h"

namespace aerodb::document {
namespace {

class JsonWriter {
 public:
  JsonWriter(JsonStyle style, std::string& out) : pretty_(style == JsonStyle::kPretty), out_(out) {}

  void value(Cursor at) {
    switch (at.type()) {
      case Type::kNil:
        out_ += "null";
        return;
      case Type::kBool:
        out_ += at.token().boolean ? "true" : "false";
        return;
      case Type::kInt:
        fmt::format_to(std::back_inserter(out_), "{}", at.token().integer);
        return;
      case Type::kUint:
        fmt::format_to(std::back_inserter(out_), "{}", at.token().unsigned_integer);
        return;
      case Type::kFloat:
        number(at.token().number);
        return;
      case Type::kString:
        text(*at.text());
        return;
      case Type::kBytes:
        out_ += '"' + to_hex(*at.bytes()) + '"';
        return;
      case Type::kArray:
        array(at);
        return;
      case Type::kMap:
        map(at);
        return;
    }
  }

  void text(std::string_view text) {
    bool plain =
        std::none_of(text.begin(), text.end(), [](char c) { return c == '"' || c == '\\' || (c >= 0 && c < 0x20); });
    if (plain && is_valid_utf8(text)) {
      out_ += '"';
      out_ += text;
      out_ += '"';
      return;
    }
    out_ += json_string(text);
  }

 private:
  void number(double number) {
    if (!std::isfinite(number)) {
      fmt::format_to(std::back_inserter(out_), R"({{"float64":{}"{:016x}"}})", pretty_ ? " " : "",
                     std::bit_cast<uint64_t>(number));
      return;
    }
    // Plain digits where they are no longer than people read, as JavaScript does it; else an exponent.
    double magnitude = std::fabs(number);
    bool plain = magnitude == 0 || (magnitude >= 1e-6 && magnitude < 1e21);
    auto format = plain ? std::chars_format::fixed : std::chars_format::scientific;
    char digits[32];
    auto end = std::to_chars(std::begin(digits), std::end(digits), number, format).ptr;
    std::string_view shortest(digits, static_cast<size_t>(end - digits));
    out_ += shortest;
    if (shortest.find_first_of(".e") == std::string_view::npos) out_ += ".0";
  }

  void array(Cursor at) {
    out_ += '[';
    ++depth_;
    Cursor element = at.first();
    for (uint32_t i = 0; i < at.token().size; ++i, element = element.skip()) {
      separate(i);
      value(element);
    }
    close(at, ']');
  }

  void map(Cursor at) {
    out_ += '{';
    ++depth_;
    Cursor member = at.first();
    for (uint32_t i = 0; i < at.token().size; ++i) {
      separate(i);
      if (auto key = member.text()) {
        text(*key);
      } else {
        text(to_json(member));
      }
      out_ += pretty_ ? ": " : ":";
      member = member.skip();
      value(member);
      member = member.skip();
    }
    close(at, '}');
  }

  void separate(uint32_t index) {
    if (index > 0) out_ += ',';
    new_line();
  }
  void close(Cursor container, char bracket) {
    --depth_;
    if (container.token().size > 0) new_line();
    out_ += bracket;
  }
  void new_line() {
    if (!pretty_) return;
    out_ += '\n';
    out_.append(2 * depth_, ' ');
  }

  bool pretty_;
  size_t depth_ = 0;
  std::string& out_;
};

}  // namespace

std::string to_json(Cursor value, JsonStyle style) {
  std::string out;
  JsonWriter(style, out).value(value);
  return out;
}

Result<std::string> to_json(ByteSpan packed, JsonStyle style) {
  Tape tape;
  if (auto parsed = tape.parse(packed); !parsed) return fail(parsed.error());
  return to_json(tape.root(), style);
}

}  // namespace aerodb::document
