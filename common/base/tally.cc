#include "common/base/tally.h"

#include <array>
#include <atomic>

#include "common/base/assert.h"

namespace aerodb {

#if AERODB_FAULTS
namespace {
std::array<std::atomic<uint64_t>, kTallies * kTallyRows> counts{};  // test builds only: one table a process
std::atomic<uint64_t>& place(Tally table, size_t row) {
  AERODB_ASSERT(row < kTallyRows);
  return counts[static_cast<size_t>(table) * kTallyRows + row];
}
}  // namespace
void tally(Tally table, size_t row) { place(table, row).fetch_add(1, std::memory_order_relaxed); }
uint64_t tallied(Tally table, size_t row) { return place(table, row).load(std::memory_order_relaxed); }
void clear_tallies() {
  for (auto& count : counts) count.store(0, std::memory_order_relaxed);
}
#endif

}  // namespace aerodb
