// Identity and position types. Each is its own type, so that a commit id can't be passed where an LSN is meant.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace aerodb {

// Commit ids and LSNs stay below 2^53, so that every JSON reader holds them exactly.
inline constexpr uint64_t kMaxNumber = (uint64_t{1} << 53) - 1;

// A counter with a meaning: total order, next(), nothing else. 0 is "before the first".
template <class Tag>
class Number {
 public:
  constexpr Number() = default;
  constexpr explicit Number(uint64_t value) : value_(value) {}
  [[nodiscard]] constexpr uint64_t value() const { return value_; }
  [[nodiscard]] constexpr Number next() const { return Number(value_ + 1); }
  friend constexpr auto operator<=>(Number, Number) = default;

 private:
  uint64_t value_ = 0;
};

using CommitId = Number<struct CommitIdTag>;  // total order of commits of documents; first is 1, no gaps
using Lsn = Number<struct LsnTag>;            // sequence number of all log records; first is 1, no gaps
using Epoch = Number<struct EpochTag>;        // period of one authority within a lineage; first is 1

// 128 bits with a meaning. Bytes are shown as lower-case hex, first byte first.
template <class Tag>
struct Id128 {
  std::array<uint8_t, 16> bytes{};
  friend constexpr auto operator<=>(const Id128&, const Id128&) = default;
  [[nodiscard]] constexpr bool is_zero() const { return *this == Id128{}; }
};

using ClusterId = Id128<struct ClusterIdTag>;
using LineageId = Id128<struct LineageIdTag>;    // one unbroken history
using InstanceId = Id128<struct InstanceIdTag>;  // one data directory, from its init on
using Chain = Id128<struct ChainTag>;            // running hash over record bytes, XXH128 canonical (big-endian) order
using DocumentHash = Id128<struct DocumentHashTag>;  // XXH3-128 of a canonical document; zero for a tombstone
using Digest = Id128<struct DigestTag>;              // state digest, a number mod 2^128, big-endian

using Sha256 = std::array<uint8_t, 32>;

// Digest arithmetic mod 2^128.
[[nodiscard]] Digest digest_add(const Digest& a, const Digest& b);
[[nodiscard]] Digest digest_subtract(const Digest& a, const Digest& b);

}  // namespace aerodb
