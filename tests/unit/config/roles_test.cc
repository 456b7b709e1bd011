// The configurations of the roles: the files under configs/, docs/configuration.md, and the rules between keys.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <regex>

#include "common/config/config.h"
#include "common/document/json.h"
#include "common/node/node_config.h"
#include "controlplane/daemon/controlplane_config.h"
#include "explainer/explainer_config.h"
#include "shipper/shipper_config.h"
#include "tests/documents.h"

namespace aerodb::config {
namespace {

using controlplane::ControlplaneConfig;
using documents::expect_section;
using documents::read_text;
using explainer::ExplainerConfig;
using node::NodeConfig;
using shipper::ShipperConfig;

constexpr const char* kDocument = "docs/configuration.md";

TEST(Document, HasTheTableOfEveryConfiguration) {
  expect_section(kDocument, "config:node", reference_table<NodeConfig>());
  expect_section(kDocument, "config:shipper", reference_table<ShipperConfig>());
  expect_section(kDocument, "config:explainer", reference_table<ExplainerConfig>());
  expect_section(kDocument, "config:controlplane", reference_table<ControlplaneConfig>());
}

std::map<std::string, std::string> codes_by_name(const std::string& text, const std::regex& row, int name, int code) {
  std::map<std::string, std::string> codes;
  for (std::sregex_iterator match(text.begin(), text.end(), row), none; match != none; ++match) {
    codes[(*match)[name]] = (*match)[code];
  }
  return codes;
}

TEST(Document, ExitCodesEqualTheEnum) {
  const auto in_enum = codes_by_name(read_text("common/base/exit_code.h"), std::regex(R"((k\w+) = (\d+))"), 1, 2);
  ASSERT_GT(in_enum.size(), 10u);
  const std::string table = documents::read_section(kDocument, "exit-codes");
  EXPECT_EQ(codes_by_name(table, std::regex(R"(\| (\d+) \| (\w+) \|)"), 2, 1), in_enum);
}

template <class Config>
void expect_loads(const std::string& path) {
  auto config = load<Config>(path);
  ASSERT_TRUE(config) << config.error().message;
  auto again = parse<Config>(print(*config), "printed");
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(print(*again), print(*config));
}

TEST(ConfigFiles, EveryOneLoadsAndItsPrintDoesToo) {
  size_t count = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator("configs")) {
    if (entry.path().extension() != ".toml") continue;
    ++count;
    const std::string path = entry.path().string();
    auto kind = kind_of_config(read_text(path));
    ASSERT_TRUE(kind) << path << ": " << kind.error().message;
    switch (*kind) {
      case ConfigKind::kNode:
        expect_loads<NodeConfig>(path);
        break;
      case ConfigKind::kShipper:
        expect_loads<ShipperConfig>(path);
        break;
      case ConfigKind::kExplainer:
        expect_loads<ExplainerConfig>(path);
        break;
      case ConfigKind::kControlplane:
        expect_loads<ControlplaneConfig>(path);
        break;
    }
  }
  EXPECT_GE(count, 7u);
}

// The data files that the example schemas are for have no _id of their own; an import fills it from a required field.
TEST(ExampleSchemas, AreValidAndTheirIdsCanBeFilled) {
  const std::map<std::string, std::string> id_fields = {
      {"countries", "alpha_2"}, {"subdivisions", "code"}, {"languages", "alpha_3"}, {"currencies", "alpha_3"}};
  for (const auto& [collection, id_field] : id_fields) {
    auto schema = document::schema_from_json(read_text("configs/examples/" + collection + ".schema.json"));
    ASSERT_TRUE(schema) << collection << ": " << schema.error().message;
    EXPECT_EQ(schema->collection, collection);
    const document::Field* field = schema->find(id_field);
    ASSERT_NE(field, nullptr) << collection;
    EXPECT_TRUE(field->required && field->type == document::FieldType::kString) << collection;
    EXPECT_FALSE(schema->indexed_paths().empty()) << collection;
  }
}

// A comment line stands before the first occurrence of every key of a file.
TEST(ConfigFiles, EveryKeyIsExplained) {
  for (const auto& entry : std::filesystem::recursive_directory_iterator("configs/local")) {
    if (entry.path().extension() != ".toml") continue;
    std::ifstream file(entry.path());
    std::map<std::string, bool> explained;
    std::string line;
    std::string before;
    std::string table;
    for (; std::getline(file, line); before = line) {
      if (line.starts_with("[")) table = line;
      if (line.empty() || line[0] == '#' || line[0] == '[') continue;
      const std::string key = table + line.substr(0, line.find(' '));
      explained.emplace(key, before.starts_with("#"));
    }
    EXPECT_FALSE(explained.empty());
    for (const auto& [key, has] : explained) EXPECT_TRUE(has) << entry.path() << ": " << key;
  }
}

TEST(LocalCluster, PeersAreTheListenersOfTheOthers) {
  std::map<std::string, NodeConfig> nodes;
  for (const char* name : {"p1", "r1", "r2"}) {
    nodes[name] = load<NodeConfig>(std::string("configs/local/") + name + ".toml").value();
    EXPECT_EQ(nodes[name].name, name);
  }
  const auto before = load<ShipperConfig>("configs/local/s1-from-p1.toml").value();
  const auto after = load<ShipperConfig>("configs/local/after-switchover/s1-from-r1.toml").value();
  for (const ShipperConfig& shipper : {before, after}) {
    EXPECT_EQ(shipper.source_address, nodes.at(shipper.source_name).listen_replication);
    EXPECT_EQ(shipper.targets.size(), nodes.size() - 1);
    for (const Peer& target : shipper.targets) EXPECT_EQ(target.address, nodes.at(target.name).listen_replication);
  }
  EXPECT_EQ(before.source_name, "p1");
  EXPECT_EQ(after.source_name, "r1");

  const auto e1 = load<ExplainerConfig>("configs/local/e1.toml").value();
  EXPECT_EQ(e1.nodes.size(), nodes.size());
  for (const Peer& node : e1.nodes) EXPECT_EQ(node.address, nodes.at(node.name).listen_client);
  EXPECT_EQ(e1.shippers.at(0).address, before.listen_shipper);
  EXPECT_EQ(after.listen_shipper, before.listen_shipper);

  const auto c1 = load<ControlplaneConfig>("configs/local/c1.toml").value();
  EXPECT_EQ(e1.control_plane, c1.listen_inspect);
  EXPECT_EQ(c1.nodes.size(), nodes.size());
  for (const auto& node : c1.nodes) {
    EXPECT_EQ(node.address, nodes.at(node.name).listen_client);
    EXPECT_EQ(node.control, nodes.at(node.name).listen_control);
  }
}

std::string node_text(const std::string& listen, const std::string& data_dir = "d") {
  return "node.name = \"n\"\nnode.data_dir = \"" + data_dir + "\"\n[listen]\nreplication = \"127.0.0.1:2\"\n" + listen;
}

TEST(NodeConfig, SocketsLieInTheDataDirectoryByDefault) {
  const auto config = parse<NodeConfig>(node_text("client = \"127.0.0.1:1\"\n"), "f").value();
  EXPECT_EQ(config.listen_control.text(), "unix:d/control.sock");
  EXPECT_EQ(config.listen_maintenance.text(), "unix:d/maintenance.sock");
}

TEST(NodeConfig, RemoteListenerNeedsToBeAllowed) {
  auto refused = parse<NodeConfig>(node_text("client = \"0.0.0.0:1\"\n"), "f");
  ASSERT_FALSE(refused);
  EXPECT_TRUE(refused.error().message.starts_with("f:5:10: listen.client: found \"0.0.0.0:1\"; expected a loopback"))
      << refused.error().message;
  EXPECT_NE(refused.error().message.find("neither encryption nor login"), std::string::npos);
  EXPECT_TRUE(parse<NodeConfig>(node_text("client = \"0.0.0.0:1\"\nallow_remote = true\n"), "f"));
}

TEST(NodeConfig, ListenersNeedAddressesOfTheirOwn) {
  EXPECT_FALSE(parse<NodeConfig>(node_text("client = \"127.0.0.1:2\"\n"), "f"));
  EXPECT_TRUE(parse<NodeConfig>(
      "node.name = \"n\"\nnode.data_dir = \"d\"\n[listen]\nclient = \"127.0.0.1:0\"\nreplication = \"127.0.0.1:0\"\n",
      "f"));
}

TEST(NodeConfig, SocketPathMustFitASocketAddress) {
  // "/control.sock" has 13 bytes, "/maintenance.sock" 17; 107 fit.
  const std::string listen = "client = \"127.0.0.1:1\"\n";
  EXPECT_TRUE(parse<NodeConfig>(node_text(listen, std::string(90, 'd')), "f"));
  auto refused = parse<NodeConfig>(node_text(listen, std::string(91, 'd')), "f");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message,
            "f:3:1: listen.maintenance: found a socket path of 108 bytes; expected at most 107 bytes");
}

TEST(ShipperConfig, SourceIsNoTarget) {
  const std::string text =
      "shipper.name = \"s\"\nlisten.shipper = \"127.0.0.1:1\"\nsource = {name = \"p\", address = \"127.0.0.1:2\"}\n";
  EXPECT_FALSE(parse<ShipperConfig>(text, "f")) << "no target";
  EXPECT_FALSE(parse<ShipperConfig>(text + "[[target]]\nname = \"p\"\naddress = \"127.0.0.1:2\"\n", "f"));
  EXPECT_TRUE(parse<ShipperConfig>(text + "[[target]]\nname = \"r\"\naddress = \"127.0.0.1:3\"\n", "f"));
}

TEST(ExplainerConfig, AllowsItsOwnHostsOnly) {
  const std::string text =
      "explainer.name = \"e\"\nlisten.explainer = \"127.0.0.1:1\"\n[[node]]\nname = \"p\"\naddress = \"127.0.0.1:3\"\n";
  const auto config = parse<ExplainerConfig>("listen.http = \"127.0.0.1:9\"\n" + text, "f").value();
  EXPECT_EQ(config.http_allowed_hosts, (std::vector<std::string>{"127.0.0.1:9", "localhost:9"}));
  EXPECT_FALSE(parse<ExplainerConfig>("listen.http = \"unix:h\"\n" + text, "f"));
}

TEST(NodeConfig, RestIsOffUnlessAnAddressIsNamed) {
  const std::string text =
      "node = {name = \"p\", data_dir = \"d\"}\nlisten = {client = \"127.0.0.1:1\", replication = \"127.0.0.1:2\"}\n";
  EXPECT_FALSE(is_set(parse<NodeConfig>(text, "f").value().http_listen));
  const auto config = parse<NodeConfig>("http.listen = \"127.0.0.1:9\"\n" + text, "f").value();
  EXPECT_EQ(config.http_allowed_hosts, (std::vector<std::string>{"127.0.0.1:9", "localhost:9"}));
  EXPECT_FALSE(parse<NodeConfig>("http.listen = \"unix:h\"\n" + text, "f")) << "TCP only";
  EXPECT_FALSE(parse<NodeConfig>("http.listen = \"127.0.0.1:1\"\n" + text, "f")) << "taken";
  EXPECT_FALSE(parse<NodeConfig>("http.listen = \"10.0.0.1:9\"\n" + text, "f")) << "not on loopback";
}

TEST(ControlplaneConfig, CommandsComeOnAUnixSocketOnly) {
  const std::string text =
      "controlplane = {name = \"c\", audit_dir = \"a\"}\n[[node]]\nname = \"p\"\naddress = \"127.0.0.1:3\"\ncontrol = "
      "\"unix:c\"\n";
  EXPECT_TRUE(parse<ControlplaneConfig>("listen.control_plane = \"unix:x\"\n" + text, "f"));
  EXPECT_FALSE(parse<ControlplaneConfig>("listen.control_plane = \"127.0.0.1:5\"\n" + text, "f"));
}

}  // namespace
}  // namespace aerodb::config
