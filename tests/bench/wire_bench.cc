// A doc.get through scanner, decoding, dispatch, encoding and the client, over streams in memory: the wire's own share.
#include <benchmark/benchmark.h>

#include "common/wire/client.h"
#include "common/wire/server.h"
#include "tests/bench/sample.h"
#include "tests/unit/wire/memory_runtime.h"

namespace aerodb::bench {
namespace {

void get_round_trip_in_memory(benchmark::State& state) {
  const auto document = sample_canonical(1, 100);
  wire::testing::MemoryRuntime runtime;
  wire::Server server(runtime, wire::ListenerKind::kClient, {}, {});
  server.handle(wire::kDocGet, [&](const wire::DocGetRequest&, wire::Responder responder) {
    wire::DocGetResponse response;
    response.data.version = wire::DocVersion{CommitId(1), 1, wire::Packed{document}};
    responder.ok(response);
  });
  runtime::Endpoint endpoint;
  endpoint.host = "127.0.0.1";
  if (!server.listen(endpoint)) return state.SkipWithError("listen");
  wire::Client client(runtime);
  client.connect(server.endpoint(), [](Result<void>) {});
  runtime.run();

  const auto depth = static_cast<uint64_t>(state.range(0));
  const auto id = sample_id(1);
  wire::DocGetRequest request;
  request.collection = "c";
  request.id = id;
  request.schema_version = 1;
  uint64_t answered = 0;
  for (auto _ : state) {
    for (uint64_t i = 0; i < depth; ++i) {
      client.call(wire::kDocGet, request, 0, [&](Result<wire::DocGetResponse> answer) { answered += answer ? 1 : 0; });
    }
    runtime.run();
  }
  if (answered != state.iterations() * depth) state.SkipWithError("unanswered");
  state.SetItemsProcessed(static_cast<int64_t>(answered));
}
BENCHMARK(get_round_trip_in_memory)->Arg(1)->Arg(16);

}  // namespace
}  // namespace aerodb::bench
