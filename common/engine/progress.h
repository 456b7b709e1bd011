// How far long work is: bytes done of bytes in all, from time to time. May be empty.
#pragma once

#include <cstdint>
#include <functional>

namespace aerodb::engine {

using ProgressFunction = std::function<void(uint64_t done_bytes, uint64_t total_bytes)>;

}  // namespace aerodb::engine
