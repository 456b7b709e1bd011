// Counts calls of operator new on threads that ask for it. Linked into a test, it replaces the program's own.
#pragma once

#include <cstdint>

namespace aerodb::bench {

// From here to its end, what this thread allocates is counted.
class CountedThread {
 public:
  CountedThread();
  ~CountedThread();
  CountedThread(const CountedThread&) = delete;
  CountedThread& operator=(const CountedThread&) = delete;
};

// Of all such threads since the program began. Any thread.
[[nodiscard]] uint64_t counted_allocations();

}  // namespace aerodb::bench
