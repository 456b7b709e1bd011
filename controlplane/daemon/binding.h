// What a confirmation is bound to: the evidence that an explanation names as binding, and the outcome of each rule.
//
// The node says in conclusion.binding which evidence its decision depends on; nothing here knows a rule or weighs a
// value. Evidence that is only observed (positions, which move under load) stays out.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/error.h"

namespace aerodb::controlplane {

struct Binding {
  // "RULE" with its evaluation, "RULE.evidence" with the value; packed, in the order of the explanation.
  std::vector<std::pair<std::string, Bytes>> values;
  Sha256 sha256{};  // of all of them
};

// BAD_MESSAGE where `explanation` (MessagePack) has not the form that a binding is read from.
[[nodiscard]] Result<Binding> binding_of(ByteSpan explanation);

// Names whose value differs or stands on one side only, separated by ", ".
[[nodiscard]] std::string changed_names(const Binding& before, const Binding& now);

}  // namespace aerodb::controlplane
