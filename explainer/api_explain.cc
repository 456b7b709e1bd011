// /v1/explain/*: a node's explanation with both verdicts beside it.
#include "explainer/api.h"

namespace aerodb::explainer {

WitnessDone Api::reporting(bool explicit_commit, http::HttpReply reply) {
  return [this, explicit_commit, reply = std::move(reply)](const Result<WitnessReport>& report) mutable {
    if (!report) return refuse(report.error(), reply);
    Envelope envelope{report->node, explicit_commit, report->commit};
    for (const ErrorCode code : report->notes) envelope.notes.push_back(error_row(code).name);
    give(envelope, report->response(), reply);
  };
}

void Api::explain_read(Parameters parameters, http::HttpReply reply) {
  auto done = reporting(parameters.at_commit.has_value(), std::move(reply));
  ask_about_read(
      parts_,
      {std::move(*parameters.node), std::move(*parameters.collection), std::move(*parameters.id), parameters.at_commit},
      std::move(done));
}

void Api::explain_query(Parameters parameters, http::HttpReply reply) {
  auto request = QueryRequest::from_json(*parameters.query);
  if (!request) return refuse(request.error().with("parameter", "query"), reply);
  auto done = reporting((*request)->fields.at_commit.has_value(), std::move(reply));
  ask_about_query(parts_, {std::move(*parameters.node), std::move(*request)}, std::move(done));
}

void Api::explain_recovery(Parameters parameters, http::HttpReply reply) {
  ask_about_recovery(parts_, std::move(*parameters.node), reporting(false, std::move(reply)));
}

void Api::explain_checkpoint(Parameters parameters, http::HttpReply reply) {
  ask_about_checkpoint(parts_, std::move(*parameters.node), reporting(false, std::move(reply)));
}

void Api::explain_replication(Parameters parameters, http::HttpReply reply) {
  auto done = reporting(parameters.at_commit.has_value(), std::move(reply));
  ask_about_replication(parts_, {std::move(*parameters.node), parameters.at_commit}, std::move(done));
}

void Api::explain_halt(Parameters parameters, http::HttpReply reply) {
  ask_about_halt(parts_, std::move(*parameters.node), reporting(false, std::move(reply)));
}

void Api::explain_promotion(Parameters parameters, http::HttpReply reply) {
  ask_about_promotion(parts_, {std::move(*parameters.node), parameters.epoch}, reporting(false, std::move(reply)));
}

void Api::explain_command(Parameters parameters, http::HttpReply reply) {
  ask_about_command(parts_,
                    {std::move(*parameters.node), std::move(*parameters.command), std::move(parameters.successor),
                     parameters.successor_instance},
                    reporting(false, std::move(reply)));
}

}  // namespace aerodb::explainer
