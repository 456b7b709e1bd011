// What a seed did and checked, counted. The table is printed after a run, so that a rule that no seed reached is seen.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace aerodb::sim {

enum class Counter : uint8_t {
  // what happened
  kEvents,
  kNodeStarts,
  kProcessCrashes,
  kPowerCrashes,
  kRecoveryCrashes,
  kCleanStops,
  kWrongBinaryRefused,
  kShipperStarts,
  kSecondShippers,
  kPartitions,
  kStreamsReset,
  kClockJumps,
  kSyncFaultsArmed,
  kHalts,
  kHostileStreams,
  kHostileAppends,
  kHostileGaps,
  kSeals,
  kPromotions,
  kDeclines,
  kCommandsDenied,
  // answers, each compared with the model
  kWritesAcknowledged,
  kWritesUnknown,
  kRefusedByState,
  kRefusedByForm,
  kRefusedByRole,
  kRefusedByRoom,
  kRefusedNotReady,
  kReadsAnswered,
  kReadsOfThePast,
  kReadsWithReceipt,
  kReadsRefused,
  kRefusedBehind,
  kQueriesAnswered,
  kExplanationsRederived,
  kOutcomesAsked,
  // checks that need no answer
  kRecordsInHistory,
  kPrefixesCompared,
  kRecoveriesChecked,
  kFinalStatesCompared,
  kSeedsWithFullRing,
  kCount,
};
inline constexpr size_t kCounters = static_cast<size_t>(Counter::kCount);

inline constexpr std::array<std::string_view, kCounters> kCounterNames = {
    "events",
    "node starts",
    "process crashes",
    "power crashes",
    "crashes within recovery",
    "clean stops",
    "wrong binary refused",
    "shipper starts",
    "second shippers",
    "partitions",
    "streams reset",
    "clock jumps",
    "sync faults armed",
    "halts",
    "hostile streams",
    "hostile appends",
    "hostile gaps",
    "seals",
    "promotions",
    "declines",
    "commands denied",
    "writes acknowledged",
    "writes unknown",
    "refused by state",
    "refused by form",
    "refused by role",
    "refused by room",
    "refused, not ready",
    "reads answered",
    "reads of the past",
    "reads with receipt",
    "reads refused",
    "of these behind",
    "queries answered",
    "explanations re-derived",
    "outcomes asked",
    "records in history",
    "prefixes compared",
    "recoveries checked",
    "final states compared",
    "seeds with a full ring",
};

using Counters = std::array<uint64_t, kCounters>;

}  // namespace aerodb::sim
