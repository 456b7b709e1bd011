// AERODB_ASSERT: for bugs only. Always on, in every build; prints place and condition, then aborts.
#pragma once

namespace aerodb {
[[noreturn]] void assert_failed(const char* condition, const char* file, int line);
}

#define AERODB_ASSERT(condition) \
  ((condition) ? static_cast<void>(0) : ::aerodb::assert_failed(#condition, __FILE__, __LINE__))
