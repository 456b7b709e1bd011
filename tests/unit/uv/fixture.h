// A runtime for one test. Its destruction asserts that the loop closes clean, so every test here ends with that check.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "common/base/log.h"
#include "common/uv/uv_runtime.h"

namespace aerodb::uv {

class UvTest : public testing::Test {
 protected:
  UvTest() : runtime_(std::make_unique<UvRuntime>(make_silent_log())) {
    std::string pattern = (std::filesystem::temp_directory_path() / "aerodb-uv-XXXXXX").string();
    EXPECT_NE(::mkdtemp(pattern.data()), nullptr);
    directory_ = pattern;
  }
  ~UvTest() override {
    runtime_.reset();
    std::filesystem::remove_all(directory_);
  }

  // Runs the loop until `done` answers true, ten seconds at most. The condition is looked at once a millisecond.
  [[nodiscard]] bool run_until(std::function<bool()> done) {
    const uint64_t deadline_us = runtime_->clock().monotonic_us() + 10'000'000;
    std::function<void()> look = [&] {
      if (done() || runtime_->clock().monotonic_us() > deadline_us) return runtime_->stop();
      runtime_->loop().after(1'000, [&] { look(); });
    };
    look();
    runtime_->run();
    return done();
  }
  // Lets the loop go on for a while, to see that something does not happen.
  void run_for_ms(uint64_t delay_ms) {
    runtime_->loop().after(delay_ms * 1'000, [this] { runtime_->stop(); });
    runtime_->run();
  }

  [[nodiscard]] std::string path(const std::string& name) const { return directory_ + "/" + name; }
  [[nodiscard]] static runtime::Endpoint tcp(uint16_t port = 0) {
    return {runtime::Endpoint::Kind::kTcp, "127.0.0.1", port, ""};
  }
  [[nodiscard]] runtime::Endpoint unix_socket(const std::string& name = "s") const {
    return {runtime::Endpoint::Kind::kUnix, "", 0, path(name)};
  }

  std::unique_ptr<UvRuntime> runtime_;
  std::string directory_;
};

}  // namespace aerodb::uv
