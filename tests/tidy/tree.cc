#include "tests/tidy/tree.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <utility>

namespace aerodb::tidy {
namespace {

namespace fs = std::filesystem;

// As in .gitignore, and what git keeps for itself.
constexpr std::array<std::string_view, 5> kNotOurs = {".git", "build", ".cluster", "node_modules", "__pycache__"};

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t' || text.back() == '\r')) text.remove_suffix(1);
  return text;
}

std::vector<std::string> cells_of(std::string_view row) {
  std::vector<std::string> cells;
  row.remove_prefix(1);
  while (!row.empty()) {
    const auto end = std::min(row.find('|'), row.size());
    cells.emplace_back(trimmed(row.substr(0, end)));
    row.remove_prefix(std::min(end + 1, row.size()));
  }
  return cells;
}

bool is_table_rule(std::string_view line) { return line.find_first_not_of("|-: \t") == std::string_view::npos; }

}  // namespace

const File* Tree::find(std::string_view path) const {
  const auto found = std::ranges::find(files, path, &File::path);
  return found == files.end() ? nullptr : &*found;
}

std::set<std::string> Tree::folders(size_t depth) const {
  std::set<std::string> found;
  for (const auto& file : files) {
    size_t end = file.path.find('/');
    for (size_t level = 1; level <= depth && end != std::string::npos; ++level) {
      found.insert(file.path.substr(0, end));
      end = file.path.find('/', end + 1);
    }
  }
  return found;
}

Tree read_project() {
  Tree tree;
  for (auto at = fs::recursive_directory_iterator("."); at != fs::recursive_directory_iterator(); ++at) {
    const auto name = at->path().filename().string();
    if (std::ranges::find(kNotOurs, name) != kNotOurs.end()) {
      at.disable_recursion_pending();
      continue;
    }
    if (!at->is_regular_file() || name.ends_with(".pyc")) continue;
    std::ifstream in(at->path(), std::ios::binary);
    std::string text{std::istreambuf_iterator<char>(in), {}};
    tree.files.push_back({at->path().generic_string().substr(2), std::move(text)});
  }
  std::ranges::sort(tree.files, {}, &File::path);
  return tree;
}

std::vector<Line> lines_of(const File& file) {
  std::vector<Line> lines;
  std::string_view rest = file.text;
  for (size_t number = 1; !rest.empty(); ++number) {
    const auto end = std::min(rest.find('\n'), rest.size());
    lines.push_back({number, rest.substr(0, end)});
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return lines;
}

std::vector<Include> includes_of(const File& file) {
  std::vector<Include> includes;
  for (const auto& line : lines_of(file)) {
    auto text = trimmed(line.text);
    if (!text.starts_with("#include")) continue;
    text = trimmed(text.substr(std::string_view("#include").size()));
    if (text.size() < 2 || (text.front() != '"' && text.front() != '<')) continue;
    const auto end = text.find(text.front() == '<' ? '>' : '"', 1);
    includes.push_back({line.number, std::string(text.substr(1, end - 1)), text.front() == '<'});
  }
  return includes;
}

std::string unit_of(std::string_view path) {
  const auto first = path.find('/');
  if (first == std::string_view::npos) return {};
  const auto top = path.substr(0, first);
  if (top != "common" && top != "controlplane") return std::string(top);
  const auto second = path.find('/', first + 1);
  return second == std::string_view::npos ? std::string() : std::string(path.substr(0, second));
}

bool is_source(std::string_view path) { return path.ends_with(".cc") || path.ends_with(".h"); }
bool is_test(std::string_view path) { return path.starts_with("tests/"); }
bool is_ruled(std::string_view path) { return !path.starts_with("tests/tidy/"); }

std::vector<std::string> cmake_words(std::string_view text) {
  std::vector<std::string> words;
  std::string word;
  const auto end_word = [&] {
    if (!word.empty()) words.push_back(std::exchange(word, {}));
  };
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '#') {
      while (i < text.size() && text[i] != '\n') ++i;
      end_word();
    } else if (c == '(' || c == ')') {
      end_word();
      words.emplace_back(1, c);
    } else if (c == ' ' || c == '\n' || c == '\t' || c == '"') {
      end_word();
    } else {
      word += c;
    }
  }
  end_word();
  return words;
}

std::vector<Target> targets_of(const Tree& tree, const std::set<std::string>& functions) {
  static const std::set<std::string> kKeys = {"SOURCES", "DEPS", "PRIVATE_DEPS", "LABEL"};
  std::vector<Target> targets;
  for (const auto& file : tree.files) {
    if (!file.path.ends_with("CMakeLists.txt")) continue;
    const auto words = cmake_words(file.text);
    for (size_t i = 0; i + 2 < words.size(); ++i) {
      // A function's own definition is `function(name`, not `name(`.
      if (!functions.contains(words[i]) || words[i + 1] != "(") continue;
      Target target{file.path, words[i + 2], words[i], {}};
      std::string key;
      for (size_t j = i + 3; j < words.size() && words[j] != ")"; ++j) {
        if (kKeys.contains(words[j]))
          key = words[j];
        else
          target.arguments[key].push_back(words[j]);
      }
      targets.push_back(std::move(target));
    }
  }
  return targets;
}

std::vector<Row> table_rows(const File& file, std::string_view heading) {
  std::vector<Row> rows;
  bool inside = heading.empty();
  bool in_table = false;
  for (const auto& line : lines_of(file)) {
    const auto text = trimmed(line.text);
    if (!inside) {
      inside = text == heading;
    } else if (text.starts_with('|')) {
      in_table = true;
      rows.push_back({line.number, cells_of(text)});
    } else if (in_table) {
      break;
    }
  }
  if (rows.size() < 2) return {};
  rows.erase(rows.begin(), rows.begin() + 2);
  return rows;
}

std::vector<Row> all_table_rows(const File& file, std::string_view from_heading, std::string_view before_heading) {
  std::vector<Row> rows;
  bool inside = from_heading.empty();
  size_t in_table = 0;  // lines of the present table so far
  for (const auto& line : lines_of(file)) {
    const auto text = trimmed(line.text);
    if (text == from_heading) inside = true;
    if (!before_heading.empty() && text == before_heading) inside = false;
    in_table = text.starts_with('|') ? in_table + 1 : 0;
    if (inside && in_table > 1 && !is_table_rule(text)) rows.push_back({line.number, cells_of(text)});
  }
  return rows;
}

std::vector<std::string> code_spans(std::string_view text) {
  std::vector<std::string> spans;
  for (;;) {
    const auto begin = text.find('`');
    if (begin == std::string_view::npos) return spans;
    const auto end = text.find('`', begin + 1);
    if (end == std::string_view::npos) return spans;
    spans.emplace_back(text.substr(begin + 1, end - begin - 1));
    text.remove_prefix(end + 1);
  }
}

}  // namespace aerodb::tidy
