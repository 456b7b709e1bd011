#include "tests/sim/repair_desk.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "common/engine/offline_seal.h"

namespace aerodb::sim {
namespace {

constexpr uint32_t kAnswerMs = 200;
constexpr uint64_t kPollUs = 4'000;
constexpr uint32_t kPollsMax = 200;

}  // namespace

// One that was begun: asked for how far it is until it ended or its node did.
struct RepairDesk::Repair {
  NodeIndex node = 0;
  std::shared_ptr<wire::Client> client;
  std::string request_id;
  uint32_t polls_left = kPollsMax;
  std::move_only_function<void(const wire::RepairStatusResponse* ended)> then;
};

wire::Request RepairDesk::make_request() {
  return {fmt::format("repair-{}", ++requests_), "sim", "simulated", std::nullopt};
}

std::string RepairDesk::address_of(NodeIndex node) const {
  return endpoint_of(context_.nodes[node]->machine(), kReplicationPort).text();
}

void RepairDesk::connect(NodeIndex node, std::move_only_function<void(std::shared_ptr<wire::Client>)> use) {
  auto client = std::make_shared<wire::Client>(process_);
  auto& reference = *client;
  reference.connect(endpoint_of(context_.nodes[node]->machine(), kMaintenancePort),
                    [client, use = std::move(use)](Result<void> result) mutable { use(result ? client : nullptr); });
}

// `then` gets how it ended; nullptr where it was refused, or nobody knows.
template <class Request>
void RepairDesk::begin(NodeIndex node, const wire::Method<Request, wire::RepairStatusResponse>& method, Request request,
                       std::move_only_function<void(const wire::RepairStatusResponse* ended)> then) {
  refusal_ = "UNREACHABLE";
  auto repair = std::make_shared<Repair>();
  repair->node = node;
  repair->request_id = request.request.request_id;
  repair->then = std::move(then);
  connect(node, [this, repair, &method, request = std::move(request)](std::shared_ptr<wire::Client> client) {
    if (!client) return repair->then(nullptr);
    repair->client = client;
    client->call(method, request, kAnswerMs, [this, repair, &method](Result<wire::RepairStatusResponse> answer) {
      if (answer) return poll(repair);
      refusal_ = answer.error().row().name;
      context_.journal.note("operator: {} on {} -> {}: {}", method.name, context_.nodes[repair->node]->name(), refusal_,
                            answer.error().message);
      if (!nobody_answered(answer.error().code)) context_.count(Counter::kRepairsRefused);
      repair->then(nullptr);
    });
  });
}

void RepairDesk::poll(std::shared_ptr<Repair> repair) {
  if (--repair->polls_left == 0) return repair->then(nullptr);
  process_.loop().after(kPollUs, [this, repair] {
    if (!repair->client->connected()) {
      return connect(repair->node, [this, repair](std::shared_ptr<wire::Client> client) {
        if (client) repair->client = std::move(client);
        poll(repair);
      });
    }
    repair->client->call(wire::kRepairStatus, {}, kAnswerMs, [this, repair](Result<wire::RepairStatusResponse> status) {
      // It opens its directory anew, or something on the way is broken.
      if (!status) return poll(repair);
      if (status->request_id != repair->request_id) return repair->then(nullptr);  // it died meanwhile
      if (!status->finished) {
        if (status->stage == "verifying" || status->stage == "installing") burn_fuse(repair->node, 60, 1);
        return poll(repair);
      }
      refusal_ = status->error_code.value_or("");
      context_.count(status->error_code ? Counter::kRepairsFailed : Counter::kRepairsDone);
      context_.journal.note("operator: {} of {} ended: {} {}", *status->kind, context_.nodes[repair->node]->name(),
                            status->error_code.value_or("done"), status->error_message.value_or(""));
      repair->then(&*status);
    });
  });
}

void RepairDesk::resume(NodeIndex node, std::optional<NodeIndex> source, Then then) {
  wire::RepairResumeRequest request;
  request.request = make_request();
  std::string source_address;
  if (source) request.source = address_of(*source);
  ++context_.nodes[node]->facts().permits.resumes;
  begin(node, wire::kRepairResume, request, [then = std::move(then)](const wire::RepairStatusResponse* ended) mutable {
    then(ended != nullptr && !ended->error_code);
  });
}

void RepairDesk::accept_lineage(NodeIndex node, NodeIndex source, LineageId lineage, Then then) {
  wire::RepairResumeRequest request;
  request.request = make_request();
  request.source = address_of(source);
  request.accept_lineage = lineage;
  context_.nodes[node]->facts().permits.lineages.insert(lineage);
  begin(node, wire::kRepairResume, request,
        [this, then = std::move(then)](const wire::RepairStatusResponse* ended) mutable {
          const bool done = ended != nullptr && !ended->error_code;
          if (done) context_.count(Counter::kLineagesAccepted);
          then(done);
        });
}

void RepairDesk::bootstrap(NodeIndex node, NodeIndex source, bool discard, Then then) {
  wire::RepairBootstrapRequest request;
  request.request = make_request();
  request.source = address_of(source);
  request.discard = discard;
  if (discard) request.phrase = "discard the history of " + context_.nodes[node]->name();
  context_.nodes[node]->facts().permits.snapshots.push_back(source);
  burn_fuse(node, 250, 6);
  begin(node, wire::kRepairBootstrap, request,
        [this, then = std::move(then)](const wire::RepairStatusResponse* ended) mutable {
          const bool done = ended != nullptr && !ended->error_code;
          if (done) context_.count(Counter::kBootstraps);
          then(done);
        });
}

// Now and then the node does not live to the end of it.
void RepairDesk::burn_fuse(NodeIndex node, uint64_t calls, uint64_t one_in) {
  SimProcess* process = context_.nodes[node]->process();
  const SeedPlan& plan = context_.plan;
  if (process == nullptr || context_.calm || !random_.one_in(one_in)) return;
  if (plan.process_crash == 0 && plan.power_crash == 0) return;
  const bool power = plan.process_crash == 0 || (plan.power_crash > 0 && random_.one_in(2));
  process->crash_at_call(1 + random_.below(calls), power ? CrashKind::kPower : CrashKind::kProcess);
}

void RepairDesk::export_orphans(NodeIndex node, std::optional<NodeIndex> source, Then then) {
  wire::RepairExportRequest request;
  request.request = make_request();
  request.file = fmt::format("/orphans-{}.jsonl", ++files_);
  if (source) request.source = address_of(*source);
  context_.nodes[node]->facts().export_files.push_back(request.file);
  begin(node, wire::kOrphansExport, request,
        [this, node, file = request.file, then = std::move(then)](const wire::RepairStatusResponse* ended) mutable {
          const bool done = ended != nullptr && !ended->error_code;
          if (!done) return then(false);
          context_.model.check_exported(node, *ended, file, context_.nodes[node]->machine().disk());
          then(true);
        });
}

void RepairDesk::end_lineage(NodeIndex node, NodeIndex lost, const std::vector<NodeIndex>& absent, Then then) {
  auto request = std::make_shared<wire::EndLineageRequest>();
  request->request = make_request();
  request->lost = context_.nodes[lost]->name();
  for (const NodeHost* peer : context_.nodes) {
    if (peer->index() == node) continue;
    const bool gone = context_.model.node(peer->index()).gone;
    if (peer->index() == lost && gone) continue;
    request->peers.push_back({peer->name(), address_of(peer->index())});
    if (gone || std::ranges::find(absent, peer->index()) != absent.end()) request->absent.push_back(peer->name());
  }
  const Asked asked = context_.model.ask(node);
  request->phrase = fmt::format("end the lineage of {}", request->lost);
  request->loss_phrase = fmt::format("give up what {} acknowledged after LSN {}", request->lost, asked.lsn.value());
  ++context_.nodes[node]->facts().permits.lineage_ends;
  context_.nodes[node]->facts().permits.lost.insert(request->lost);
  refusal_ = "UNREACHABLE";
  connect(node, [this, node, asked, request, then = std::move(then)](std::shared_ptr<wire::Client> client) mutable {
    if (!client) return then(false);
    auto shared = std::make_shared<Then>(std::move(then));
    // Twice at once: one record, or two refusals.
    const int times = random_.one_in(3) ? 2 : 1;
    for (int i = 0; i < times; ++i) {
      client->call(
          wire::kEndLineage, *request, 20 * kAnswerMs,
          [this, client, node, asked, request, shared, last = i + 1 == times](Result<wire::EndLineageResponse> answer) {
            if (answer) {
              context_.model.check_lineage_ended(asked, *request, *answer);
              context_.journal.note("operator: {} goes on in a lineage of its own from LSN {}",
                                    context_.nodes[node]->name(), answer->fork_lsn.value());
            } else {
              refusal_ = answer.error().row().name;
              if (!nobody_answered(answer.error().code)) context_.count(Counter::kRepairsRefused);
              context_.journal.note("operator: end-lineage on {} -> {}: {}", context_.nodes[node]->name(), refusal_,
                                    answer.error().message);
            }
            if (last) (*shared)(answer.has_value());
          });
    }
  });
}

void RepairDesk::checkpoint_then(NodeIndex source, std::move_only_function<void()> then) {
  NodeHost& host = *context_.nodes[source];
  if (host.is_ready()) (void)host.node()->engine()->storage().checkpoint(true);
  process_.loop().after(5 * kPollUs, std::move(then));
}

void RepairDesk::heal(NodeIndex node, NodeIndex source, Then then) {
  NodeHost& host = *context_.nodes[node];
  if (!host.is_ready() || !context_.nodes[source]->is_ready()) return then(false);
  const Model& model = context_.model;
  const Stay& stay = host.facts().stay();
  const Stay& to = model.node(source).stay();
  const Lsn common = model.common_end(stay.branch, to.branch);
  // Or has what its source has not: the source's own lineage may be gone with a disk.
  const bool forks = stay.durable.lsn > std::min(common, to.durable.lsn);
  if (!stay.fenced && !host.facts().halted && !forks && stay.durable.lsn > Lsn() &&
      to.durable.lineage != stay.durable.lineage && context_.nodes[source]->holds_log_behind(stay.durable.lsn) &&
      !random_.one_in(3)) {
    return accept_lineage(node, source, to.durable.lineage, std::move(then));
  }
  auto take = [this, node, source, then = std::move(then)](bool) mutable {
    // A snapshot that is newer than what the source's ring has let go of.
    checkpoint_then(source, [this, node, source, then = std::move(then)]() mutable {
      bootstrap(node, source, true, std::move(then));
    });
  };
  // Without an export it must be refused.
  const bool careless = random_.one_in(4);
  if ((forks && !careless) || refusal_ == "ORPHANS_NOT_EXPORTED") return export_orphans(node, source, std::move(take));
  take(true);
}

void RepairDesk::seal_offline(NodeIndex node, NodeIndex successor) {
  NodeHost& host = *context_.nodes[node];
  if (host.state() != NodeHost::State::kDown || host.facts().gone) return;
  SimProcess process(host.machine(), context_.world, {.name = host.name() + "-seal"});
  engine::OfflineSealOptions options;
  options.data_dir = "/data";
  options.successor = context_.nodes[successor]->name();
  options.successor_instance = context_.model.node(successor).instance();
  options.who = {fmt::format("seal-{}", ++requests_), "sim", "simulated", std::nullopt};
  const auto sealed = engine::seal_directory(process.blocking_disk(), process.random(), options);
  context_.count(sealed ? Counter::kSealedOffline : Counter::kRepairsRefused);
  context_.journal.note("operator: offline seal of {} for {}: {}", host.name(), options.successor,
                        sealed ? "done" : sealed.error().message);
}

}  // namespace aerodb::sim
