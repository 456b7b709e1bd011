#include "controlplane/console/data/progress.h"

#include <fmt/format.h>

namespace aerodb::console {
namespace {

constexpr uint64_t kBarCells = 30;
constexpr auto kRedraw = std::chrono::milliseconds(100);

}  // namespace

std::string progress_line(uint64_t done, uint64_t total, double seconds) {
  if (total == 0)
    return seconds <= 0 ? fmt::format("{}", done)
                        : fmt::format("{}  {:.0f}/s", done, static_cast<double>(done) / seconds);
  const uint64_t cells = done * kBarCells / total;
  const uint64_t percent = done * 100 / total;
  std::string line = fmt::format("[{}{}] {:3}%  {}/{}", std::string(cells, '#'), std::string(kBarCells - cells, ' '),
                                 percent, done, total);
  if (done == 0 || seconds <= 0) return line;
  const double rate = static_cast<double>(done) / seconds;
  return line + fmt::format("  {:.0f}/s  {:.0f} s left", rate, static_cast<double>(total - done) / rate);
}

double Progress::seconds() const { return std::chrono::duration<double>(Clock::now() - begin_).count(); }

void Progress::show(uint64_t done) {
  const auto now = Clock::now();
  if (!output_.screen().terminal_err || now - drawn_ < kRedraw) return;
  drawn_ = now;
  on_screen_ = true;
  output_.notice("\r" + progress_line(done, total_, seconds()) + "\x1b[K");
}

void Progress::finish() {
  if (on_screen_) output_.notice("\r\x1b[K");
  on_screen_ = false;
}

}  // namespace aerodb::console
