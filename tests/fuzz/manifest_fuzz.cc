// Bytes as a manifest, as a disk or a backup holds them; and as the body of one whose header is right, deeper than a
// fuzzer gets through the checksum.
//
// Holds: what is read is consistent and is written as the same bytes; everything else is refused by name.
#include "common/base/assert.h"
#include "common/base/checksum.h"
#include "common/store/manifest.h"

namespace aerodb::store {
namespace {

void as_manifest(ByteSpan bytes) {
  const auto manifest = decode_manifest(bytes, "fuzzed");
  if (!manifest) {
    const ErrorCode code = manifest.error().code;
    AERODB_ASSERT(code == ErrorCode::kManifestDamaged || code == ErrorCode::kNewerFormat);
    return;
  }
  AERODB_ASSERT(encode_manifest(*manifest) == Bytes(bytes.begin(), bytes.end()));
  AERODB_ASSERT(manifest->floor <= manifest->commit && manifest->commit.value() <= manifest->lsn.value());
  CommitId covered;
  for (const auto& run : manifest->runs) {
    AERODB_ASSERT(run.first_commit == covered.next() && run.last_commit >= run.first_commit);
    AERODB_ASSERT(run.number > 0 && run.number < manifest->next_run);
    covered = run.last_commit;
  }
  AERODB_ASSERT(covered == manifest->commit);
}

void as_body(ByteSpan body) {
  Bytes bytes;
  ByteWriter out(bytes);
  out.u32(kManifestMagic);
  out.u32(kManifestFormat);
  out.u64(body.size());
  out.raw(xxh3_128(body));
  out.raw(body);
  as_manifest(bytes);
}

}  // namespace
}  // namespace aerodb::store

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const aerodb::ByteSpan bytes(data, size);
  aerodb::store::as_manifest(bytes);
  aerodb::store::as_body(bytes);
  return 0;
}
