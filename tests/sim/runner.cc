#include "tests/sim/runner.h"

#include <fmt/format.h>
#include <malloc.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstring>

#include "common/base/assert.h"
#include "common/base/build.h"
#include "common/base/bytes.h"

namespace aerodb::sim {
namespace {

constexpr size_t kFailuresKept = 16;  // of a worker
constexpr size_t kReasonBytes = 1'000;
constexpr unsigned kSecondsPerSeed = 60;

// What a worker leaves behind, whatever becomes of it. Shared between processes: plain memory, no pointers.
struct Board {
  struct Line {
    uint64_t seed;
    Verdict verdict;
    char reason[kReasonBytes];
  };
  uint64_t seed;  // under way
  uint64_t next;  // to begin with after a crash
  bool done;
  uint64_t passed;
  uint64_t failed;
  uint64_t lines;
  Line failures[kFailuresKept];
  Counters counters;
  std::array<uint64_t, kFaultKinds> faults;
  Tallies tallies;

  void add_failure(uint64_t of_seed, Verdict verdict, const std::string& reason) {
    ++failed;
    if (lines == kFailuresKept) return;
    Line& line = failures[lines++];
    line.seed = of_seed;
    line.verdict = verdict;
    std::strncpy(line.reason, reason.c_str(), kReasonBytes - 1);
  }
};

class Boards {
 public:
  explicit Boards(uint32_t count) : bytes_(sizeof(Board) * count) {
    void* memory = mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    AERODB_ASSERT(memory != MAP_FAILED);
    boards_ = static_cast<Board*>(memory);
  }
  ~Boards() { munmap(boards_, bytes_); }
  Boards(const Boards&) = delete;
  Boards& operator=(const Boards&) = delete;
  [[nodiscard]] Board& operator[](uint32_t index) { return boards_[index]; }

 private:
  size_t bytes_;
  Board* boards_;
};

// Seeds of one worker: every `jobs`-th.
void work(Board& board, const RunOptions& options) {
#if AERODB_FAULTS
  plant(options.planted);
#endif
  for (uint64_t seed = board.next; seed < options.first + options.seeds; seed += options.jobs) {
    board.seed = seed;
    board.next = seed + options.jobs;
    alarm(kSecondsPerSeed);
    const Outcome outcome = run_seed(seed, options.twice_every > 0 && seed % options.twice_every == 0,
                                     {.small = options.small, .cut = options.cut});
    for (size_t i = 0; i < kCounters; ++i) board.counters[i] += outcome.counters[i];
    for (size_t i = 0; i < kFaultKinds; ++i) board.faults[i] += outcome.faults[i];
    for (size_t i = 0; i < outcome.tallies.size(); ++i) board.tallies[i] += outcome.tallies[i];
    if (outcome.verdict == Verdict::kPassed) {
      ++board.passed;
      continue;
    }
    board.add_failure(seed, outcome.verdict, outcome.reason);
    if (options.stop_at_failure) break;
  }
  board.done = true;
}

pid_t start_worker(Board& board, const RunOptions& options) {
  const pid_t pid = fork();
  AERODB_ASSERT(pid >= 0);
  if (pid > 0) return pid;
  // Seed after seed takes and gives back the same memory: it need not go through the system each time.
  mallopt(M_MMAP_THRESHOLD, 64 << 20);
  mallopt(M_TRIM_THRESHOLD, 512 << 20);
  work(board, options);
  _exit(0);
}

double seconds_of_children() {
  rusage usage{};
  getrusage(RUSAGE_CHILDREN, &usage);
  auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

}  // namespace

Outcome run_seed(uint64_t seed, bool twice, const SimulateOptions& options) {
  Outcome outcome = simulate(seed, options);
  if (!twice) return outcome;
  const Outcome again = simulate(seed, {.small = options.small, .cut = options.cut});
  if (again.trace_hash != outcome.trace_hash || again.events != outcome.events) {
    outcome.verdict = Verdict::kWrong;
    outcome.reason = fmt::format("run twice, it takes two courses: trace {} with {} events, then {} with {}",
                                 to_hex(outcome.trace_hash), outcome.events, to_hex(again.trace_hash), again.events);
  }
  return outcome;
}

void add(RunReport& report, const RunReport& more) {
  report.passed += more.passed;
  report.failed += more.failed;
  report.cpu_seconds += more.cpu_seconds;
  report.wall_seconds += more.wall_seconds;
  report.failures.insert(report.failures.end(), more.failures.begin(), more.failures.end());
  for (size_t i = 0; i < kCounters; ++i) report.counters[i] += more.counters[i];
  for (size_t i = 0; i < kFaultKinds; ++i) report.faults[i] += more.faults[i];
  for (size_t i = 0; i < more.tallies.size(); ++i) report.tallies[i] += more.tallies[i];
}

RunReport run_seeds(const RunOptions& options) {
  const auto started = std::chrono::steady_clock::now();
  const double cpu_before = seconds_of_children();
  Boards boards(options.jobs);
  std::vector<pid_t> workers(options.jobs);
  for (uint32_t job = 0; job < options.jobs; ++job) {
    boards[job].next = options.first + job;
    workers[job] = start_worker(boards[job], options);
  }
  for (size_t running = options.jobs; running > 0;) {
    int status = 0;
    const pid_t pid = wait(&status);
    const auto at = std::ranges::find(workers, pid);
    if (at == workers.end()) continue;
    Board& board = boards[static_cast<uint32_t>(at - workers.begin())];
    if (!board.done) {
      const char* signal = WIFSIGNALED(status) ? strsignal(WTERMSIG(status)) : "exit";
      board.add_failure(board.seed, Verdict::kCrash, fmt::format("the worker ended: {}", signal));
      if (!options.stop_at_failure) {
        *at = start_worker(board, options);
        continue;
      }
    }
    --running;
  }

  RunReport report;
  for (uint32_t job = 0; job < options.jobs; ++job) {
    const Board& board = boards[job];
    report.passed += board.passed;
    report.failed += board.failed;
    for (size_t i = 0; i < kCounters; ++i) report.counters[i] += board.counters[i];
    for (size_t i = 0; i < kFaultKinds; ++i) report.faults[i] += board.faults[i];
    for (size_t i = 0; i < board.tallies.size(); ++i) report.tallies[i] += board.tallies[i];
    for (uint64_t i = 0; i < board.lines; ++i)
      report.failures.push_back({board.failures[i].seed, board.failures[i].verdict, board.failures[i].reason});
  }
  std::ranges::sort(report.failures, {}, &Failure::seed);
  report.cpu_seconds = seconds_of_children() - cpu_before;
  report.wall_seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
  return report;
}

}  // namespace aerodb::sim
