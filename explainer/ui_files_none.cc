// A build without the inspection page.
#include "explainer/ui_files.h"

namespace aerodb::explainer {

std::span<const UiFile> ui_files() { return {}; }

}  // namespace aerodb::explainer
