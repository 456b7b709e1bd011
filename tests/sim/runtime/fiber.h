// Stacks of their own for Jobs, so that linear code can wait at a Disk call while the world goes on.
#pragma once

#include <ucontext.h>

#include <memory>
#include <vector>

#include "common/runtime/loop.h"

namespace aerodb::sim {

// One stack. Runs one body after another; between suspend() and the next resume() the rest of the world runs.
class Fiber {
 public:
  Fiber();
  ~Fiber();  // requires finished()
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;

  void start(runtime::Callback body);  // requires finished(); runs nothing yet
  void resume();                       // from outside; returns when the body suspends or ends
  void suspend();                      // from inside
  [[nodiscard]] bool finished() const { return !body_; }

 private:
  static void entry(unsigned low, unsigned high);
  void serve();

  runtime::Callback body_;
  uint8_t* memory_ = nullptr;  // a guard page, then the stack
  ucontext_t inside_{};
  ucontext_t outside_{};
  // What the sanitizers must be told at each switch; unused without them.
  void* inside_fake_stack_ = nullptr;
  void* outside_fake_stack_ = nullptr;
  const void* outside_stack_ = nullptr;
  size_t outside_stack_bytes_ = 0;
  void* inside_thread_ = nullptr;
  void* outside_thread_ = nullptr;
};

// Keeps finished fibers for reuse and knows which one runs.
class FiberPool {
 public:
  [[nodiscard]] std::unique_ptr<Fiber> take();
  void give_back(std::unique_ptr<Fiber> fiber);
  // Requires that no fiber runs.
  void resume(Fiber& fiber);
  [[nodiscard]] Fiber* running() const { return running_; }

 private:
  std::vector<std::unique_ptr<Fiber>> idle_;
  Fiber* running_ = nullptr;
};

}  // namespace aerodb::sim
