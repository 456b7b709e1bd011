// aerodb-bench-load: one measurement, as one line of JSON on standard output. tests/bench/run puts them side by side.
//
//   aerodb-bench-load --operation get --address 127.0.0.1:7301 --connections 64 --depth 16 --seconds 5
#include <fmt/format.h>

#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>
#include <string_view>

#include "common/base/exit_code.h"
#include "tests/bench/load/load.h"
#include "tests/bench/load/speech.h"

namespace {

using namespace aerodb;
using bench::LoadOptions;
using bench::Operation;
using bench::Protocol;

constexpr std::string_view kUsage =
    "aerodb-bench-load --operation write|get|mixed|query|fill --address HOST:PORT [--protocol node|redis]\n"
    "    [--connections N] [--depth N] [--seconds S] [--requests N] [--rate N] [--documents N] [--first N]\n"
    "    [--document-bytes N]\n"
    "aerodb-bench-load --operation echo [--connections N] [--depth N] [--seconds S] [--bytes N] [--answer-bytes N]\n"
    "aerodb-bench-load --operation sync --file PATH [--bytes N] [--seconds S]\n"
    "aerodb-bench-load --operation disk --file PATH --requests MEBIBYTES\n";

const std::map<std::string_view, Operation> kOperations = {{"write", Operation::kWrite}, {"get", Operation::kGet},
                                                           {"mixed", Operation::kMixed}, {"query", Operation::kQuery},
                                                           {"fill", Operation::kFill},   {"echo", Operation::kEcho},
                                                           {"sync", Operation::kSync},   {"disk", Operation::kDisk}};

const std::map<std::string_view, Protocol> kProtocols = {{"node", Protocol::kNode}, {"redis", Protocol::kRedis}};

template <class Number>
bool read_number(std::string_view text, Number& value) {
  const auto end = text.data() + text.size();
  const auto [stopped, problem] = std::from_chars(text.data(), end, value);
  return problem == std::errc() && stopped == end && value > 0;
}

template <class Value>
bool read_name(const std::map<std::string_view, Value>& names, std::string_view text, Value& value) {
  const auto found = names.find(text);
  if (found != names.end()) value = found->second;
  return found != names.end();
}

bool read_option(std::string_view name, std::string_view value, LoadOptions& options) {
  if (name == "--operation") return read_name(kOperations, value, options.operation);
  if (name == "--protocol") return read_name(kProtocols, value, options.protocol);
  if (name == "--address") return options.address = value, true;
  if (name == "--file") return options.file = value, true;
  if (name == "--connections") return read_number(value, options.connections);
  if (name == "--depth") return read_number(value, options.depth);
  if (name == "--seconds") return read_number(value, options.seconds);
  if (name == "--requests") return read_number(value, options.requests);
  if (name == "--rate") return read_number(value, options.rate);
  if (name == "--documents") return read_number(value, options.documents);
  if (name == "--first") return read_number(value, options.first);
  if (name == "--document-bytes")
    return read_number(value, options.document_bytes) && options.document_bytes >= bench::kSmallestDocument;
  if (name == "--bytes") return read_number(value, options.bytes);
  if (name == "--answer-bytes") return read_number(value, options.answer_bytes);
  return false;
}

bool complete(const LoadOptions& options) {
  switch (options.operation) {
    case Operation::kQuery:
      return options.protocol == Protocol::kNode && !options.address.empty();
    case Operation::kWrite:
    case Operation::kGet:
    case Operation::kMixed:
    case Operation::kFill:
      return !options.address.empty();
    case Operation::kEcho:
      return true;
    case Operation::kSync:
      return !options.file.empty() && options.bytes % 512 == 0;
    case Operation::kDisk:
      return !options.file.empty() && options.requests > 0;
  }
  return false;
}

Result<bench::LoadResult> measure(const LoadOptions& options) {
  if (options.operation == Operation::kEcho) return bench::run_echo(options);
  if (options.operation == Operation::kSync) return bench::run_sync(options);
  if (options.operation == Operation::kDisk) return bench::run_disk(options);
  return bench::run_load(options);
}

void print(const LoadOptions& options, const bench::LoadResult& result) {
  std::string_view name;
  for (const auto& [text, operation] : kOperations) {
    if (operation == options.operation) name = text;
  }
  const auto us = [](uint64_t ns) { return static_cast<double>(ns) / 1000; };
  const auto& latency = result.latency;
  fmt::print(
      "{{\"operation\":\"{}\",\"connections\":{},\"depth\":{},\"requests\":{},\"errors\":{},\"seconds\":{:.3f},"
      "\"per_second\":{:.1f},\"p50_us\":{:.1f},\"p99_us\":{:.1f},\"p999_us\":{:.1f},\"max_us\":{:.1f}}}\n",
      name, options.connections, options.depth, latency.count(), result.errors, result.seconds,
      result.seconds > 0 ? static_cast<double>(latency.count()) / result.seconds : 0.0, us(latency.quantile_ns(0.5)),
      us(latency.quantile_ns(0.99)), us(latency.quantile_ns(0.999)), us(latency.max_ns()));
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
