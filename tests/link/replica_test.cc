// aerodb_replica links without any sibling. Naming its entry is enough: the linker takes in the whole library.
#include <gtest/gtest.h>

#include "replica/intake.h"

namespace {

TEST(LinkReplica, LinksAlone) {
  using aerodb::replica::Intake;
  auto* const volatile entry = +[](aerodb::node::Node& node) { return std::make_unique<Intake>(node); };
  EXPECT_NE(entry, nullptr);
}

}  // namespace
