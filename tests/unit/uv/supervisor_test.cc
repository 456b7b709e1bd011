#include "common/uv/supervisor.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <atomic>
#include <cstddef>
#include <thread>
#include <vector>

#include "tests/unit/uv/fixture.h"

namespace aerodb::uv {
namespace {

// The manager's end of the socket.
class Manager {
 public:
  // `address` as NotifySocket takes it.
  explicit Manager(const std::string& address) : fd_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
    sockaddr_un name{};
    name.sun_family = AF_UNIX;
    address.copy(name.sun_path, sizeof name.sun_path);
    const bool abstract = address.front() == '@';
    if (abstract) name.sun_path[0] = '\0';
    const auto bytes = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + address.size() + (abstract ? 0 : 1));
    EXPECT_EQ(::bind(fd_.get(), reinterpret_cast<const sockaddr*>(&name), bytes), 0);
  }
  // What was told since the last call.
  std::vector<std::string> told() {
    std::vector<std::string> messages;
    char buffer[8192];
    for (;;) {
      const ssize_t bytes = ::recv(fd_.get(), buffer, sizeof buffer, 0);
      if (bytes < 0) return messages;
      messages.emplace_back(buffer, static_cast<size_t>(bytes));
    }
  }

 private:
  UniqueFd fd_;
};

using Told = std::vector<std::string>;

class NotifySocketTest : public UvTest {};

TEST_F(NotifySocketTest, ReachesAPathAndAnAbstractName) {
  for (const auto& address : {path("notify"), "@aerodb-test-" + directory_}) {
    Manager manager(address);
    auto socket = NotifySocket::open(address);
    ASSERT_TRUE(socket) << socket.error().message;
    EXPECT_TRUE(socket->anybody());
    ASSERT_TRUE(socket->send("READY=1\n"));
    EXPECT_EQ(manager.told(), Told{"READY=1\n"}) << address;
  }
}

TEST_F(NotifySocketTest, WithoutAnAddressThereIsNobodyToTell) {
  auto socket = NotifySocket::open("");
  ASSERT_TRUE(socket);
  EXPECT_FALSE(socket->anybody());
  EXPECT_TRUE(socket->send("READY=1\n"));
}

TEST_F(NotifySocketTest, AnotherFormOfAddressIsRefused) {
  for (const auto& address : {std::string("relative"), std::string("vsock:2:1234"), std::string("/"), std::string("@"),
                              "/" + std::string(108, 'x'), "@" + std::string(108, 'x')}) {
    auto socket = NotifySocket::open(address);
    ASSERT_FALSE(socket) << address;
    EXPECT_EQ(socket.error().code, ErrorCode::kConfigInvalid);
  }
}

TEST_F(NotifySocketTest, AManagerThatIsNotThereIsAnError) {
  auto socket = NotifySocket::open(path("nobody"));
  ASSERT_TRUE(socket);
  auto sent = socket->send("READY=1\n");
  ASSERT_FALSE(sent);
  EXPECT_EQ(sent.error().code, ErrorCode::kIo);
}

class SupervisorTest : public UvTest {
 protected:
  SupervisorTest() : manager_(path("notify")) {}

  Manager manager_;
  std::string doing_ = "opening";
  std::unique_ptr<Supervisor> supervisor_ =
      std::make_unique<Supervisor>(*runtime_, NotifySocket::open(path("notify")), [this] { return doing_; });
};

TEST_F(SupervisorTest, TellsEachPhaseOnce) {
  supervisor_->changed();
  EXPECT_EQ(manager_.told(), Told{}) << "nothing is said before the start";
  supervisor_->starting();
  EXPECT_EQ(manager_.told(), Told{"STATUS=opening\n"});
  doing_ = "primary";
  supervisor_->serving();
  EXPECT_EQ(manager_.told(), Told{"READY=1\nSTATUS=primary\n"});
  supervisor_->changed();
  EXPECT_EQ(manager_.told(), Told{}) << "it is the same";
  doing_ = "sealed";
  supervisor_->changed();
  EXPECT_EQ(manager_.told(), Told{"STATUS=sealed\n"});
  supervisor_->stopping("SIGTERM");
  EXPECT_EQ(manager_.told(), Told{"STOPPING=1\nSTATUS=stopping: SIGTERM\n"});
  doing_ = "primary";
  supervisor_->changed();
  EXPECT_EQ(manager_.told(), Told{}) << "the end is the last that is said";
}

TEST_F(SupervisorTest, AFailedStartIsToldWithCodeAndExitCodeOnOneLine) {
  supervisor_->starting();
  std::ignore = manager_.told();
  supervisor_->failed({ErrorCode::kLocked, "lock p1:\nheld", {}});
  EXPECT_EQ(manager_.told(), Told{"STATUS=failed, exit code 85: LOCKED: lock p1: held\n"});
}

TEST_F(SupervisorTest, ALongStatusEndsBetweenTwoCharacters) {
  doing_ = "x";
  for (int i = 0; i < 3'000; ++i) doing_ += "ü";
  supervisor_->starting();
  const auto told = manager_.told();
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told.front(), "STATUS=" + doing_.substr(0, 999) + "\n");
}

// Three looks with work in between, then five without.
TEST_F(SupervisorTest, TheTimeoutIsPutOffOnlyAfterWorkWentOn) {
  constexpr int kLooksWithWork = 3;
  constexpr int kLooks = 8;
  std::atomic<int> looks = 0;
  supervisor_ = std::make_unique<Supervisor>(*runtime_, NotifySocket::open(path("notify")),
                                             [&] { return fmt::format("look {}", ++looks); });
  supervisor_->starting();
  bool done = false;
  runtime_->jobs().run(
      [&](runtime::Disk& disk) {
        ASSERT_TRUE(runtime::replace_file(disk, directory_, "f", as_bytes("content")));
        for (int seen = 1; seen <= kLooks;) {
          if (looks.load() < seen) {
            std::this_thread::yield();
            continue;
          }
          if (seen <= kLooksWithWork) {
            ASSERT_TRUE(runtime::read_file(disk, path("f"), 100));
          }
          ++seen;
        }
      },
      [&] { done = true; });
  ASSERT_TRUE(run_until([&] { return done; }));
  int put_off = 0, statuses = 0;
  for (const auto& message : manager_.told()) {
    put_off += static_cast<int>(message.find("EXTEND_TIMEOUT_USEC=60000000\n") != std::string::npos);
    ++statuses;
  }
  EXPECT_GE(put_off, 1);
  EXPECT_LE(put_off, 1 + kLooksWithWork) << "the file was written as well";
  EXPECT_GE(statuses, kLooks);
  doing_ = "serving";
  supervisor_->serving();
  std::ignore = manager_.told();
  run_for_ms(600);
  EXPECT_EQ(manager_.told(), Told{}) << "whoever serves is not looked at any more";
}

TEST_F(SupervisorTest, WithoutAManagerNobodyLooks) {
  int looks = 0;
  supervisor_ =
      std::make_unique<Supervisor>(*runtime_, NotifySocket::open(""), [&] { return fmt::format("{}", ++looks); });
  supervisor_->starting();
  supervisor_->serving();
  supervisor_->changed();
  supervisor_->stopping("SIGTERM");
  EXPECT_EQ(looks, 0);
}

}  // namespace
}  // namespace aerodb::uv
