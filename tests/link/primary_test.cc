// aerodb_primary links without any sibling. Naming its entry is enough: the linker takes in the whole library.
#include <gtest/gtest.h>

#include "primary/no_intake.h"

namespace {

TEST(LinkPrimary, LinksAlone) {
  void (*const volatile entry)(aerodb::node::Node&) = aerodb::primary::refuse_records;
  EXPECT_NE(entry, nullptr);
}

}  // namespace
