// How a storage operation begins, whichever listener its command came by.
#pragma once

#include <functional>
#include <string_view>

#include "common/node/node.h"

namespace aerodb::node {

// `begin` answers the operation's number. The request or its denial is an event. BAD_REQUEST, OPERATION_RUNNING.
void start_operation(Node& node, std::string_view command, const wire::Request& request, wire::Responder responder,
                     const std::function<Result<uint64_t>(engine::Storage&)>& begin);

// control.command, of `diagnose`: may it begin, and what will it cost?
void explain_diagnosis(Node& node, wire::Responder responder);

}  // namespace aerodb::node
