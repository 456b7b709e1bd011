// Operational log: one JSON object a line on stderr. Levels and names are stable; free text is for people.
// The sink is an object handed down, not a global: a core that must stay silent is given none.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <variant>

namespace aerodb {

enum class LogLevel : uint8_t { kDebug, kInfo, kWarn, kError };

struct LogField {
  std::string_view key;
  std::variant<uint64_t, int64_t, bool, std::string> value;
};

// Thread: any. Lines are written whole.
class LogSink {
 public:
  virtual ~LogSink() = default;
  virtual void write(LogLevel level, std::string_view event, std::initializer_list<LogField> fields) = 0;
};

// JSON lines to stderr through spdlog: {"ts":..., "level":..., "process":..., "event":..., fields...}.
[[nodiscard]] std::unique_ptr<LogSink> make_stderr_log(std::string_view process_name, LogLevel minimum);
// Drops everything (tools, simulator).
[[nodiscard]] std::unique_ptr<LogSink> make_silent_log();

}  // namespace aerodb
