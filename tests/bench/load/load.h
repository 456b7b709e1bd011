// Closed-loop load on a node or on Redis, by one and the same loop, and what this machine does without either: the same
// shape of traffic on a bare echo, the same shape of write on a bare file.
#pragma once

#include <cstdint>
#include <string>

#include "common/base/error.h"
#include "tests/bench/load/histogram.h"

namespace aerodb::bench {

enum class Operation : uint8_t {
  kWrite,  // a new document each: doc.insert; SET
  kGet,    // documents that are there: doc.get; GET
  kMixed,  // nine gets, one write
  kQuery,  // kQueryDocuments documents by an indexed field: doc.query; Redis has none
  kFill,   // writes the documents that gets ask for, from the first to the last
  kEcho,   // no server: fixed bytes there and back between two threads
  kSync,   // no server: one write and one fdatasync after the other, on a file that is full of zeros
  kDisk,   // no server: a new file, written from its begin, one fdatasync at its end; counted in mebibytes
};

enum class Protocol : uint8_t {
  kNode,   // MessagePack-RPC on a client listener; collection `bench` with the schema of sample_fields() must be there
  kRedis,  // RESP2
};

struct LoadOptions {
  Operation operation = Operation::kGet;
  Protocol protocol = Protocol::kNode;
  std::string address;  // HOST:PORT, numeric
  std::string file;     // kSync, kDisk: a file to make, use and remove
  uint32_t connections = 1;
  uint32_t depth = 1;             // requests in flight on each
  double seconds = 2;             // of measurement, after a tenth of it to warm up
  uint64_t requests = 0;          // if not 0: end after so many
  uint64_t rate = 0;              // if not 0: no more than so many a second in all, spread evenly by the millisecond
  uint64_t documents = 10'000;    // kGet, kMixed, kQuery, kFill: documents 0 .. documents - 1
  uint64_t first = 1ull << 40;    // kWrite, kMixed: number of the first document written; each run needs its own
  uint32_t document_bytes = 200;  // of each document as it is sent
  uint32_t bytes = 1024;          // kSync: of each write, a multiple of 512. kEcho: of a message there
  uint32_t answer_bytes = 128;    // kEcho: of a message back
};

struct LoadResult {
  Histogram latency;
  double seconds = 0;
  uint64_t errors = 0;  // refused, or answered without the documents asked for
  std::string first_error;
};

// kWrite, kGet, kMixed, kQuery, kFill. One thread, all connections on one epoll. UNREACHABLE, CONNECTION_LOST.
[[nodiscard]] Result<LoadResult> run_load(const LoadOptions& options);
// kEcho.
[[nodiscard]] Result<LoadResult> run_echo(const LoadOptions& options);
// kSync.
[[nodiscard]] Result<LoadResult> run_sync(const LoadOptions& options);
// kDisk.
[[nodiscard]] Result<LoadResult> run_disk(const LoadOptions& options);

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
