// What a node notes down about itself: a closed table of events. An event is written for people and for the timeline;
// no decision ever reads one. The log of them is event_log.h.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/log.h"

namespace aerodb::observe {

enum class EventId : uint8_t {
  // the process
  kStart,
  kStopped,
  kClosed,
  // recovery
  kRecoveryStarted,
  kManifestLoaded,
  kTailDecision,
  kQuarantined,
  kLastFrameRewritten,
  kRecordsReplayed,
  kRecoveryFinished,
  kCorruptionFound,
  // storage
  kStorageRequested,
  kStorageOperation,
  kFloorRaised,
  kHoldTaken,
  kHoldEnded,
  // halts
  kHalted,
  // authority
  kSealed,
  kDeclined,
  kPromotionStep,
  kPromoted,
  kFenced,
  kFenceUnproven,
  kLineageEnded,
  kLineageAccepted,
  // repairs
  kRepairRequested,
  kRepairStage,
  // any command
  kCommandDenied,
  // replication
  kSessionOpened,
  kSessionSuperseded,
  kBatchRefused,
  kPeerRefused,
  // the event log itself
  kEventLogTorn,
  kEventsDropped,
};

struct EventRow {
  EventId id;
  LogLevel level;  // of its line on stderr
  std::string_view name;
  std::string_view fields;  // names in order, separated by one space; an event always has all of them
  std::string_view help;
};

// In enum order.
[[nodiscard]] std::span<const EventRow> event_table();
[[nodiscard]] const EventRow& event_row(EventId id);
[[nodiscard]] std::vector<std::string_view> event_fields(const EventRow& row);

// One event as it was recorded, perhaps by another version of the program.
struct Event {
  uint64_t number = 0;   // per data directory, first is 1
  uint64_t wall_us = 0;  // since 1970; for people, orders nothing
  std::string name;
  std::vector<std::string> fields;  // "key=value", in order
  friend bool operator==(const Event&, const Event&) = default;
};

}  // namespace aerodb::observe
