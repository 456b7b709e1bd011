// Listener of the control plane: what the operator's console may ask.
#pragma once

#include "common/wire/messages_client.h"
#include "common/wire/messages_common.h"

namespace aerodb::wire {

struct NodeView {
  std::string node;
  std::string address;
  bool reached = false;
  std::optional<std::string> why;  // error code, where not reached
  std::optional<StatusResponse> status;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("node", self.node, "configured name");
    visit("address", self.address, "its client listener");
    visit("reached", self.reached, "whether it answered this request");
    visit("why", self.why, "error code, where it did not");
    visit("status", self.status, "its own answer, unchanged");
  }
};
struct InspectClusterResponse {
  std::vector<NodeView> nodes;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("nodes", self.nodes, "in order of the configuration; none left out");
  }
};
struct InspectNodeRequest {
  std::string node;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("node", self.node, "configured name");
  }
};

// inspect.view: one of a closed list of what nodes show, by one node or by all.
struct InspectViewRequest {
  std::string what;
  std::optional<std::string> node;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("what", self.what, "replication, promotion, authority, wal, snapshots or checkpoints");
    visit("node", self.node, "configured name; absent: every node");
  }
};
struct NodeAnswer {
  std::string node;
  std::string address;
  bool reached = false;
  std::optional<std::string> why;
  std::optional<Epoch> epoch;
  std::optional<Lsn> durable_lsn;
  std::optional<CommitId> commit_id;
  std::optional<Packed> answer;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("node", self.node, "configured name");
    visit("address", self.address, "its client listener");
    visit("reached", self.reached, "whether it answered this request, an error included");
    visit("why", self.why, "error code, where there is no answer");
    visit("epoch", self.epoch, "its own, by its status just before");
    visit("durable_lsn", self.durable_lsn, "its own, by its status just before");
    visit("commit_id", self.commit_id, "its own, by its status just before");
    visit("answer", self.answer, "its own answer, unchanged");
  }
};
struct InspectViewResponse {
  std::string method;
  std::vector<NodeAnswer> nodes;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("method", self.method, "of the node's client listener; the answers have its form");
    visit("nodes", self.nodes, "in order of the configuration; none left out");
  }
};

// inspect.events: what nodes noted down, as they show it. For the timeline.
struct EventsAfter {
  std::string node;
  uint64_t after_number = 0;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("node", self.node, "configured name");
    visit("after_number", self.after_number, "events with a greater number");
  }
};
struct InspectEventsRequest {
  std::vector<EventsAfter> nodes;
  uint32_t limit = 0;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("nodes", self.nodes, "each once; none: every configured node, from its first event");
    visit("limit", self.limit, "at most so many of each node, 1000 at most");
  }
};
struct NodeEvents {
  std::string node;
  std::string address;
  bool reached = false;
  std::optional<std::string> why;
  std::vector<EventRecord> events;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("node", self.node, "configured name");
    visit("address", self.address, "its client listener");
    visit("reached", self.reached, "whether it answered this request with events");
    visit("why", self.why, "error code, where it did not");
    visit("events", self.events, "its own answer, unchanged, in order of number");
  }
};
struct InspectEventsResponse {
  std::vector<NodeEvents> nodes;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("nodes", self.nodes, "in order of the request, or of the configuration; none left out");
  }
};

// command.explain: step one of a control command. Nothing is executed.
struct CommandExplainRequest {
  std::string command;
  std::string node;
  std::optional<std::string> successor;
  std::optional<ByteSpan> decline;
  std::string reason;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("command", self.command, "demote, promote, decline or diagnose");
    visit("node", self.node, "node that shall carry it out");
    visit("successor", self.successor, "demote: node that shall take over");
    visit("decline", self.decline, "demote, promote: a successor's statement");
    visit("reason", self.reason, "why; required, recorded");
  }
};
struct CommandExplainResponse {
  std::string challenge;
  std::string phrase_form;  // "COMMAND NODE": how the phrase is built, never the phrase itself
  std::string request_id;
  uint64_t audit_number = 0;
  Packed explanation;
  Sha256 sha256{};
  std::vector<NodeView> unreached;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("challenge", self.challenge, "hand this to command.confirm, once");
    visit("phrase_form", self.phrase_form, "how the phrase to type is built");
    visit("request_id", self.request_id, "id under which the outcome can be asked for");
    visit("audit_number", self.audit_number, "last audit record written");
    visit("explanation", self.explanation, "the node's own bytes");
    visit("sha256", self.sha256, "SHA-256 of the canonical JSON");
    visit("unreached", self.unreached, "other configured nodes that did not answer");
  }
};
struct CommandConfirmRequest {
  std::string challenge;
  std::string phrase;
  bool interactive = false;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("challenge", self.challenge, "from command.explain");
    visit("phrase", self.phrase, "typed by the operator");
    visit("interactive", self.interactive, "typed on a terminal; recorded");
  }
};
// The kernel's answer, word for word.
struct CommandConfirmResponse {
  std::string request_id;
  std::string outcome;  // answered, rejected, unknown
  uint64_t audit_number = 0;
  std::optional<std::string> error_code;
  std::optional<std::string> error_message;
  std::optional<Packed> answer;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("request_id", self.request_id, "id under which the outcome can be asked for");
    visit("outcome", self.outcome, "answered, rejected or unknown");
    visit("audit_number", self.audit_number, "audit record of the outcome");
    visit("error_code", self.error_code, "the kernel's code, where rejected or unknown");
    visit("error_message", self.error_message, "the kernel's words, unchanged");
    visit("answer", self.answer, "the kernel's answer, unchanged");
  }
};
struct CommandOutcomeRequest {
  std::string node;
  std::string request_id;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("node", self.node, "node that was to carry it out");
    visit("request_id", self.request_id, "id of the command");
  }
};

struct AuditRecordView {
  uint64_t number = 0;
  std::string stage;
  std::string line;  // the record, verbatim JSON
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("number", self.number, "first is 1, no gaps");
    visit("stage", self.stage, "requested, explained, confirmed, refused, dispatched, answered or unknown");
    visit("line", self.line, "the record, verbatim");
  }
};
struct AuditReadRequest {
  uint64_t after_number = 0;
  uint32_t limit = 0;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("after_number", self.after_number, "records with a greater number");
    visit("limit", self.limit, "at most so many, 1000 at most");
  }
};
struct AuditReadResponse {
  std::vector<AuditRecordView> records;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("records", self.records, "in order of number");
  }
};
struct AuditVerifyResponse {
  bool whole = false;
  uint64_t records = 0;
  Sha256 head{};
  std::optional<uint64_t> first_broken;
  std::optional<std::string> why;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("whole", self.whole, "every record follows from the one before it, to the head");
    visit("records", self.records, "records read");
    visit("head", self.head, "hash of the last record");
    visit("first_broken", self.first_broken, "number of the first record that does not");
    visit("why", self.why, "what was found there");
  }
};

}  // namespace aerodb::wire
