#include "common/store/file_hash.h"

#include <algorithm>

#include "common/base/checksum.h"

namespace aerodb::store {

Result<Sha256> sha256_of_file(runtime::Disk& disk, const std::string& path) {
  auto file = disk.open(path, runtime::OpenMode::kRead);
  if (!file) return fail(std::move(file.error()));
  auto size = (*file)->size();
  if (!size) return fail(std::move(size.error()));
  Sha256Stream hash;
  Bytes piece(std::clamp<uint64_t>(*size, 1, 1u << 20));
  for (uint64_t offset = 0;; offset += piece.size()) {
    auto count = (*file)->read(offset, piece);
    if (!count) return fail(std::move(count.error()));
    hash.update(ByteSpan(piece).first(*count));
    if (*count < piece.size()) return hash.finish();
  }
}

}  // namespace aerodb::store
