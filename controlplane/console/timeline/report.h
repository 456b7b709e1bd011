// What happened in a range: every audit record and every event of it, word for word, in the order that is proven, and
// of each command who asked, on which evidence, and what the kernel answered. Pure: the same logs give the same report.
//
// Nothing is judged or left out. A node that was not reached stands among the nodes with the error code; of one that
// keeps its oldest events no longer, the first number shown says so.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/wire/messages_controlplane.h"
#include "controlplane/console/timeline/range.h"

namespace aerodb::console::timeline {

// What was fetched. A node's answers are joined to one.
struct Logs {
  wire::AuditVerifyResponse audit;
  std::vector<wire::AuditRecordView> records;
  std::vector<wire::NodeEvents> nodes;
};

struct ReportNode {
  std::string node;
  std::string address;
  bool reached = false;
  std::optional<std::string> why;
  std::optional<uint64_t> first_event;
  std::optional<uint64_t> last_event;
  uint64_t events = 0;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("node", self.node, "configured name");
    visit("address", self.address, "its client listener");
    visit("reached", self.reached, "whether it showed its events");
    visit("why", self.why, "error code, where it did not");
    visit("first_event", self.first_event, "oldest event that it shows");
    visit("last_event", self.last_event, "newest event that it shows");
    visit("events", self.events, "events of it in the range");
  }
};
struct ReportRule {
  std::string rule_id;
  std::optional<bool> evaluation;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("rule_id", self.rule_id, "rule that the node applied");
    visit("evaluation", self.evaluation, "whether it held; absent: undetermined");
  }
};
struct ReportStage {
  uint64_t number = 0;
  std::string stage;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("number", self.number, "audit record");
    visit("stage", self.stage, "what it says");
  }
};
// All of it from the audit records and events of the range. What is absent stands in none of them.
struct ReportCommand {
  std::string request_id;
  std::string command;
  std::string node;
  std::string operator_name;
  std::optional<uint64_t> uid;
  std::string reason;
  std::optional<bool> interactive;
  std::vector<ReportStage> stages;
  std::optional<std::string> explanation_sha256;
  std::optional<std::string> conclusion;
  std::vector<ReportRule> rules;
  std::optional<std::string> unreached;
  std::vector<std::string> noted;
  std::optional<std::string> outcome;
  std::optional<std::string> error_code;
  std::optional<std::string> error_message;
  std::optional<std::string> answer;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("request_id", self.request_id, "id of the command");
    visit("command", self.command, "demote, promote, decline or diagnose");
    visit("node", self.node, "node that was to carry it out");
    visit("operator", self.operator_name, "who asked");
    visit("uid", self.uid, "user id of the operator");
    visit("reason", self.reason, "why, in the operator's words");
    visit("interactive", self.interactive, "whether the phrase was typed on a terminal");
    visit("stages", self.stages, "audit records of the command");
    visit("explanation_sha256", self.explanation_sha256, "of the explanation that was shown");
    visit("conclusion", self.conclusion, "status that it concludes with");
    visit("rules", self.rules, "rules in it, in its order");
    visit("unreached", self.unreached, "nodes that the control plane did not reach then");
    visit("noted", self.noted, "events of the node under this id, in the range");
    visit("outcome", self.outcome, "answered, rejected, unknown or refused");
    visit("error_code", self.error_code, "code of the refusal or rejection");
    visit("error_message", self.error_message, "and its words");
    visit("answer", self.answer, "the kernel's answer, JSON");
  }
};
struct ReportProof {
  std::string before;
  std::string after;
  std::string proof;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("before", self.before, "entry");
    visit("after", self.after, "entry");
    visit("proof", self.proof, "request, seal or lineage");
  }
};
struct ReportPlace {
  std::optional<std::string> node;
  uint64_t number = 0;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("node", self.node, "whose event; absent: an audit record");
    visit("number", self.number, "and its number");
  }
};
struct ReportEntry {
  std::string entry;
  std::optional<std::string> node;
  uint64_t number = 0;
  uint64_t wall_us = 0;
  std::string what;
  std::string text;
  std::string order;
  std::vector<ReportPlace> proven_before;
  std::string verbatim;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("entry", self.entry, "N for an audit record, NODE:N for an event");
    visit("node", self.node, "whose event; absent: an audit record");
    visit("number", self.number, "of the record or event");
    visit("wall_us", self.wall_us, "wall clock; for people, orders nothing");
    visit("what", self.what, "stage, or name of the event");
    visit("text", self.text, "the gist, for people");
    visit("order", self.order, "first; proven: after the entry listed before it; unproven");
    visit("proven_before", self.proven_before, "of each source the last that is proven to be before it");
    visit("verbatim", self.verbatim, "the record or event, word for word");
  }
};
struct Report {
  std::vector<std::string> from;
  std::vector<std::string> to;
  wire::AuditVerifyResponse audit;
  uint64_t audit_records = 0;
  uint64_t events = 0;
  std::vector<ReportNode> nodes;
  std::vector<ReportCommand> commands;
  std::vector<ReportEntry> entries;
  std::vector<ReportProof> proofs;
  std::vector<ReportProof> contradictions;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("from", self.from, "ends of the range; none: the beginning");
    visit("to", self.to, "none: the end");
    visit("audit", self.audit, "what verification of the audit log found");
    visit("audit_records", self.audit_records, "records in the range");
    visit("events", self.events, "events in the range");
    visit("nodes", self.nodes, "every node asked, by name");
    visit("commands", self.commands, "commands with records in the range");
    visit("entries", self.entries, "every record and event of the range");
    visit("proofs", self.proofs, "facts that order entries of two sources");
    visit("contradictions", self.contradictions, "facts that contradict each other and prove nothing");
  }
};

// USAGE for an end that is none of the records and events. From the first record that breaks the chain of the audit log
// on, records prove no order but their own.
[[nodiscard]] Result<Report> report_of(const Logs& logs, const Range& range);

[[nodiscard]] std::string text_of(const Report& report);
[[nodiscard]] std::string json_text_of(const Report& report);
// One page without anything from elsewhere; what came from outside is escaped.
[[nodiscard]] std::string html_of(const Report& report);

}  // namespace aerodb::console::timeline
