// One event as one line of JSON: {"number":1,"wall_us":...,"event":"start","fields":{...}}.
#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

#include "common/observe/events.h"

namespace aerodb::observe {

inline constexpr size_t kMaxEventTextBytes = 2048;  // of one field; what is longer is cut and ends with "..."
inline constexpr size_t kMaxEventLineBytes =
    size_t{256} * 1024;  // more than any event needs; a longer line is not read

struct RenderedEvent {
  Event event;
  std::string line;  // with its newline
};
[[nodiscard]] RenderedEvent render_event(uint64_t number, uint64_t wall_us, std::string_view name,
                                         std::initializer_list<LogField> fields);

// nullopt unless `line` (without newline) is such an object.
[[nodiscard]] std::optional<Event> parse_event(std::string_view line);

}  // namespace aerodb::observe
