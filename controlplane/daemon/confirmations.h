// Challenges that wait for an operator: at most one an operator, in memory only. Thread: the loop's.
//
// A confirmation is used once. It is ended by its use, by a wrong phrase, by the next command that its operator asks
// for, by a restart, and (decided by the desk) by a changed binding. It never becomes an execution by waiting, so there
// is no timer here.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "common/runtime/clock.h"
#include "controlplane/daemon/command.h"

namespace aerodb::controlplane {

class Confirmations {
 public:
  explicit Confirmations(runtime::Random& random) : random_(random) {}

  // A new command is asked for: the operator's older one ends. Answers the ticket to issue() with.
  [[nodiscard]] uint64_t begin(uint32_t uid);
  // The challenge of a command that was explained; nullopt where its operator has asked for another one since.
  [[nodiscard]] std::optional<std::string> issue(uint64_t ticket, std::shared_ptr<Command> command);

  struct Taken {
    std::shared_ptr<Command> command;  // absent where the challenge belongs to none of this operator's
    std::optional<Error> refusal;      // CONFIRMATION_USED, CONFIRMATION_MISMATCH
  };
  // Ends the operator's challenge if it is this one, whatever the phrase. Another's, an old or an invented challenge is
  // CONFIRMATION_USED and ends nothing.
  [[nodiscard]] Taken take(uint32_t uid, std::string_view challenge, std::string_view phrase);

 private:
  struct Pending {
    uint64_t ticket = 0;
    std::string challenge;  // empty until issued
    std::shared_ptr<Command> command;
  };
  runtime::Random& random_;
  uint64_t last_ticket_ = 0;
  std::map<uint32_t, Pending> by_uid_;
};

}  // namespace aerodb::controlplane
