#include "tests/sim/operator.h"

#include <utility>

namespace aerodb::sim {

Operator::Operator(Context& context, SimMachine& machine, Fleet& fleet)
    : context_(context),
      random_(context.world.seed() * 977 + 5),
      fleet_(fleet),
      process_(std::make_unique<SimProcess>(machine, context.world, ProcessOptions{.name = machine.name()})),
      desk_(context, *process_),
      steps_left_(context.plan.operator_steps) {}

void Operator::start() { next_step(); }

void Operator::next_step() {
  idle_ = true;
  if (steps_left_ == 0 || context_.calm) return;
  --steps_left_;
  idle_ = false;
  process_->loop().after(4'000 + random_.below(40'000), [this] { step(); });
}

void Operator::step() {
  const SeedPlan& plan = context_.plan;
  if (plan.disk_loss && !disk_lost_ && context_.nodes.size() > 1 && random_.one_in(3)) return lose_primary();
  if (plan.contact_loss && !contact_lost_ && context_.nodes.size() > 1 && random_.one_in(3)) return lose_contact();
  if (random_.below(100) < plan.repair_percent) return repair();
  if (!plan.authority) return next_step();
  const NodeIndex owner = context_.model.epoch_owner().value_or(0);
  const uint64_t kind = random_.below(100);
  if (kind < 35) return switch_over(owner, other_than(owner));
  if (kind < 50) return decline_and_pass_on(owner);
  mistake();
}

// The wrong node, the wrong moment, an old statement.
void Operator::mistake() {
  const NodeIndex owner = context_.model.epoch_owner().value_or(0);
  auto next = [this](bool) { next_step(); };
  const NodeIndex node = any_node();
  const NodeIndex other = any_node();
  const auto statement = random_.one_in(3) ? statement_ : std::nullopt;
  const uint64_t kind = random_.below(50);
  if (kind < 8) return demote(node, other, statement, next);
  if (kind < 22) return promote(node, statement, next);
  if (kind < 28) return decline(node, next);
  if (kind < 36) return ask_outcome(node);
  if (kind < 42) return explain(node);
  follow(random_.one_in(3) ? node : owner);
  next_step();
}

void Operator::repair() {
  auto next = [this](bool) { next_step(); };
  const NodeIndex owner = context_.model.epoch_owner().value_or(0);
  const NodeIndex node = any_node();
  const NodeIndex source = random_.one_in(3) ? any_node() : owner;
  const auto said = random_.one_in(2) ? std::optional(source) : std::nullopt;
  const bool twice = random_.one_in(4);
  auto nothing = [](bool) {};
  switch (random_.below(8)) {
    case 0:
      if (twice) desk_.resume(node, said, nothing);
      return desk_.resume(node, said, next);
    case 1:
    case 2:
      if (twice) desk_.bootstrap(node, source, true, nothing);
      return desk_.bootstrap(node, source, !random_.one_in(4), next);
    case 3:
      return desk_.export_orphans(node, said, next);
    case 4:
      return desk_.accept_lineage(node, source, context_.model.node(source).durable().lineage, next);
    case 5: {
      // A primary that is not lost at all, now and then named absent.
      std::vector<NodeIndex> absent;
      for (NodeIndex i = 0; i < context_.nodes.size(); ++i) {
        if (i != node && random_.one_in(2)) absent.push_back(i);
      }
      return desk_.end_lineage(node, owner, absent, [this, node](bool ended) {
        if (ended) follow(node);
        next_step();
      });
    }
    case 6:
      context_.nodes[node]->crash(CrashKind::kProcess);
      process_->loop().after(60, [this, node, next] {
        desk_.seal_offline(node, other_than(node));
        next(true);
      });
      return;
    default:
      if (source == node) return next_step();
      return desk_.heal(node, source, next);
  }
}

NodeIndex Operator::furthest_but(NodeIndex lost) {
  NodeIndex best = other_than(lost);
  if (random_.one_in(4)) return best;
  for (NodeIndex i = 0; i < context_.nodes.size(); ++i) {
    if (i != lost && context_.model.node(i).durable().lsn > context_.model.node(best).durable().lsn) best = i;
  }
  return best;
}

void Operator::lose_primary() {
  disk_lost_ = true;
  const NodeIndex owner = context_.model.epoch_owner().value_or(0);
  context_.nodes[owner]->lose_disk(random_.one_in(2));
  process_->loop().after(random_.below(20'000), [this, owner] { go_on_without(owner, 8); });
}

void Operator::set_contact(NodeIndex node, bool contact) {
  SimNetwork& network = context_.world.network();
  SimMachine& lost = context_.nodes[node]->machine();
  for (NodeHost* other : context_.nodes) {
    if (other->index() == node) continue;
    if (contact) {
      network.unblock(lost, other->machine());
      network.unblock(other->machine(), lost);
    } else {
      network.block(lost, other->machine());
      network.block(other->machine(), lost);
    }
  }
}

void Operator::lose_contact() {
  contact_lost_ = true;
  const NodeIndex owner = context_.model.epoch_owner().value_or(0);
  const NodeIndex node = furthest_but(owner);
  context_.count(Counter::kContactsLost);
  context_.journal.note("nobody hears {}", context_.nodes[owner]->name());
  set_contact(owner, false);
  process_->loop().after(5'000 + random_.below(20'000), [this, owner, node] {
    desk_.end_lineage(node, owner, {owner}, [this, owner, node](bool ended) {
      process_->loop().after(random_.below(30'000), [this, owner, node, ended] {
        set_contact(owner, true);
        if (!ended) return next_step();
        follow(node);
        process_->loop().after(20'000 + random_.below(40'000),
                               [this, owner, node] { desk_.heal(owner, node, [this](bool) { next_step(); }); });
      });
    });
  });
}

void Operator::go_on_without(NodeIndex lost, uint32_t attempts) {
  if (attempts == 0 || context_.calm) return next_step();
  const NodeIndex node = furthest_but(lost);
  std::vector<NodeIndex> absent;
  if (random_.one_in(4)) absent.push_back(other_than(node));
  desk_.end_lineage(node, lost, absent, [this, node, lost, attempts](bool ended) {
    if (!ended) {
      process_->loop().after(1'000 + random_.below(20'000),
                             [this, lost, attempts] { go_on_without(lost, attempts - 1); });
      return;
    }
    follow(node);
    const NodeIndex follower = other_than(node);
    process_->loop().after(random_.below(20'000), [this, node, follower] {
      desk_.heal(follower, node, [this](bool) {
        fleet_.look_after();
        next_step();
      });
    });
  });
}

wire::Request Operator::make_request() {
  // Now and then the same id again.
  if (requests_ == 0 || !random_.one_in(8)) ++requests_;
  return {fmt::format("request-{}", requests_), "sim", "simulated", std::nullopt};
}

void Operator::with_link(NodeIndex node, std::move_only_function<void(wire::Client&)> use,
                         std::move_only_function<void()> otherwise) {
  auto client = std::make_shared<wire::Client>(*process_);
  auto& reference = *client;
  reference.connect(
      endpoint_of(context_.nodes[node]->machine(), kControlPort),
      [this, client, use = std::move(use), otherwise = std::move(otherwise)](Result<void> result) mutable {
        if (!result) return otherwise();
        use(*client);
        // Kept until the answer, which its timeout bounds.
        process_->loop().after(200'000, [client] { client->close(); });
      });
}

void Operator::denied(std::string_view command, NodeIndex node, const Error& error) {
  context_.journal.note("operator: {} {} -> {}", command, context_.nodes[node]->name(), error.row().name);
  context_.count(Counter::kCommandsDenied);
}

void Operator::demote(NodeIndex node, NodeIndex successor, std::optional<Bytes> decline, Then then) {
  auto shared = std::make_shared<Then>(std::move(then));
  auto use = [this, node, successor, decline = std::move(decline), shared](wire::Client& client) {
    wire::ControlDemoteRequest request{make_request(), context_.nodes[successor]->name(),
                                       context_.nodes[successor]->facts().instance(), std::nullopt};
    if (decline) request.decline = *decline;
    // Twice at once: both must be answered by one seal, or denied.
    const int times = random_.one_in(4) ? 2 : 1;
    for (int i = 0; i < times; ++i) {
      client.call(wire::kControlDemote, request, timeout_ms(),
                  [this, node, asked = context_.model.ask(node), shared,
                   last = i + 1 == times](Result<wire::ControlDemoteResponse> answer) {
                    if (answer) {
                      context_.model.check_demoted(asked, *answer);
                      context_.journal.note("operator: {} is sealed at LSN {} for {}", context_.nodes[node]->name(),
                                            answer->seal_lsn.value(), answer->successor);
                    } else {
                      denied("demote", node, answer.error());
                    }
                    if (last) (*shared)(answer.has_value());
                  });
    }
  };
  with_link(node, std::move(use), [shared] { (*shared)(false); });
}

void Operator::promote(NodeIndex node, std::optional<Bytes> decline, Then then) {
  auto shared = std::make_shared<Then>(std::move(then));
  auto use = [this, node, decline = std::move(decline), shared](wire::Client& client) {
    wire::ControlPromoteRequest request{make_request(), std::nullopt};
    if (decline) request.decline = *decline;
    const int times = random_.one_in(4) ? 2 : 1;
    for (int i = 0; i < times; ++i) {
      client.call(wire::kControlPromote, request, timeout_ms(),
                  [this, node, asked = context_.model.ask(node), shared,
                   last = i + 1 == times](Result<wire::ControlPromoteResponse> answer) {
                    if (answer) {
                      context_.model.check_promoted(asked, *answer);
                      context_.journal.note("operator: {} is promoted, epoch {}", context_.nodes[node]->name(),
                                            answer->epoch.value());
                    } else {
                      denied("promote", node, answer.error());
                    }
                    if (last) (*shared)(answer.has_value());
                  });
    }
  };
  with_link(node, std::move(use), [shared] { (*shared)(false); });
}

void Operator::decline(NodeIndex node, Then then) {
  auto shared = std::make_shared<Then>(std::move(then));
  auto use = [this, node, shared](wire::Client& client) {
    // Dies while the statement is on its way to the disk, now and then.
    SimProcess* process = context_.nodes[node]->process();
    if (process != nullptr && !context_.calm && context_.plan.process_crash > 0 && random_.one_in(3))
      process->crash_at_call(1 + random_.below(14), CrashKind::kProcess);
    const int times = random_.one_in(4) ? 2 : 1;
    for (int i = 0; i < times; ++i) {
      const wire::ControlDeclineRequest request{make_request()};
      client.call(wire::kControlDecline, request, timeout_ms(),
                  [this, node, asked = context_.model.ask(node), shared,
                   last = i + 1 == times](Result<wire::ControlDeclineResponse> answer) {
                    if (answer) {
                      context_.model.check_declined(asked, *answer);
                      statement_ = Bytes(answer->statement.begin(), answer->statement.end());
                      context_.journal.note("operator: {} declines the seal at LSN {}", context_.nodes[node]->name(),
                                            answer->seal_lsn.value());
                    } else {
                      denied("decline", node, answer.error());
                    }
                    if (last) (*shared)(answer.has_value());
                  });
    }
    // A promotion right behind it must not slip in between.
    if (!random_.one_in(5)) return;
    const wire::ControlPromoteRequest request{make_request(), std::nullopt};
    client.call(wire::kControlPromote, request, timeout_ms(),
                [this, asked = context_.model.ask(node)](Result<wire::ControlPromoteResponse> answer) {
                  if (answer) context_.model.check_promoted(asked, *answer);
                });
  };
  with_link(node, std::move(use), [shared] { (*shared)(false); });
}

void Operator::ask_outcome(NodeIndex node) {
  auto use = [this, node](wire::Client& client) {
    const std::string id = fmt::format("request-{}", 1 + random_.below(requests_ + 1));
    client.call(wire::kControlOutcome, {id}, timeout_ms(),
                [this, id, asked = context_.model.ask(node)](Result<wire::ControlOutcomeResponse> answer) {
                  if (answer) context_.model.check_outcome(asked, id, *answer);
                  next_step();
                });
  };
  with_link(node, std::move(use), [this] { next_step(); });
}

void Operator::explain(NodeIndex node) {
  auto use = [this](wire::Client& client) {
    static constexpr std::string_view kCommands[] = {"demote", "promote", "decline"};
    wire::ControlExplainRequest request;
    request.command = kCommands[random_.below(3)];
    const NodeIndex successor = any_node();
    if (request.command == "demote") {
      request.successor = context_.nodes[successor]->name();
      request.successor_instance = context_.nodes[successor]->facts().instance();
    }
    client.call(wire::kControlExplain, request, timeout_ms(), [this](Result<wire::ExplanationResponse> answer) {
      if (answer) context_.model.check_control_explanation(*answer);
      next_step();
    });
  };
  with_link(node, std::move(use), [this] { next_step(); });
}

void Operator::switch_over(NodeIndex from, NodeIndex to) {
  demote(from, to, std::nullopt, [this, from, to](bool sealed) {
    if (!sealed) return next_step();
    // A foreign seal: the third node is asked first, now and then.
    if (random_.one_in(4)) promote(other_than(to), std::nullopt, [](bool) {});
    // A statement about an older seal moves nothing, nor does one that its successor did not make.
    const auto foreign = random_.one_in(2) ? statement_ : foreign_statement(from, other_than(to));
    if (foreign && random_.one_in(3)) demote(from, other_than(from), foreign, [](bool) {});
    // The sealed node may follow from now on.
    if (random_.one_in(3)) context_.nodes[from]->restart(node::Binary::kReplica);
    promote_until_granted(to, 12);
  });
}

std::optional<Bytes> Operator::foreign_statement(NodeIndex sealed, NodeIndex declining) {
  const History& history = context_.model.main();
  const engine::NodeFile* identity =
      context_.nodes[sealed]->node() == nullptr ? nullptr : context_.nodes[sealed]->node()->identity();
  if (identity == nullptr || history.seals.empty()) return std::nullopt;
  const auto& [lsn, seal] = *history.seals.rbegin();
  if (seal.instance == context_.model.node(declining).instance()) return std::nullopt;
  return engine::encode_decline({identity->cluster,
                                 lsn,
                                 history.at(lsn).chain,
                                 context_.nodes[declining]->name(),
                                 context_.model.node(declining).instance(),
                                 {}});
}

void Operator::promote_until_granted(NodeIndex node, uint32_t attempts) {
  promote(node, std::nullopt, [this, node, attempts](bool granted) {
    if (granted) {
      follow(node);
      return next_step();
    }
    if (attempts == 0 || context_.calm) return next_step();
    process_->loop().after(1'000 + random_.below(8'000),
                           [this, node, attempts] { promote_until_granted(node, attempts - 1); });
  });
}

void Operator::decline_and_pass_on(NodeIndex from) {
  const NodeIndex first = other_than(from);
  demote(from, first, std::nullopt, [this, from, first](bool sealed) {
    if (!sealed) return next_step();
    process_->loop().after(random_.below(20'000), [this, from, first] { decline_until_granted(from, first, 4); });
  });
}

void Operator::decline_until_granted(NodeIndex from, NodeIndex first, uint32_t attempts) {
  decline(first, [this, from, first, attempts](bool declined) {
    if (declined) return pass_on(from, first);
    if (attempts == 0 || context_.calm) return next_step();
    process_->loop().after(random_.below(15'000),
                           [this, from, first, attempts] { decline_until_granted(from, first, attempts - 1); });
  });
}

void Operator::pass_on(NodeIndex from, NodeIndex first) {
  // A statement that was handed out must outlive the power.
  if (!context_.calm && context_.plan.power_crash > 0 && random_.one_in(2))
    context_.nodes[first]->crash(CrashKind::kPower);
  const uint64_t kind = random_.below(3);
  if (kind == 0) return promote_until_granted(first, 6);
  if (kind == 1) return promote(from, statement_, [this, first](bool) { promote_until_granted(first, 3); });
  const NodeIndex other = other_than(first);
  demote(from, other, statement_, [this, other](bool passed_on) {
    if (passed_on) return promote_until_granted(other, 8);
    next_step();
  });
}

// The shipper's source is its configuration: stop, start anew. Former sources follow as replicas.
void Operator::follow(NodeIndex source) {
  fleet_.follow(source);
  for (NodeHost* node : context_.nodes) {
    if (node->index() != source && node->node() != nullptr && node->node()->binary() == node::Binary::kPrimary)
      node->restart(node::Binary::kReplica);
  }
}

}  // namespace aerodb::sim
