// Asks a node for its status until it answers READY or HALTED, or the time is over. Thread: the loop's.
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "common/wire/client.h"

namespace aerodb::console {

class Probe {
 public:
  // The status of a node that is READY or HALTED; nullopt when the time is over.
  using Done = std::move_only_function<void(std::optional<wire::StatusResponse>)>;

  // `done` runs once, in a later turn. Destroying the probe, in `done` too, ends it.
  Probe(runtime::Runtime& runtime, runtime::Endpoint endpoint, uint64_t time_us, Done done);
  ~Probe();
  Probe(const Probe&) = delete;
  Probe& operator=(const Probe&) = delete;

 private:
  void try_once();
  void ask();
  void try_again();
  void finish(std::optional<wire::StatusResponse> status);

  runtime::Runtime& runtime_;
  const runtime::Endpoint endpoint_;
  const uint64_t end_us_;
  Done done_;
  std::unique_ptr<wire::Client> client_;
  runtime::TimerId timer_ = runtime::TimerId::kNone;
};

}  // namespace aerodb::console
