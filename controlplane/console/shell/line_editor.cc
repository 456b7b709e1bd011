#include "controlplane/console/shell/line_editor.h"

#include <editline/readline.h>

#include <cstdlib>
#include <cstring>
#include <memory>

namespace aerodb::console {
namespace {

constexpr int kHistoryLines = 10'000;

// libedit calls plain functions, so what they need has one place, set while an editor exists.
struct Completion {
  LineEditor::Completer completer;
  std::vector<std::string> candidates;
  size_t next = 0;
};
std::optional<Completion>& active() {
  static std::optional<Completion> completion;
  return completion;
}

char* next_candidate(const char*, int state) {
  Completion& completion = *active();
  if (state == 0) completion.next = 0;
  if (completion.next == completion.candidates.size()) return nullptr;
  return strdup(completion.candidates[completion.next++].c_str());  // libedit frees it
}

char** complete(const char* text, int start, int) {
  Completion& completion = *active();
  auto words = split_words(std::string_view(rl_line_buffer).substr(0, static_cast<size_t>(start)));
  rl_attempted_completion_over = 1;
  if (!words) return nullptr;
  words->emplace_back(text);
  completion.candidates = completion.completer(*words);
  if (completion.candidates.empty()) return nullptr;
  return rl_completion_matches(text, next_candidate);
}

}  // namespace

LineEditor::LineEditor(std::string history_file, Completer completer) : history_file_(std::move(history_file)) {
  active() = Completion{std::move(completer), {}, 0};
  rl_initialize();
  rl_attempted_completion_function = complete;
  using_history();
  stifle_history(kHistoryLines);
  if (!history_file_.empty()) (void)read_history(history_file_.c_str());  // there may be none yet
}

LineEditor::~LineEditor() {
  rl_attempted_completion_function = nullptr;
  active().reset();
}

std::optional<std::string> LineEditor::read(const std::string& prompt) {
  const std::unique_ptr<char, decltype(&std::free)> line(readline(prompt.c_str()), std::free);
  if (!line) return std::nullopt;
  std::string text(line.get());
  if (text.find_first_not_of(" \t") == std::string::npos) return text;
  add_history(text.c_str());
  if (!history_file_.empty())
    (void)write_history(history_file_.c_str());  // a convenience: without it lines are typed anew
  return text;
}

std::optional<std::vector<std::string>> split_words(std::string_view line) {
  std::vector<std::string> words;
  bool in_word = false;
  char quote = 0;
  for (size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (quote == 0 && (c == ' ' || c == '\t')) {
      in_word = false;
      continue;
    }
    if (!in_word) words.emplace_back();
    in_word = true;
    if (c == '\\' && quote != '\'' && i + 1 < line.size()) {
      words.back() += line[++i];
    } else if (quote == 0 && (c == '\'' || c == '"')) {
      quote = c;
    } else if (c == quote) {
      quote = 0;
    } else {
      words.back() += c;
    }
  }
  if (quote != 0) return std::nullopt;
  return words;
}

}  // namespace aerodb::console
