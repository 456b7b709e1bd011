// Keys of trees and cursors: two byte strings, compared one after the other.
#pragma once

#include <algorithm>
#include <cstring>

#include "common/base/bytes.h"

namespace aerodb::store {

struct TreeKey {
  ByteSpan first;
  ByteSpan second;
};

[[nodiscard]] inline uint64_t key_prefix(ByteSpan key) {
  uint64_t prefix = 0;
  if (key.size() >= 8) {
    std::memcpy(&prefix, key.data(), 8);
    return __builtin_bswap64(prefix);
  }
  for (size_t i = 0; i < key.size(); ++i) prefix |= uint64_t{key[i]} << (56 - 8 * i);
  return prefix;
}

[[nodiscard]] inline int compare_bytes(ByteSpan a, ByteSpan b) {
  const size_t common = std::min(a.size(), b.size());
  const int order = common == 0 ? 0 : std::memcmp(a.data(), b.data(), common);
  if (order != 0) return order;
  return a.size() == b.size() ? 0 : a.size() < b.size() ? -1 : 1;
}

[[nodiscard]] inline int compare_keys(const TreeKey& a, const TreeKey& b) {
  if (int order = compare_bytes(a.first, b.first)) return order;
  return compare_bytes(a.second, b.second);
}

[[nodiscard]] inline size_t shared_bytes(ByteSpan a, ByteSpan b) {
  return static_cast<size_t>(std::ranges::mismatch(a, b).in1 - a.begin());
}

// Asks for memory that will be read soon.
inline void prefetch(const void* begin, size_t bytes) {
  constexpr size_t kLineBytes = 64;
  const auto* at = static_cast<const uint8_t*>(begin);
  for (size_t i = 0; i < bytes; i += kLineBytes) __builtin_prefetch(at + i);
}

}  // namespace aerodb::store
