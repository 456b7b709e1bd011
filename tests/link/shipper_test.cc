// aerodb_shipper links without any sibling. Naming its entry is enough: the linker takes in the whole library.
#include <gtest/gtest.h>

#include "shipper/shipper.h"

namespace {

TEST(LinkShipper, LinksAlone) {
  using namespace aerodb;
  auto* const volatile entry = +[](runtime::Runtime& runtime, const shipper::ShipperConfig& config) {
    return std::make_unique<shipper::Shipper>(runtime, config)->start();
  };
  EXPECT_NE(entry, nullptr);
}

}  // namespace
