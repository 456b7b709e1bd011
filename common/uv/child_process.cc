#include "common/uv/child_process.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "common/base/assert.h"
#include "common/uv/uv_internal.h"

namespace aerodb::uv {
namespace {

constexpr size_t kMaxLine = size_t{64} << 10;
constexpr uint64_t kPipeGraceUs = 1'000'000;

}  // namespace

// The process handle and its three pipes, alive until all four are closed.
//
// The happy path: spawn -> lines -> both outputs end and the process exits, in any order -> on_exit -> all closed.
// If the process exits first, a timer bounds the wait for the outputs.
class ChildProcess::Handles final : public HandleOwner, public std::enable_shared_from_this<Handles> {
 public:
  Handles(UvRuntime& runtime, ChildEvents events) : runtime_(runtime), events_(std::move(events)) {}

  Result<void> spawn(const ChildOptions& options) {
    self_ = shared_from_this();
    for (uv_pipe_t& pipe : pipes_) {
      AERODB_ASSERT(uv_pipe_init(runtime_.raw_loop(), &pipe, 0) == 0);
      pipe.data = static_cast<HandleOwner*>(this);
    }
    process_.data = static_cast<HandleOwner*>(this);
    int status = start(options);
    if (status == 0) status = read_lines(kOutputPipe);
    if (status == 0) status = read_lines(kErrorPipe);
    if (status == 0) return {};
    shut_down();
    return fail(ErrorCode::kConfigInvalid, fmt::format("start {}: {}", options.program, uv_strerror(status)));
  }

  void shut_down() override {
    silent_ = true;
    close_all();
  }
  // The owner is gone: the process handle stays until the child ends, so that the system can forget it.
  void abandon() {
    silent_ = true;
    for (uv_pipe_t& pipe : pipes_) close(pipe);
    if (exited_) close_all();
  }
  void close_stdin() { close(pipes_[kInputPipe]); }
  [[nodiscard]] int pid() const { return process_.pid; }
  [[nodiscard]] bool running() const { return !exited_ && !uv_is_closing(as_handle(&process_)); }
  void kill(int signal) {
    if (running()) uv_process_kill(&process_, signal);
  }

 private:
  enum Pipe : size_t { kInputPipe, kOutputPipe, kErrorPipe, kPipes };

  static const uv_handle_t* as_handle(const uv_process_t* handle) {
    return reinterpret_cast<const uv_handle_t*>(handle);
  }
  template <class Handle>
  static Handles& of(Handle* handle) {
    return static_cast<Handles&>(*static_cast<HandleOwner*>(handle->data));
  }

  int start(const ChildOptions& options) {
    std::vector<std::string> words;
    words.push_back(options.program);
    words.insert(words.end(), options.arguments.begin(), options.arguments.end());
    std::vector<char*> arguments;
    arguments.reserve(words.size() + 1);
    for (std::string& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    std::array<uv_stdio_container_t, kPipes> stdio{};
    for (size_t i = 0; i < kPipes; ++i) {
      const int flags = UV_CREATE_PIPE | (i == kInputPipe ? UV_READABLE_PIPE : UV_WRITABLE_PIPE);
      // libuv's flags are meant to be combined, though their enum has no name for a combination.
      stdio[i].flags = static_cast<uv_stdio_flags>(flags);  // NOLINT(clang-analyzer-optin.core.EnumCastOutOfRange)
      stdio[i].data.stream = reinterpret_cast<uv_stream_t*>(&pipes_[i]);
    }
    uv_process_options_t how{};
    how.file = options.program.c_str();
    how.args = arguments.data();
    how.cwd = options.directory.empty() ? nullptr : options.directory.c_str();
    how.stdio = stdio.data();
    how.stdio_count = kPipes;
    if (options.own_group) how.flags = UV_PROCESS_DETACHED;
    how.exit_cb = [](uv_process_t* process, int64_t status, int signal) {
      of(process).on_process_end({static_cast<int>(status), signal});
    };
    return uv_spawn(runtime_.raw_loop(), &process_, &how);
  }

  int read_lines(Pipe which) {
    ++open_outputs_;
    return uv_read_start(
        reinterpret_cast<uv_stream_t*>(&pipes_[which]),
        [](uv_handle_t* handle, size_t, uv_buf_t* buffer) {
          auto& read_buffer = of(handle).read_buffer_;
          *buffer = uv_buf_init(read_buffer.data(), static_cast<unsigned>(read_buffer.size()));
        },
        [](uv_stream_t* stream, ssize_t count, const uv_buf_t* buffer) {
          Handles& handles = of(stream);
          const bool error = stream == reinterpret_cast<uv_stream_t*>(&handles.pipes_[kErrorPipe]);
          if (count > 0) handles.on_output(error, {buffer->base, static_cast<size_t>(count)});
          if (count < 0) handles.on_output_end(error);
        });
  }

  void on_output(bool error, std::string_view text) {
    auto keep = shared_from_this();
    std::string& partial = partial_[error ? 1 : 0];
    while (!text.empty() && !silent_) {
      if (partial.size() == kMaxLine && text.front() != '\n') deliver(error);
      const size_t line_end = text.find('\n');
      const size_t count = std::min(std::min(line_end, text.size()), kMaxLine - partial.size());
      partial.append(text.substr(0, count));
      const bool ended = count == line_end;
      text.remove_prefix(count + (ended ? 1 : 0));
      if (ended) deliver(error);
    }
  }

  void deliver(bool error) {
    const std::string line = std::exchange(partial_[error ? 1 : 0], {});
    if (!silent_ && events_.on_line) events_.on_line(error ? ChildStream::kError : ChildStream::kOutput, line);
  }

  void on_output_end(bool error) {
    auto keep = shared_from_this();
    if (!partial_[error ? 1 : 0].empty()) deliver(error);
    close(pipes_[error ? kErrorPipe : kOutputPipe]);
    --open_outputs_;
    if (exited_ && open_outputs_ == 0) report_exit();
  }

  void on_process_end(ChildExit exit) {
    exited_ = true;
    exit_ = exit;
    if (silent_) return close_all();
    if (open_outputs_ == 0) return report_exit();
    grace_ = runtime_.loop().after(kPipeGraceUs, [weak = weak_from_this()] {
      if (auto handles = weak.lock()) handles->report_exit();
    });
  }

  void report_exit() {
    auto keep = shared_from_this();
    if (silent_) return;
    silent_ = true;
    runtime_.loop().cancel(grace_);
    close_all();
    if (events_.on_exit) events_.on_exit(exit_);
  }

  void close(uv_pipe_t& pipe) { close(reinterpret_cast<uv_handle_t*>(&pipe)); }
  void close(uv_handle_t* handle) {
    if (uv_is_closing(handle)) return;
    uv_close(handle, [](uv_handle_t* closed) {
      Handles& handles = of(closed);
      if (--handles.open_handles_ == 0) auto gone = std::move(handles.self_);
    });
  }
  void close_all() {
    for (uv_pipe_t& pipe : pipes_) close(pipe);
    close(reinterpret_cast<uv_handle_t*>(&process_));
  }

  UvRuntime& runtime_;
  ChildEvents events_;
  uv_process_t process_{};
  std::array<uv_pipe_t, kPipes> pipes_{};
  std::shared_ptr<Handles> self_;  // set while a handle is open
  int open_handles_ = 1 + kPipes;
  int open_outputs_ = 0;
  std::array<std::string, 2> partial_;  // output, error: a line whose end did not come yet
  std::array<char, size_t{16} << 10> read_buffer_{};
  runtime::TimerId grace_ = runtime::TimerId::kNone;
  ChildExit exit_;
  bool exited_ = false;
  bool silent_ = false;
};

ChildProcess::ChildProcess(std::shared_ptr<Handles> handles) : handles_(std::move(handles)) {}
ChildProcess::~ChildProcess() { handles_->abandon(); }

Result<std::unique_ptr<ChildProcess>> ChildProcess::spawn(UvRuntime& runtime, const ChildOptions& options,
                                                          ChildEvents events) {
  auto handles = std::make_shared<Handles>(runtime, std::move(events));
  if (auto started = handles->spawn(options); !started) return fail(std::move(started.error()));
  return std::make_unique<ChildProcess>(std::move(handles));
}

int ChildProcess::pid() const { return handles_->pid(); }
bool ChildProcess::running() const { return handles_->running(); }
void ChildProcess::kill(int signal) { handles_->kill(signal); }
void ChildProcess::close_stdin() { handles_->close_stdin(); }

}  // namespace aerodb::uv
