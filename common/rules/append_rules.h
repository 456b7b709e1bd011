// May a replica take this batch? Continuity with its own end (REPL-8, REPL-2, REPL-1, in this order). What the records
// hold is validated after that (common/engine).
#pragma once

#include <optional>

#include "common/base/error.h"
#include "common/base/fault.h"
#include "common/rules/trace.h"

namespace aerodb::rules {

struct AppendEvidence {
  uint64_t session = 0;
  uint64_t current_session = 0;  // of the connection that the batch came on; 0: it has none
  Lsn first_lsn;
  Lsn own_lsn;  // end of this node's log, pending records included
  Chain chain_before;
  Chain own_chain;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("session", self.session);
    visit("current_session", self.current_session);
    visit("first_lsn", self.first_lsn);
    visit("own_lsn", self.own_lsn);
    visit("chain_before", self.chain_before);
    visit("own_chain", self.own_chain);
  }
};

enum class AppendVerdict : uint8_t {
  kFollows,
  kStaleSession,  // refused
  kNotNext,       // refused: the source asks again from expected
  kOtherChain,    // halt: other bytes at an LSN that this log holds
};

template <class Trace>
[[nodiscard]] AppendVerdict decide_append(const AppendEvidence& e, Trace& trace) {
  const bool current =
      (e.current_session != 0 && e.session == e.current_session) || planted(Fault::kStaleSessionAccepted);
  const bool next = e.first_lsn == e.own_lsn.next() || (planted(Fault::kGapAccepted) && e.first_lsn > e.own_lsn);
  const bool same_chain =
      e.chain_before == e.own_chain || (planted(Fault::kGapAccepted) && e.first_lsn > e.own_lsn.next());
  trace.apply(RuleId::kRepl8, evaluation(current), e, "current_session", "session");
  trace.apply(RuleId::kRepl2, evaluation(next), e, "first_lsn", "own_lsn");
  trace.apply(RuleId::kRepl1, evaluation(!next || same_chain), e, "chain_before", "own_chain");
  if (!current) return AppendVerdict::kStaleSession;
  if (!next) return AppendVerdict::kNotNext;
  return same_chain ? AppendVerdict::kFollows : AppendVerdict::kOtherChain;
}

}  // namespace aerodb::rules
