// Progress of work that says with each step how much there is in all; a new total begins a new line.
#pragma once

#include <algorithm>
#include <optional>

#include "controlplane/console/data/progress.h"

namespace aerodb::console {

class ByteProgress {
 public:
  explicit ByteProgress(Output& output) : output_(output) {}
  void show(uint64_t done, uint64_t total) {
    if (!progress_ || total != total_) progress_.emplace(output_, total);
    total_ = total;
    progress_->show(std::min(done, total));
  }
  // Clears the line.
  void finish() { progress_.reset(); }

 private:
  Output& output_;
  std::optional<Progress> progress_;
  uint64_t total_ = 0;
};

}  // namespace aerodb::console
