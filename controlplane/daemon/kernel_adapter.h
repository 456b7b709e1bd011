// The only code that can call a node's `control` listener, and the closed list of what can be called there. Each
// function is one call to one node: no batch, no retry, no choice of node (rule CTRL-7). Thread: the loop's.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "common/wire/messages_control.h"
#include "controlplane/daemon/command.h"
#include "controlplane/daemon/node_calls.h"

namespace aerodb::controlplane {

// An explanation as the node made it, checked to have the hash that the node states.
struct NodeExplanation {
  Bytes packed;
  Sha256 sha256{};
};

// What became of an operation.
struct KernelReply {
  enum class Verdict : uint8_t {
    kAnswered,  // `packed` is the node's answer, verbatim
    kRejected,  // `error` is the node's
    kUnknown,   // sent, and no answer seen; or the node itself says that it does not know
    kNotSent,   // certain that the node never got it
  };
  Verdict verdict = Verdict::kUnknown;
  Bytes packed;
  Error error;
};

class KernelAdapter {
 public:
  using ReplyDone = std::move_only_function<void(KernelReply)>;

  explicit KernelAdapter(NodeCalls& calls) : calls_(calls) {}

  // Writes nothing on the node. The node's own error, BAD_MESSAGE for an answer that is no explanation of `node`, or
  // UNREACHABLE where none came.
  void explain(const ControlledNode& node, const Command& command,
               std::move_only_function<void(Result<NodeExplanation>)> done);

  void demote(const ControlledNode& node, const Command& command, const Sha256& audit_head, ReplyDone done);
  void promote(const ControlledNode& node, const Command& command, const Sha256& audit_head, ReplyDone done);
  void decline(const ControlledNode& node, const Command& command, const Sha256& audit_head, ReplyDone done);
  void diagnose(const ControlledNode& node, const Command& command, const Sha256& audit_head, ReplyDone done);

  // What the node's log records of a request; writes nothing. Errors as explain().
  void outcome(const ControlledNode& node, const std::string& request_id,
               std::move_only_function<void(Result<wire::ControlOutcomeResponse>)> done);

 private:
  NodeCalls& calls_;
};

}  // namespace aerodb::controlplane
