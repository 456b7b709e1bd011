// docs/spec/PROTOCOL.md says what the structs say.
#include <gtest/gtest.h>

#include <set>

#include "common/wire/methods.h"
#include "common/wire/scanner.h"
#include "common/wire/server.h"
#include "tests/documents.h"
#include "tests/unit/wire/protocol_tables.h"

namespace aerodb::wire {
namespace {

constexpr auto kDocument = "docs/spec/PROTOCOL.md";
TEST(Protocol, TheDocumentListsWhatTheStructsDefine) {
  documents::expect_section(kDocument, "methods", testing::protocol_tables());
}

TEST(Protocol, TheDocumentStatesTheLimitsOfTheCode) {
  const auto text = documents::read_text(kDocument);
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
