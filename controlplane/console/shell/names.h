// Names that exist somewhere else, for completion in the shell: nodes of the configuration, collections and fields of a
// node. Asked when a word is to be completed, once, and never waited for long.
#pragma once

#include <string>
#include <vector>

#include "controlplane/console/shell/completion.h"

namespace aerodb::console {

// Candidates for the last of `words`, beyond what the declarations tell. Empty where nobody could be asked.
[[nodiscard]] std::vector<std::string> known_names(const std::vector<VerbOutline>& verbs,
                                                   const std::vector<std::string>& words, const std::string& node,
                                                   const std::string& config);

}  // namespace aerodb::console
