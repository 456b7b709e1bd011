// How far a long verb is, on one line that is drawn again and again. Drawn on a terminal only, a few times a second.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "controlplane/console/output.h"

namespace aerodb::console {

// "[####      ]  40%  2048/5127  3900/s  1 s left"; "2048  3900/s" where nobody knows how much there is (total 0).
[[nodiscard]] std::string progress_line(uint64_t done, uint64_t total, double seconds);

class Progress {
 public:
  Progress(Output& output, uint64_t total) : output_(output), total_(total) {}
  ~Progress() { finish(); }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  void show(uint64_t done);
  // Clears the line.
  void finish();
  [[nodiscard]] double seconds() const;

 private:
  using Clock = std::chrono::steady_clock;
  Output& output_;
  uint64_t total_;
  Clock::time_point begin_ = Clock::now();
  Clock::time_point drawn_{};
  bool on_screen_ = false;
};

}  // namespace aerodb::console
