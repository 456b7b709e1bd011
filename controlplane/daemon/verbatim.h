// A node's answer, kept as its bytes: shown word for word, also where the node is newer than this program, and never
// mistaken for a rejection because it could not be read.
#pragma once

#include "common/base/bytes.h"
#include "common/wire/codec.h"
#include "common/wire/methods.h"

namespace aerodb::controlplane {

struct VerbatimAnswer {
  Bytes packed;
};

// The same method with its answer unread.
template <class Request, class Response>
constexpr wire::Method<Request, VerbatimAnswer> verbatim(const wire::Method<Request, Response>& method) {
  return {method.listener, method.name, method.help};
}

}  // namespace aerodb::controlplane

namespace aerodb::wire {
template <>
inline Result<controlplane::VerbatimAnswer> decode<controlplane::VerbatimAnswer>(document::Cursor value) {
  const auto raw = value.raw();
  return controlplane::VerbatimAnswer{Bytes(raw.begin(), raw.end())};
}
}  // namespace aerodb::wire
