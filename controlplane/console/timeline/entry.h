// What a timeline is made of: one audit record or one event of a node, word for word, and the facts that it states.
// Pure: bytes in, values out.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/error.h"
#include "common/wire/messages_controlplane.h"

namespace aerodb::console::timeline {

// `source` is the configured name of a node; empty for the audit log, which stands before all nodes.
struct EntryName {
  std::string source;
  uint64_t number = 0;
  friend auto operator<=>(const EntryName&, const EntryName&) = default;
};
// "7" for an audit record, "p1:12" for an event.
[[nodiscard]] std::string text_of(const EntryName& name);
// USAGE unless `text` is of one of these forms.
[[nodiscard]] Result<EntryName> entry_name_of(std::string_view text);

// A record of a log: no lineage has two of them at one LSN.
struct LogPlace {
  std::string lineage;
  uint64_t lsn = 0;
};

// Which side of a command an entry is.
enum class CommandSide : uint8_t { kNone, kDispatched, kNode, kAnswered };

struct Facts {
  CommandSide side = CommandSide::kNone;
  std::string request_id;             // with a side
  std::string node;                   // of an audit record: node that was to carry the command out
  std::optional<LogPlace> sealed;     // this node wrote that seal, and nobody saw it before this entry was noted
  std::optional<LogPlace> holds_log;  // this node's log held that record, and all before it, when this was noted
  std::string began_lineage;          // this node began it, and nobody knew of it before this entry was noted
  std::string knows_lineage;          // this node had heard of it when this was noted
};

struct Entry {
  EntryName name;
  uint64_t wall_us = 0;  // for people, orders nothing
  std::string what;      // stage, or name of the event
  std::string text;      // the gist of it, for people; may be empty
  std::string verbatim;  // the audit line, or the event as `aerodb events -o jsonl` shows it
  Facts facts;
};

// A record that is not JSON of the known form has no facts and the time 0.
[[nodiscard]] Entry entry_of(const wire::AuditRecordView& record);
[[nodiscard]] Entry entry_of(const std::string& node, const wire::EventRecord& event);

}  // namespace aerodb::console::timeline
