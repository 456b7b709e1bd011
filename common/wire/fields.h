// How a message is defined: a plain struct whose static fields() names each member once, with its documentation.
// Encoder, decoder, docs/spec/PROTOCOL.md and its test are all visitors of fields().
//
//   struct Ping {
//     uint64_t nonce = 0;
//     template <class Self, class Visit> static void fields(Self& self, Visit&& visit) {
//       visit("nonce", self.nonce, "any number; comes back unchanged");
//     }
//   };
//
// Member types: bool, integers, Number<>, Id128<>, Sha256, double, std::string, std::string_view and ByteSpan (views
// into the message decoded, valid as long as it is), Packed (any value, verbatim), another such struct, std::optional
// and std::vector of all these. An optional that is absent is written as nil; nil and a missing key both read as
// absent. A missing key of anything else is MISSING_FIELD; a key that no member has is UNKNOWN_FIELD.
#pragma once

#include "common/base/bytes.h"
#include "common/document/msgpack.h"

namespace aerodb::wire {

// One complete MessagePack value, kept as its bytes: documents, explanations, schemas.
struct Packed {
  ByteSpan bytes;               // a view; see above
  document::Cursor value = {};  // the same, parsed, where it was decoded: of the message's own Tape, and valid as long
};

struct Empty {
  template <class Self, class Visit>
  static void fields(Self&, Visit&&) {}
};

}  // namespace aerodb::wire
