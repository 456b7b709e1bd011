// Descriptors of the load generator.
#pragma once

#include <string>
#include <string_view>

#include "common/base/error.h"

namespace aerodb::bench {

class Descriptor {
 public:
  explicit Descriptor(int fd = -1) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept;
  Descriptor& operator=(Descriptor&&) = delete;
  ~Descriptor();
  [[nodiscard]] int get() const { return fd_; }

 private:
  int fd_;
};

// IO, with errno's text.
[[nodiscard]] std::unexpected<Error> system_error(std::string_view what);

// A connected TCP stream without delay. UNREACHABLE.
[[nodiscard]] Result<Descriptor> connect_to(const std::string& address);

}  // namespace aerodb::bench
