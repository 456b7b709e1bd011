#include "common/engine/small_file.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/base/checksum.h"

namespace aerodb::engine {

Bytes seal_file(std::string_view magic, ByteSpan content, uint32_t format) {
  Bytes bytes;
  ByteWriter out(bytes);
  out.raw(as_bytes(magic));
  out.u32(format);
  out.raw(content);
  out.raw(xxh3_128(bytes));
  return bytes;
}

Result<Bytes> open_file(std::string_view magic, ByteSpan bytes, std::string_view what, uint32_t newest_format) {
  const size_t head = magic.size() + 4;
  if (bytes.size() < head + 16 || as_text(bytes.first(magic.size())) != magic) return damaged_file(what);
  const auto checked = bytes.first(bytes.size() - 16);
  if (!std::ranges::equal(xxh3_128(checked), bytes.last(16))) return damaged_file(what);
  const uint32_t format = ByteReader(bytes.subspan(magic.size())).u32();
  if (format > newest_format)
    return fail(ErrorCode::kNewerFormat,
                fmt::format("read {}: format {}, this binary reads {}", what, format, newest_format));
  return Bytes(checked.begin() + static_cast<ptrdiff_t>(head), checked.end());
}

Result<std::optional<Bytes>> read_optional(runtime::Disk& disk, const std::string& path, std::string_view magic,
                                           uint32_t newest_format) {
  return decode_file(disk, path, [&](ByteSpan bytes) { return open_file(magic, bytes, path, newest_format); });
}

std::unexpected<Error> damaged_file(std::string_view path) {
  return fail(ErrorCode::kBadNodeFile, fmt::format("read {}: damaged", path));
}

}  // namespace aerodb::engine
