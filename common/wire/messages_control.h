// Listener `control`, reached by the control plane only: one kernel operation a call.
#pragma once

#include "common/wire/messages_common.h"

namespace aerodb::wire {

struct ControlExplainRequest {
  std::string command;
  std::optional<std::string> successor;
  std::optional<InstanceId> successor_instance;
  std::optional<ByteSpan> decline;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("command", self.command, "demote, promote, decline or diagnose");
    visit("successor", self.successor, "demote: node that shall take over");
    visit("successor_instance", self.successor_instance, "demote: its instance, as its status showed it");
    visit("decline", self.decline, "demote, promote: the statement of a successor that declined");
  }
};

struct ControlDemoteRequest {
  Request request;
  std::string successor;
  InstanceId successor_instance;
  std::optional<ByteSpan> decline;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("request", self.request, "id, operator, reason");
    visit("successor", self.successor, "node that shall take over");
    visit("successor_instance", self.successor_instance, "its instance");
    visit("decline", self.decline, "statement of the successor named before, when passing a seal on");
  }
};
struct ControlDemoteResponse {
  Lsn seal_lsn;
  uint64_t seal_number = 0;
  std::string successor;
  InstanceId successor_instance;
  bool repeated = false;
  Receipt receipt;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("seal_lsn", self.seal_lsn, "LSN of the seal");
    visit("seal_number", self.seal_number, "seals in this epoch up to it");
    visit("successor", self.successor, "node it names");
    visit("successor_instance", self.successor_instance, "instance it names");
    visit("repeated", self.repeated, "the seal stood already; nothing was written");
    visit("receipt", self.receipt, "position of the seal");
  }
};

struct ControlPromoteRequest {
  Request request;
  std::optional<ByteSpan> decline;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("request", self.request, "id, operator, reason");
    visit("decline", self.decline, "on the sealed node: the successor's statement");
  }
};
struct ControlPromoteResponse {
  Epoch epoch;
  Lsn epoch_start_lsn;
  Lsn seal_lsn;
  bool repeated = false;
  Receipt receipt;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("epoch", self.epoch, "epoch that started");
    visit("epoch_start_lsn", self.epoch_start_lsn, "LSN of its first record");
    visit("seal_lsn", self.seal_lsn, "seal that it answers");
    visit("repeated", self.repeated, "the record stood already; nothing was written");
    visit("receipt", self.receipt, "position of the record");
  }
};

struct ControlDeclineRequest {
  Request request;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("request", self.request, "id, operator, reason");
  }
};
struct ControlDeclineResponse {
  Lsn seal_lsn;
  bool repeated = false;
  ByteSpan statement;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("seal_lsn", self.seal_lsn, "seal that is declined");
    visit("repeated", self.repeated, "it was declined already");
    visit("statement", self.statement, "hand this to demote or promote on the sealed node");
  }
};

struct ControlDiagnoseRequest {
  Request request;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("request", self.request, "id, operator, reason");
  }
};

struct ControlOutcomeRequest {
  std::string request_id;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("request_id", self.request_id, "id given with the command");
  }
};
struct ControlOutcomeResponse {
  std::string outcome;  // recorded, no_effect_recorded
  std::optional<std::string> record_type;
  std::optional<Lsn> lsn;
  Receipt receipt;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("outcome", self.outcome, "recorded or no_effect_recorded, as of the receipt");
    visit("record_type", self.record_type, "seal or epoch_start");
    visit("lsn", self.lsn, "LSN of the record");
    visit("receipt", self.receipt, "up to where the log was searched");
  }
};

}  // namespace aerodb::wire
