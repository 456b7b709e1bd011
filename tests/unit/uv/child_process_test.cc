#include "common/uv/child_process.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <vector>

#include "common/uv/stdin_watch.h"
#include "tests/unit/uv/fixture.h"

namespace aerodb::uv {
namespace {

class ChildProcessTest : public UvTest {
 protected:
  // Runs `script` in a shell; lines and exit are noted below.
  void start(const std::string& script) {
    auto child = ChildProcess::spawn(*runtime_, {"sh", {"-c", script}, directory_},
                                     {[&](ChildStream stream, std::string_view line) {
                                        (stream == ChildStream::kOutput ? output_ : errors_).emplace_back(line);
                                        if (line_hook_) line_hook_();
                                      },
                                      [&](ChildExit exit) { exit_ = exit; }});
    ASSERT_TRUE(child) << child.error().message;
    child_ = std::move(*child);
  }
  std::unique_ptr<ChildProcess> child_;
  std::vector<std::string> output_;
  std::vector<std::string> errors_;
  std::optional<ChildExit> exit_;
  std::function<void()> line_hook_;
};

TEST_F(ChildProcessTest, DeliversLinesThenTheExitStatus) {
  start("echo one; echo; echo problem >&2; printf unfinished; exit 7");
  ASSERT_TRUE(run_until([&] { return exit_.has_value(); }));
  EXPECT_EQ(output_, (std::vector<std::string>{"one", "", "unfinished"}));
  EXPECT_EQ(errors_, std::vector<std::string>{"problem"});
  EXPECT_EQ(exit_->status, 7);
  EXPECT_EQ(exit_->signal, 0);
  EXPECT_FALSE(child_->running());
}

TEST_F(ChildProcessTest, KilledChildNamesTheSignal) {
  start("echo ready; exec sleep 100");
  line_hook_ = [&] { child_->kill(SIGTERM); };
  ASSERT_TRUE(run_until([&] { return exit_.has_value(); }));
  EXPECT_EQ(exit_->signal, SIGTERM);
  child_->kill(SIGTERM);
}

TEST_F(ChildProcessTest, ClosingStdinEndsAChildThatReadsIt) {
  start("cat; echo ended");
  run_for_ms(30);
  EXPECT_TRUE(child_->running());
  child_->close_stdin();
  ASSERT_TRUE(run_until([&] { return exit_.has_value(); }));
  EXPECT_EQ(output_, std::vector<std::string>{"ended"});
}

TEST_F(ChildProcessTest, ProgramThatIsNotThereIsNamed) {
  auto child = ChildProcess::spawn(*runtime_, {"/no/such/program", {}, ""}, {});
  ASSERT_FALSE(child);
  EXPECT_EQ(child.error().code, ErrorCode::kConfigInvalid);
  EXPECT_NE(child.error().message.find("/no/such/program"), std::string::npos);
}

TEST_F(ChildProcessTest, LongLineComesInPieces) {
  start("head -c 150000 /dev/zero | tr '\\0' x; echo; head -c 65536 /dev/zero | tr '\\0' y; echo");
  ASSERT_TRUE(run_until([&] { return exit_.has_value(); }));
  ASSERT_EQ(output_.size(), 4u);
  EXPECT_EQ(output_[0].size(), 65536u);
  EXPECT_EQ(output_[0].size() + output_[1].size() + output_[2].size(), 150000u);
  EXPECT_EQ(output_[3], std::string(65536, 'y'));
}

TEST_F(ChildProcessTest, GrandchildThatKeepsThePipesDoesNotHideTheExit) {
  start("sleep 4 & exit 3");
  ASSERT_TRUE(run_until([&] { return exit_.has_value(); }));
  EXPECT_EQ(exit_->status, 3);
}

TEST_F(ChildProcessTest, MayBeDestroyedInItsEvents) {
  start("echo one; echo two");
  line_hook_ = [&] { child_.reset(); };
  ASSERT_TRUE(run_until([&] { return child_ == nullptr; }));
  run_for_ms(30);
  EXPECT_EQ(output_.size(), 1u);
  EXPECT_FALSE(exit_);
}

TEST_F(ChildProcessTest, RuntimeMayEndBeforeTheChild) {
  start("cat");
  runtime_.reset();
  EXPECT_FALSE(exit_);
  EXPECT_FALSE(child_->running());
}

// Runs `body` in a process of its own whose descriptor 0 is `fd`; answers its exit status.
int with_stdin(int fd, const std::function<int()>& body) {
  pid_t pid = ::fork();
  if (pid == 0) {
    ::dup2(fd, 0);
    ::close(fd);
    ::_exit(body());
  }
  ::close(fd);
  int status = -1;
  ::waitpid(pid, &status, 0);
  return status;
}

int wait_for_stdin_end() {
  UvRuntime runtime(make_silent_log());
  int ended = 0;
  StdinWatch watch(runtime, [&] {
    ++ended;
    runtime.loop().after(10'000, [&] { runtime.stop(); });
  });
  runtime.loop().after(5'000'000, [&] { runtime.stop(); });
  runtime.run();
  return ended == 1 ? 0 : 1;
}

TEST(StdinWatchTest, ReportsTheEndOfAPipeOnce) {
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  ASSERT_EQ(::write(ends[1], "noise\n", 6), 6);
  // The writer goes while the child waits: only its end closes the pipe.
  const int writer = ends[1];
  pid_t holder = ::fork();
  if (holder == 0) {
    ::usleep(50'000);
    ::_exit(0);
  }
  ::close(writer);
  EXPECT_EQ(with_stdin(ends[0], wait_for_stdin_end), 0);
  ::waitpid(holder, nullptr, 0);
}

TEST(StdinWatchTest, DeviceThatCannotBeWatchedCountsAsEnded) {
  EXPECT_EQ(with_stdin(::open("/dev/null", O_RDONLY), wait_for_stdin_end), 0);
}

TEST(StdinWatchTest, OpenPipeIsNotAnEnd) {
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  EXPECT_EQ(with_stdin(ends[0],
                       [] {
                         UvRuntime runtime(make_silent_log());
                         int ended = 0;
                         StdinWatch watch(runtime, [&] { ++ended; });
                         runtime.loop().after(50'000, [&] { runtime.stop(); });
                         runtime.run();
                         return ended;
                       }),
            0);
  ::close(ends[1]);
}

}  // namespace
}  // namespace aerodb::uv
