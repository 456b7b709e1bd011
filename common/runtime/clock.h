// Time and randomness as the world gives them. No decision, log record or manifest holds a time.
#pragma once

#include <cstddef>
#include <cstdint>

namespace aerodb::runtime {

class Clock {
 public:
  virtual ~Clock() = default;
  [[nodiscard]] virtual uint64_t monotonic_us() = 0;
  [[nodiscard]] virtual uint64_t wall_us() = 0;  // since 1970, UTC; only for events, audit records and snapshot names
};

// Unpredictable numbers for ids and salts.
class Random {
 public:
  virtual ~Random() = default;
  [[nodiscard]] virtual uint64_t next() = 0;
};

template <class Id>
[[nodiscard]] Id random_id(Random& random) {
  Id id;
  for (size_t i = 0; i < id.bytes.size(); i += 8) {
    uint64_t number = random.next();
    for (size_t j = 0; j < 8; ++j) id.bytes[i + j] = static_cast<uint8_t>(number >> (8 * j));
  }
  return id;
}

}  // namespace aerodb::runtime
