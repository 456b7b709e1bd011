// aerodb_explainer links without any sibling. Naming its entry is enough: the linker takes in the whole library.
#include <gtest/gtest.h>

#include "explainer/explainer.h"

namespace {

TEST(LinkExplainer, LinksAlone) {
  using namespace aerodb;
  auto* const volatile entry = +[](runtime::Runtime& runtime, const explainer::ExplainerConfig& config) {
    return std::make_unique<explainer::Explainer>(runtime, config, "0")->start();
  };
  EXPECT_NE(entry, nullptr);
}

}  // namespace
