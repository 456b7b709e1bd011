// May this node be diagnosed now, and what will that cost? (rule CKPT-8)
//
// A diagnosis is a storage operation that only reads: every run of the manifest, and the log behind it up to the last
// durable record, are proven on the running node.
#pragma once

#include <optional>
#include <string>

#include "common/base/error.h"
#include "common/rules/explanation.h"
#include "common/rules/states.h"

namespace aerodb::rules {

inline constexpr std::string_view kDiagnose = "diagnose";  // the command's name

struct DiagnosisEvidence {
  std::string command{kDiagnose};
  std::string node;
  InstanceId instance;
  NodeState state = NodeState::kInitializing;
  std::optional<LineageId> lineage;
  // The storage operation or repair under way; absent where there is none.
  std::optional<std::string> operation_running;
  // What it would read: the runs of the manifest, and the records behind it.
  Lsn manifest_lsn;
  uint64_t runs = 0;
  uint64_t run_bytes = 0;
  Lsn durable_lsn;
  CommitId commit;            // at durable_lsn
  uint64_t memory_bytes = 0;  // that the records behind the manifest take, once more

  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("command", self.command);
    visit("node", self.node);
    visit("instance", self.instance);
    visit("state", self.state);
    visit("lineage", self.lineage);
    visit("operation_running", self.operation_running);
    visit("manifest_lsn", self.manifest_lsn);
    visit("runs", self.runs);
    visit("run_bytes", self.run_bytes);
    visit("durable_lsn", self.durable_lsn);
    visit("commit", self.commit);
    visit("memory_bytes", self.memory_bytes);
  }
};

// nullopt: it may; otherwise NOT_READY, HALTED, OPERATION_RUNNING.
template <class Trace>
[[nodiscard]] std::optional<ErrorCode> decide_diagnosis(const DiagnosisEvidence& e, Trace& trace) {
  const bool ready = e.state == NodeState::kReady;
  trace.apply(RuleId::kCkpt8, evaluation(ready && !e.operation_running), e, "operation_running", "state");
  if (!ready) return e.state == NodeState::kHalted ? ErrorCode::kHalted : ErrorCode::kNotReady;
  if (e.operation_running) return ErrorCode::kOperationRunning;
  return std::nullopt;
}

// control.command, of the command `diagnose`. Its conclusion states the cost.
[[nodiscard]] Explanation explain_diagnosis(const DiagnosisEvidence& evidence);

}  // namespace aerodb::rules
