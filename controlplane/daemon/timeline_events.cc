#include "controlplane/daemon/timeline_events.h"

#include <fmt/format.h>

#include <set>
#include <string_view>
#include <vector>

#include "controlplane/daemon/command.h"

namespace aerodb::controlplane {
namespace {

struct Asked {
  const ControlledNode* node = nullptr;
  uint64_t after_number = 0;
};

Result<std::vector<Asked>> asked_of(const ControlplaneConfig& config, const wire::InspectEventsRequest& request) {
  if (request.limit == 0 || request.limit > kMaxEventsRead)
    return fail(ErrorCode::kBadRequest, fmt::format("inspect.events: limit is 1 to {}", kMaxEventsRead));
  std::vector<Asked> asked;
  if (request.nodes.empty()) {
    for (const auto& node : config.nodes) asked.push_back({&node, 0});
    return asked;
  }
  std::set<std::string_view> names;
  for (const auto& [name, after_number] : request.nodes) {
    const auto* node = find_node(config, name);
    if (node == nullptr) return fail(unknown_node("inspect.events", name));
    if (!names.insert(name).second)
      return fail(ErrorCode::kBadRequest, fmt::format("inspect.events: {} is named twice", name));
    asked.push_back({node, after_number});
  }
  return asked;
}

struct Reading {
  wire::InspectEventsResponse response;
  size_t waiting = 0;
  std::move_only_function<void(Result<wire::InspectEventsResponse>)> done;
};

}  // namespace

void read_events(NodeCalls& calls, const ControlplaneConfig& config, const wire::InspectEventsRequest& request,
                 std::move_only_function<void(Result<wire::InspectEventsResponse>)> done) {
  auto asked = asked_of(config, request);
  if (!asked) return done(fail(std::move(asked.error())));
  auto reading = std::make_shared<Reading>();
  reading->done = std::move(done);
  reading->waiting = asked->size();
  for (const auto& [node, after_number] : *asked)
    reading->response.nodes.push_back({node->name, node->address.text(), false, std::nullopt, {}});
  for (size_t i = 0; i < asked->size(); ++i) {
    const wire::ObserveEventsRequest question{(*asked)[i].after_number, request.limit};
    calls.call((*asked)[i].node->address, wire::kObserveEvents, [question] { return question; },
               [reading, i](CallResult<wire::ObserveEventsResponse> result) {
                 auto& node = reading->response.nodes[i];
                 node.reached = result.has_value();
                 if (result)
                   node.events = std::move(result->events);
                 else
                   node.why = error_name(result.error().error);
                 if (--reading->waiting == 0) reading->done(std::move(reading->response));
               });
  }
}

}  // namespace aerodb::controlplane
