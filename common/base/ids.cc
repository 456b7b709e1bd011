#include "common/base/ids.h"

#include <cstring>

namespace aerodb {
namespace {

// A digest is a number of 128 bits, big-endian.
struct Halves {
  uint64_t high;
  uint64_t low;
};
Halves halves_of(const Digest& digest) {
  Halves v;
  std::memcpy(&v, digest.bytes.data(), sizeof v);
  return {__builtin_bswap64(v.high), __builtin_bswap64(v.low)};
}
Digest digest_of(const Halves& v) {
  const Halves swapped{__builtin_bswap64(v.high), __builtin_bswap64(v.low)};
  Digest digest;
  std::memcpy(digest.bytes.data(), &swapped, sizeof swapped);
  return digest;
}

}  // namespace

Digest digest_add(const Digest& a, const Digest& b) {
  const Halves x = halves_of(a), y = halves_of(b);
  const uint64_t low = x.low + y.low;
  return digest_of({x.high + y.high + (low < x.low ? 1 : 0), low});
}

Digest digest_subtract(const Digest& a, const Digest& b) {
  const Halves x = halves_of(a), y = halves_of(b);
  return digest_of({x.high - y.high - (x.low < y.low ? 1 : 0), x.low - y.low});
}

}  // namespace aerodb
