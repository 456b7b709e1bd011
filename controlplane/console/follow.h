// Staying with what a node carries out by itself until it has ended: asked now and then, less often as it lasts, with a
// bar where bytes are counted.
#pragma once

#include <algorithm>
#include <chrono>
#include <optional>
#include <thread>

#include "controlplane/console/data/progress.h"

namespace aerodb::console {

// `ask()` answers the Result of a view with done_bytes and total_bytes; the last one, or the first error, is answered.
template <class Ask, class Finished>
[[nodiscard]] auto follow(Ask&& ask, Finished&& finished, Output& output) {
  std::optional<Progress> progress;
  auto pause = std::chrono::milliseconds(5);
  while (true) {
    auto view = ask();
    if (!view || finished(*view)) return view;
    if (view->total_bytes > 0) {
      if (!progress) progress.emplace(output, view->total_bytes);
      progress->show(std::min(view->done_bytes, view->total_bytes));
    }
    std::this_thread::sleep_for(pause);
    pause = std::min(pause * 2, std::chrono::milliseconds(200));
  }
}

}  // namespace aerodb::console
