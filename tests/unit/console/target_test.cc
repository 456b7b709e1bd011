// Whom a verb talks to, found among the files of configs/local.
#include "controlplane/console/target.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "controlplane/console/local/roles.h"

namespace aerodb::console {
namespace {

class TargetTest : public testing::Test {
 protected:
  void SetUp() override {
    for (const char* name : {"AERODB_CONFIG", "AERODB_CONTROL_PLANE", "AERODB_EXPLAINER"}) unsetenv(name);
  }
  void TearDown() override { SetUp(); }
};

std::string text_of(const Result<runtime::Endpoint>& endpoint) {
  return endpoint ? endpoint->text() : std::string(endpoint.error().row().name);
}
std::string node(const std::string& name, const std::string& config) {
  return text_of(NodeTarget(name, config, 1000).endpoint());
}

TEST_F(TargetTest, TakesAnAddressAsItIs) {
  EXPECT_EQ(node("127.0.0.1:1", ""), "127.0.0.1:1");
  EXPECT_EQ(node("unix:/run/a.sock", "no/such/file"), "unix:/run/a.sock");
  EXPECT_EQ(node("127.0.0.1:notaport", ""), "USAGE");
}

TEST_F(TargetTest, FindsANodeByNameInTheDirectoryOfTheConfiguration) {
  EXPECT_EQ(node("r1", "configs/local"), "127.0.0.1:7303");
  EXPECT_EQ(node("r1", "configs/local/p1.toml"), "127.0.0.1:7303");
  EXPECT_EQ(node("s1", "configs/local"), "USAGE");
}

TEST_F(TargetTest, TakesTheNodeOfOneConfiguration) {
  EXPECT_EQ(node("", "configs/local/p1.toml"), "127.0.0.1:7301");
  setenv("AERODB_CONFIG", "configs/local/r1.toml", 1);
  EXPECT_EQ(node("", ""), "127.0.0.1:7303");
}

TEST_F(TargetTest, DoesNotChooseAmongSeveral) { EXPECT_EQ(node("", "configs/local"), "USAGE"); }

TEST_F(TargetTest, SaysSoWhereNothingNamesAnAddress) {
  EXPECT_EQ(node("", ""), "USAGE");
  EXPECT_EQ(node("p1", ""), "USAGE");
  EXPECT_EQ(text_of(ServiceTarget(ServiceTarget::Kind::kControlPlane, 1).endpoint()), "USAGE");
}

TEST_F(TargetTest, FindsServicesInTheDirectoryUnlessTheEnvironmentNamesThem) {
  setenv("AERODB_CONFIG", "configs/local", 1);
  EXPECT_EQ(text_of(ServiceTarget(ServiceTarget::Kind::kControlPlane, 1).endpoint()),
            "unix:.cluster/c1/control_plane.sock");
  EXPECT_EQ(text_of(ServiceTarget(ServiceTarget::Kind::kExplainer, 1).endpoint()), "127.0.0.1:7320");
  setenv("AERODB_EXPLAINER", "127.0.0.1:9", 1);
  EXPECT_EQ(text_of(ServiceTarget(ServiceTarget::Kind::kExplainer, 1).endpoint()), "127.0.0.1:9");
}

TEST_F(TargetTest, AnUnreachableNodeIsNamed) {
  auto session = NodeTarget("unix:/nowhere/a.sock", "", 1000).connect();
  ASSERT_FALSE(session.has_value());
  EXPECT_EQ(session.error().code, ErrorCode::kUnreachable);
  EXPECT_EQ(session.error().details.back().value, "unix:/nowhere/a.sock");
}

TEST(LocalRoles, AreTheConfigurationsDirectlyInTheDirectory) {
  auto roles = read_roles("configs/local");
  ASSERT_TRUE(roles.has_value()) << roles.error().message;
  const auto p1 = std::ranges::find(*roles, "p1", &LocalRole::name);
  ASSERT_NE(p1, roles->end());
  EXPECT_TRUE(p1->node.has_value());
  for (const auto& role : *roles) EXPECT_EQ(role.config_path.find("after-switchover"), std::string::npos);
  EXPECT_EQ(read_roles("configs/examples").error().code, ErrorCode::kUsage);
  EXPECT_EQ(read_roles("no/such/directory").error().code, ErrorCode::kUsage);
}

}  // namespace
}  // namespace aerodb::console
