#include "common/base/checksum.h"

#include <openssl/evp.h>
#include <xxhash.h>

#include "common/base/assert.h"

namespace aerodb {
namespace {
std::array<uint8_t, 16> canonical(XXH128_hash_t hash) {
  XXH128_canonical_t bytes;
  XXH128_canonicalFromHash(&bytes, hash);
  std::array<uint8_t, 16> out;
  std::memcpy(out.data(), bytes.digest, out.size());
  return out;
}
XXH3_state_t* state_of(void* state) { return static_cast<XXH3_state_t*>(state); }
EVP_MD_CTX* context_of(void* context) { return static_cast<EVP_MD_CTX*>(context); }
}  // namespace

std::array<uint8_t, 16> xxh3_128(ByteSpan bytes) { return canonical(XXH3_128bits(bytes.data(), bytes.size())); }

std::array<uint8_t, 16> xxh3_128_seeded(ByteSpan bytes, uint64_t seed) {
  return canonical(XXH3_128bits_withSeed(bytes.data(), bytes.size(), seed));
}

Xxh3Stream::Xxh3Stream() : state_(XXH3_createState()) {
  AERODB_ASSERT(state_ != nullptr);
  reset();
}
Xxh3Stream::~Xxh3Stream() { XXH3_freeState(state_of(state_)); }
void Xxh3Stream::reset() { XXH3_128bits_reset(state_of(state_)); }
void Xxh3Stream::update(ByteSpan bytes) { XXH3_128bits_update(state_of(state_), bytes.data(), bytes.size()); }
std::array<uint8_t, 16> Xxh3Stream::finish() const { return canonical(XXH3_128bits_digest(state_of(state_))); }

Sha256 sha256(ByteSpan bytes) {
  // The one-shot function of OpenSSL looks its algorithm up by name at each call, which takes longer than the hash.
  static const EVP_MD* const kAlgorithm = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  Sha256 out;
  AERODB_ASSERT(EVP_Digest(bytes.data(), bytes.size(), out.data(), nullptr, kAlgorithm, nullptr) == 1);
  return out;
}

Sha256Stream::Sha256Stream() : context_(EVP_MD_CTX_new()) {
  AERODB_ASSERT(context_ != nullptr);
  AERODB_ASSERT(EVP_DigestInit_ex(context_of(context_), EVP_sha256(), nullptr) == 1);
}
Sha256Stream::~Sha256Stream() { EVP_MD_CTX_free(context_of(context_)); }
void Sha256Stream::update(ByteSpan bytes) {
  AERODB_ASSERT(EVP_DigestUpdate(context_of(context_), bytes.data(), bytes.size()) == 1);
}
Sha256 Sha256Stream::finish() {
  Sha256 out;
  AERODB_ASSERT(EVP_DigestFinal_ex(context_of(context_), out.data(), nullptr) == 1);
  return out;
}

}  // namespace aerodb
