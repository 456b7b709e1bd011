// The process around a Node on the real runtime; what both node binaries' main() share.
#pragma once

#include <functional>

#include "common/config/program.h"
#include "common/node/node.h"

namespace aerodb::node {

// Parses the command line, builds the node, lets `attach` add what only this role has, serves. Answers the exit code.
// What `attach` answers is kept until the node has ended.
[[nodiscard]] int run_node(int argc, const char* const* argv, Binary binary, const config::ProgramInfo& info,
                           const std::function<std::shared_ptr<void>(Node&)>& attach);

}  // namespace aerodb::node
