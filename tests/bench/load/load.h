// Closed-loop load on a node's client listener, and what this machine does without a node: the same shape of traffic on
// a bare echo, the same shape of write on a bare file.
#pragma once

#include <cstdint>
#include <string>

#include "common/base/error.h"
#include "tests/bench/load/histogram.h"

namespace aerodb::bench {

enum class Operation : uint8_t {
  kInsert,  // doc.insert of a new document each
  kGet,     // doc.get of documents that are there
  kEcho,    // no node: fixed bytes there and back between two threads
  kSync,    // no node: one write and one fdatasync after the other, on a file that is full of zeros
};

struct LoadOptions {
  Operation operation = Operation::kGet;
  std::string address;  // of the node
  std::string file;     // kSync: a file to make, use and remove
  uint32_t connections = 1;
  uint32_t depth = 1;     // requests in flight on each
  double seconds = 5;     // of measurement, after a tenth of it to warm up
  uint64_t requests = 0;  // if not 0: end after so many, warm-up left out
  std::string collection = "bench";
  std::string prefix = "d";      // of the ids; an insert run needs one of its own
  uint32_t documents = 10'000;   // kGet: ids are PREFIX0 .. PREFIX(documents - 1)
  uint32_t payload_bytes = 100;  // kInsert: text in each document
  uint32_t bytes = 1024;         // kSync: of each write, a multiple of 512
};

struct LoadResult {
  Histogram latency;
  double seconds = 0;
  uint64_t errors = 0;
  std::string first_error;
};

// kInsert, kGet. One thread, all connections on one loop. UNREACHABLE, CONNECTION_LOST.
[[nodiscard]] Result<LoadResult> run_load(const LoadOptions& options);
// kEcho. Messages are as long as a get and its answer.
[[nodiscard]] Result<LoadResult> run_echo(const LoadOptions& options);
// kSync.
[[nodiscard]] Result<LoadResult> run_sync(const LoadOptions& options);

// When a run begins to count and when it ends. Time is steady_clock in nanoseconds.
class Stopwatch {
 public:
  explicit Stopwatch(const LoadOptions& options);
  [[nodiscard]] static uint64_t now_ns();
  // Notes one request; false once the run is over.
  bool note(uint64_t began_ns, uint64_t ended_ns, LoadResult& result);

 private:
  uint64_t count_from_ns_;
  uint64_t end_ns_;
  uint64_t requests_;
};

}  // namespace aerodb::bench
