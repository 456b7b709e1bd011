#include "controlplane/daemon/inspect.h"

#include <algorithm>
#include <array>

#include "controlplane/daemon/verbatim.h"

namespace aerodb::controlplane {
namespace {

struct ViewRow {
  std::string_view what;
  std::string_view method;
};
// In the order of View.
constexpr std::array<ViewRow, 6> kViews = {{{"replication", wire::kObserveReplication.name},
                                            {"promotion", wire::kExplainPromotion.name},
                                            {"authority", wire::kStatus.name},
                                            {"wal", wire::kObserveWal.name},
                                            {"snapshots", wire::kObserveStorage.name},
                                            {"checkpoints", wire::kExplainCheckpoint.name}}};

// All answers to one request share one message.
constexpr size_t kMaxAnswersBytes = 12u << 20;

// One step for each of `count`, whose results come in any order and are answered in theirs.
template <class Result>
struct Gathering {
  std::vector<Result> results;
  size_t waiting = 0;
  std::move_only_function<void(std::vector<Result>)> done;

  void take(size_t place, Result result) {
    results[place] = std::move(result);
    if (--waiting == 0) done(std::move(results));
  }
};
template <class Result>
std::shared_ptr<Gathering<Result>> gather(size_t count, std::move_only_function<void(std::vector<Result>)> done) {
  return std::make_shared<Gathering<Result>>(Gathering<Result>{std::vector<Result>(count), count, std::move(done)});
}

// A node's own error is an answer of that node; these are not.
bool is_silence(ErrorCode code) {
  return code == ErrorCode::kUnreachable || code == ErrorCode::kConnectionLost || code == ErrorCode::kTimedOut;
}

void take_failure(NodeAnswer& answer, const Error& error) {
  answer.row.reached = !is_silence(error.code);
  answer.row.why = error_name(error);
}

}  // namespace

std::optional<View> view_of_name(std::string_view what) {
  const auto row = std::ranges::find(kViews, what, &ViewRow::what);
  if (row == kViews.end()) return std::nullopt;
  return static_cast<View>(row - kViews.begin());
}

std::string_view view_method(View view) { return kViews[static_cast<size_t>(view)].method; }

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
  auto survey = gather(config_.nodes.size(), std::move(done));
  for (size_t i = 0; i < config_.nodes.size(); ++i) {
    node(config_.nodes[i], [survey, i](wire::NodeView view) { survey->take(i, std::move(view)); });
  }
}

void Inspector::view(View view, const ControlledNode* only,
                     std::move_only_function<void(std::vector<NodeAnswer>)> done) {
  std::vector<const ControlledNode*> asked;
  for (const auto& node : config_.nodes) {
    if (only == nullptr || only == &node) asked.push_back(&node);
  }
  auto answers = gather(asked.size(), std::move(done));
  for (size_t i = 0; i < asked.size(); ++i) {
    view_node(view, *asked[i], [answers, i](NodeAnswer answer) { answers->take(i, std::move(answer)); });
  }
}

template <class Request, class Response>
void Inspector::ask(const ControlledNode& node, const wire::Method<Request, Response>& method, NodeAnswer answer,
                    AnswerDone done) {
  calls_.call(
      node.address, verbatim(method), [] { return Request{}; },
      [this, answer = std::move(answer), done = std::move(done)](CallResult<VerbatimAnswer> result) mutable {
        if (!result)
          take_failure(answer, result.error().error);
        else if (result->packed.size() > kMaxAnswersBytes / config_.nodes.size())
          take_failure(answer, {ErrorCode::kMessageTooLarge, "", {}});
        else
          answer.packed = std::move(result->packed);
        done(std::move(answer));
      });
}

void Inspector::view_node(View view, const ControlledNode& node, AnswerDone done) {
  this->node(node, [this, view, &node, done = std::move(done)](wire::NodeView stamp) mutable {
    NodeAnswer answer;
    answer.row.node = std::move(stamp.node);
    answer.row.address = std::move(stamp.address);
    answer.row.reached = stamp.reached;
    answer.row.why = std::move(stamp.why);
    if (!stamp.status) {
      done(std::move(answer));
      return;
    }
    answer.row.epoch = stamp.status->epoch;
    answer.row.durable_lsn = stamp.status->durable_lsn;
    answer.row.commit_id = stamp.status->commit_id;
    switch (view) {
      case View::kReplication:
        return ask(node, wire::kObserveReplication, std::move(answer), std::move(done));
      case View::kPromotion:
        return ask(node, wire::kExplainPromotion, std::move(answer), std::move(done));
      case View::kAuthority:
        return ask(node, wire::kStatus, std::move(answer), std::move(done));
      case View::kWal:
        return ask(node, wire::kObserveWal, std::move(answer), std::move(done));
      case View::kSnapshots:
        return ask(node, wire::kObserveStorage, std::move(answer), std::move(done));
      case View::kCheckpoints:
        return ask(node, wire::kExplainCheckpoint, std::move(answer), std::move(done));
    }
  });
}

}  // namespace aerodb::controlplane
