// Lines typed at a terminal: editing, history, completion. libedit stays behind this.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace aerodb::console {

class LineEditor {
 public:
  // What may follow the words before the cursor, the last of which is being typed.
  using Completer = std::function<std::vector<std::string>(const std::vector<std::string>& words)>;

  // `history_file` is read now and appended to as lines are typed; empty: none. One editor at a time.
  LineEditor(std::string history_file, Completer completer);
  ~LineEditor();
  LineEditor(const LineEditor&) = delete;
  LineEditor& operator=(const LineEditor&) = delete;

  // nullopt at the end of input.
  [[nodiscard]] std::optional<std::string> read(const std::string& prompt);

 private:
  std::string history_file_;
};

// A line as words: blanks separate, quotes of both kinds and a backslash keep. nullopt: a quote is left open.
[[nodiscard]] std::optional<std::vector<std::string>> split_words(std::string_view line);

}  // namespace aerodb::console
