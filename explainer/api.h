// The HTTP API, apart from any socket: GET only, the routes of routes.h, /metrics, and the files of the web page.
// Thread: the loop's.
//
// With `node` a route answers what that node said, or the error; /v1/status, /v1/nodes and /v1/replication show every
// configured peer where it is left out, those that did not answer among them. Such a list is no single moment and has
// no node and no commit.
#pragma once

#include <functional>
#include <span>
#include <string_view>
#include <vector>

#include "common/uv/http/http_types.h"
#include "explainer/envelope.h"
#include "explainer/parameters.h"
#include "explainer/questions.h"
#include "explainer/routes.h"
#include "explainer/ui_files.h"

namespace aerodb::explainer {

class Api {
 public:
  // `files` is the web page; `own_stats` answers the explainer's metrics as they are now.
  Api(WitnessParts parts, std::span<const UiFile> files, std::function<wire::StatsResponse()> own_stats);
  // Must outlive the replies it has not given yet.
  void handle(const http::HttpRequest& request, http::HttpReply reply);

 private:
  using Handler = void (Api::*)(Parameters, http::HttpReply);
  struct Entry {
    std::string_view path;
    std::span<const ParameterUse> parameters;
    Handler handler;
  };
  template <class... Data>
  void on(const Route<Data...>& route, Handler handler) {
    entries_.push_back({route.path, route.parameters, handler});
  }
  [[nodiscard]] Result<void> dispatch(const http::HttpRequest& request, http::HttpReply& reply);
  void refuse(const Error& error, http::HttpReply& reply);
  // Gives `response` or its error.
  void give(Result<http::HttpResponse> response, http::HttpReply& reply);
  template <class Message>
  void give(const Envelope& envelope, const Message& message, http::HttpReply& reply) {
    give(answer_of(envelope, message), reply);
  }

  // --- api_observe.cc
  void status(Parameters parameters, http::HttpReply reply);
  void nodes(Parameters parameters, http::HttpReply reply);
  void wal(Parameters parameters, http::HttpReply reply);
  void mvcc(Parameters parameters, http::HttpReply reply);
  void versions(Parameters parameters, http::HttpReply reply);
  void snapshots(Parameters parameters, http::HttpReply reply);
  void checkpoints(Parameters parameters, http::HttpReply reply);
  void indexes(Parameters parameters, http::HttpReply reply);
  void replication(Parameters parameters, http::HttpReply reply);
  void events(Parameters parameters, http::HttpReply reply);
  void audit(Parameters parameters, http::HttpReply reply);
  void metrics(Parameters parameters, http::HttpReply reply);
  // Asks one peer; `then(answer, reply)` where it answered. What `request` views must live in `then`.
  template <class Request, class Response, class Then>
  void ask(Result<Peer*> peer, const wire::Method<Request, Response>& method, std::type_identity_t<Request> request,
           http::HttpReply reply, Then then);

  // --- api_explain.cc
  void explain_read(Parameters parameters, http::HttpReply reply);
  void explain_query(Parameters parameters, http::HttpReply reply);
  void explain_recovery(Parameters parameters, http::HttpReply reply);
  void explain_checkpoint(Parameters parameters, http::HttpReply reply);
  void explain_replication(Parameters parameters, http::HttpReply reply);
  void explain_halt(Parameters parameters, http::HttpReply reply);
  void explain_promotion(Parameters parameters, http::HttpReply reply);
  void explain_command(Parameters parameters, http::HttpReply reply);
  // What gives the report to whom it is for.
  [[nodiscard]] WitnessDone reporting(bool explicit_commit, http::HttpReply reply);

  WitnessParts parts_;
  std::span<const UiFile> files_;
  std::function<wire::StatsResponse()> own_stats_;
  std::vector<Entry> entries_;
};

}  // namespace aerodb::explainer
