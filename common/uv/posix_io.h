// Private to common/uv: whole reads, writes and syncs of a descriptor, shared by PosixDisk and the log device.
#pragma once

#include "common/base/bytes.h"
#include "common/base/error.h"

namespace aerodb::uv {

// IO, "<operation> <path>: <cause>", with detail errno.
[[nodiscard]] Error io_error(std::string_view operation, std::string_view path, int error);

// Reads until `out` is full or the file ends; answers the count.
[[nodiscard]] Result<size_t> read_at(int fd, const std::string& path, uint64_t offset, std::span<uint8_t> out);
[[nodiscard]] Result<void> write_at(int fd, const std::string& path, uint64_t offset, ByteSpan data);
// fdatasync.
[[nodiscard]] Result<void> sync_data(int fd, const std::string& path);

}  // namespace aerodb::uv
