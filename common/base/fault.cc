#include "common/base/fault.h"

#include <atomic>

namespace aerodb {

#if AERODB_FAULTS
namespace {
std::atomic<Fault> current_fault{Fault::kNone};  // test builds only: one switch a process
}
void plant(Fault fault) { current_fault.store(fault); }
bool planted(Fault fault) { return current_fault.load(std::memory_order_relaxed) == fault; }
#endif

}  // namespace aerodb
