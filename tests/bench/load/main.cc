// aerodb-bench-load: one measurement, as one line of JSON on standard output. tests/bench/run puts them side by side.
//
//   aerodb-bench-load --op get --address 127.0.0.1:7301 --connections 64 --depth 16 --seconds 5
#include <fmt/format.h>

#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>
#include <string_view>

#include "common/base/exit_code.h"
#include "tests/bench/load/load.h"

namespace {

using namespace aerodb;
using bench::LoadOptions;
using bench::Operation;

constexpr std::string_view kUsage =
    "aerodb-bench-load --op insert|get|echo|sync [--address HOST:PORT] [--connections N] [--depth N] [--seconds S]\n"
    "    [--requests N] [--collection NAME] [--prefix TEXT] [--documents N] [--payload-bytes N] [--file PATH] [--bytes "
    "N]\n";

const std::map<std::string_view, Operation> kOperations = {
    {"insert", Operation::kInsert}, {"get", Operation::kGet}, {"echo", Operation::kEcho}, {"sync", Operation::kSync}};

template <class Number>
bool read_number(std::string_view text, Number& value) {
  const auto end = text.data() + text.size();
  const auto [stopped, problem] = std::from_chars(text.data(), end, value);
  return problem == std::errc() && stopped == end && value > 0;
}

bool read_option(std::string_view name, std::string_view value, LoadOptions& options) {
  if (name == "--op") {
    const auto operation = kOperations.find(value);
    if (operation != kOperations.end()) options.operation = operation->second;
    return operation != kOperations.end();
  }
  if (name == "--address") return options.address = value, true;
  if (name == "--collection") return options.collection = value, true;
  if (name == "--prefix") return options.prefix = value, true;
  if (name == "--file") return options.file = value, true;
  if (name == "--connections") return read_number(value, options.connections);
  if (name == "--depth") return read_number(value, options.depth);
  if (name == "--seconds") return read_number(value, options.seconds);
  if (name == "--requests") return read_number(value, options.requests);
  if (name == "--documents") return read_number(value, options.documents);
  if (name == "--payload-bytes") return read_number(value, options.payload_bytes);
  if (name == "--bytes") return read_number(value, options.bytes) && options.bytes % 512 == 0;
  return false;
}

bool complete(const LoadOptions& options) {
  const bool needs_node = options.operation == Operation::kInsert || options.operation == Operation::kGet;
  return (!needs_node || !options.address.empty()) && (options.operation != Operation::kSync || !options.file.empty());
}

Result<bench::LoadResult> measure(const LoadOptions& options) {
  switch (options.operation) {
    case Operation::kInsert:
    case Operation::kGet:
      return bench::run_load(options);
    case Operation::kEcho:
      return bench::run_echo(options);
    case Operation::kSync:
      return bench::run_sync(options);
  }
  return fail(ErrorCode::kUsage, "no such operation");
}

void print(const LoadOptions& options, const bench::LoadResult& result) {
  std::string_view name;
  for (const auto& [text, operation] : kOperations) {
    if (operation == options.operation) name = text;
  }
  const auto us = [](uint64_t ns) { return static_cast<double>(ns) / 1000; };
  const auto& latency = result.latency;
  fmt::print(
      "{{\"op\":\"{}\",\"connections\":{},\"depth\":{},\"requests\":{},\"errors\":{},\"seconds\":{:.3f},\"per_second\":"
      "{:.1f},"
      "\"p50_us\":{:.1f},\"p90_us\":{:.1f},\"p99_us\":{:.1f},\"p999_us\":{:.1f},\"max_us\":{:.1f}}}\n",
      name, options.connections, options.depth, latency.count(), result.errors, result.seconds,
      result.seconds > 0 ? static_cast<double>(latency.count()) / result.seconds : 0.0, us(latency.quantile_ns(0.5)),
      us(latency.quantile_ns(0.9)), us(latency.quantile_ns(0.99)), us(latency.quantile_ns(0.999)),
      us(latency.max_ns()));
}

}  // namespace

int main(int argc, char** argv) {
  LoadOptions options;
  bool understood = argc > 1 && argc % 2 == 1;
  for (int i = 1; understood && i + 1 < argc; i += 2) understood = read_option(argv[i], argv[i + 1], options);
  if (!understood || !complete(options)) {
    std::fputs(kUsage.data(), stderr);
    return static_cast<int>(ExitCode::kUsage);
  }
  const auto result = measure(options);
  if (!result) {
    fmt::print(stderr, "aerodb-bench-load: {}\n", result.error().message);
    return static_cast<int>(result.error().row().exit_code);
  }
  print(options, *result);
  // What was refused was not measured.
  if (result->errors > 0)
    fmt::print(stderr, "aerodb-bench-load: {} refused, the first: {}\n", result->errors, result->first_error);
  return static_cast<int>(result->errors > 0 ? ExitCode::kRejected : ExitCode::kOk);
}
