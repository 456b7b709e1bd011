// Requests that need blocks of runs which are not in memory. The handler is written once: it calls the engine with a
// lease of blocks, and answers what it gets. Where blocks are missing, its request is put back, the blocks are read in
// a Job, and the server runs the same request again, first of its connection; the lease and how far a query came wait
// for it here. A failed read surfaces as the engine's answer, from the lease's trouble.
//
// What waits ends with its connection. A request that finds everything in memory allocates nothing here.
// Thread: the loop's.
#pragma once

#include <map>
#include <memory>
#include <utility>

#include "common/engine/engine.h"
#include "common/observe/metrics.h"
#include "common/wire/server.h"

namespace aerodb::node {

// What one request keeps from one call of the engine to the next.
struct Attempt {
  explicit Attempt(store::LeasedBlocks lease) : blocks(std::move(lease)) {}
  store::LeasedBlocks blocks;
  engine::QueryProgress query;
};

// Of one listener.
class Restarts {
 public:
  // All must outlive it.
  Restarts(runtime::Runtime& runtime, observe::Metrics& metrics, wire::Server& server);
  Restarts(const Restarts&) = delete;
  Restarts& operator=(const Restarts&) = delete;

  // The engine goes: what waits for blocks of its runs runs again, from its beginning.
  void forget();

  // `call(attempt)` answers a Restartable; `then(answer, responder)` gets what it holds and must have taken all it
  // needs of it when it returns. Only in the handler that was handed the responder. A handler that comes here once
  // comes here each time, as long as its request is the same.
  template <class Call, class Then>
  void run(engine::Engine& engine, wire::Responder responder, Call&& call, Then&& then) {
    auto attempt = take(engine, responder.connection());
    if (auto answer = call(*attempt)) {
      then(std::move(*answer), std::move(responder));
      give_back(std::move(attempt));
    } else {
      wait(std::move(attempt), std::move(responder));
    }
  }

 private:
  [[nodiscard]] std::shared_ptr<Attempt> take(engine::Engine& engine, uint64_t connection);
  void give_back(std::shared_ptr<Attempt> attempt);
  void wait(std::shared_ptr<Attempt> attempt, wire::Responder responder);

  runtime::Runtime& runtime_;
  observe::Metrics& metrics_;
  wire::Server& server_;
  std::shared_ptr<Attempt> spare_;                        // for the next request
  std::map<uint64_t, std::shared_ptr<Attempt>> waiting_;  // by connection
  std::shared_ptr<const bool> alive_ = std::make_shared<const bool>(true);
};

}  // namespace aerodb::node
