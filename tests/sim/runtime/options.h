// What may go wrong in a simulated world, how often, and how long things take. All of it follows from the seed.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace aerodb::sim {

enum class FaultKind : uint8_t {
  // rolled per call, see SimOptions::one_in
  kReadError,        // a file read fails
  kBitFlip,          // one bit of what a file read answers is wrong; the file itself is not
  kWriteError,       // a file write fails and changes nothing
  kCallError,        // any other call on a file or directory fails and changes nothing
  kShortWrite,       // a file write fails after a part of it
  kDiskFull,         // a write that would make a file longer, or a creation, fails
  kSyncFailed,       // a sync fails; what it should have written is clean for the system, but not durable
  kConnectionReset,  // an established connection breaks, bytes on their way are lost
  kHalfOpen,         // both ends hear nothing more, and learn it much later
  kSlowDelivery,     // bytes take SimOptions::slow_delay_us
  kConnectFailed,    // a connect is answered UNREACHABLE
  kPartitionBreaks,  // a connection does not survive the start of a partition
  kWallJump,         // the wall clock of a process jumps by up to an hour, either way
  // consequences of crashes, only counted
  kWriteCut,             // a write that was under way left a part of itself in the page cache
  kPowerAllKept,         // one file each, at a power loss: every unsynced sector survived
  kPowerAllLost,         // none did
  kPowerSubset,          // an arbitrary subset did
  kPowerPrefix,          // the first ones did
  kTorn512,              // of one write some sectors of 512 bytes survived and some did not
  kTorn4096,             // the same with sectors of 4096 bytes
  kReordered,            // a sector survived, and one written before it did not
  kSectorLost,           // one sector write was lost
  kSizeLost,             // a file fell back to its synced length
  kDirectoryChangeLost,  // a create, rename or remove was undone
};
inline constexpr size_t kFaultKinds = static_cast<size_t>(FaultKind::kDirectoryChangeLost) + 1;

inline constexpr std::array<std::string_view, kFaultKinds> kFaultKindNames = {
    "read_error",  "bit_flip",  "write_error",    "call_error",     "short_write",    "disk_full",
    "sync_failed", "reset",     "half_open",      "slow_delivery",  "connect_failed", "partition_break",
    "wall_jump",   "write_cut", "power_all_kept", "power_all_lost", "power_subset",   "power_prefix",
    "torn_512",    "torn_4096", "reordered",      "sector_lost",    "size_lost",      "directory_change_lost",
};

// Both ends included.
struct Range {
  uint64_t low = 0;
  uint64_t high = 0;
};

struct SimOptions {
  // A fault of this kind happens once in so many calls on average; 0: never. Ignored for the kinds that are only
  // counted.
  std::array<uint32_t, kFaultKinds> one_in{};
  [[nodiscard]] uint32_t& rate(FaultKind kind) { return one_in[static_cast<size_t>(kind)]; }

  // How likely each fate of a file's unsynced sectors is at a power loss: all kept, all lost, subset, prefix.
  std::array<uint32_t, 4> power_weights = {1, 1, 1, 1};
  // What a disk writes as a whole, old or new: 512 or 4096 bytes.
  uint32_t sector_bytes = 512;
  // Of 100 log writes that may be carried out inline, how many are.
  uint32_t inline_percent = 50;

  Range disk_delay_us = {10, 200};                    // one Disk call of a Job, one log write
  Range sync_delay_us = {50, 2'000};                  // one sync
  Range turn_delay_us = {1, 20};                      // from a completion to its callback
  Range local_delay_us = {5, 60};                     // bytes within a machine
  Range network_delay_us = {50, 500};                 // bytes between machines
  Range slow_delay_us = {100'000, 2'000'000};         // see kSlowDelivery
  Range timer_late_us = {0, 30};                      // how late a timer runs
  Range connect_timeout_us = {1'000'000, 5'000'000};  // until a connect without an answer is given up
  Range silence_us = {1'000'000, 60'000'000};         // until an end learns that its peer vanished
  Range silence_after_send_us = {1'000, 5'000'000};   // the same, once it has sent something
  uint64_t wall_base_us = 1'767'225'600'000'000;      // wall clock at the start: 2026-01-01
};

}  // namespace aerodb::sim
