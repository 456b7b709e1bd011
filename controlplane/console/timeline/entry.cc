#include "controlplane/console/timeline/entry.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "common/document/json.h"
#include "controlplane/console/output.h"

namespace aerodb::console::timeline {
namespace {

std::optional<uint64_t> number_of(std::string_view text) {
  const auto number = from_decimal(text);
  return number && *number <= kMaxNumber ? number : std::nullopt;
}

std::optional<std::string_view> field(const wire::EventRecord& event, std::string_view key) {
  for (const std::string_view text : event.fields_text) {
    if (text.starts_with(key) && text.substr(key.size()).starts_with('=')) return text.substr(key.size() + 1);
  }
  return std::nullopt;
}

std::optional<LogPlace> place_of(const wire::EventRecord& event, std::string_view lineage_key,
                                 std::string_view lsn_key) {
  const auto lineage = field(event, lineage_key);
  const auto lsn = number_of(field(event, lsn_key).value_or(""));
  if (!lineage || lineage->empty() || !lsn) return std::nullopt;  // of a version that did not note it
  return LogPlace{std::string(*lineage), *lsn};
}

std::optional<LogPlace> before(std::optional<LogPlace> place) {
  if (!place || place->lsn == 0) return std::nullopt;
  --place->lsn;
  return place;
}

CommandSide side_of_stage(std::string_view stage) {
  if (stage == "dispatched") return CommandSide::kDispatched;
  return stage == "answered" ? CommandSide::kAnswered : CommandSide::kNone;
}

std::string text_at(document::Cursor record, std::string_view key) {
  const auto value = record.find(key);
  return std::string(value ? value->text().value_or("") : "");
}

}  // namespace

std::string text_of(const EntryName& name) {
  return name.source.empty() ? std::to_string(name.number) : fmt::format("{}:{}", name.source, name.number);
}

Result<EntryName> entry_name_of(std::string_view text) {
  const auto colon = text.rfind(':');
  const auto number = number_of(colon == text.npos ? text : text.substr(colon + 1));
  if (!number || *number == 0 || colon == 0)
    return fail(ErrorCode::kUsage, fmt::format("\"{}\": expected an audit number, or NODE:EVENT", text));
  return EntryName{std::string(colon == text.npos ? "" : text.substr(0, colon)), *number};
}

Entry entry_of(const wire::AuditRecordView& record) {
  Entry entry{{"", record.number}, 0, record.stage, "", record.line, {}};
  const auto json = document::parse_json(record.line);
  if (!json) return entry;
  const auto root = json->root();
  if (root.type() != document::Type::kMap) return entry;
  if (const auto wall_us = root.find("wall_us")) entry.wall_us = wall_us->unsigned_integer().value_or(0);
  entry.facts.request_id = text_at(root, "request_id");
  entry.facts.node = text_at(root, "node");
  if (const auto command = text_at(root, "command"); !command.empty())
    entry.text = fmt::format("{} {}, asked by {}", command, entry.facts.node, text_at(root, "operator"));
  if (!entry.facts.request_id.empty()) entry.facts.side = side_of_stage(record.stage);
  return entry;
}

Entry entry_of(const std::string& node, const wire::EventRecord& event) {
  Entry entry{{node, event.number}, event.wall_us, event.name, "", json_of(event), {}};
  entry.text = fmt::format("{}", fmt::join(event.fields_text, " "));
  if (const auto request_id = field(event, "request_id"); request_id && !request_id->empty()) {
    entry.facts.side = CommandSide::kNode;
    entry.facts.request_id = *request_id;
  }
  if (event.name == "sealed") {
    entry.facts.sealed = place_of(event, "lineage", "lsn");
    entry.facts.holds_log = before(entry.facts.sealed);
  } else if (event.name == "promoted") {
    entry.facts.holds_log = before(place_of(event, "lineage", "lsn"));
  } else if (event.name == "declined") {
    entry.facts.holds_log = place_of(event, "lineage", "seal_lsn");
  } else if (event.name == "lineage_ended") {
    entry.facts.holds_log = place_of(event, "parent", "fork_lsn");
    entry.facts.began_lineage = field(event, "lineage").value_or("");
  } else if (event.name == "lineage_accepted" || event.name == "fenced") {
    entry.facts.knows_lineage = field(event, "lineage").value_or("");
  }
  return entry;
}

}  // namespace aerodb::console::timeline
