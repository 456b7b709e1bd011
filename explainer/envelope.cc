#include "explainer/envelope.h"

#include <fmt/format.h>

namespace aerodb::explainer {

http::HttpResponse enveloped(const Envelope& envelope, std::string_view data) {
  std::string notes;
  for (const auto note : envelope.notes) notes += (notes.empty() ? "" : ",") + http::json_string(note);
  std::string next;
  if (envelope.next) {
    next = fmt::format(R"(,"next":{{{}:{}}})", http::json_string(envelope.next->first), envelope.next->second);
  } else if (envelope.paged) {
    next = R"(,"next":null)";
  }
  http::HttpResponse response;
  response.body = fmt::format(
      R"({{"api_version":1,"observed_at":{{"node":{},"snapshot":{},"commit_id":{}}},"data":{},"notes":[{}]{}}})",
      envelope.node ? http::json_string(*envelope.node) : "null",
      envelope.explicit_commit ? R"("explicit")" : R"("live")",
      envelope.commit ? std::to_string(envelope.commit->value()) : "null", data, notes, next);
  return response;
}

http::HttpResponse error_response(const Error& error) {
  auto response = http::http_error(error);
  response.body = R"({"api_version":1,)" + response.body.substr(1);
  if (error.code == ErrorCode::kMethodNotAllowed) response.headers.emplace_back("Allow", "GET");
  return response;
}

}  // namespace aerodb::explainer
