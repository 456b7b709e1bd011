#include "controlplane/daemon/operator.h"

#include <pwd.h>

#include <array>

namespace aerodb::controlplane {

std::string system_user_name(uint32_t uid) {
  std::array<char, 16384> buffer;
  passwd entry{};
  passwd* found = nullptr;
  if (::getpwuid_r(uid, &entry, buffer.data(), buffer.size(), &found) == 0 && found != nullptr) return found->pw_name;
  return "uid " + std::to_string(uid);
}

}  // namespace aerodb::controlplane
