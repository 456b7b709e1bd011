// The one form of the small files of a data directory: magic [8], format u32, content, XXH3-128 of all before it.
// Blocking.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "common/base/bytes.h"
#include "common/base/error.h"
#include "common/runtime/disk.h"

namespace aerodb::engine {

inline constexpr uint64_t kMaxSmallFileBytes = 1 << 20;

[[nodiscard]] Bytes seal_file(std::string_view magic, ByteSpan content);
// The content. BAD_NODE_FILE, NEWER_FORMAT. `what` is for messages.
[[nodiscard]] Result<Bytes> open_file(std::string_view magic, ByteSpan bytes, std::string_view what);
// The same for a file; nullopt where it is absent. IO too.
[[nodiscard]] Result<std::optional<Bytes>> read_optional(runtime::Disk& disk, const std::string& path,
                                                         std::string_view magic);
// BAD_NODE_FILE, for content that does not parse.
[[nodiscard]] std::unexpected<Error> damaged_file(std::string_view path);

}  // namespace aerodb::engine
