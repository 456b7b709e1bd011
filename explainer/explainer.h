// aerodb-explainer: the witness. Asks nodes and shippers, hands on what they say unchanged, and says beside it whether
// the rules follow from the evidence and the evidence from the log. Passive: it keeps no answer and asks nothing by
// itself. Runs on any runtime; who has sockets for HTTP attaches handle_http(). Thread: the loop's.
#pragma once

#include <memory>
#include <string>

#include "common/observe/metrics.h"
#include "common/runtime/runtime.h"
#include "common/uv/http/http_types.h"
#include "common/wire/server.h"
#include "explainer/api.h"
#include "explainer/explainer_config.h"
#include "explainer/peers.h"

namespace aerodb::explainer {

class Explainer {
 public:
  // `runtime` and what `files`, the web page, points to must outlive the explainer. `version` is what `hello` tells.
  Explainer(runtime::Runtime& runtime, ExplainerConfig config, std::string_view version,
            std::span<const UiFile> files = {});
  // Questions under way end unanswered. Replies of handle_http() still held by it are dropped.
  ~Explainer();
  Explainer(const Explainer&) = delete;
  Explainer& operator=(const Explainer&) = delete;

  // Listens for RPC. With explainer.enabled = false it does not, and says so in the log. Called once.
  [[nodiscard]] Result<void> start();
  // Answers one HTTP request, at once or later. Not to be called where the explainer is not enabled.
  void handle_http(const http::HttpRequest& request, http::HttpReply reply);

  [[nodiscard]] const ExplainerConfig& config() const { return config_; }
  [[nodiscard]] const observe::Metrics& metrics() const { return metrics_; }
  // Every metric as it is now, those of the listener included.
  [[nodiscard]] wire::StatsResponse stats() const;
  // nullptr before start() and where the explainer is not enabled.
  [[nodiscard]] const wire::Server* server() const { return server_.get(); }

 private:
  void serve();

  runtime::Runtime& runtime_;
  const ExplainerConfig config_;
  const std::string version_;
  observe::Metrics metrics_;
  Peers peers_;
  const WitnessParts parts_;
  Api api_;
  std::unique_ptr<wire::Server> server_;  // last: questions end with the peers, when nobody waits for answers any more
};

}  // namespace aerodb::explainer
