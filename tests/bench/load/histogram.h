// Latencies in nanoseconds, in buckets of at most 1.6 % width. Adding one is a shift and an increment.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>

namespace aerodb::bench {

class Histogram {
 public:
  void add(uint64_t ns) {
    ++counts_[bucket_of(ns)];
    ++count_;
    max_ns_ = std::max(max_ns_, ns);
  }
  [[nodiscard]] uint64_t count() const { return count_; }
  [[nodiscard]] uint64_t max_ns() const { return max_ns_; }
  // Upper end of the bucket that holds the `part`-th of all (0.5: the median); 0 where there is none.
  [[nodiscard]] uint64_t quantile_ns(double part) const {
    const auto wanted = static_cast<uint64_t>(part * static_cast<double>(count_));
    uint64_t seen = 0;
    for (uint32_t i = 0; i < kBuckets; ++i) {
      seen += counts_[i];
      if (seen > wanted) return std::min(upper_end(i), max_ns_);
    }
    return max_ns_;
  }

 private:
  static constexpr uint32_t kFineBits = 6;
  static constexpr uint32_t kFine = 1u << kFineBits;  // buckets between two powers of two
  static constexpr uint32_t kBuckets = (64 - kFineBits + 1) * kFine;
  static uint32_t bucket_of(uint64_t ns) {
    if (ns < kFine) return static_cast<uint32_t>(ns);
    const auto shift = static_cast<uint32_t>(std::bit_width(ns)) - kFineBits - 1;
    return (shift + 1) * kFine + static_cast<uint32_t>((ns >> shift) - kFine);
  }
  static uint64_t upper_end(uint32_t bucket) {
    if (bucket < kFine) return bucket;
    const uint32_t shift = bucket / kFine - 1;
    return ((uint64_t{kFine} + bucket % kFine + 1) << shift) - 1;
  }
  std::array<uint64_t, kBuckets> counts_{};
  uint64_t count_ = 0;
  uint64_t max_ns_ = 0;
};

}  // namespace aerodb::bench
