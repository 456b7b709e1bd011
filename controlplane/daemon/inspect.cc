#include "controlplane/daemon/inspect.h"

namespace aerodb::controlplane {

void Inspector::node(const ControlledNode& node, std::move_only_function<void(wire::NodeView)> done) {
  calls_.call(
      node.address, wire::kStatus, [] { return wire::Empty{}; },
      [&node, done = std::move(done)](CallResult<wire::StatusResponse> result) mutable {
        wire::NodeView view{node.name, node.address.text(), result.has_value(), std::nullopt, std::nullopt};
        if (result)
          view.status = std::move(*result);
        else
          view.why = error_name(result.error().error);
        done(std::move(view));
      });
}

void Inspector::cluster(std::move_only_function<void(std::vector<wire::NodeView>)> done) {
  struct Survey {
    std::vector<wire::NodeView> views;
    size_t waiting = 0;
    std::move_only_function<void(std::vector<wire::NodeView>)> done;
  };
  auto survey = std::make_shared<Survey>();
  survey->views.resize(config_.nodes.size());
  survey->waiting = config_.nodes.size();
  survey->done = std::move(done);
  for (size_t i = 0; i < config_.nodes.size(); ++i) {
    node(config_.nodes[i], [survey, i](wire::NodeView view) {
      survey->views[i] = std::move(view);
      if (--survey->waiting == 0) survey->done(std::move(survey->views));
    });
  }
}

}  // namespace aerodb::controlplane
