#include "controlplane/daemon/confirmations.h"

namespace aerodb::controlplane {

uint64_t Confirmations::begin(uint32_t uid) {
  by_uid_[uid] = Pending{++last_ticket_, {}, nullptr};
  return last_ticket_;
}

std::optional<std::string> Confirmations::issue(uint64_t ticket, std::shared_ptr<Command> command) {
  const auto found = by_uid_.find(command->who.uid);
  if (found == by_uid_.end() || found->second.ticket != ticket) return std::nullopt;
  found->second.challenge = to_hex(runtime::random_id<Id128<struct ChallengeTag>>(random_));
  found->second.command = std::move(command);
  return found->second.challenge;
}

Confirmations::Taken Confirmations::take(uint32_t uid, std::string_view challenge, std::string_view phrase) {
  const auto found = by_uid_.find(uid);
  if (challenge.empty() || found == by_uid_.end() || found->second.challenge != challenge) {
    return {nullptr, Error{ErrorCode::kConfirmationUsed,
                           "command.confirm: the challenge was used, ended, or not given to this operator",
                           {}}};
  }
  Taken taken{std::move(found->second.command), std::nullopt};
  by_uid_.erase(found);
  if (trimmed(phrase) != taken.command->phrase()) {
    taken.refusal = Error{
        ErrorCode::kConfirmationMismatch, "command.confirm: the phrase typed is not the command and the node", {}};
  }
  return taken;
}

}  // namespace aerodb::controlplane
