#include "controlplane/console/timeline/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "common/document/json.h"
#include "controlplane/console/output.h"

namespace aerodb::console::timeline {
namespace {

using document::Cursor;

std::optional<Cursor> at(std::optional<Cursor> value, std::string_view key) {
  if (!value || value->type() != document::Type::kMap) return std::nullopt;
  return value->find(key);
}
std::optional<std::string> text_at(std::optional<Cursor> value, std::string_view key) {
  const auto found = at(value, key);
  if (!found || !found->text()) return std::nullopt;
  return std::string(*found->text());
}
// Calls visit(element) for each.
template <class Visit>
void for_each(std::optional<Cursor> list, Visit visit) {
  if (!list || list->type() != document::Type::kArray) return;
  auto element = list->first();
  for (uint32_t i = 0; i < list->token().size; ++i, element = element.skip()) visit(element);
}

void take_explanation(ReportCommand& command, std::optional<Cursor> details) {
  command.explanation_sha256 = text_at(details, "sha256");
  const auto explanation = at(details, "explanation");
  command.conclusion = text_at(at(explanation, "conclusion"), "status");
  command.rules.clear();
  for_each(at(explanation, "rules_applied"), [&](Cursor rule) {
    const auto evaluation = at(rule, "evaluation");
    command.rules.push_back({text_at(rule, "rule_id").value_or(""), evaluation ? evaluation->boolean() : std::nullopt});
  });
  command.unreached = text_at(details, "unreached");
}

void take_outcome(ReportCommand& command, const std::string& stage, std::optional<Cursor> details) {
  command.outcome = text_at(details, "outcome").value_or(stage);
  command.error_code = text_at(details, "error_code");
  command.error_message = text_at(details, "error_message");
  if (const auto answer = at(details, "answer"); answer && !answer->is_nil())
    command.answer = document::to_json(*answer);
}

void take_record(ReportCommand& command, const Entry& entry, Cursor record) {
  command.stages.push_back({entry.name.number, entry.what});
  command.request_id = entry.facts.request_id;
  command.command = text_at(record, "command").value_or("");
  command.node = entry.facts.node;
  command.operator_name = text_at(record, "operator").value_or("");
  if (const auto uid = at(record, "uid")) command.uid = uid->unsigned_integer();
  command.reason = text_at(record, "reason").value_or("");
  if (const auto typed = at(record, "interactive"); typed && typed->boolean()) command.interactive = typed->boolean();
  const auto details = at(record, "details");
  if (entry.what == "explained") take_explanation(command, details);
  if (entry.what == "answered" || entry.what == "refused" || entry.what == "unknown")
    take_outcome(command, entry.what, details);
}

// In order of their first record in the range.
std::vector<ReportCommand> commands_of(const Timeline& timeline, const std::vector<size_t>& inside) {
  std::vector<ReportCommand> commands;
  std::map<std::string_view, size_t> places;
  for (const size_t i : inside) {
    const auto& entry = timeline.entries[i];
    if (!entry.name.source.empty() || entry.facts.request_id.empty()) continue;
    const auto json = document::parse_json(entry.verbatim);
    if (!json) continue;
    const auto [place, added] = places.emplace(entry.facts.request_id, commands.size());
    if (added) commands.emplace_back();
    take_record(commands[place->second], entry, json->root());
  }
  for (const size_t i : inside) {
    const auto& entry = timeline.entries[i];
    const auto place = places.find(entry.facts.request_id);
    if (entry.facts.side != CommandSide::kNode || place == places.end()) continue;
    auto& command = commands[place->second];
    if (command.node == entry.name.source)
      command.noted.push_back(fmt::format("{} {}", text_of(entry.name), entry.what));
  }
  return commands;
}

std::vector<Entry> entries_of(const Logs& logs) {
  std::vector<Entry> entries;
  for (const auto& record : logs.records) {
    auto& entry = entries.emplace_back(entry_of(record));
    const bool broken = logs.audit.first_broken && record.number >= *logs.audit.first_broken;
    if (broken) entry.facts.side = CommandSide::kNone;
  }
  for (const auto& node : logs.nodes) {
    for (const auto& event : node.events) entries.push_back(entry_of(node.node, event));
  }
  return entries;
}

ReportEntry report_entry(const Timeline& timeline, size_t i, std::optional<size_t> above) {
  const auto& entry = timeline.entries[i];
  ReportEntry shown;
  shown.entry = text_of(entry.name);
  if (!entry.name.source.empty()) shown.node = entry.name.source;
  shown.number = entry.name.number;
  shown.wall_us = std::min(entry.wall_us, kMaxNumber);
  shown.what = entry.what;
  shown.text = entry.text;
  shown.order = !above ? "first" : timeline.is_before(*above, i) ? "proven" : "unproven";
  for (size_t source = 0; source < timeline.sources.size(); ++source) {
    const uint64_t number = timeline.proven(i, source);
    if (number == 0) continue;
    const auto& name = timeline.sources[source];
    shown.proven_before.push_back({name.empty() ? std::nullopt : std::optional(name), number});
  }
  shown.verbatim = entry.verbatim;
  return shown;
}

ReportNode report_node(const wire::NodeEvents& node) {
  ReportNode shown{node.node, node.address, node.reached, node.why, std::nullopt, std::nullopt, 0};
  for (const auto& event : node.events) {
    shown.first_event = std::min(shown.first_event.value_or(event.number), event.number);
    shown.last_event = std::max(shown.last_event.value_or(event.number), event.number);
  }
  return shown;
}

// Of facts those that touch the range.
std::vector<ReportProof> proofs_of(const Timeline& timeline, const std::vector<Fact>& facts,
                                   const std::vector<bool>& is_inside) {
  std::vector<ReportProof> proofs;
  for (const auto& fact : facts) {
    if (!is_inside[fact.before] && !is_inside[fact.after]) continue;
    proofs.push_back({text_of(timeline.entries[fact.before].name), text_of(timeline.entries[fact.after].name),
                      std::string(proof_name(fact.proof))});
  }
  return proofs;
}

}  // namespace

Result<Report> report_of(const Logs& logs, const Range& range) {
  const auto timeline = order(entries_of(logs));
  const auto inside = select(timeline, range);
  if (!inside) return fail(inside.error());
  Report report;
  for (const auto& end : range.from) report.from.push_back(text_of(end));
  for (const auto& end : range.to) report.to.push_back(text_of(end));
  report.audit = logs.audit;
  std::map<std::string, uint64_t> events;
  std::vector<bool> is_inside(timeline.entries.size(), false);
  std::optional<size_t> above;
  for (const size_t i : *inside) {
    is_inside[i] = true;
    report.entries.push_back(report_entry(timeline, i, above));
    above = i;
    const auto& source = timeline.entries[i].name.source;
    ++(source.empty() ? report.audit_records : report.events);
    ++events[source];
  }
  for (const auto& node : logs.nodes) {
    report.nodes.push_back(report_node(node));
    report.nodes.back().events = events[node.node];
  }
  std::ranges::sort(report.nodes, {}, &ReportNode::node);
  report.commands = commands_of(timeline, *inside);
  report.proofs = proofs_of(timeline, timeline.facts, is_inside);
  report.contradictions = proofs_of(timeline, timeline.contradictions, is_inside);
  return report;
}

std::string json_text_of(const Report& report) { return json_of(report, document::JsonStyle::kPretty) + "\n"; }

}  // namespace aerodb::console::timeline
