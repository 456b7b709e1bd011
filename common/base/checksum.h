// Hashes. XXH3 finds faults (log, digest, chain); SHA-256 serves what a person may carry away (audit log,
// explanations).
#pragma once

#include "common/base/bytes.h"
#include "common/base/ids.h"

namespace aerodb {

// XXH3-128 in canonical (big-endian) byte order, seed 0.
[[nodiscard]] std::array<uint8_t, 16> xxh3_128(ByteSpan bytes);
// The same, keyed by a seed.
[[nodiscard]] std::array<uint8_t, 16> xxh3_128_seeded(ByteSpan bytes, uint64_t seed);

// XXH3-128 over several pieces as if they were one.
class Xxh3Stream {
 public:
  Xxh3Stream();
  ~Xxh3Stream();
  Xxh3Stream(const Xxh3Stream&) = delete;
  Xxh3Stream& operator=(const Xxh3Stream&) = delete;
  void reset();
  void update(ByteSpan bytes);
  [[nodiscard]] std::array<uint8_t, 16> finish() const;

 private:
  void* state_;  // XXH3_state_t, owned
};

[[nodiscard]] Sha256 sha256(ByteSpan bytes);

// SHA-256 over several pieces as if they were one.
class Sha256Stream {
 public:
  Sha256Stream();
  ~Sha256Stream();
  Sha256Stream(const Sha256Stream&) = delete;
  Sha256Stream& operator=(const Sha256Stream&) = delete;
  void update(ByteSpan bytes);
  // Ends it: no update may follow.
  [[nodiscard]] Sha256 finish();

 private:
  void* context_;  // EVP_MD_CTX, owned
};

}  // namespace aerodb
