#include "tests/bench/counted_new.h"

#include <atomic>
#include <cstdlib>
#include <new>

namespace {
// The one place where a global is the means: operator new has no other.
std::atomic<uint64_t> g_allocations = 0;
thread_local bool t_counted = false;
}  // namespace

void* operator new(std::size_t size) {
  if (t_counted) g_allocations.fetch_add(1, std::memory_order_relaxed);
  if (void* memory = std::malloc(size == 0 ? 1 : size)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

namespace aerodb::bench {

CountedThread::CountedThread() { t_counted = true; }
CountedThread::~CountedThread() { t_counted = false; }
uint64_t counted_allocations() { return g_allocations.load(std::memory_order_relaxed); }

}  // namespace aerodb::bench
