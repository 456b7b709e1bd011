// Bytes as an explanation, in MessagePack, in JSON, and as a saved file.
//
// Holds: whatever form it has, deriving it again answers; what follows from its own evidence can be saved, and then
// holds.
#include "common/base/assert.h"
#include "common/base/checksum.h"
#include "common/document/json.h"
#include "common/rules/rederive.h"
#include "common/rules/saved.h"

namespace aerodb::rules {
namespace {

void derive(ByteSpan packed) {
  document::Tape tape;
  if (!tape.parse(packed)) return;
  const auto derived = rederive(tape.root());
  if (!derived || !derived->follows) return;
  std::vector<Sha256> hashes;
  const auto rules = *tape.root().find("rules_applied");
  auto rule = rules.first();
  for (uint32_t i = 0; i < rules.token().size; ++i, rule = rule.skip())
    hashes.push_back(sha256(as_bytes(document::to_json(rule))));
  const auto saved = saved_explanation(packed, sha256(as_bytes(document::to_json(tape.root()))), hashes);
  AERODB_ASSERT(saved.has_value());
  AERODB_ASSERT(check_saved_explanation(*saved).holds);
}

}  // namespace
}  // namespace aerodb::rules

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace aerodb;
  const ByteSpan bytes(data, size);
  rules::derive(bytes);
  Bytes packed;
  if (document::from_json(as_text(bytes), packed)) rules::derive(packed);
  (void)rules::check_saved_explanation(as_text(bytes));
  return 0;
}
