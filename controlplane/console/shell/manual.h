// Manual pages, written from the verbs as they are declared: aerodb(1), and aerodb-VERB(1) for each verb.
#pragma once

#include <string>
#include <vector>

#include "controlplane/console/command_line.h"

namespace aerodb::console {

struct ManualPage {
  std::string file;  // "aerodb-explain-read.1"
  std::string text;  // roff, man(7)
};
[[nodiscard]] std::vector<ManualPage> manual_pages(const std::vector<VerbOutline>& verbs, std::string_view version);

}  // namespace aerodb::console
