// docs/spec/PROTOCOL.md says what the structs say. With AERODB_UPDATE=1 in the environment the test writes the tables
// into the document instead of comparing them.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <set>
#include <sstream>

#include "common/wire/methods.h"
#include "common/wire/scanner.h"
#include "common/wire/server.h"
#include "tests/unit/wire/protocol_tables.h"

namespace aerodb::wire {
namespace {

// Tests run in the root of the source tree.
constexpr auto kDocument = "docs/spec/PROTOCOL.md";
constexpr std::string_view kBegin = "<!-- methods:begin -->\n";
constexpr std::string_view kEnd = "<!-- methods:end -->\n";

std::string read_document() {
  std::ifstream file(kDocument);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

TEST(Protocol, TheDocumentListsWhatTheStructsDefine) {
  const auto text = read_document();
  const auto begin = text.find(kBegin);
  const auto end = text.find(kEnd);
  ASSERT_NE(begin, std::string::npos) << kDocument;
  ASSERT_NE(end, std::string::npos);
  const auto from = begin + kBegin.size();
  const auto tables = testing::protocol_tables();
  if (std::getenv("AERODB_UPDATE") != nullptr) {
    std::ofstream(kDocument) << text.substr(0, from) << tables << text.substr(end);
    return;
  }
  EXPECT_EQ(text.substr(from, end - from), tables) << "run this test with AERODB_UPDATE=1 to rewrite the tables";
}

TEST(Protocol, TheDocumentStatesTheLimitsOfTheCode) {
  const auto text = read_document();
  const ServerLimits limits;
  const auto states = [&text](const std::string& row) { return text.find(row) != std::string::npos; };
  EXPECT_TRUE(states("| bytes of a message | " + std::to_string(kMaxMessageBytes) + " |"));
  EXPECT_TRUE(states("| arrays and maps inside one another | " + std::to_string(kMaxMessageDepth) + " |"));
  EXPECT_TRUE(states("| elements of arrays and maps in a message | " + std::to_string(kMaxMessageElements) + " |"));
  EXPECT_TRUE(states("| connections of a listener | " + std::to_string(limits.max_connections) + " |"));
  EXPECT_TRUE(states("| requests in flight on a connection | " + std::to_string(limits.max_in_flight) + " |"));
  EXPECT_TRUE(states("| answer bytes waiting on a connection | " + std::to_string(limits.max_queued_bytes) + " |"));
  EXPECT_TRUE(states("| milliseconds for one message to arrive | " + std::to_string(limits.half_message_ms) + " |"));
}

TEST(Protocol, NoListenerHasAMethodTwiceAndEachHasHello) {
  std::set<std::pair<ListenerKind, std::string_view>> seen;
  for_each_method([&seen](const auto& method) {
    EXPECT_TRUE(seen.emplace(method.listener, method.name).second) << method.name;
    EXPECT_FALSE(method.help.empty()) << method.name;
  });
  for (auto kind :
       {ListenerKind::kClient, ListenerKind::kReplication, ListenerKind::kControl, ListenerKind::kMaintenance,
        ListenerKind::kShipper, ListenerKind::kExplainer, ListenerKind::kControlPlane}) {
    EXPECT_TRUE(seen.contains({kind, "hello"})) << listener_name(kind);
  }
}

}  // namespace
}  // namespace aerodb::wire
