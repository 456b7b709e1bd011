#include "common/uv/uv_loop.h"

#include <algorithm>
#include <limits>

#include "common/base/assert.h"

namespace aerodb::uv {

UvLoop::UvLoop(uv_loop_t* loop, runtime::Clock& clock) : loop_(loop), clock_(clock) {
  auto init = [this](auto start) { return [this, start](auto* handle) { return start(loop_, handle); }; };
  AERODB_ASSERT(prepare_.open(this, init(uv_prepare_init)) == 0);
  AERODB_ASSERT(idle_.open(this, init(uv_idle_init)) == 0);
  AERODB_ASSERT(timer_.open(this, init(uv_timer_init)) == 0);
  // Always active: it keeps run() waiting for stop() even if nothing else is open.
  uv_prepare_start(prepare_.get(), [](uv_prepare_t* handle) { static_cast<UvLoop*>(handle->data)->run_posted(); });
}

void UvLoop::post(runtime::Callback callback) {
  if (shut_down_) return;
  posted_.push_back(std::move(callback));
}

void UvLoop::run_posted() {
  if (!posted_.empty()) {
    running_.swap(posted_);
    for (auto& callback : running_) {
      callback();
      callback = nullptr;  // its captures end before the next one starts
    }
    running_.clear();
  }
  if (posted_.empty()) {
    uv_idle_stop(idle_.get());
  } else {
    uv_idle_start(idle_.get(), [](uv_idle_t*) {});
  }
}

runtime::TimerId UvLoop::after(uint64_t delay_us, runtime::Callback callback) {
  if (shut_down_) return runtime::TimerId::kNone;
  uint64_t now_us = clock_.monotonic_us();
  uint64_t due_us = now_us + std::min(delay_us, std::numeric_limits<uint64_t>::max() / 2 - now_us);
  uint64_t id = next_timer_++;
  timers_.emplace(TimerKey{due_us, id}, std::move(callback));
  due_us_of_.emplace(id, due_us);
  arm_timer();
  return runtime::TimerId{id};
}

void UvLoop::cancel(runtime::TimerId timer) {
  auto found = due_us_of_.find(static_cast<uint64_t>(timer));
  if (found == due_us_of_.end()) return;
  // Taken out first: destroying the callback may come back here.
  auto gone = timers_.extract(TimerKey{found->second, found->first});
  due_us_of_.erase(found);
  arm_timer();
}

void UvLoop::run_timers() {
  armed_due_us_ = 0;
  in_timers_ = true;
  const uint64_t now_us = clock_.monotonic_us();
  const uint64_t first_new = next_timer_;  // what is set from here on waits for a later turn
  while (!timers_.empty()) {
    const TimerKey& key = timers_.begin()->first;
    if (key.due_us > now_us || key.id >= first_new) break;
    auto timer = timers_.extract(timers_.begin());
    due_us_of_.erase(timer.key().id);
    timer.mapped()();
  }
  arm_timer();
  in_timers_ = false;
}

void UvLoop::arm_timer() {
  if (shut_down_) return;
  if (timers_.empty()) {
    armed_due_us_ = 0;
    uv_timer_stop(timer_.get());
    return;
  }
  const uint64_t due_us = timers_.begin()->first.due_us;
  if (armed_due_us_ == due_us) return;
  armed_due_us_ = due_us;
  // libuv's time is the same clock in whole milliseconds, and never ahead of it: rounding up is never early. Inside the
  // timer phase a delay of zero would run in the same turn.
  const uint64_t due_ms = (due_us + 999) / 1000;
  const uint64_t now_ms = uv_now(loop_);
  const uint64_t delay_ms = std::max<uint64_t>(due_ms > now_ms ? due_ms - now_ms : 0, in_timers_ ? 1 : 0);
  uv_timer_start(
      timer_.get(), [](uv_timer_t* handle) { static_cast<UvLoop*>(handle->data)->run_timers(); }, delay_ms, 0);
}

void UvLoop::shut_down() {
  shut_down_ = true;
  auto posted = std::move(posted_);
  auto timers = std::move(timers_);
  posted_.clear();
  timers_.clear();
  due_us_of_.clear();
}

}  // namespace aerodb::uv
