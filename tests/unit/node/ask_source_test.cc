// What a node asks of another one that it may take its log from.
#include "common/node/ask_source.h"

#include <gmock/gmock.h>

#include "tests/unit/node/lineage_kit.h"

namespace aerodb::node {
namespace {

using testing::code_of;
using testing::LineageTest;
using testing::Port;

struct AskTest : LineageTest {
  template <class T>
  std::string wait(std::optional<Result<T>>& answer) {
    while (!answer && world.step()) {
    }
    return answer ? code_of(*answer) : "no answer";
  }
};

TEST_F(AskTest, ChainOfASourceBeforeAnLsn) {
  const auto address = r1.endpoint(Port::kReplication).text();
  const auto end = r1.engine().visible();
  auto alive = std::make_shared<const bool>(true);
  auto ask_before = [&](Lsn before, std::optional<Chain>& chain) {
    std::optional<Result<std::optional<Chain>>> answer;
    ask_chain(clients, address, 1000, alive, before, [&](auto result) { answer = std::move(result); });
    const auto code = wait(answer);
    if (answer && *answer) chain = **answer;
    return code;
  };
  std::optional<Chain> chain;
  EXPECT_EQ(ask_before(end.lsn.next(), chain), "OK");
  EXPECT_EQ(chain, end.chain);
  EXPECT_EQ(ask_before(Lsn(1), chain), "OK");
  EXPECT_EQ(chain, r1.engine().visible_authority().ancestry()[0].chain);
  EXPECT_EQ(ask_before(Lsn(end.lsn.value() + 2), chain), "SOURCE_BEHIND");
}

TEST_F(AskTest, EveryQuestionEndsInTime) {
  auto alive = std::make_shared<const bool>(true);
  auto ask = [&](const std::string& address) {
    std::optional<Result<wire::WalPositionResponse>> answer;
    ask_position(clients, address, 1000, alive, [&](auto result) { answer = std::move(result); });
    return wait(answer);
  };
  EXPECT_EQ(ask(r1.endpoint(Port::kReplication).text()), "OK");
  EXPECT_EQ(ask("no address"), "BAD_REQUEST");
  EXPECT_EQ(ask(p.endpoint(Port::kReplication).text()), "UNREACHABLE");
  world.network().block(r1.machine, clients.machine());
  EXPECT_THAT(ask(r1.endpoint(Port::kReplication).text()), ::testing::AnyOf("UNREACHABLE", "TIMED_OUT"));
}

TEST_F(AskTest, NobodyIsAnsweredWhoIsGone) {
  auto alive = std::make_shared<const bool>(true);
  ask_position(clients, r1.endpoint(Port::kReplication).text(), 1000, alive, [](auto) { ADD_FAILURE(); });
  ask_position(clients, "no address", 1000, alive, [](auto) { ADD_FAILURE(); });
  alive.reset();
  settle();
}

}  // namespace
}  // namespace aerodb::node
