// replica.resume, orphans.export, repair.status (FAIL-4, REPL-10, REPL-12). What can be refused at once is refused
// before anybody is asked; the rest goes on by itself and ends in the view that repair.status shows.
#include <fmt/format.h>

#include <algorithm>

#include "common/base/fault.h"
#include "common/engine/orphans.h"
#include "common/engine/resume.h"
#include "common/node/ask_source.h"
#include "common/node/lineage.h"
#include "common/node/node.h"
#include "common/node/own_chain.h"
#include "common/node/repairs.h"
#include "common/node/translate.h"

namespace aerodb::node {
namespace {

using observe::EventId;

void end(Node& node, Error error) { node.repairs().end(fail(std::move(error))); }

Result<void> check_address(const std::string& source) {
  auto endpoint = runtime::Endpoint::parse(source);
  return endpoint ? Result<void>() : fail(ErrorCode::kBadRequest, "repair: source: " + endpoint.error().message);
}

// Another node of this cluster; anything else ends the repair.
void ask_source(Node& node, const std::string& source,
                std::move_only_function<void(const wire::WalPositionResponse&)> done) {
  node.repairs().enter(RepairStage::kAsking);
  ask_position(node.runtime(), source, kAskTimeoutMs, node.alive(),
               [&node, source, done = std::move(done)](Result<wire::WalPositionResponse> position) mutable {
                 if (!position) return end(node, std::move(position.error()));
                 if (!node.engine()) return end(node, node.not_ready());
                 const auto& own = node.engine()->node();
                 if (position->cluster != own.cluster) {
                   return end(node, {ErrorCode::kWrongNode,
                                     fmt::format("repair: {} is of cluster {}, this node of {}", source,
                                                 to_hex(position->cluster), to_hex(own.cluster)),
                                     {}});
                 }
                 if (position->instance == own.instance) {
                   return end(node,
                              {ErrorCode::kBadRequest, fmt::format("repair: {} is this node itself", source), {}});
                 }
                 done(*position);
               });
}

// The source's chain after `lsn`; nullopt: it holds that part no longer. An error ends the repair.
void ask_chain_after(Node& node, const std::string& source, Lsn lsn,
                     std::move_only_function<void(const std::optional<Chain>&)> done) {
  ask_chain(node.runtime(), source, kAskTimeoutMs, node.alive(), lsn.next(),
            [&node, done = std::move(done)](Result<std::optional<Chain>> chain) mutable {
              if (!chain) return end(node, std::move(chain.error()));
              if (!node.engine()) return end(node, node.not_ready());
              done(*chain);
            });
}

Error another_chain(ErrorCode code, std::string_view what, const engine::Position& own, const std::string& source,
                    const std::optional<Chain>& theirs) {
  const std::string found = theirs ? fmt::format("has chain {} there, this log {}", to_hex(*theirs), to_hex(own.chain))
                                   : std::string("holds that part of its log no longer");
  return Error{code, fmt::format("{}: LSN {} ends this log; {} {}", what, own.lsn.value(), source, found), {}}
      .with("expected", to_hex(own.chain))
      .with("found", theirs ? to_hex(*theirs) : "nothing");
}

// --- resume of a halted node

Error resume_denied(const Node& node, const Error& cause) {
  Error error{ErrorCode::kResumeDenied, fmt::format("resume {}: {}", node.config().name, cause.message), cause.details};
  return error.with("cause", cause.row().name);
}

void verify_and_end_halt(Node& node) {
  node.repairs().enter(RepairStage::kVerifying);
  const auto& config = node.config();
  const auto& visible = node.engine()->visible();
  const engine::ResumeOptions options{config.data_dir,
                                      {config.wal_segments, config.wal_segment_bytes},
                                      engine::KnownPosition{visible.lsn, visible.chain},
                                      config.storage_cache_bytes};
  auto report = std::make_shared<Result<engine::ResumeReport>>();
  node.runtime().jobs().run_long(
      [report, options](runtime::Disk& disk) { *report = engine::check_resume(disk, options); },
      [&node, alive = node.alive(), report] {
        if (const auto held = alive.lock(); !held || !*held) return;
        if (!*report) return end(node, resume_denied(node, report->error()));
        node.repairs().view().total_bytes = (*report)->run_bytes;
        node.repairs().view().done_bytes = (*report)->run_bytes;
        node.repairs().enter(RepairStage::kReopening);
        node.with_closed_directory(
            "resume",
            [data_dir = node.config().data_dir](runtime::Disk& disk) { return engine::end_halt(disk, data_dir); },
            [&node](const Result<void>& result) { node.repairs().end(result); });
      });
}

// The source's history must go through this log's end.
void compare_and_verify(Node& node, const std::string& source) {
  ask_source(node, source, [&node, source](const wire::WalPositionResponse&) {
    const engine::Position own = node.engine()->visible();
    if (own.lsn == Lsn()) return verify_and_end_halt(node);
    ask_chain_after(node, source, own.lsn, [&node, source, own](const std::optional<Chain>& theirs) {
      if (theirs == own.chain) return verify_and_end_halt(node);
      end(node, another_chain(ErrorCode::kResumeDenied, "resume", own, source, theirs));
    });
  });
}

Result<void> check_resume_request(const Node& node, const engine::Halt& halt,
                                  const wire::RepairResumeRequest& request) {
  if (request.accept_lineage) {
    return fail(ErrorCode::kHalted, fmt::format("resume {}: a halted node accepts no lineage; resume it first ({})",
                                                node.config().name, halt.reason));
  }
  if (request.source) return check_address(*request.source);
  if (!engine::needs_source(halt) || planted(Fault::kResumeUnchecked)) return {};
  return fail(ErrorCode::kResumeDenied,
              fmt::format("resume {}: it halted by {} ({}); name a source whose history is compared with this log",
                          node.config().name, halt.rule, halt.code));
}

// --- resume of a replica that shall follow another lineage (REPL-10)

Result<void> check_accept_request(Node& node, const wire::RepairResumeRequest& request) {
  const auto& engine = *node.engine();
  const auto& name = node.config().name;
  auto nothing = [&](std::string_view why) {
    return fail(ErrorCode::kNothingToDo, fmt::format("resume {}: {}", name, why));
  };
  if (!request.accept_lineage) return nothing("the node is not halted");
  if (const auto& fence = engine.fence_reason()) return fail(fenced_error(node, *fence));
  if (engine.newest_role() == rules::Role::kPrimary)
    return fail(ErrorCode::kNotAReplica, fmt::format("resume {}: it holds authority and follows nobody", name));
  if (engine.newest().lsn == Lsn()) return nothing("an empty log takes the lineage of the first source");
  if (*request.accept_lineage == engine.newest().lineage) return nothing("its log is of that lineage");
  if (request.accept_lineage == engine.accepted_lineage()) return nothing("that lineage is accepted");
  if (!request.source)
    return fail(ErrorCode::kBadRequest, fmt::format("resume {}: name a source of that lineage", name));
  return check_address(*request.source);
}

void write_acceptance(Node& node, LineageId lineage, Lsn fork) {
  node.repairs().enter(RepairStage::kWriting);
  auto written = std::make_shared<Result<void>>();
  node.runtime().jobs().run(
      [written, data_dir = node.config().data_dir, lineage](runtime::Disk& disk) {
        *written = engine::write_accepted(disk, data_dir, lineage);
      },
      [&node, alive = node.alive(), written, lineage, fork] {
        if (const auto held = alive.lock(); !held || !*held) return;
        if (!*written) return node.repairs().end(*written);
        if (!node.engine()) return end(node, node.not_ready());
        node.engine()->accept_lineage(lineage);
        node.events().record(EventId::kLineageAccepted, {{"lineage", to_hex(lineage)},
                                                         {"fork_lsn", fork.value()},
                                                         {"request_id", node.repairs().view().request_id}});
        node.repairs().end({});
      });
}

// What would refuse the source although the lineage is accepted.
Result<void> would_follow(const Node& node, const rules::FollowEvidence& e, LineageId lineage) {
  const auto& name = node.config().name;
  if (e.source_lineage != lineage) {
    return fail(ErrorCode::kLineageUnknown,
                fmt::format("resume {}: the source is on lineage {}, not on {}", name,
                            to_hex(e.source_lineage.value_or(LineageId{})), to_hex(lineage)));
  }
  rules::NoTrace trace;
  const auto verdict = rules::decide_follow(e, trace);
  if (verdict == rules::FollowVerdict::kFollows) return {};
  if (verdict == rules::FollowVerdict::kSourceBehind)
    return fail(ErrorCode::kSourceBehind, fmt::format("resume {}: the source has not reached this log's epoch", name));
  return fail(ErrorCode::kLineageChanged,
              fmt::format("resume {}: this log goes on beyond the fork, or otherwise (REPL-10)", name));
}

void accept_lineage(Node& node, const std::string& source, LineageId lineage) {
  ask_source(node, source, [&node, source, lineage](const wire::WalPositionResponse& position) {
    const auto& engine = *node.engine();
    const engine::Position own = engine.newest();
    auto e = rules::compare_histories(history_of(engine.state_data().authority().ancestry()), own.lsn,
                                      history_of(position.ancestry), position.durable.lsn);
    e.cluster = engine.node().cluster;
    e.source_cluster = position.cluster;
    e.own_chain = own.chain;
    e.accepted_lineage = lineage;
    if (auto follows = would_follow(node, e, lineage); !follows) return end(node, std::move(follows.error()));
    const Lsn fork(e.source_departs_lsn.value_or(own.lsn.next()).value() - 1);
    node.repairs().view().fork_lsn = fork;
    if (fork == own.lsn) return write_acceptance(node, lineage, fork);  // its chain was compared
    ask_chain_after(node, source, own.lsn, [&node, source, own, lineage, fork](const std::optional<Chain>& theirs) {
      if (theirs == own.chain) return write_acceptance(node, lineage, fork);
      end(node, another_chain(ErrorCode::kLineageChanged, "resume", own, source, theirs));
    });
  });
}

void resume(Node& node, const wire::RepairResumeRequest& request, wire::Responder responder) {
  if (!node.engine()) return responder.error(node.not_ready());
  auto& repairs = node.repairs();
  const auto halt = node.engine()->halt_reason();
  auto allowed = halt ? check_resume_request(node, *halt, request) : check_accept_request(node, request);
  if (allowed) {
    std::string detail = halt ? fmt::format("halted by {} ({})", halt->rule, halt->code)
                              : fmt::format("accept lineage {}", to_hex(*request.accept_lineage));
    if (request.source) detail += ", compared with " + *request.source;
    allowed = repairs.begin(RepairKind::kResume, request.request, detail);
  }
  if (!allowed) return repairs.refuse(RepairKind::kResume, request.request, allowed.error(), responder);
  if (!halt)
    accept_lineage(node, *request.source, *request.accept_lineage);
  else if (request.source)
    compare_and_verify(node, *request.source);
  else
    verify_and_end_halt(node);
  responder.ok(repairs.view());
}

// --- export of orphans (REPL-12)

void write_out(Node& node, const std::string& file, Lsn fork) {
  node.repairs().view().fork_lsn = fork;
  node.repairs().enter(RepairStage::kWriting);
  engine::OrphansOptions options;
  options.data_dir = node.config().data_dir;
  options.file = file;
  options.fork_lsn = fork;
  options.cache_bytes = node.config().storage_cache_bytes;
  auto report = std::make_shared<Result<engine::OrphansReport>>();
  node.with_closed_directory(
      "export of orphans",
      [report, options](runtime::Disk& disk) -> Result<void> {
        *report = engine::export_orphans(disk, options);
        if (!*report) return fail(report->error());
        return {};
      },
      [&node, report](const Result<void>& result) {
        if (result) {
          auto& view = node.repairs().view();
          view.fork_commit = (*report)->fork_commit;
          view.orphans = (*report)->versions;
          view.sha256 = (*report)->sha256;
          view.done_bytes = view.total_bytes = (*report)->bytes;
        }
        node.repairs().end(result);
      });
}

// What both ancestries say, and the chains there. Where a chain differs or is held no longer, the logs part somewhere
// within the epoch: then everything of it is exported, for its start is the last place known to be the same.
struct Fork {
  Lsn lsn;
  Lsn epoch_start;              // last LSN before the last epoch in common
  std::optional<Chain> theirs;  // chain after lsn, as their ancestry states it
};
Fork fork_of(const engine::Engine& engine, const wire::WalPositionResponse& source) {
  const auto own = history_of(engine.visible_authority().ancestry());
  const auto theirs = history_of(source.ancestry);
  const auto common = rules::common_end(own, engine.visible().lsn, theirs, source.durable.lsn);
  if (!common || common->lsn == Lsn()) return {};
  Fork fork{common->lsn, Lsn(own[rules::common_epochs(own, theirs) - 1].first_lsn.value() - 1), std::nullopt};
  const auto next = std::ranges::find(theirs, fork.lsn.next(), &rules::HistoryEpoch::first_lsn);
  if (next != theirs.end()) fork.theirs = next->chain;
  return fork;
}

void export_from(Node& node, const std::string& file, const Fork& fork, const std::optional<Chain>& theirs) {
  own_chain_after(*node.engine(), fork.lsn, [&node, file, fork, theirs](const std::optional<Chain>& own) {
    write_out(node, file, own && own == theirs ? fork.lsn : fork.epoch_start);
  });
}

void compare_and_export(Node& node, const std::string& source, const std::string& file) {
  ask_source(node, source, [&node, source, file](const wire::WalPositionResponse& position) {
    const Fork fork = fork_of(*node.engine(), position);
    if (fork.lsn == Lsn()) return write_out(node, file, fork.lsn);
    if (fork.theirs) return export_from(node, file, fork, fork.theirs);
    ask_chain_after(node, source, fork.lsn,
                    [&node, file, fork](const std::optional<Chain>& theirs) { export_from(node, file, fork, theirs); });
  });
}

Result<void> check_export_request(Node& node, const wire::RepairExportRequest& request) {
  const auto& name = node.config().name;
  if (!request.file.starts_with('/'))
    return fail(ErrorCode::kBadRequest, fmt::format("export orphans of {}: the path must be absolute", name));
  if (node.engine()->newest().lsn == Lsn())
    return fail(ErrorCode::kNothingToDo, fmt::format("export orphans of {}: its log is empty", name));
  if (request.source) return check_address(*request.source);
  if (node.engine()->fence_reason()) return {};
  return fail(ErrorCode::kBadRequest,
              fmt::format("export orphans of {}: it is not fenced; name a source to compare with", name));
}

void export_orphans(Node& node, const wire::RepairExportRequest& request, wire::Responder responder) {
  if (!node.engine()) return responder.error(node.not_ready());
  auto& repairs = node.repairs();
  auto allowed = check_export_request(node, request);
  if (allowed) allowed = repairs.begin(RepairKind::kExport, request.request, "to " + request.file);
  if (!allowed) return repairs.refuse(RepairKind::kExport, request.request, allowed.error(), responder);
  if (request.source)
    compare_and_export(node, *request.source, request.file);
  else
    write_out(node, request.file, node.engine()->fence_reason()->fork_lsn);
  responder.ok(repairs.view());
}

}  // namespace

void serve_repairs(Node& node) {
  auto& server = node.maintenance();
  server.handle(wire::kRepairResume, [&node](const auto& request, wire::Responder responder) {
    resume(node, request, std::move(responder));
  });
  server.handle(wire::kOrphansExport, [&node](const auto& request, wire::Responder responder) {
    export_orphans(node, request, std::move(responder));
  });
  server.handle(wire::kRepairStatus,
                [&node](const auto&, wire::Responder responder) { responder.ok(node.repairs().view()); });
}

}  // namespace aerodb::node
