// Internal to this folder: what json_write.cc needs of the library that json.cc includes.
#pragma once

#include <string>
#include <string_view>

namespace aerodb::document {

// A JSON string, quotes included: escaped where JSON asks for it, invalid UTF-8 replaced by U+FFFD.
[[nodiscard]] std::string json_string(std::string_view text);

}  // namespace aerodb::document
