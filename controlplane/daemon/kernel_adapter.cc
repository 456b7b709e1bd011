#include "controlplane/daemon/kernel_adapter.h"

#include <fmt/format.h>

#include "common/base/checksum.h"
#include "common/document/json.h"
#include "controlplane/daemon/verbatim.h"

namespace aerodb::controlplane {
namespace {

// Room in one audit record beside what else it says.
constexpr size_t kMaxExplanationJsonBytes = 512 * 1024;

std::optional<ByteSpan> view_of(const std::optional<Bytes>& bytes) {
  return bytes ? std::optional<ByteSpan>(*bytes) : std::nullopt;
}

wire::Request request_of(const Command& command, const Sha256& audit_head) {
  return {command.request_id, command.who.name, command.reason, audit_head};
}

// For calls that write nothing on the node: whether the question arrived makes no difference to anyone.
Error question_failed(std::string_view method, const ControlledNode& node, CallFailure failure) {
  const auto code = failure.error.code;
  if (code != ErrorCode::kUnreachable && code != ErrorCode::kConnectionLost && code != ErrorCode::kTimedOut) {
    return std::move(failure.error);
  }
  return {ErrorCode::kUnreachable, fmt::format("{} on {}: {}", method, node.name, failure.error.message), {}};
}

std::unexpected<Error> bad_explanation(const ControlledNode& node, std::string_view what) {
  return fail(ErrorCode::kBadMessage, fmt::format("control.explain on {}: {}", node.name, what));
}

Result<NodeExplanation> check_explanation(const ControlledNode& node, const wire::ExplanationResponse& response) {
  const auto packed = response.explanation.bytes;
  auto json = document::to_json(packed);
  if (!json) return fail(std::move(json.error()));
  if (json->size() > kMaxExplanationJsonBytes)
    return bad_explanation(node, "the explanation is too large to be audited");
  if (sha256(as_bytes(*json)) != response.sha256)
    return bad_explanation(node, "the explanation has not the hash stated");
  document::Tape tape;
  if (auto parsed = tape.parse(packed); !parsed) return fail(std::move(parsed.error()));
  const auto inputs = tape.root().type() == document::Type::kMap ? tape.root().find("inputs") : std::nullopt;
  const auto name = inputs && inputs->type() == document::Type::kMap ? inputs->find("node") : std::nullopt;
  if (!name || !name->text()) return bad_explanation(node, "the explanation names no node");
  if (*name->text() != node.name) {
    return fail(ErrorCode::kWrongNode, fmt::format("control.explain on {}: node \"{}\" answers at {}", node.name,
                                                   *name->text(), node.control.text()));
  }
  return NodeExplanation{Bytes(packed.begin(), packed.end()), response.sha256};
}

// Not inlined: GCC 12 would then take the answer for uninitialized.
[[gnu::noinline]] KernelReply reply_of(CallResult<VerbatimAnswer>&& result) {
  using Verdict = KernelReply::Verdict;
  if (result) return {Verdict::kAnswered, std::move(result->packed), {}};
  auto& failure = result.error();
  if (!failure.sent) return {Verdict::kNotSent, {}, std::move(failure.error)};
  const auto code = failure.error.code;
  const bool unknown = code == ErrorCode::kConnectionLost || code == ErrorCode::kTimedOut ||
                       code == ErrorCode::kUnreachable || code == ErrorCode::kOutcomeUnknown;
  return {unknown ? Verdict::kUnknown : Verdict::kRejected, {}, std::move(failure.error)};
}

auto deliver_to(KernelAdapter::ReplyDone done) {
  return [done = std::move(done)](CallResult<VerbatimAnswer> result) mutable { done(reply_of(std::move(result))); };
}

}  // namespace

void KernelAdapter::explain(const ControlledNode& node, const Command& command,
                            std::move_only_function<void(Result<NodeExplanation>)> done) {
  calls_.call(
      node.control, wire::kControlExplain,
      [command = std::string(command_name(command.kind)), successor = command.successor,
       instance = command.successor_instance, decline = command.decline] {
        return wire::ControlExplainRequest{command, successor, instance, view_of(decline)};
      },
      [&node, done = std::move(done)](CallResult<wire::ExplanationResponse> result) mutable {
        if (!result) {
          done(fail(question_failed("control.explain", node, std::move(result.error()))));
          return;
        }
        done(check_explanation(node, *result));
      });
}

void KernelAdapter::demote(const ControlledNode& node, const Command& command, const Sha256& audit_head,
                           ReplyDone done) {
  calls_.call(
      node.control, verbatim(wire::kControlDemote),
      [request = request_of(command, audit_head), successor = command.successor.value_or(""),
       instance = command.successor_instance.value_or(InstanceId{}), decline = command.decline] {
        return wire::ControlDemoteRequest{request, successor, instance, view_of(decline)};
      },
      deliver_to(std::move(done)));
}

void KernelAdapter::promote(const ControlledNode& node, const Command& command, const Sha256& audit_head,
                            ReplyDone done) {
  calls_.call(
      node.control, verbatim(wire::kControlPromote),
      [request = request_of(command, audit_head), decline = command.decline] {
        return wire::ControlPromoteRequest{request, view_of(decline)};
      },
      deliver_to(std::move(done)));
}

void KernelAdapter::decline(const ControlledNode& node, const Command& command, const Sha256& audit_head,
                            ReplyDone done) {
  calls_.call(
      node.control, verbatim(wire::kControlDecline),
      [request = request_of(command, audit_head)] { return wire::ControlDeclineRequest{request}; },
      deliver_to(std::move(done)));
}

void KernelAdapter::diagnose(const ControlledNode& node, const Command& command, const Sha256& audit_head,
                             ReplyDone done) {
  calls_.call(
      node.control, verbatim(wire::kControlDiagnose),
      [request = request_of(command, audit_head)] { return wire::ControlDiagnoseRequest{request}; },
      deliver_to(std::move(done)));
}

void KernelAdapter::outcome(const ControlledNode& node, const std::string& request_id,
                            std::move_only_function<void(Result<wire::ControlOutcomeResponse>)> done) {
  calls_.call(
      node.control, wire::kControlOutcome, [request_id] { return wire::ControlOutcomeRequest{request_id}; },
      [&node, done = std::move(done)](CallResult<wire::ControlOutcomeResponse> result) mutable {
        if (!result) {
          done(fail(question_failed("control.outcome", node, std::move(result.error()))));
          return;
        }
        done(std::move(*result));
      });
}

}  // namespace aerodb::controlplane
