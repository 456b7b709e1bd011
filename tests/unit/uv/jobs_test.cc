#include <sys/resource.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "tests/unit/uv/fixture.h"

namespace aerodb::uv {
namespace {

using runtime::Disk;
using UvJobsTest = UvTest;

TEST_F(UvJobsTest, WorkRunsOffTheLoopAndDoneOnIt) {
  const auto loop_thread = std::this_thread::get_id();
  std::thread::id work_thread;
  std::thread::id done_thread;
  runtime_->jobs().run([&](Disk&) { work_thread = std::this_thread::get_id(); },
                       [&] {
                         done_thread = std::this_thread::get_id();
                         runtime_->stop();
                       });
  EXPECT_EQ(done_thread, std::thread::id());
  runtime_->run();
  EXPECT_NE(work_thread, loop_thread);
  EXPECT_EQ(done_thread, loop_thread);
}

TEST_F(UvJobsTest, WorkReachesTheDisk) {
  std::optional<Result<Bytes>> content;
  runtime_->jobs().run(
      [&](Disk& disk) {
        if (runtime::replace_file(disk, directory_, "f", as_bytes("by a job"))) {
          content = runtime::read_file(disk, path("f"), 100);
        }
      },
      [&] { runtime_->stop(); });
  runtime_->run();
  ASSERT_TRUE(content && *content);
  EXPECT_EQ(as_text(**content), "by a job");
}

TEST_F(UvJobsTest, ManyJobsAllComplete) {
  int done = 0;
  std::atomic<int> worked = 0;
  for (int i = 0; i < 200; ++i) {
    runtime_->jobs().run([&](Disk&) { ++worked; }, [&] { ++done; });
  }
  ASSERT_TRUE(run_until([&] { return done == 200; }));
  EXPECT_EQ(worked, 200);
}

TEST_F(UvJobsTest, LongJobsDoNotDelayAShortOne) {
  std::mutex mutex;
  std::condition_variable wake;
  bool release = false;
  int long_done = 0;
  for (int i = 0; i < 3; ++i) {
    runtime_->jobs().run(
        [&](Disk&) {
          std::unique_lock lock(mutex);
          wake.wait(lock, [&] { return release; });
        },
        [&] { ++long_done; });
  }
  bool short_done = false;
  runtime_->jobs().run([](Disk&) {}, [&] { short_done = true; });
  EXPECT_TRUE(run_until([&] { return short_done; }));
  EXPECT_EQ(long_done, 0);
  {
    std::lock_guard lock(mutex);
    release = true;
  }
  wake.notify_all();
  EXPECT_TRUE(run_until([&] { return long_done == 3; }));
}

TEST_F(UvJobsTest, LongJobsLeaveTheProcessorToOthers) {
  const auto niceness = [] { return ::getpriority(PRIO_PROCESS, 0); };
  int prompt = -1;
  int patient = -1;
  int done = 0;
  runtime_->jobs().run([&](Disk&) { prompt = niceness(); }, [&] { ++done; });
  runtime_->jobs().run_long([&](Disk&) { patient = niceness(); }, [&] { ++done; });
  ASSERT_TRUE(run_until([&] { return done == 2; }));
  EXPECT_EQ(prompt, niceness());
  EXPECT_GT(patient, prompt);
}

TEST_F(UvJobsTest, DoneMayRunTheNextJob) {
  int steps = 0;
  std::function<void()> next = [&] {
    if (++steps == 20) return runtime_->stop();
    runtime_->jobs().run([](Disk&) {}, [&] { next(); });
  };
  next();
  runtime_->run();
  EXPECT_EQ(steps, 20);
}

TEST_F(UvJobsTest, ShutdownWaitsForWorkAndDropsDone) {
  std::atomic<bool> started = false;
  std::atomic<bool> finished = false;
  auto witness = std::make_shared<bool>(false);
  runtime_->jobs().run(
      [&](Disk&) {
        started = true;
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
        finished = true;
      },
      [witness] { *witness = true; });
  while (!started) std::this_thread::yield();
  runtime_.reset();
  EXPECT_TRUE(finished);
  EXPECT_FALSE(*witness);
  EXPECT_EQ(witness.use_count(), 1);
}

}  // namespace
}  // namespace aerodb::uv
