#include "explainer/api.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <span>
#include <vector>

#include "common/document/canonical.h"
#include "common/document/json.h"
#include "common/wire/codec.h"
#include "explainer/views.h"

namespace aerodb::explainer {
namespace {

using observe::MetricId;

// --- parameters

enum class ParameterName : uint8_t { kNode, kCollection, kId, kAtCommit };
struct ParameterRow {
  ParameterName parameter;
  std::string_view name;
  bool required;
};
constexpr std::array kNodeOnly{ParameterRow{ParameterName::kNode, "node", false}};
constexpr std::array kOfRead{
    ParameterRow{ParameterName::kNode, "node", true}, ParameterRow{ParameterName::kCollection, "collection", true},
    ParameterRow{ParameterName::kId, "id", true}, ParameterRow{ParameterName::kAtCommit, "at_commit", false}};
constexpr std::array kOfReplication{ParameterRow{ParameterName::kNode, "node", true},
                                    ParameterRow{ParameterName::kAtCommit, "at_commit", false}};

enum class Route : uint8_t { kStatus, kReplication, kExplainRead, kExplainReplication };
struct RouteRow {
  Route route;
  std::string_view path;
  std::span<const ParameterRow> parameters;
};
constexpr std::array kRoutes{
    RouteRow{Route::kStatus, "/v1/status", kNodeOnly},
    RouteRow{Route::kReplication, "/v1/replication", kNodeOnly},
    RouteRow{Route::kExplainRead, "/v1/explain/read", kOfRead},
    RouteRow{Route::kExplainReplication, "/v1/explain/replication", kOfReplication},
};

std::unexpected<Error> parameter_error(ErrorCode code, std::string_view name, std::string_view what) {
  return fail(Error{code, fmt::format("parameter {} {}", name, what), {}}.with("parameter", name));
}

// Decimal digits only, no sign, no leading zero, at most 2^53 - 1.
std::optional<CommitId> parse_commit(std::string_view text) {
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number > kMaxNumber) return std::nullopt;
  if (text != std::to_string(number)) return std::nullopt;
  return CommitId(number);
}

// BAD_REQUEST where it is given twice, or is not of its type.
Result<void> take(const ParameterRow& row, const std::string& value, Parameters& into) {
  if (row.parameter == ParameterName::kAtCommit) {
    if (into.at_commit) return parameter_error(ErrorCode::kBadRequest, row.name, "is given twice");
    into.at_commit = parse_commit(value);
    if (into.at_commit) return {};
    return parameter_error(ErrorCode::kBadRequest, row.name, "is not a decimal number from 0 to 9007199254740991");
  }
  auto& text = row.parameter == ParameterName::kNode         ? into.node
               : row.parameter == ParameterName::kCollection ? into.collection
                                                             : into.id;
  if (text) return parameter_error(ErrorCode::kBadRequest, row.name, "is given twice");
  if (value.empty()) return parameter_error(ErrorCode::kBadRequest, row.name, "is empty");
  if (!document::is_valid_utf8(value)) return parameter_error(ErrorCode::kBadRequest, row.name, "is not UTF-8");
  text = value;
  return {};
}

bool given(const Parameters& parameters, ParameterName name) {
  switch (name) {
    case ParameterName::kNode:
      return parameters.node.has_value();
    case ParameterName::kCollection:
      return parameters.collection.has_value();
    case ParameterName::kId:
      return parameters.id.has_value();
    case ParameterName::kAtCommit:
      return parameters.at_commit.has_value();
  }
  return false;
}

Result<Parameters> parse_parameters(const http::HttpRequest& request, std::span<const ParameterRow> rows) {
  Parameters parameters;
  for (const auto& [name, value] : request.query) {
    const auto row = std::ranges::find(rows, name, &ParameterRow::name);
    if (row == rows.end()) return parameter_error(ErrorCode::kUnknownField, name, "is none of this route");
    if (auto taken = take(*row, value, parameters); !taken) return fail(std::move(taken.error()));
  }
  for (const auto& row : rows) {
    if (row.required && !given(parameters, row.parameter)) {
      return parameter_error(ErrorCode::kMissingField, row.name, "is missing");
    }
  }
  return parameters;
}

// --- answers

struct Envelope {
  std::optional<std::string> node;
  bool explicit_commit = false;
  std::optional<CommitId> commit;
  std::vector<std::string_view> notes;
};

template <class Message>
Result<http::HttpResponse> answer_of(const Envelope& envelope, const Message& message) {
  Bytes packed;
  document::PackWriter out(packed);
  wire::encode(message, out);
  auto data = document::to_json(ByteSpan(packed));
  if (!data) return fail(std::move(data.error()));
  std::string notes;
  for (const auto note : envelope.notes) notes += (notes.empty() ? "" : ",") + http::json_string(note);
  http::HttpResponse response;
  response.body = fmt::format(
      R"({{"api_version":1,"observed_at":{{"node":{},"snapshot":{},"commit_id":{}}},"data":{},"notes":[{}]}})",
      envelope.node ? http::json_string(*envelope.node) : "null",
      envelope.explicit_commit ? R"("explicit")" : R"("live")",
      envelope.commit ? std::to_string(envelope.commit->value()) : "null", *data, notes);
  return response;
}

http::HttpResponse error_response(const Error& error) {
  auto response = http::http_error(error);
  response.body = R"({"api_version":1,)" + response.body.substr(1);
  if (error.code == ErrorCode::kMethodNotAllowed) response.headers.emplace_back("Allow", "GET");
  return response;
}

// The codes of those that did not answer, each once.
template <class Views>
void note_unreached(const Views& views, std::vector<std::string_view>& notes) {
  for (const auto& view : views) {
    if (view.why && std::ranges::find(notes, *view.why) == notes.end()) notes.push_back(*view.why);
  }
}

}  // namespace

void Api::handle(const http::HttpRequest& request, http::HttpReply reply) {
  parts_.metrics.add(MetricId::kExplainerHttpRequestsCount);
  if (auto taken = dispatch(request, reply); !taken) refuse(taken.error(), reply);
}

Result<void> Api::dispatch(const http::HttpRequest& request, http::HttpReply& reply) {
  if (request.method != "GET") {
    return fail(ErrorCode::kMethodNotAllowed, fmt::format("{}: only GET is served", request.method));
  }
  const auto row = std::ranges::find(kRoutes, request.path, &RouteRow::path);
  if (row == kRoutes.end()) return fail(ErrorCode::kNotFound, fmt::format("{}: no such route", request.path));
  auto parameters = parse_parameters(request, row->parameters);
  if (!parameters) return fail(std::move(parameters.error()));
  switch (row->route) {
    case Route::kStatus:
      status(*parameters, std::move(reply));
      break;
    case Route::kReplication:
      replication(*parameters, std::move(reply));
      break;
    case Route::kExplainRead:
      explain_read(std::move(*parameters), std::move(reply));
      break;
    case Route::kExplainReplication:
      explain_replication(std::move(*parameters), std::move(reply));
      break;
  }
  return {};
}

void Api::refuse(const Error& error, http::HttpReply& reply) {
  parts_.metrics.add(MetricId::kExplainerHttpRefusedCount);
  reply(error_response(error));
}

template <class Response>
void Api::ask_one(const wire::Method<wire::Empty, Response>& method, const std::string& node,
                  CommitId Response::* commit_of, http::HttpReply reply) {
  auto peer = parts_.peers.node(node);
  if (!peer) return refuse(peer.error(), reply);
  auto admission = (*peer)->admit();
  if (!admission) return refuse(admission.error(), reply);
  (*peer)->call(method, {},
                [this, node, commit_of, admission = std::move(*admission),
                 reply = std::move(reply)](Result<Response> answer) mutable {
                  if (!answer) return refuse(answer.error(), reply);
                  auto response = answer_of({node, false, (*answer).*commit_of, {}}, *answer);
                  if (!response) return refuse(response.error(), reply);
                  reply(std::move(*response));
                });
}

void Api::status(const Parameters& parameters, http::HttpReply reply) {
  if (parameters.node) {
    return ask_one(wire::kStatus, *parameters.node, &wire::StatusResponse::commit_id, std::move(reply));
  }
  view_status(parts_.peers, [this, reply = std::move(reply)](const StatusViews& views) mutable {
    Envelope envelope;
    note_unreached(views.nodes, envelope.notes);
    auto response = answer_of(envelope, views);
    if (!response) return refuse(response.error(), reply);
    reply(std::move(*response));
  });
}

void Api::replication(const Parameters& parameters, http::HttpReply reply) {
  if (parameters.node) {
    return ask_one(wire::kObserveReplication, *parameters.node, &wire::NodeReplicationResponse::applied_commit,
                   std::move(reply));
  }
  view_replication(parts_.peers, [this, reply = std::move(reply)](const ReplicationViews& views) mutable {
    Envelope envelope;
    note_unreached(views.nodes, envelope.notes);
    note_unreached(views.shippers, envelope.notes);
    auto response = answer_of(envelope, views);
    if (!response) return refuse(response.error(), reply);
    reply(std::move(*response));
  });
}

void Api::explain_read(Parameters parameters, http::HttpReply reply) {
  const bool explicit_commit = parameters.at_commit.has_value();
  ReadQuestion question{std::move(*parameters.node), std::move(*parameters.collection), std::move(*parameters.id),
                        parameters.at_commit};
  ask_about_read(parts_, std::move(question),
                 [this, explicit_commit, reply = std::move(reply)](Result<WitnessReport> report) mutable {
                   answer_report(explicit_commit, std::move(report), reply);
                 });
}

void Api::explain_replication(Parameters parameters, http::HttpReply reply) {
  const bool explicit_commit = parameters.at_commit.has_value();
  ask_about_replication(parts_, {std::move(*parameters.node), parameters.at_commit},
                        [this, explicit_commit, reply = std::move(reply)](Result<WitnessReport> report) mutable {
                          answer_report(explicit_commit, std::move(report), reply);
                        });
}

void Api::answer_report(bool explicit_commit, Result<WitnessReport> report, http::HttpReply& reply) {
  if (!report) return refuse(report.error(), reply);
  Envelope envelope{report->node, explicit_commit, report->commit, {}};
  for (const ErrorCode code : report->notes) envelope.notes.push_back(error_row(code).name);
  auto response = answer_of(envelope, report->response());
  if (!response) return refuse(response.error(), reply);
  reply(std::move(*response));
}

}  // namespace aerodb::explainer
