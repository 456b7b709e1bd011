#include "common/store/damage.h"

#include <fmt/format.h>

namespace aerodb::store {

Error run_damaged(std::string_view path, std::string_view section, uint64_t offset, const Damage& damage) {
  return Error{ErrorCode::kRunDamaged,
               fmt::format("run {}, {}, at {}: {}: expected {}, found {}", path, section, offset, damage.what,
                           damage.expected, damage.found),
               {}}
      .with("file", path)
      .with("section", section)
      .with("offset", offset)
      .with("what", damage.what)
      .with("expected", damage.expected)
      .with("found", damage.found);
}

}  // namespace aerodb::store
