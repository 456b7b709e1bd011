// Planted faults: small wrong changes, switched on at run time, that the simulator and the tests must catch.
// In a release build planted() is constexpr false and no trace of them is left in the binary.
#pragma once

#include <cstdint>
#include <string_view>

namespace aerodb {

enum class Fault : uint8_t {
  kNone,
  kEarlyAcknowledgement,   // a write is answered before its record is durable
  kRefusalNotHeld,         // a refusal is answered before the state it was decided on is durable
  kSecondFrameUnsynced,    // a second frame is written before the first is synced
  kForeignSealAccepted,    // promotion accepts a seal that names another node
  kGapAccepted,            // a replica accepts records that do not follow its last one
  kLastFrameNotRewritten,  // recovery does not rewrite the last valid frame
};

struct FaultName {
  Fault fault;
  std::string_view name;
};

inline constexpr FaultName kFaultNames[] = {
    {Fault::kEarlyAcknowledgement, "early_acknowledgement"},
    {Fault::kRefusalNotHeld, "refusal_not_held"},
    {Fault::kSecondFrameUnsynced, "second_frame_unsynced"},
    {Fault::kForeignSealAccepted, "foreign_seal_accepted"},
    {Fault::kGapAccepted, "gap_accepted"},
    {Fault::kLastFrameNotRewritten, "last_frame_not_rewritten"},
};

#if defined(AERODB_FAULTS)
void plant(Fault fault);  // one at a time; kNone clears it
[[nodiscard]] bool planted(Fault fault);
#else
[[nodiscard]] constexpr bool planted(Fault /*fault*/) { return false; }
#endif

}  // namespace aerodb
