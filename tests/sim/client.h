// A client: bursts of requests over one connection a node, writes and reads, with and without its last receipt. Every
// answer goes to the model.
#pragma once

#include <memory>
#include <vector>

#include "common/wire/client.h"
#include "tests/sim/cluster.h"

namespace aerodb::sim {

// A connection to one listener of a node, made when it is needed.
class NodeLink {
 public:
  NodeLink(SimProcess& process, runtime::Endpoint endpoint) : process_(process), endpoint_(std::move(endpoint)) {
    client_ = std::make_unique<wire::Client>(process_);
  }
  // Runs `then` once, with whether it is connected. Nothing may be in flight.
  void with_connection(std::move_only_function<void(bool)> then);
  [[nodiscard]] wire::Client& client() { return *client_; }

 private:
  SimProcess& process_;
  std::unique_ptr<wire::Client> client_;
  runtime::Endpoint endpoint_;
};

class Client {
 public:
  Client(Context& context, uint32_t index, SimMachine& machine);

  void start();
  [[nodiscard]] bool done() const { return bursts_left_ == 0 && in_flight_ == 0; }

 private:
  void next_burst();
  void burst(NodeIndex node);
  void register_schema(NodeIndex node, uint32_t collection, uint32_t version);
  void write(NodeIndex node);
  void read(NodeIndex node);
  void get(NodeIndex node);
  void query(NodeIndex node);
  void history(NodeIndex node);
  void explain_unread(NodeIndex node);
  // After an answer: the same read again, explained by the same node.
  void explain(NodeIndex node, Read read, CommitId at_commit, Told told);
  void explain(NodeIndex node, Query query, const wire::DocQueryResponse& answer);
  void status(NodeIndex node);
  [[nodiscard]] Operation make_operation();
  void make_document(Operation& operation);
  [[nodiscard]] Read make_read(NodeIndex node);
  void answered(NodeIndex node, const Error* error);
  void remember(const wire::Receipt& receipt);
  template <class Response>
  void remember_answer(const Result<Response>& answer) {
    if (answer) remember(answer->receipt);
  }
  [[nodiscard]] uint32_t timeout_ms() { return 10 + static_cast<uint32_t>(random_.below(60)); }
  [[nodiscard]] std::optional<wire::Receipt> receipt_to_show();
  [[nodiscard]] Query make_query(NodeIndex node);
  void send_operations(NodeIndex node, WriteIssue& issue);

  Context& context_;
  uint32_t index_;
  SeededRandom random_;
  std::unique_ptr<SimProcess> process_;
  std::vector<std::unique_ptr<NodeLink>> links_;
  std::optional<wire::Receipt> last_receipt_;
  uint32_t bursts_left_ = 0;
  uint32_t in_flight_ = 0;
  int64_t documents_made_ = 0;
};

}  // namespace aerodb::sim
