// Private to common/uv: runtime::Loop on a libuv loop. Thread: the loop's.
//
// Posted callbacks run in the prepare phase, just before the loop would wait, all those posted before that phase began,
// in order. One posted from inside the phase runs in the next turn; an idle handle keeps the loop from waiting until
// then. Timers are ordered by due time, then by creation; one libuv timer stands for the earliest of them.
#pragma once

#include <cstddef>
#include <map>
#include <unordered_map>
#include <vector>

#include "common/runtime/clock.h"
#include "common/runtime/loop.h"
#include "common/uv/uv_internal.h"

namespace aerodb::uv {

class UvLoop final : public runtime::Loop {
 public:
  // Both must outlive this object.
  UvLoop(uv_loop_t* loop, runtime::Clock& clock);

  void post(runtime::Callback callback) override;
  runtime::TimerId after(uint64_t delay_us, runtime::Callback callback) override;
  void cancel(runtime::TimerId timer) override;

  // Drops what is queued and all that is asked for later.
  void shut_down();

 private:
  struct TimerKey {
    uint64_t due_us;
    uint64_t id;
    friend auto operator<=>(const TimerKey&, const TimerKey&) = default;
  };
  void run_posted();
  void run_timers();
  void arm_timer();

  uv_loop_t* loop_;
  runtime::Clock& clock_;
  OwnedHandle<uv_prepare_t> prepare_;
  OwnedHandle<uv_idle_t> idle_;
  OwnedHandle<uv_timer_t> timer_;
  std::vector<runtime::Callback> posted_;
  std::vector<runtime::Callback> running_;
  std::map<TimerKey, runtime::Callback> timers_;
  std::unordered_map<uint64_t, uint64_t> due_us_of_;  // by timer id
  uint64_t next_timer_ = 1;
  uint64_t armed_due_us_ = 0;  // 0: the libuv timer is stopped
  bool in_timers_ = false;
  bool shut_down_ = false;
};

}  // namespace aerodb::uv
