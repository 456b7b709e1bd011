// node.end_lineage: asks every other configured node for its position, decides, and goes on in a lineage of its own.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>

#include "common/node/ask_source.h"
#include "common/node/node.h"
#include "common/node/translate.h"
#include "common/runtime/clock.h"

namespace aerodb::node {
namespace {

using observe::EventId;

constexpr size_t kMaxPeers = 64;

// One command, from the first question to its answer. Held by the questions that are open.
struct Ending {
  wire::EndLineageRequest request;
  wire::Responder responder;
  std::vector<Result<wire::WalPositionResponse>> answers;  // by peer
  size_t open = 0;
};

std::unexpected<Error> bad(std::string what) { return fail(ErrorCode::kBadRequest, "end-lineage: " + std::move(what)); }

Result<void> check_names(const Node& node, const wire::EndLineageRequest& request) {
  if (request.peers.size() > kMaxPeers) return bad(fmt::format("at most {} peers", kMaxPeers));
  if (request.lost.empty() || request.lost.size() > kMaxNameBytes || request.lost == node.config().name)
    return bad("lost names no other node");
  std::set<std::string_view> peers;
  for (const auto& peer : request.peers) {
    const bool other = !peer.name.empty() && peer.name.size() <= kMaxNameBytes && peer.name != node.config().name;
    if (!other || !peers.insert(peer.name).second)
      return bad("peers name the other configured nodes, each once, and not the one that is asked");
  }
  for (const auto& name : request.absent) {
    if (!peers.contains(name)) return bad("absent names a node that is not among the peers");
  }
  return {};
}

// The operator types what is given up, and from where on: a log that moved meanwhile needs another phrase.
Result<void> check_phrases(Node& node, const wire::EndLineageRequest& request) {
  const auto phrase = fmt::format("end the lineage of {}", request.lost);
  const auto loss_phrase =
      fmt::format("give up what {} acknowledged after LSN {}", request.lost, node.engine()->newest().lsn.value());
  if (request.phrase == phrase && request.loss_phrase == loss_phrase) return {};
  Error error{ErrorCode::kConfirmationMismatch,
              fmt::format("end-lineage on {}: the phrases are not the ones asked for (CTRL-2)", node.config().name),
              {}};
  error.with("phrase", phrase).with("loss_phrase", loss_phrase);
  return fail(std::move(error));
}

// An answer counts only where it is the configured node's, of this cluster.
Result<wire::WalPositionResponse> of_peer(const Node& node, const wire::ConfiguredPeer& peer,
                                          Result<wire::WalPositionResponse> answer) {
  if (!answer) return answer;
  if (answer->cluster != node.identity()->cluster)
    return fail(ErrorCode::kLineageUnknown, fmt::format("{}: it is of another cluster", peer.name));
  if (answer->node != peer.name)
    return fail(ErrorCode::kWrongNode, fmt::format("{}: {} answers there", peer.name, answer->node));
  return answer;
}

rules::PeerEvidence evidence_of(const wire::EndLineageRequest& request, size_t index, const engine::Engine& engine,
                                const Result<wire::WalPositionResponse>& answer) {
  rules::PeerEvidence e;
  e.name = request.peers[index].name;
  e.absent = std::ranges::find(request.absent, e.name) != request.absent.end();
  e.answered = answer.has_value();
  if (!answer) return e;
  const auto compared =
      rules::compare_histories(history_of(engine.state_data().authority().ancestry()), engine.newest().lsn,
                               history_of(answer->ancestry), answer->durable.lsn);
  e.instance = answer->instance;
  e.durable_lsn = answer->durable.lsn;
  e.departs_lsn = compared.source_departs_lsn;
  e.own_departs_lsn = compared.own_departs_lsn;
  e.seal_lsn = answer->seal_lsn;
  e.seal_successor = answer->seal_successor;
  return e;
}

std::vector<wire::PeerPosition> positions_of(const Ending& ending) {
  std::vector<wire::PeerPosition> positions;
  for (size_t i = 0; i < ending.answers.size(); ++i) {
    const auto& answer = ending.answers[i];
    auto& position = positions.emplace_back();
    position.name = ending.request.peers[i].name;
    position.answered = answer.has_value();
    if (answer) {
      position.durable_lsn = answer->durable.lsn;
      position.seal_lsn = answer->seal_lsn;
    } else {
      position.error_code = std::string(answer.error().row().name);
    }
  }
  return positions;
}

void refuse(Node& node, Ending& ending, const Error& error) {
  note_denied(node, "end-lineage", ending.request.request.request_id, error);
  ending.responder.error(error);
}

// Once the record is durable, and before anybody else can know of it: the timeline's order stands on that.
void note(Node& node, const engine::LineageEnd& end, const wire::EndLineageRequest& request) {
  node.events().record(EventId::kLineageEnded, {{"parent", to_hex(end.parent)},
                                                {"lineage", to_hex(end.lineage)},
                                                {"fork_lsn", end.fork_lsn.value()},
                                                {"epoch", end.after.epoch.value()},
                                                {"lost", request.lost},
                                                {"absent", fmt::format("{}", fmt::join(request.absent, " "))},
                                                {"request_id", request.request.request_id}});
}

void answer(const engine::LineageEnd& end, Ending& ending) {
  ending.responder.ok(wire::EndLineageResponse{end.lineage, end.parent, end.after.epoch, end.fork_lsn, end.fork_commit,
                                               positions_of(ending), end.repeated, receipt_of(end.after)});
}

// The answer, once the record is durable and what it was decided on is kept.
void answer_when_durable(Node& node, engine::Decided<engine::LineageEnd> decided, std::shared_ptr<Ending> ending) {
  node.engine()->hold<engine::LineageEnd>(
      std::move(decided), [&node, ending = std::move(ending)](Result<engine::LineageEnd> end) mutable {
        if (!end) return refuse(node, *ending, end.error());
        if (!end->repeated) note(node, *end, ending->request);
        node.engine()->keep_decision(end->fork_lsn.next(),
                                     [end = *end, ending = std::move(ending)] { answer(end, *ending); });
      });
}

void decide(Node& node, std::shared_ptr<Ending> ending) {
  // While the others were asked it may have closed its directory, or begun to stop: its log is at rest then.
  if (!node.engine() || node.stopping()) return ending->responder.error(node.not_ready());
  auto& engine = *node.engine();
  const auto& request = ending->request;
  if (auto checked = check_phrases(node, request); !checked) return refuse(node, *ending, checked.error());
  std::vector<rules::PeerEvidence> peers;
  for (size_t i = 0; i < request.peers.size(); ++i)
    peers.push_back(evidence_of(request, i, engine, ending->answers[i]));
  auto decided = engine.end_lineage(engine.end_lineage_evidence(request.lost, std::move(peers)),
                                    who_of(request.request), runtime::random_id<LineageId>(node.runtime().random()));
  answer_when_durable(node, std::move(decided), std::move(ending));
}

void ask_peers(Node& node, std::shared_ptr<Ending> ending) {
  const auto& peers = ending->request.peers;
  ending->open = peers.size();
  for (size_t i = 0; i < peers.size(); ++i) {
    ending->answers.emplace_back(fail(ErrorCode::kTimedOut, "not asked"));
    ask_position(node.runtime(), peers[i].address, kAskTimeoutMs, node.alive(),
                 [&node, ending, i](Result<wire::WalPositionResponse> answer) {
                   ending->answers[i] = of_peer(node, ending->request.peers[i], std::move(answer));
                   if (--ending->open == 0) decide(node, ending);
                 });
  }
  if (peers.empty()) decide(node, std::move(ending));
}

void end_lineage(Node& node, const wire::EndLineageRequest& request, wire::Responder responder) {
  if (!node.engine()) return responder.error(node.not_ready());
  if (auto checked = check_request(request.request); !checked) return responder.error(checked.error());
  auto ending = std::make_shared<Ending>(Ending{request, std::move(responder), {}, 0});
  if (request.request.reason.empty())
    return refuse(node, *ending,
                  {ErrorCode::kReasonRequired, "end-lineage: acknowledged writes are given up; say why", {}});
  // A command that did its work answers it again, whatever the phrases and the peers say by now.
  if (auto before = node.engine()->lineage_ended_by(request.request.request_id)) {
    ending->request.peers.clear();
    return answer_when_durable(node, std::move(*before), std::move(ending));
  }
  auto checked = check_names(node, request);
  if (checked) checked = check_phrases(node, request);
  if (!checked) return refuse(node, *ending, checked.error());
  ask_peers(node, std::move(ending));
}

}  // namespace

void serve_lineage(Node& node) {
  node.maintenance().handle(wire::kEndLineage, [&node](const auto& request, wire::Responder responder) {
    end_lineage(node, request, std::move(responder));
  });
}

}  // namespace aerodb::node
