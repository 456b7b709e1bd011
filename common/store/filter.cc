#include "common/store/filter.h"

#include <algorithm>

#include "common/base/checksum.h"
#include "common/store/run_format.h"

namespace aerodb::store {
namespace {

uint64_t big_endian(const uint8_t* bytes) {
  uint64_t value = 0;
  std::memcpy(&value, bytes, sizeof value);
  return __builtin_bswap64(value);
}

size_t line_offset(uint64_t line, size_t filter_bytes) {
  return ((line >> 32) * (filter_bytes / kFilterLineBytes) >> 32) * kFilterLineBytes;
}

// Calls visit(byte of the line, mask) for each probe, until one answers false.
template <class Visit>
bool for_each_probe(uint64_t bits, Visit visit) {
  static_assert(kFilterProbes * 9 <= 64 && kFilterLineBytes * 8 == 1u << 9);
  for (size_t i = 0; i < kFilterProbes; ++i, bits >>= 9) {
    if (!visit((bits & 511) / 8, static_cast<uint8_t>(1u << (bits & 7)))) return false;
  }
  return true;
}

}  // namespace

FilterHash filter_hash(std::string_view id) {
  const auto hash = xxh3_128(as_bytes(id));
  return {big_endian(hash.data()), big_endian(hash.data() + 8)};
}

bool is_filter_size(size_t bytes) { return bytes >= kFilterLineBytes && bytes % kFilterLineBytes == 0; }

bool FilterView::may_hold(const FilterHash& hash) const {
  const uint8_t* line = bytes_.data() + line_offset(hash.line, bytes_.size());
  return for_each_probe(hash.bits, [&](size_t at, uint8_t mask) { return (line[at] & mask) != 0; });
}

Bytes build_filter(const std::vector<FilterHash>& hashes) {
  const uint64_t bits = std::max<uint64_t>(hashes.size() * kFilterBitsPerKey, 1);
  Bytes filter(round_up(bits, kFilterLineBytes * 8) / 8, 0);
  for (const auto& hash : hashes) {
    uint8_t* line = filter.data() + line_offset(hash.line, filter.size());
    for_each_probe(hash.bits, [&](size_t at, uint8_t mask) {
      line[at] |= mask;
      return true;
    });
  }
  return filter;
}

}  // namespace aerodb::store
