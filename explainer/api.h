// The HTTP API, apart from any socket: GET only, four routes, every answer in one envelope.
// docs/spec/OBSERVABILITY_API.md. Thread: the loop's.
//
//   {"api_version":1,"observed_at":{"node","snapshot","commit_id"},"data":...,"notes":[codes]}
//   {"api_version":1,"error":{...}} with the status of the error's row
//
// /v1/status and /v1/replication with `node` answer what that node said, or the error; without it they show every
// configured peer, those that did not answer among them. Such a list is no single moment and has no node and no commit.
#pragma once

#include <optional>
#include <string>

#include "common/uv/http/http_types.h"
#include "explainer/questions.h"

namespace aerodb::explainer {

// Query parameters of a request, each at most once.
struct Parameters {
  std::optional<std::string> node;
  std::optional<std::string> collection;
  std::optional<std::string> id;
  std::optional<CommitId> at_commit;
};

class Api {
 public:
  explicit Api(WitnessParts parts) : parts_(parts) {}
  // Must outlive the replies it has not given yet.
  void handle(const http::HttpRequest& request, http::HttpReply reply);

 private:
  [[nodiscard]] Result<void> dispatch(const http::HttpRequest& request, http::HttpReply& reply);
  void status(const Parameters& parameters, http::HttpReply reply);
  void replication(const Parameters& parameters, http::HttpReply reply);
  void explain_read(Parameters parameters, http::HttpReply reply);
  void explain_replication(Parameters parameters, http::HttpReply reply);
  // Asks one node for its own answer; `commit_of` is the commit that it speaks of.
  template <class Response>
  void ask_one(const wire::Method<wire::Empty, Response>& method, const std::string& node,
               CommitId Response::* commit_of, http::HttpReply reply);
  void answer_report(bool explicit_commit, Result<WitnessReport> report, http::HttpReply& reply);
  void refuse(const Error& error, http::HttpReply& reply);

  WitnessParts parts_;
};

}  // namespace aerodb::explainer
