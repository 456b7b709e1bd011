// The transcript of one seed, for people. Silent unless asked for; whoever writes pays nothing then.
#pragma once

#include <fmt/format.h>

#include <cstdio>
#include <string>

#include "tests/sim/runtime/world.h"

namespace aerodb::sim {

class Journal {
 public:
  Journal(const SimWorld& world, bool on) : world_(world), on_(on) {}
  [[nodiscard]] bool on() const { return on_; }
  template <class... Args>
  void note(fmt::format_string<Args...> format, Args&&... args) const {
    if (on_) write(fmt::format(format, std::forward<Args>(args)...));
  }

 private:
  void write(const std::string& text) const { fmt::print("{:>9} us  {}\n", world_.now_us(), text); }
  const SimWorld& world_;
  bool on_;
};

}  // namespace aerodb::sim
