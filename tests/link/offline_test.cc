// aerodb_offline links without the engine and its writers. Naming its entry is enough: the linker takes in the whole
// library.
#include <gtest/gtest.h>

#include "explainer/offline.h"

namespace {

TEST(LinkOffline, LinksAlone) {
  using namespace aerodb;
  auto* const volatile entry =
      +[](runtime::Disk& disk) { return explainer::explain_directory(disk, "/d", "recovery").has_value(); };
  EXPECT_NE(entry, nullptr);
}

}  // namespace
