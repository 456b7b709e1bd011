#include "common/base/ids.h"

namespace aerodb {

Digest digest_add(const Digest& a, const Digest& b) {
  Digest sum;
  unsigned carry = 0;
  for (size_t i = 16; i-- > 0;) {
    carry += unsigned{a.bytes[i]} + b.bytes[i];
    sum.bytes[i] = static_cast<uint8_t>(carry);
    carry >>= 8;
  }
  return sum;
}

Digest digest_subtract(const Digest& a, const Digest& b) {
  Digest difference;
  int borrow = 0;
  for (size_t i = 16; i-- > 0;) {
    int d = int{a.bytes[i]} - b.bytes[i] - borrow;
    borrow = d < 0 ? 1 : 0;
    difference.bytes[i] = static_cast<uint8_t>(d + 256 * borrow);
  }
  return difference;
}

}  // namespace aerodb
