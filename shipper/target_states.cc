// The states of a target, every transition between them, and what a target's refusals mean.
#include "shipper/target_core.h"

namespace aerodb::shipper {
namespace {

using State = TargetState;

constexpr TargetTransition kTransitions[] = {
    {State::kDisconnected, State::kConnecting, "started, or the next attempt is due"},
    {State::kConnecting, State::kWaitingForPosition, "connected"},
    {State::kConnecting, State::kDisconnected, "refused, or took too long"},
    {State::kConnecting, State::kStopped, "the same, and reconnect_ms is 0"},

    {State::kWaitingForPosition, State::kOpening, "the source's position was answered"},
    {State::kOpening, State::kSeekingChain, "the session is open, and its end not beyond the source's"},
    {State::kSeekingChain, State::kProving, "the source's chain at the target's end is known"},
    {State::kProving, State::kStreaming, "the target's end lies on the source's chain"},

    {State::kOpening, State::kWaitingForPosition, "the source was lost"},
    {State::kSeekingChain, State::kWaitingForPosition, "the source was lost"},
    {State::kProving, State::kWaitingForPosition, "the source was lost"},
    {State::kStreaming, State::kWaitingForPosition, "the source was lost"},
    {State::kWaitingForSource, State::kWaitingForPosition, "the source was lost"},
    {State::kFull, State::kWaitingForPosition, "the source was lost, or reconnect_ms passed"},

    {State::kOpening, State::kWaitingForSource, "the target is ahead of the source"},
    {State::kProving, State::kWaitingForSource, "the target is ahead of the source"},
    {State::kStreaming, State::kWaitingForSource, "the target is ahead of the source"},
    {State::kWaitingForSource, State::kOpening, "the source has caught up"},

    {State::kOpening, State::kFull, "the target has no room"},
    {State::kProving, State::kFull, "the target has no room"},
    {State::kStreaming, State::kFull, "the target has no room"},

    {State::kWaitingForPosition, State::kDisconnected, "connection lost"},
    {State::kOpening, State::kDisconnected, "connection lost, no answer, not ready, or disorder"},
    {State::kSeekingChain, State::kDisconnected, "connection lost"},
    {State::kProving, State::kDisconnected, "connection lost, no answer, not ready, or disorder"},
    {State::kStreaming, State::kDisconnected, "connection lost, no answer, not ready, or disorder"},
    {State::kWaitingForSource, State::kDisconnected, "connection lost"},
    {State::kFull, State::kDisconnected, "connection lost"},

    {State::kWaitingForPosition, State::kStopped, "connection lost, and reconnect_ms is 0"},
    {State::kOpening, State::kStopped, "refused on grounds; or reconnect_ms is 0"},
    {State::kSeekingChain, State::kStopped, "the source no longer holds what it needs; or reconnect_ms is 0"},
    {State::kProving, State::kStopped, "refused on grounds; or reconnect_ms is 0"},
    {State::kStreaming, State::kStopped, "refused on grounds; released by the source; or reconnect_ms is 0"},
    {State::kWaitingForSource, State::kStopped, "connection lost, and reconnect_ms is 0"},
    {State::kFull, State::kStopped, "connection lost, and reconnect_ms is 0"},
};

}  // namespace

std::string_view target_state_name(TargetState state) {
  switch (state) {
    case State::kDisconnected:
      return "DISCONNECTED";
    case State::kConnecting:
      return "CONNECTING";
    case State::kWaitingForPosition:
      return "WAITING_FOR_POSITION";
    case State::kOpening:
      return "OPENING";
    case State::kSeekingChain:
      return "SEEKING_CHAIN";
    case State::kProving:
      return "PROVING";
    case State::kStreaming:
      return "STREAMING";
    case State::kWaitingForSource:
      return "WAITING_FOR_SOURCE";
    case State::kFull:
      return "FULL";
    case State::kStopped:
      return "STOPPED";
  }
  return "";
}

std::span<const TargetTransition> target_transitions() { return kTransitions; }

Refusal decide_refusal(ErrorCode code) {
  switch (code) {
    case ErrorCode::kUnreachable:
    case ErrorCode::kConnectionLost:
    case ErrorCode::kTimedOut:
    case ErrorCode::kBusy:
    case ErrorCode::kNotReady:
    case ErrorCode::kOutcomeUnknown:  // it is about to halt, and says so itself when asked next
    case ErrorCode::kNotNext:
    case ErrorCode::kStaleSession:
      return Refusal::kTryAgain;
    case ErrorCode::kSourceBehind:
      return Refusal::kWaitForSource;
    case ErrorCode::kReplicaFull:
      return Refusal::kFull;
    default:
      return Refusal::kStop;
  }
}

}  // namespace aerodb::shipper
