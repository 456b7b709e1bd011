// A stranger on the network: bytes that are no messages, messages that are not meant, sessions that prove nothing, and
// one that proves itself and then leaves a gap. No node may halt, lose or believe anything because of it.
#pragma once

#include <memory>
#include <vector>

#include "common/wire/client.h"
#include "tests/sim/cluster.h"

namespace aerodb::sim {

class Hostile {
 public:
  Hostile(Context& context, SimMachine& machine);
  ~Hostile();
  void start();

 private:
  class Stream;
  // A shipper's conversation that goes wrong on purpose.
  struct Session {
    std::unique_ptr<wire::Client> source;
    std::unique_ptr<wire::Client> target;
    wire::ReplicaOpenRequest open;
    wire::ReplicaOpenResponse opened;
    bool prove = false;
  };
  void next();
  void step();
  void send_stream();
  void begin_session();
  void claim_lineage(wire::ReplicaOpenRequest& open);
  void open_session();
  void append(Lsn first_lsn, const Chain& chain_before, uint32_t count, ByteSpan records,
              std::move_only_function<void(bool)> then);
  void leave_gap();
  [[nodiscard]] Bytes make_bytes();

  Context& context_;
  SeededRandom random_;
  std::unique_ptr<SimProcess> process_;
  std::vector<std::unique_ptr<Stream>> streams_;
  std::unique_ptr<Session> session_;
};

}  // namespace aerodb::sim
