// The inspection page as it was bundled at build time: explainer/ui, turned into bytes by CMake. The table is empty
// where the page was left out (-DAERODB_UI=OFF). Static, never changes. Thread: any.
//
// Whoever serves it looks the request's path up here and answers nothing that is not in it: every view of the page has
// its own path, and stands in the table with the bytes of the one HTML file, so that an address can be sent to
// somebody.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

namespace aerodb::explainer {

struct UiFile {
  std::string_view path;          // as requested: "/", "/cluster", "/app.js"
  std::string_view content_type;  // with its charset
  std::span<const std::byte> bytes;
};

// Ascending by path, each once.
[[nodiscard]] std::span<const UiFile> ui_files();

}  // namespace aerodb::explainer
