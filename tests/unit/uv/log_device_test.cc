#include "common/uv/posix_disk.h"
#include "tests/unit/uv/fixture.h"

namespace aerodb::uv {
namespace {

using runtime::Completion;

class UvLogDeviceTest : public UvTest {
 protected:
  void open_segments() {
    for (const char* name : {"0", "1"}) {
      auto file = disk_.open(path(name), runtime::OpenMode::kCreate);
      ASSERT_TRUE(file && (*file)->fill_zero(8192));
    }
    auto opened = device().open({path("0"), path("1"), "/dev/full"});
    ASSERT_TRUE(opened) << opened.error().message;
  }
  runtime::LogDevice& device() { return runtime_->log_device(); }
  std::string content(const std::string& name, size_t offset, size_t size) {
    auto bytes = runtime::read_file(disk_, path(name), 1 << 20);
    return bytes ? std::string(as_text(*bytes).substr(offset, size)) : bytes.error().message;
  }
  PosixDisk disk_;
};

TEST_F(UvLogDeviceTest, InlineWriteIsDoneBeforeSubmitReturns) {
  open_segments();
  bool done = false;
  device().submit(1, 4096, as_bytes("frame"), Completion::kInline, [&](Result<void> result) {
    EXPECT_TRUE(result);
    done = true;
  });
  EXPECT_TRUE(done);
  EXPECT_EQ(content("1", 4096, 5), "frame");
  EXPECT_EQ(content("0", 4096, 5), std::string(5, '\0'));
}

TEST_F(UvLogDeviceTest, LaterWriteIsDoneInALaterTurn) {
  open_segments();
  std::optional<Result<void>> answer;
  device().submit(0, 512, as_bytes("frame"), Completion::kLater, [&](Result<void> result) {
    answer = std::move(result);
    runtime_->stop();
  });
  EXPECT_FALSE(answer);
  runtime_->run();
  ASSERT_TRUE(answer);
  EXPECT_TRUE(*answer);
  EXPECT_EQ(content("0", 512, 5), "frame");
}

TEST_F(UvLogDeviceTest, NextWriteMayBeSubmittedFromDone) {
  open_segments();
  const std::string text = "0123456789";
  uint64_t written = 0;
  std::function<void()> next = [&] {
    if (written == text.size()) return runtime_->stop();
    auto completion = written % 3 == 0 ? Completion::kInline : Completion::kLater;
    device().submit(0, written, as_bytes(text).subspan(written, 1), completion, [&](Result<void> result) {
      ASSERT_TRUE(result);
      ++written;
      next();
    });
  };
  next();
  runtime_->run();
  EXPECT_EQ(content("0", 0, text.size()), text);
}

TEST_F(UvLogDeviceTest, FailedWriteIsReportedBothWays) {
  open_segments();
  for (auto completion : {Completion::kInline, Completion::kLater}) {
    std::optional<Result<void>> answer;
    device().submit(2, 0, as_bytes("frame"), completion, [&](Result<void> result) { answer = std::move(result); });
    ASSERT_TRUE(run_until([&] { return answer.has_value(); }));
    ASSERT_FALSE(*answer);
    EXPECT_EQ(answer->error().code, ErrorCode::kIo);
    EXPECT_EQ(answer->error().message, "write /dev/full: No space left on device");
  }
}

TEST_F(UvLogDeviceTest, FailedSyncIsReported) {
  // A character device takes the bytes and cannot sync them.
  ASSERT_TRUE(device().open({"/dev/null"}));
  std::optional<Result<void>> answer;
  device().submit(0, 0, as_bytes("x"), Completion::kLater, [&](Result<void> result) { answer = std::move(result); });
  ASSERT_TRUE(run_until([&] { return answer.has_value(); }));
  ASSERT_FALSE(*answer);
  EXPECT_TRUE(answer->error().message.starts_with("sync /dev/null: ")) << answer->error().message;
}

TEST_F(UvLogDeviceTest, MissingSegmentIsNeverMadeUp) {
  auto opened = device().open({path("absent")});
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, ErrorCode::kIo);
  EXPECT_FALSE(std::filesystem::exists(path("absent")));
}

TEST_F(UvLogDeviceTest, OpenedAgainItWritesToTheNewFiles) {
  open_segments();
  auto write = [&](std::string_view text) {
    std::optional<Result<void>> answer;
    device().submit(0, 0, as_bytes(text), Completion::kLater, [&](Result<void> result) { answer = std::move(result); });
    EXPECT_TRUE(run_until([&] { return answer.has_value(); }));
    EXPECT_TRUE(*answer);
  };
  write("old");
  std::filesystem::rename(path("0"), path("before"));
  ASSERT_TRUE(disk_.open(path("0"), runtime::OpenMode::kCreate));
  EXPECT_FALSE(device().open({path("0"), path("absent")}));
  write("mid");  // where opening fails, what was open stays open
  ASSERT_TRUE(device().open({path("0"), path("1")}));
  write("new");
  EXPECT_EQ(content("before", 0, 3), "mid");
  EXPECT_EQ(content("0", 0, 3), "new");
}

TEST_F(UvLogDeviceTest, SecondWriteInFlightIsABug) {
  // The threads of the runtime do not survive a plain fork.
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  open_segments();
  EXPECT_DEATH(
      {
        device().submit(0, 0, as_bytes("x"), Completion::kLater, [](Result<void>) {});
        device().submit(0, 1, as_bytes("y"), Completion::kInline, [](Result<void>) {});
      },
      "in_flight_");
}

TEST_F(UvLogDeviceTest, ShutdownFinishesTheWriteAndDropsDone) {
  open_segments();
  auto witness = std::make_shared<bool>(false);
  device().submit(0, 0, as_bytes("last"), Completion::kLater, [witness](Result<void>) { *witness = true; });
  runtime_.reset();
  EXPECT_FALSE(*witness);
  EXPECT_EQ(witness.use_count(), 1);
  EXPECT_EQ(content("0", 0, 4), "last");
}

}  // namespace
}  // namespace aerodb::uv
