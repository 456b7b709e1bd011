#include "common/document/canonical.h"

namespace aerodb::document {

bool is_valid_utf8(std::string_view text) {
  const auto* at = reinterpret_cast<const uint8_t*>(text.data());
  const auto* end = at + text.size();
  while (at != end) {
    // Eight ASCII bytes at a time.
    while (end - at >= 8) {
      uint64_t word;
      std::memcpy(&word, at, 8);
      if ((word & 0x8080808080808080ull) != 0) break;
      at += 8;
    }
    if (at == end) break;
    uint8_t first = *at++;
    if (first < 0x80) continue;
    if (first < 0xc2 || first > 0xf4) return false;  // continuation, overlong, or beyond U+10FFFF
    ptrdiff_t more = first < 0xe0 ? 1 : first < 0xf0 ? 2 : 3;
    if (end - at < more) return false;
    uint8_t least = 0x80;
    uint8_t most = 0xbf;
    if (first == 0xe0) least = 0xa0;  // overlong below
    if (first == 0xed) most = 0x9f;   // surrogates above
    if (first == 0xf0) least = 0x90;  // overlong below
    if (first == 0xf4) most = 0x8f;   // beyond U+10FFFF above
    for (; more > 0; --more, ++at, least = 0x80, most = 0xbf) {
      if (*at < least || *at > most) return false;
    }
  }
  return true;
}

}  // namespace aerodb::document
