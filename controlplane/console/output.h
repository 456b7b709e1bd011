// What the console prints: answers on standard output, errors and progress on standard error.
//
// Every answer has one content in three forms: a table for people, JSON, or JSON lines. The two JSON forms have the
// field names of docs/spec/PROTOCOL.md; ids and hashes are lower-case hex. In tables and errors, text from a node or a
// document has no control characters left; JSON escapes them.
#pragma once

#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/assert.h"
#include "common/base/error.h"
#include "common/document/json.h"
#include "common/wire/codec.h"

namespace aerodb::console {

enum class Format : uint8_t { kTable, kJson, kJsonl };

// Whether an error says which operations change its evidence. The control plane gives no advice.
enum class Advice : uint8_t { kShown, kNone };

// What standard input, output and error are.
struct Screen {
  bool terminal_in = false;
  bool terminal_out = false;
  bool terminal_err = false;
  bool colours = false;  // only on a terminal, and not with NO_COLOR
  size_t width = 0;      // columns of the terminal; 0: not one, lines may be of any length
};
[[nodiscard]] Screen detect_screen();

// Control characters as \xNN, so that text from outside can't steer a terminal.
[[nodiscard]] std::string printable(std::string_view text);

// UTC, to the millisecond, of microseconds since 1970.
[[nodiscard]] std::string time_text(uint64_t wall_us);

// Columns fit `screen`; the widest are cut first, with an ellipsis. A column of numbers alone is set to the right.
class Table {
 public:
  explicit Table(std::vector<std::string> columns) : columns_(std::move(columns)) {}
  void row(std::vector<std::string> cells);  // as many as columns
  [[nodiscard]] std::string render(const Screen& screen) const;

 private:
  std::vector<std::string> columns_;
  std::vector<std::vector<std::string>> rows_;
};

// One value as a cell: text as it is, bytes as hex, nil as "-", anything that holds others as compact JSON.
[[nodiscard]] std::string cell_of(document::Cursor value);

// A map for people: "key  value" lines, maps inside as "outer.inner", then each list of maps as a table of its own.
[[nodiscard]] std::string render_map(document::Cursor map, const Screen& screen);

// "aerodb VERB: CODE: message", then rule, details and what changes the evidence, each on an indented line.
[[nodiscard]] std::string error_text(std::string_view who, const Error& error, Advice advice);

// A message as JSON.
template <class Message>
[[nodiscard]] std::string json_of(const Message& message, document::JsonStyle style = document::JsonStyle::kCompact) {
  auto text = document::to_json(wire::packed_of(message), style);
  AERODB_ASSERT(text.has_value());
  return std::move(*text);
}

class Output {
 public:
  Output(std::FILE* out, std::FILE* err, Screen screen) : out_(out), err_(err), screen_(screen) {}

  [[nodiscard]] const Screen& screen() const { return screen_; }
  [[nodiscard]] Format format() const { return format_; }
  void set_format(Format format) { format_ = format; }
  [[nodiscard]] bool is_table() const { return format_ == Format::kTable; }

  // As it is, without a line's end of its own.
  void text(std::string_view text);
  void line(std::string_view text);
  // To standard error, as it is.
  void notice(std::string_view text);
  // A whole answer in the chosen form.
  template <class Message>
  void message(const Message& message) {
    packed(wire::packed_of(message));
  }
  // An answer that is a list: JSON lines are its elements, JSON is the whole of it.
  template <class Message, class Element>
  void list(const Message& whole, const std::vector<Element>& elements) {
    if (format_ != Format::kJsonl) return message(whole);
    for (const Element& element : elements) line(json_of(element));
  }
  // Prints an error; answers its exit code.
  int error(std::string_view who, const Error& error, Advice advice);
  // False where what was printed did not reach standard output.
  [[nodiscard]] bool flush();

 private:
  void packed(ByteSpan packed);
  std::FILE* out_;
  std::FILE* err_;
  Screen screen_;
  Format format_ = Format::kTable;
};

}  // namespace aerodb::console
