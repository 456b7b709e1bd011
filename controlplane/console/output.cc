#include "controlplane/console/output.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <ctime>
#include <numeric>

namespace aerodb::console {
namespace {

constexpr std::string_view kEllipsis = "\u2026";
constexpr size_t kGap = 2;
constexpr size_t kNarrowest = 6;  // a column is never cut below this

bool starts_character(char c) { return (static_cast<uint8_t>(c) & 0xC0) != 0x80; }

// In characters of UTF-8, which is what a terminal counts for nearly everything.
size_t width_of(std::string_view text) {
  return static_cast<size_t>(std::ranges::count_if(text, [](char c) { return starts_character(c); }));
}

std::string cut(std::string_view text, size_t width) {
  if (width_of(text) <= width) return std::string(text);
  size_t end = 0;
  for (size_t seen = 0; end < text.size(); ++end) {
    if (starts_character(text[end]) && ++seen == width) break;
  }
  return fmt::format("{}{}", text.substr(0, end), kEllipsis);
}

bool is_number(std::string_view text) {
  if (text.starts_with('-')) text.remove_prefix(1);
  return std::ranges::all_of(text, [](char c) { return (c >= '0' && c <= '9') || c == '.'; });
}

// Takes from the widest columns until the line fits, or none can give more.
void fit(std::vector<size_t>& widths, size_t line) {
  size_t total = std::accumulate(widths.begin(), widths.end(), kGap * (widths.size() - 1));
  while (total > line) {
    auto widest = std::ranges::max_element(widths);
    if (*widest <= kNarrowest) return;
    --*widest;
    --total;
  }
}

void add_line(std::string& text, const std::vector<std::string>& cells, const std::vector<size_t>& widths,
              const std::vector<bool>& right) {
  std::string line;
  for (size_t i = 0; i < cells.size(); ++i) {
    const std::string cell = cut(cells[i], widths[i]);
    const std::string pad(widths[i] - width_of(cell), ' ');
    if (i > 0) line.append(kGap, ' ');
    line += right[i] ? pad + cell : cell + pad;
  }
  line.erase(line.find_last_not_of(' ') + 1);
  text += line + "\n";
}

// What render_map collects on its way through a map.
struct Facts {
  std::vector<std::pair<std::string, std::string>> lines;
  std::vector<std::pair<std::string, document::Cursor>> tables;
};

bool is_list_of_maps(document::Cursor value) {
  return value.type() == document::Type::kArray && value.token().size > 0 &&
         value.first().type() == document::Type::kMap;
}

void collect(document::Cursor map, const std::string& prefix, Facts& facts) {
  auto key = map.first();
  for (uint32_t i = 0; i < map.token().size; ++i) {
    const auto value = key.skip();
    const std::string name = prefix + printable(key.text().value_or("?"));
    if (value.type() == document::Type::kMap)
      collect(value, name + ".", facts);
    else if (is_list_of_maps(value))
      facts.tables.emplace_back(name, value);
    else
      facts.lines.emplace_back(name, cell_of(value));
    key = value.skip();
  }
}

std::string render_list(document::Cursor list, const Screen& screen) {
  std::vector<std::string> columns;
  auto key = list.first().first();
  for (uint32_t i = 0; i < list.first().token().size; ++i, key = key.skip().skip()) {
    columns.push_back(printable(key.text().value_or("?")));
  }
  Table table(columns);
  auto element = list.first();
  for (uint32_t i = 0; i < list.token().size; ++i, element = element.skip()) {
    std::vector<std::string> cells;
    for (const std::string& column : columns) {
      const auto value = element.type() == document::Type::kMap ? element.find(column) : std::nullopt;
      cells.push_back(value ? cell_of(*value) : "-");
    }
    table.row(std::move(cells));
  }
  return table.render(screen);
}

}  // namespace

Screen detect_screen() {
  Screen screen{isatty(STDIN_FILENO) == 1, isatty(STDOUT_FILENO) == 1, isatty(STDERR_FILENO) == 1};
  const char* no_color = std::getenv("NO_COLOR");
  screen.colours = screen.terminal_out && (no_color == nullptr || *no_color == '\0');
  winsize size{};
  if (screen.terminal_out && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0) screen.width = size.ws_col;
  return screen;
}

std::string printable(std::string_view text) {
  std::string safe;
  for (size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<uint8_t>(text[i]);
    const bool c1 = byte == 0xC2 && i + 1 < text.size() && static_cast<uint8_t>(text[i + 1]) < 0xA0;
    if (c1)
      safe += fmt::format("\\x{:02x}", static_cast<uint8_t>(text[++i]));
    else if (byte < 0x20 || byte == 0x7F)
      safe += fmt::format("\\x{:02x}", byte);
    else
      safe.push_back(text[i]);
  }
  return safe;
}

std::string time_text(uint64_t wall_us) {
  const auto seconds = static_cast<time_t>(wall_us / 1'000'000);
  tm parts{};
  gmtime_r(&seconds, &parts);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", parts.tm_year + 1900, parts.tm_mon + 1,
                     parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec, wall_us / 1000 % 1000);
}

void Table::row(std::vector<std::string> cells) {
  AERODB_ASSERT(cells.size() == columns_.size());
  rows_.push_back(std::move(cells));
}

std::string Table::render(const Screen& screen) const {
  std::vector<size_t> widths;
  std::vector<bool> right;
  for (size_t i = 0; i < columns_.size(); ++i) {
    size_t width = width_of(columns_[i]);
    for (const auto& row : rows_) width = std::max(width, width_of(row[i]));
    widths.push_back(width);
    right.push_back(!rows_.empty() && std::ranges::all_of(rows_, [i](const auto& row) { return is_number(row[i]); }));
  }
  if (screen.width > 0) fit(widths, screen.width);
  std::string head;
  add_line(head, columns_, widths, right);
  if (screen.colours) head = "\x1b[1m" + head.substr(0, head.size() - 1) + "\x1b[0m\n";
  for (const auto& row : rows_) add_line(head, row, widths, right);
  return head;
}

std::string cell_of(document::Cursor value) {
  if (value.is_nil()) return "-";
  if (const auto text = value.text()) return printable(*text);
  if (const auto bytes = value.bytes()) return to_hex(*bytes);
  return printable(document::to_json(value));
}

std::string render_map(document::Cursor map, const Screen& screen) {
  if (map.type() != document::Type::kMap) return cell_of(map) + "\n";
  Facts facts;
  collect(map, "", facts);
  size_t width = 0;
  for (const auto& [name, value] : facts.lines) width = std::max(width, width_of(name));
  std::string text;
  for (const auto& [name, value] : facts.lines) {
    text += fmt::format("{}{}  {}\n", name, std::string(width - width_of(name), ' '), value);
  }
  for (const auto& [name, list] : facts.tables) {
    text += fmt::format("{}{}:\n{}", text.empty() ? "" : "\n", name, render_list(list, screen));
  }
  return text;
}

std::string error_text(std::string_view who, const Error& error, Advice advice) {
  const auto& row = error.row();
  std::string text = fmt::format("{}: {}: {}\n", who, row.name, printable(error.message));
  if (!row.rule.empty()) text += fmt::format("  rule: {}\n", row.rule);
  for (const auto& detail : error.details) {
    text += fmt::format("  {}: {}\n", printable(detail.key), printable(detail.value));
  }
  if (advice == Advice::kShown && !row.changed_by.empty()) {
    text += fmt::format("  evidence changes by: {}\n", row.changed_by);
  }
  return text;
}

// --- Output

void Output::text(std::string_view text) { std::fwrite(text.data(), 1, text.size(), out_); }

void Output::line(std::string_view text) {
  this->text(text);
  this->text("\n");
}

void Output::notice(std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), err_);
  std::fflush(err_);
}

void Output::packed(ByteSpan packed) {
  document::Tape tape;
  const auto parsed = tape.parse(packed);
  AERODB_ASSERT(parsed.has_value());
  if (format_ == Format::kTable) {
    text(render_map(tape.root(), screen_));
  } else {
    const bool pretty = format_ == Format::kJson;
    line(document::to_json(tape.root(), pretty ? document::JsonStyle::kPretty : document::JsonStyle::kCompact));
  }
}

int Output::error(std::string_view who, const Error& error, Advice advice) {
  std::fflush(out_);
  notice(error_text(who, error, advice));
  return static_cast<int>(error.row().exit_code);
}

bool Output::flush() { return std::fflush(out_) == 0 && std::ferror(out_) == 0; }

}  // namespace aerodb::console
