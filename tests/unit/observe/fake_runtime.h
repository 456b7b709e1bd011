// The least runtime an event log needs: files in memory that can fail, Jobs that run when told to, a clock that counts.
#pragma once

#include <deque>
#include <map>

#include "common/base/assert.h"
#include "common/runtime/runtime.h"

namespace aerodb::observe {

class FakeDisk final : public runtime::Disk {
 public:
  std::map<std::string, std::string> files;
  std::map<std::string, std::string> synced;  // what a power loss leaves
  bool fail_sync = false;
  uint64_t sync_count = 0;

  Result<std::unique_ptr<runtime::File>> open(const std::string& path, runtime::OpenMode mode) override {
    if (mode == runtime::OpenMode::kAppend) files.try_emplace(path);
    if (!files.contains(path)) return fail(ErrorCode::kIo, "open " + path + ": no such file");
    return std::make_unique<MemoryFile>(*this, path);
  }
  Result<void> make_directory(const std::string&) override { return {}; }
  Result<void> sync_directory(const std::string&) override { return {}; }
  Result<void> rename(const std::string& from, const std::string& to) override {
    files[to] = std::move(files.at(from));
    files.erase(from);
    return {};
  }
  Result<void> remove(const std::string& path) override {
    files.erase(path);
    return {};
  }
  Result<void> link(const std::string&, const std::string&) override { return fail(ErrorCode::kIo, "not used here"); }
  Result<bool> exists(const std::string& path) override { return files.contains(path); }
  Result<std::vector<std::string>> list(const std::string&) override { return std::vector<std::string>{}; }
  Result<std::unique_ptr<runtime::DirectoryLock>> lock(const std::string&) override {
    return fail(ErrorCode::kLocked, "not used here");
  }
  Result<bool> locked(const std::string&) override { return false; }

 private:
  class MemoryFile final : public runtime::File {
   public:
    MemoryFile(FakeDisk& disk, std::string path) : disk_(disk), path_(std::move(path)) {}
    Result<size_t> read(uint64_t offset, std::span<uint8_t> out) override {
      const std::string& content = disk_.files.at(path_);
      if (offset >= content.size()) return size_t{0};
      const size_t count = std::min<size_t>(out.size(), content.size() - offset);
      std::copy_n(content.begin() + static_cast<ptrdiff_t>(offset), count, out.begin());
      return count;
    }
    Result<void> write(uint64_t offset, ByteSpan data) override {
      std::string& content = disk_.files.at(path_);
      if (content.size() < offset + data.size()) content.resize(offset + data.size());
      std::copy(data.begin(), data.end(), content.begin() + static_cast<ptrdiff_t>(offset));
      return {};
    }
    Result<void> sync() override {
      if (disk_.fail_sync) return fail(ErrorCode::kIo, "sync " + path_ + ": planted");
      ++disk_.sync_count;
      disk_.synced[path_] = disk_.files.at(path_);
      return {};
    }
    Result<uint64_t> size() override { return disk_.files.at(path_).size(); }
    Result<void> fill_zero(uint64_t) override { return {}; }

   private:
    FakeDisk& disk_;
    std::string path_;
  };
};

class FakeRuntime final : public runtime::Runtime,
                          runtime::Loop,
                          runtime::Clock,
                          runtime::Random,
                          runtime::Jobs,
                          public LogSink {
 public:
  FakeDisk disk;
  std::vector<std::string> logged;  // event names

  // Runs the oldest Job and its completion; false where there is none.
  bool run_job() {
    if (jobs_.empty()) return false;
    auto [work, done] = std::move(jobs_.front());
    jobs_.pop_front();
    work(disk);
    done();
    return true;
  }
  // Runs everything.
  void run() {
    while (true) {
      if (run_job()) continue;
      if (posted_.empty()) return;
      auto callback = std::move(posted_.front());
      posted_.pop_front();
      callback();
    }
  }
  [[nodiscard]] size_t job_count() const { return jobs_.size(); }

  runtime::Loop& loop() override { return *this; }
  runtime::Clock& clock() override { return *this; }
  runtime::Random& random() override { return *this; }
  runtime::Network& network() override { absent(); }
  runtime::Jobs& jobs() override { return *this; }
  LogSink& log() override { return *this; }
  runtime::LogDevice& log_device() override { absent(); }

  void write(LogLevel, std::string_view event, std::initializer_list<LogField>) override { logged.emplace_back(event); }

 private:
  [[noreturn]] static void absent() { assert_failed("not used by an event log", __FILE__, __LINE__); }
  void post(runtime::Callback callback) override { posted_.push_back(std::move(callback)); }
  runtime::TimerId after(uint64_t, runtime::Callback) override { absent(); }
  void cancel(runtime::TimerId) override { absent(); }
  uint64_t monotonic_us() override { return ++now_us_; }
  uint64_t wall_us() override { return 1'000'000 + ++now_us_; }
  uint64_t next() override { absent(); }
  void run(std::move_only_function<void(runtime::Disk&)> work, runtime::Callback done) override {
    jobs_.emplace_back(std::move(work), std::move(done));
  }

  uint64_t now_us_ = 0;
  std::deque<runtime::Callback> posted_;
  std::deque<std::pair<std::move_only_function<void(runtime::Disk&)>, runtime::Callback>> jobs_;
};

}  // namespace aerodb::observe
