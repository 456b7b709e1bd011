#include <csignal>
#include <vector>

#include "common/uv/signals.h"
#include "tests/unit/uv/fixture.h"

namespace aerodb::uv {
namespace {

using UvLoopTest = UvTest;
using UvClockTest = UvTest;
using SignalWatchTest = UvTest;

TEST_F(UvLoopTest, RunsPostedCallbacksInOrderAndInALaterTurn) {
  std::vector<int> order;
  runtime_->loop().post([&] {
    order.push_back(1);
    runtime_->loop().post([&] {
      order.push_back(3);
      runtime_->stop();
    });
    EXPECT_EQ(order.size(), 1u);
  });
  runtime_->loop().post([&] { order.push_back(2); });
  EXPECT_TRUE(order.empty());
  runtime_->run();
  EXPECT_EQ(order, (std::vector<int>{1, 2, 3}));
}

TEST_F(UvLoopTest, PostedCallbackDoesNotWaitForATimer) {
  bool posted_ran = false;
  runtime_->loop().after(5'000'000, [&] { runtime_->stop(); });
  runtime_->loop().post([&] {
    runtime_->loop().post([&] {
      posted_ran = true;
      runtime_->stop();
    });
  });
  const uint64_t begin_us = runtime_->clock().monotonic_us();
  runtime_->run();
  EXPECT_TRUE(posted_ran);
  EXPECT_LT(runtime_->clock().monotonic_us() - begin_us, 2'000'000u);
}

TEST_F(UvLoopTest, TimersRunInDueOrderThenInOrderOfCreation) {
  std::vector<int> order;
  auto& loop = runtime_->loop();
  loop.after(30'000, [&] {
    order.push_back(4);
    runtime_->stop();
  });
  loop.after(10'000, [&] { order.push_back(2); });
  loop.after(0, [&] { order.push_back(1); });
  loop.after(20'000, [&] { order.push_back(3); });
  runtime_->run();
  EXPECT_EQ(order, (std::vector<int>{1, 2, 3, 4}));
}

TEST_F(UvLoopTest, TimerNeverRunsEarly) {
  for (uint64_t delay_us : {1u, 700u, 1'300u, 4'999u}) {
    const uint64_t begin_us = runtime_->clock().monotonic_us();
    uint64_t ran_us = 0;
    runtime_->loop().after(delay_us, [&] {
      ran_us = runtime_->clock().monotonic_us();
      runtime_->stop();
    });
    runtime_->run();
    EXPECT_GE(ran_us - begin_us, delay_us);
  }
}

TEST_F(UvLoopTest, CancelledTimerDoesNotRun) {
  int ran = 0;
  auto& loop = runtime_->loop();
  auto early = loop.after(1'000, [&] { ++ran; });
  runtime::TimerId late = loop.after(5'000, [&] { ran += 10; });
  loop.after(2'000, [&] { loop.cancel(late); });
  loop.cancel(early);
  loop.cancel(early);
  loop.cancel(runtime::TimerId::kNone);
  run_for_ms(20);
  EXPECT_EQ(ran, 0);
}

TEST_F(UvLoopTest, TimerSetInATimerRunsInALaterTurn) {
  int turns = 0;
  int depth = 0;
  std::function<void()> again = [&] {
    if (++depth == 5) return runtime_->stop();
    runtime_->loop().after(0, [&] { again(); });
  };
  std::function<void()> count = [&] {
    ++turns;
    runtime_->loop().post([&] { count(); });
  };
  count();
  again();
  runtime_->run();
  EXPECT_GE(turns, 4);
}

TEST_F(UvLoopTest, StopBeforeRunEndsTheNextRun) {
  runtime_->stop();
  runtime_->run();
  bool ran = false;
  runtime_->loop().after(1'000, [&] {
    ran = true;
    runtime_->stop();
  });
  runtime_->run();
  EXPECT_TRUE(ran);
}

TEST_F(UvLoopTest, DestructionDropsWhatIsQueued) {
  auto witness = std::make_shared<int>(0);
  runtime_->loop().post([witness] { *witness = 1; });
  runtime_->loop().after(0, [witness] { *witness = 1; });
  runtime_->stop();
  runtime_.reset();
  EXPECT_EQ(*witness, 0);
  EXPECT_EQ(witness.use_count(), 1);
}

TEST_F(UvClockTest, WallClockIsThisCenturyAndMonotonicDoesNotFall) {
  EXPECT_GT(runtime_->clock().wall_us(), 1'700'000'000ull * 1'000'000);
  const uint64_t first = runtime_->clock().monotonic_us();
  EXPECT_GE(runtime_->clock().monotonic_us(), first);
}

TEST_F(UvClockTest, RandomNumbersDiffer) { EXPECT_NE(runtime_->random().next(), runtime_->random().next()); }

TEST_F(SignalWatchTest, ReportsTheFirstSignalOnce) {
  std::vector<int> caught;
  SignalWatch watch(*runtime_, [&](int signal) {
    caught.push_back(signal);
    runtime_->stop();
  });
  ::raise(SIGTERM);
  runtime_->run();
  EXPECT_EQ(caught, std::vector<int>{SIGTERM});
}

TEST_F(SignalWatchTest, SecondSignalHasItsDefaultEffect) {
  EXPECT_EXIT(
      {
        UvRuntime inner(make_silent_log());
        SignalWatch watch(inner, [&](int) { inner.loop().after(20'000, [] { ::raise(SIGINT); }); });
        ::raise(SIGINT);
        inner.run();
      },
      testing::KilledBySignal(SIGINT), "");
}

TEST_F(SignalWatchTest, MayBeDestroyedInItsCallback) {
  std::unique_ptr<SignalWatch> watch;
  watch = std::make_unique<SignalWatch>(*runtime_, [&](int) {
    watch.reset();
    runtime_->stop();
  });
  ::raise(SIGINT);
  runtime_->run();
  EXPECT_EQ(watch, nullptr);
}

TEST_F(SignalWatchTest, BrokenPipeIsIgnored) {
  struct sigaction now{};
  ASSERT_EQ(::sigaction(SIGPIPE, nullptr, &now), 0);
  EXPECT_EQ(now.sa_handler, SIG_IGN);
}

}  // namespace
}  // namespace aerodb::uv
