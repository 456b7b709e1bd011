#include "common/base/log.h"

#include <fmt/chrono.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <chrono>
#include <nlohmann/json.hpp>

namespace aerodb {
namespace {

class StderrLog final : public LogSink {
 public:
  StderrLog(std::string_view process_name, LogLevel minimum)
      : logger_(std::string(process_name), std::make_shared<spdlog::sinks::stderr_sink_mt>()) {
    logger_.set_pattern("%v");
    logger_.set_level(level_of(minimum));
    logger_.flush_on(spdlog::level::trace);
  }

  void write(LogLevel level, std::string_view event, std::initializer_list<LogField> fields) override {
    if (!logger_.should_log(level_of(level))) return;
    nlohmann::ordered_json line;
    line["ts"] = timestamp();
    line["level"] = spdlog::level::to_string_view(level_of(level)).data();
    line["process"] = logger_.name();
    line["event"] = event;
    for (const auto& field : fields) {
      std::visit([&](const auto& value) { line[std::string(field.key)] = value; }, field.value);
    }
    logger_.log(level_of(level), "{}", line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
  }

 private:
  static spdlog::level::level_enum level_of(LogLevel level) {
    switch (level) {
      case LogLevel::kDebug:
        return spdlog::level::debug;
      case LogLevel::kInfo:
        return spdlog::level::info;
      case LogLevel::kWarn:
        return spdlog::level::warn;
      case LogLevel::kError:
        return spdlog::level::err;
    }
    return spdlog::level::err;
  }
  static std::string timestamp() {
    const auto now = std::chrono::system_clock::now();
    const auto us = std::chrono::duration_cast<std::chrono::microseconds>(now.time_since_epoch()).count();
    return fmt::format("{:%FT%T}.{:06}Z", fmt::gmtime(std::chrono::system_clock::to_time_t(now)), us % 1'000'000);
  }
  spdlog::logger logger_;
};

class SilentLog final : public LogSink {
 public:
  void write(LogLevel, std::string_view, std::initializer_list<LogField>) override {}
};

}  // namespace

std::unique_ptr<LogSink> make_stderr_log(std::string_view process_name, LogLevel minimum) {
  return std::make_unique<StderrLog>(process_name, minimum);
}
std::unique_ptr<LogSink> make_silent_log() { return std::make_unique<SilentLog>(); }

}  // namespace aerodb
