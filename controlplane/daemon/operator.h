// Who gives a command: the user at the other end of the Unix socket, as the operating system names it.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

namespace aerodb::controlplane {

struct Operator {
  uint32_t uid = 0;
  std::string name;
};

// The name of a user id; "uid N" where the machine knows none.
using UserNames = std::function<std::string(uint32_t uid)>;
[[nodiscard]] std::string system_user_name(uint32_t uid);

}  // namespace aerodb::controlplane
