#include <fmt/format.h>

#include <chrono>
#include <memory>
#include <vector>

#include "common/uv/uv_runtime.h"
#include "common/wire/codec.h"
#include "common/wire/methods.h"
#include "common/wire/scanner.h"
#include "tests/bench/load/load.h"

namespace aerodb::bench {

namespace {

constexpr uint64_t kSecondNs = 1'000'000'000;

// Everything the connections of one run share.
struct Run {
  explicit Run(const LoadOptions& given) : options(given), text(given.payload_bytes, 'x'), stopwatch(given) {}
  void fail_with(Error error) {
    if (!failure) failure = std::move(error);
    runtime.stop();
  }
  const LoadOptions& options;
  uv::UvRuntime runtime{make_silent_log()};
  const std::string text;
  uint64_t next_number = 0;  // of the next document
  Stopwatch stopwatch;
  LoadResult result;
  std::optional<Error> failure;
  bool over = false;
};

// One connection with `depth` slots. A message's id is its slot.
class Connection final : public runtime::ConnectionEvents {
 public:
  explicit Connection(Run& run) : run_(run), began_ns_(run.options.depth) {}
  Result<void> connect() {
    auto endpoint = runtime::Endpoint::parse(run_.options.address);
    if (!endpoint) return fail(std::move(endpoint.error()));
    attempt_ = run_.runtime.network().connect(*endpoint, [this](auto stream) {
      if (!stream) return run_.fail_with(std::move(stream.error()));
      stream_ = std::move(*stream);
      stream_->set_events(this);
      for (uint32_t slot = 0; slot < run_.options.depth; ++slot) ask(slot);
      flush();
    });
    return {};
  }

  void on_data(ByteSpan data) override {
    input_.feed(data);
    while (const auto message = input_.next()) answered(*message);
    input_.release();
    if (!run_.over) flush();
  }
  void on_close(std::string_view why) override {
    if (!run_.over) run_.fail_with({ErrorCode::kConnectionLost, std::string(why), {}});
  }

 private:
  void answered(ByteSpan message) {
    const uint32_t slot = input_.scanner().id().value_or(0);
    if (slot >= began_ns_.size() || !tape_.parse(message))
      return run_.fail_with({ErrorCode::kBadMessage, "an answer to nothing", {}});
    const auto error = tape_.root().first().skip().skip();
    if (!error.is_nil() && run_.result.errors++ == 0) run_.result.first_error = wire::decode_error(error).message;
    if (!run_.stopwatch.note(began_ns_[slot], Stopwatch::now_ns(), run_.result)) {
      run_.over = true;
      run_.runtime.stop();
    }
    if (!run_.over) ask(slot);
  }

  void ask(uint32_t slot) {
    document::PackWriter out(output_);
    out.array(4);
    out.unsigned_integer(0);
    out.unsigned_integer(slot);
    const auto& options = run_.options;
    if (options.operation == Operation::kInsert) {
      out.text(wire::kDocInsert.name);
      id_ = fmt::format("{}{}", options.prefix, run_.next_number++);
      document_.clear();
      document::PackWriter document(document_);
      document.map(2);
      document.field("_id", id_);
      document.field("text", run_.text);
      wire::DocInsertRequest request;
      request.collection = options.collection;
      request.schema_version = 1;
      request.document = wire::Packed{document_};
      out.array(1);
      wire::encode(request, out);
    } else {
      out.text(wire::kDocGet.name);
      // Far steps, so that neighbours in time are no neighbours in the table.
      constexpr uint64_t kStep = 7919;
      id_ = fmt::format("{}{}", options.prefix, run_.next_number++ * kStep % options.documents);
      wire::DocGetRequest request;
      request.collection = options.collection;
      request.id = id_;
      request.schema_version = 1;
      out.array(1);
      wire::encode(request, out);
    }
    began_ns_[slot] = Stopwatch::now_ns();
  }

  void flush() {
    if (!output_.empty()) stream_->send_view(output_);
    output_.clear();
  }

  Run& run_;
  std::unique_ptr<runtime::Network::Attempt> attempt_;
  std::unique_ptr<runtime::Connection> stream_;
  wire::MessageInput input_;
  document::Tape tape_;
  std::vector<uint64_t> began_ns_;  // by slot
  Bytes output_;
  Bytes document_;
  std::string id_;
};

}  // namespace

Stopwatch::Stopwatch(const LoadOptions& options) : requests_(options.requests) {
  const auto length_ns = static_cast<uint64_t>(options.seconds * static_cast<double>(kSecondNs));
  count_from_ns_ = now_ns() + length_ns / 10;
  end_ns_ = count_from_ns_ + length_ns;
}

uint64_t Stopwatch::now_ns() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(now).count());
}

bool Stopwatch::note(uint64_t began_ns, uint64_t ended_ns, LoadResult& result) {
  if (ended_ns < count_from_ns_) return true;
  result.latency.add(ended_ns - began_ns);
  result.seconds = static_cast<double>(ended_ns - count_from_ns_) / static_cast<double>(kSecondNs);
  return ended_ns < end_ns_ && (requests_ == 0 || result.latency.count() < requests_);
}

Result<LoadResult> run_load(const LoadOptions& options) {
  Run run(options);
  std::vector<std::unique_ptr<Connection>> connections;
  for (uint32_t i = 0; i < options.connections; ++i) {
    connections.push_back(std::make_unique<Connection>(run));
    if (auto connecting = connections.back()->connect(); !connecting) return fail(std::move(connecting.error()));
  }
  run.runtime.run();
  if (run.failure) return fail(std::move(*run.failure));
  return std::move(run.result);
}

}  // namespace aerodb::bench
