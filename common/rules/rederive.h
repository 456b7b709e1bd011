// The witness's first verdict: do the rules, applied again to the evidence that an explanation shows, give that
// explanation?
#pragma once

#include <optional>
#include <string>

#include "common/rules/explanation.h"

namespace aerodb::rules {

struct Rederivation {
  bool follows = false;
  std::string why;   // first difference: a rule id or a top-level key; empty where it follows
  std::string json;  // what the rules give
};

// `object` as a node sent it (MessagePack), or as read from a saved JSON file. BAD_REQUEST where it has not the model's
// form.
[[nodiscard]] Result<Rederivation> rederive(document::Cursor object);

}  // namespace aerodb::rules
