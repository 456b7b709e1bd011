// A program whose output is collected in files that nobody sees.
#pragma once

#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "controlplane/console/output.h"

namespace aerodb::console {

class Collected {
 public:
  explicit Collected(Screen screen = {}) : output(out_.get(), err_.get(), screen) {}
  [[nodiscard]] std::string out() { return content(out_.get()); }
  [[nodiscard]] std::string err() { return content(err_.get()); }

 private:
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  static std::string content(std::FILE* file) {
    std::fflush(file);
    std::rewind(file);
    std::string text;
    char piece[4096];
    while (const size_t count = std::fread(piece, 1, sizeof piece, file)) text.append(piece, count);
    return text;
  }
  std::unique_ptr<std::FILE, Close> out_{std::tmpfile()};
  std::unique_ptr<std::FILE, Close> err_{std::tmpfile()};

 public:
  Output output;
};

}  // namespace aerodb::console
