// The filter of a partition: says of an id that it is certainly not there, or that it may be. One cache line a
// question. Layout in run_format.h.
#pragma once

#include <string_view>
#include <vector>

#include "common/base/bytes.h"

namespace aerodb::store {

struct FilterHash {
  uint64_t line = 0;
  uint64_t bits = 0;
  friend bool operator==(const FilterHash&, const FilterHash&) = default;
};
[[nodiscard]] FilterHash filter_hash(std::string_view id);

// Whether `bytes` is the size of a filter.
[[nodiscard]] bool is_filter_size(size_t bytes);

class FilterView {
 public:
  // Requires is_filter_size(bytes.size()).
  explicit FilterView(ByteSpan bytes) : bytes_(bytes) {}
  // false: certainly not.
  [[nodiscard]] bool may_hold(const FilterHash& hash) const;

 private:
  ByteSpan bytes_;
};

[[nodiscard]] Bytes build_filter(const std::vector<FilterHash>& hashes);

}  // namespace aerodb::store
