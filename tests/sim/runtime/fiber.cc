#include "tests/sim/runtime/fiber.h"

#include <sys/mman.h>

#include <cstdint>
#include <utility>

#include "common/base/assert.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define AERODB_SIM_ASAN 1
#endif
#if __has_feature(thread_sanitizer)
#define AERODB_SIM_TSAN 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#define AERODB_SIM_ASAN 1
#endif
#if defined(__SANITIZE_THREAD__)
#define AERODB_SIM_TSAN 1
#endif

#if defined(AERODB_SIM_ASAN)
#include <sanitizer/common_interface_defs.h>
#endif
#if defined(AERODB_SIM_TSAN)
#include <sanitizer/tsan_interface.h>
#endif

namespace aerodb::sim {
namespace {

constexpr size_t kGuardBytes = 4096;
constexpr size_t kStackBytes = 256 * 1024;

void leave(void** fake_stack, const void* stack, size_t bytes, void* thread) {
#if defined(AERODB_SIM_ASAN)
  __sanitizer_start_switch_fiber(fake_stack, stack, bytes);
#endif
#if defined(AERODB_SIM_TSAN)
  __tsan_switch_to_fiber(thread, 0);
#endif
  static_cast<void>(fake_stack), static_cast<void>(stack), static_cast<void>(bytes), static_cast<void>(thread);
}

void arrive(void* fake_stack, const void** from_stack, size_t* from_bytes) {
#if defined(AERODB_SIM_ASAN)
  __sanitizer_finish_switch_fiber(fake_stack, from_stack, from_bytes);
#endif
  static_cast<void>(fake_stack), static_cast<void>(from_stack), static_cast<void>(from_bytes);
}

}  // namespace

Fiber::Fiber() {
  void* memory = mmap(nullptr, kGuardBytes + kStackBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  AERODB_ASSERT(memory != MAP_FAILED);
  memory_ = static_cast<uint8_t*>(memory);
  AERODB_ASSERT(mprotect(memory_, kGuardBytes, PROT_NONE) == 0);
  AERODB_ASSERT(getcontext(&inside_) == 0);
  inside_.uc_stack.ss_sp = memory_ + kGuardBytes;
  inside_.uc_stack.ss_size = kStackBytes;
  inside_.uc_link = nullptr;
  // makecontext hands over ints only, so the pointer travels in two halves.
  auto self = reinterpret_cast<uintptr_t>(this);
  makecontext(&inside_, reinterpret_cast<void (*)()>(&Fiber::entry), 2, static_cast<unsigned>(self),
              static_cast<unsigned>(static_cast<uint64_t>(self) >> 32));
#if defined(AERODB_SIM_TSAN)
  inside_thread_ = __tsan_create_fiber(0);
#endif
}

Fiber::~Fiber() {
  AERODB_ASSERT(finished());
#if defined(AERODB_SIM_TSAN)
  __tsan_destroy_fiber(inside_thread_);
#endif
  munmap(memory_, kGuardBytes + kStackBytes);
}

void Fiber::entry(unsigned low, unsigned high) {
  auto address = static_cast<uintptr_t>((static_cast<uint64_t>(high) << 32) | low);
  auto* self = reinterpret_cast<Fiber*>(address);
  arrive(nullptr, &self->outside_stack_, &self->outside_stack_bytes_);
  self->serve();
}

// Never returns: a pooled fiber waits in suspend() for its next body, with nothing of the last one on its stack.
void Fiber::serve() {
  for (;;) {
    body_();
    body_ = nullptr;
    suspend();
  }
}

void Fiber::start(runtime::Callback body) {
  AERODB_ASSERT(finished() && body);
  body_ = std::move(body);
}

void Fiber::resume() {
  AERODB_ASSERT(!finished());
#if defined(AERODB_SIM_TSAN)
  outside_thread_ = __tsan_get_current_fiber();
#endif
  leave(&outside_fake_stack_, memory_ + kGuardBytes, kStackBytes, inside_thread_);
  swapcontext(&outside_, &inside_);
  arrive(outside_fake_stack_, nullptr, nullptr);
}

void Fiber::suspend() {
  leave(&inside_fake_stack_, outside_stack_, outside_stack_bytes_, outside_thread_);
  swapcontext(&inside_, &outside_);
  arrive(inside_fake_stack_, &outside_stack_, &outside_stack_bytes_);
}

std::unique_ptr<Fiber> FiberPool::take() {
  if (idle_.empty()) return std::make_unique<Fiber>();
  auto fiber = std::move(idle_.back());
  idle_.pop_back();
  return fiber;
}

void FiberPool::give_back(std::unique_ptr<Fiber> fiber) {
  AERODB_ASSERT(fiber->finished());
  idle_.push_back(std::move(fiber));
}

void FiberPool::resume(Fiber& fiber) {
  AERODB_ASSERT(running_ == nullptr);
  running_ = &fiber;
  fiber.resume();
  running_ = nullptr;
}

}  // namespace aerodb::sim
