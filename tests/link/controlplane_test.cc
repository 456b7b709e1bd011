// aerodb_controlplane links without any sibling. Naming its entry is enough: the linker takes in the whole library.
#include <gtest/gtest.h>

#include "controlplane/daemon/control_plane.h"

namespace {

TEST(LinkControlplane, LinksAlone) {
  using namespace aerodb;
  auto* const volatile entry = +[](runtime::Runtime& runtime, const controlplane::ControlplaneConfig& config) {
    return std::make_unique<controlplane::ControlPlane>(runtime, config)->metrics();
  };
  EXPECT_NE(entry, nullptr);
}

}  // namespace
