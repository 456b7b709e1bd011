// The one form of the small files of a data directory: magic [8], format u32, content, XXH3-128 of all before it.
// Blocking.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "common/base/bytes.h"
#include "common/base/error.h"
#include "common/runtime/disk.h"

namespace aerodb::engine {

inline constexpr uint64_t kMaxSmallFileBytes = 1 << 20;

// `format`: of this kind of file; a kind that was never extended is of format 1.
[[nodiscard]] Bytes seal_file(std::string_view magic, ByteSpan content, uint32_t format = 1);
// The content. BAD_NODE_FILE, and NEWER_FORMAT beyond `newest_format`; a later format only adds at the end. `what` is
// for messages.
[[nodiscard]] Result<Bytes> open_file(std::string_view magic, ByteSpan bytes, std::string_view what,
                                      uint32_t newest_format = 1);
// What decode(bytes) makes of a whole file; nullopt where it is absent. IO too.
template <class Decode>
[[nodiscard]] auto decode_file(runtime::Disk& disk, const std::string& path, Decode&& decode)
    -> Result<std::optional<typename std::invoke_result_t<Decode, ByteSpan>::value_type>> {
  auto present = disk.exists(path);
  if (!present) return fail(std::move(present.error()));
  if (!*present) return std::nullopt;
  auto bytes = runtime::read_file(disk, path, kMaxSmallFileBytes);
  if (!bytes) return fail(std::move(bytes.error()));
  auto decoded = decode(ByteSpan(*bytes));
  if (!decoded) return fail(std::move(decoded.error()));
  return std::optional(std::move(*decoded));
}
// open_file() of such a file.
[[nodiscard]] Result<std::optional<Bytes>> read_optional(runtime::Disk& disk, const std::string& path,
                                                         std::string_view magic, uint32_t newest_format = 1);
// BAD_NODE_FILE, for content that does not parse.
[[nodiscard]] std::unexpected<Error> damaged_file(std::string_view path);

}  // namespace aerodb::engine
