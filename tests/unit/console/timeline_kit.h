// Logs of a control plane and of nodes, as the timeline fetches them, written by hand.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "common/base/checksum.h"
#include "controlplane/console/timeline/report.h"
#include "controlplane/daemon/audit_record.h"

namespace aerodb::console::timeline::testing {

inline const std::string kLineageA(32, 'a');
inline const std::string kLineageB(32, 'b');

inline wire::EventRecord event(uint64_t number, std::string name, std::vector<std::string> fields = {},
                               uint64_t wall_us = 0) {
  return {number, wall_us, std::move(name), std::move(fields)};
}
inline wire::EventRecord sealed(uint64_t number, uint64_t lsn, const std::string& lineage,
                                const std::string& request_id = "q") {
  return event(number, "sealed",
               {fmt::format("lsn={}", lsn), "epoch=1", "lineage=" + lineage, "successor=r1", "successor_instance=00",
                "request_id=" + request_id});
}
inline wire::EventRecord promoted(uint64_t number, uint64_t lsn, const std::string& lineage,
                                  const std::string& request_id = "s") {
  return event(number, "promoted",
               {fmt::format("lsn={}", lsn), "epoch=2", "lineage=" + lineage, "request_id=" + request_id});
}

// An audit log that follows, record by record, as the control plane writes it.
class AuditLines {
 public:
  void add(controlplane::AuditStage stage, const std::string& request_id, const std::string& command,
           const std::string& node, controlplane::AuditDetails details = {}, uint64_t wall_us = 0) {
    controlplane::AuditEntry entry;
    entry.stage = stage;
    entry.uid = 1000;
    entry.operator_name = "ada";
    entry.request_id = request_id;
    entry.command = command;
    entry.node = node;
    entry.reason = "a <drill> & more";
    if (stage != controlplane::AuditStage::kRequested && stage != controlplane::AuditStage::kExplained)
      entry.interactive = true;
    entry.details = details.finish();
    auto line = controlplane::render_audit_record(records.size() + 1, wall_us, head, entry);
    ASSERT_TRUE(line.has_value()) << line.error().message;
    head = sha256(as_bytes(*line));
    records.push_back({records.size() + 1, std::string(controlplane::audit_stage_name(stage)), std::move(*line)});
  }
  // requested to answered.
  void add_command(const std::string& request_id, const std::string& command, const std::string& node,
                   controlplane::AuditDetails explained = {}, controlplane::AuditDetails answered = {}) {
    using enum controlplane::AuditStage;
    add(kRequested, request_id, command, node);
    add(kExplained, request_id, command, node, std::move(explained));
    add(kConfirmed, request_id, command, node);
    add(kDispatched, request_id, command, node);
    add(kAnswered, request_id, command, node, std::move(answered));
  }
  [[nodiscard]] wire::AuditVerifyResponse verified() const { return {true, records.size(), head, {}, {}}; }

  std::vector<wire::AuditRecordView> records;
  Sha256 head{};
};

inline std::vector<Entry> entries_of(const std::vector<wire::NodeEvents>& nodes,
                                     const std::vector<wire::AuditRecordView>& records = {}) {
  std::vector<Entry> entries;
  for (const auto& record : records) entries.push_back(entry_of(record));
  for (const auto& node : nodes) {
    for (const auto& each : node.events) entries.push_back(entry_of(node.node, each));
  }
  return entries;
}
inline wire::NodeEvents node(const std::string& name, std::vector<wire::EventRecord> events) {
  return {name, "127.0.0.1:1", true, std::nullopt, std::move(events)};
}

inline std::vector<std::string> listing(const Timeline& timeline) {
  std::vector<std::string> names;
  for (const size_t i : timeline.listing) names.push_back(text_of(timeline.entries[i].name));
  return names;
}
// "<", ">" or "?" for what is proven of two entries.
inline char relation(const Timeline& timeline, const std::string& a, const std::string& b) {
  const auto find = [&](const std::string& text) {
    const auto at = std::ranges::find(timeline.entries, *entry_name_of(text), &Entry::name);
    EXPECT_NE(at, timeline.entries.end()) << text;
    return static_cast<size_t>(at - timeline.entries.begin());
  };
  if (timeline.is_before(find(a), find(b))) return '<';
  return timeline.is_before(find(b), find(a)) ? '>' : '?';
}

}  // namespace aerodb::console::timeline::testing
