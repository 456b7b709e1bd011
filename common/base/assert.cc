#include "common/base/assert.h"

#include <cstdio>
#include <cstdlib>

namespace aerodb {
void assert_failed(const char* condition, const char* file, int line) {
  std::fprintf(stderr, "AERODB_ASSERT(%s) failed at %s:%d\n", condition, file, line);
  std::abort();
}
}  // namespace aerodb
