// Repairs: what an operator does about a node that halted, was left behind or lost its primary: resume, bootstrap,
// export of orphans. Each begins at once and goes on by itself, one at a time; repair.status shows the last one, also
// after the node has opened its directory anew. Nothing here begins by itself, and nothing is tried again. Thread: the
// loop's.
#pragma once

#include <optional>
#include <string>

#include "common/node/node.h"
#include "common/wire/messages_repair.h"

namespace aerodb::node {

enum class RepairKind : uint8_t { kResume, kBootstrap, kExport };
[[nodiscard]] std::string_view repair_kind_name(RepairKind kind);

enum class RepairStage : uint8_t {
  kAsking,        // the source for its position
  kTransferring,  // bootstrap: files of the source's snapshot
  kVerifying,     // log, runs and digest; changes nothing
  kWriting,       // export: the file
  kInstalling,    // bootstrap: the one atomic step, on the closed directory
  kReopening,     // the directory is opened as at a start
  kDone,
  kFailed,
};
inline constexpr size_t kRepairStages = static_cast<size_t>(RepairStage::kFailed) + 1;
[[nodiscard]] std::string_view repair_stage_name(RepairStage stage);

class Repairs {
 public:
  // The node must outlive it.
  explicit Repairs(Node& node) : node_(node) {}
  Repairs(const Repairs&) = delete;
  Repairs& operator=(const Repairs&) = delete;

  // Notes down the command as an event and begins. OPERATION_RUNNING while a repair or a storage operation is under
  // way; what check_request() answers; REASON_REQUIRED.
  [[nodiscard]] Result<void> begin(RepairKind kind, const wire::Request& request, std::string_view detail);
  // Notes a command that was refused down as an event, and answers it.
  void refuse(RepairKind kind, const wire::Request& request, const Error& error, wire::Responder& responder);
  // An event each. end() also notes where this node's log ends now.
  void enter(RepairStage stage);
  void end(const Result<void>& result);
  [[nodiscard]] bool running() const { return view_.kind && !view_.finished; }
  // The repair under way, or the last one: its code fills in what it finds out.
  [[nodiscard]] wire::RepairStatusResponse& view() { return view_; }

 private:
  void note();
  void note_end_of_log();

  Node& node_;
  RepairKind kind_ = RepairKind::kResume;  // of the one under way, or the last one
  wire::RepairStatusResponse view_;
};

}  // namespace aerodb::node
