// The life of a node: start, the directory closed for work on it and opened again, stop.
#include <fmt/format.h>

#include "common/node/node.h"

namespace aerodb::node {

void Node::start(std::move_only_function<void(Result<void>)> done) {
  opening_done_ = std::move(done);
  auto opened = std::make_shared<Claimed>();
  runtime_.jobs().run(
      [this, alive = alive_, opened, options = open_options()](runtime::Disk& disk) {
        *opened = engine::claim_directory(disk, options);
        if (!*opened) return;
        // Nothing else touches the event log before this Job is done.
        if (auto loaded = events_.load(disk); !loaded) *opened = fail(std::move(loaded.error()));
      },
      [this, alive = alive_, opened] {
        if (*alive) claimed(std::move(*opened));
      });
}

void Node::claimed(Claimed opened) {
  if (!opened) return finish_opening(fail(std::move(opened.error())));
  opened_ = std::move(*opened);
  const bool at_start = !identity_;
  identity_ = opened_->node;
  if (config_.cluster_id && *config_.cluster_id != opened_->node.cluster) {
    return finish_opening(
        fail(ErrorCode::kWrongNode,
             fmt::format("open {}: the configuration names cluster {}, the directory is of {}", config_.data_dir,
                         to_hex(*config_.cluster_id), to_hex(opened_->node.cluster))));
  }
  if (at_start) {
    if (auto listening = listen(); !listening) return finish_opening(std::move(listening));
  }
  events_.record(observe::EventId::kRecoveryStarted, {{"segments", uint64_t{config_.wal_segments}}});
  recovery_started_us_ = runtime_.clock().monotonic_us();
  auto result = std::make_shared<Result<void>>();
  runtime_.jobs().run(
      [result, options = open_options(), opened = opened_.get(), device = &runtime_.log_device()](runtime::Disk& disk) {
        *result = engine::recover_log(disk, options, *opened);
        if (*result) *result = device->open(wal::segment_paths(options.data_dir, options.geometry.slots));
      },
      [this, alive = alive_, result] {
        if (*alive) recovered(std::move(*result));
      });
}

Result<void> Node::listen() {
  if (auto ok = client_.listen(config_.listen_client); !ok) return ok;
  if (auto ok = replication_.listen(config_.listen_replication); !ok) return ok;
  if (auto ok = control_.listen(config_.listen_control); !ok) return ok;
  if (auto ok = maintenance_.listen(config_.listen_maintenance); !ok) return ok;
  return listen_too_ ? listen_too_() : Result<void>{};
}

Result<void> Node::check_role() const {
  const auto& authority = opened_->state.authority();
  const auto role = authority.role_of(opened_->node.instance);
  const auto* current = authority.current();
  // A replica became primary by an operator's act; a fenced primary becomes a replica by one.
  const bool passed_on = current != nullptr && (current->reason == "promotion" || current->reason == "end");
  const bool fits = binary_ == Binary::kPrimary ? role != rules::Role::kReplica
                                                : role != rules::Role::kPrimary || passed_on || opened_->fence;
  if (fits) return {};
  const Binary right = binary_ == Binary::kPrimary ? Binary::kReplica : Binary::kPrimary;
  return fail(ErrorCode::kWrongRole, fmt::format("open {}: its log says role {}; start it with {}", config_.data_dir,
                                                 rules::enum_name(role), binary_name(right)));
}

void Node::recovered(Result<void> result) {
  if (!result) {
    const auto& error = result.error();
    events_.record(observe::EventId::kCorruptionFound,
                   {{"code", std::string(error.row().name)}, {"message", error.message}});
    if (damaged_ == Damaged::kEnds || error.row().exit_code != ExitCode::kBadData)
      return finish_opening(std::move(result));
    // Found anew at each start, so it is not written down; what was read before the damage is all that is known.
    opened_->halt = engine::halt_for(error.row().rule, error, opened_->state.position().lsn);
  } else if (auto role = check_role(); !role) {
    return finish_opening(std::move(role));
  }
  const uint64_t recovery_us = runtime_.clock().monotonic_us() - recovery_started_us_;
  engine::EngineEvents& events = *this;
  engine_ = std::make_unique<engine::Engine>(runtime_, std::move(opened_), engine_options(), events);
  engine_->storage().set_events(this);
  engine_->set_inline_policy([this, engine = engine_.get()] {
    // A replica's writes come over its replication listener; a primary's shipper there only waits.
    const uint32_t feeders = engine->newest_role() == rules::Role::kReplica ? replication_.active_connections() : 0;
    return client_.active_connections() + feeders <= 1;
  });
  record_recovery(recovery_us);
  finish_opening({});
}

void Node::finish_opening(Result<void> result) {
  // What was recorded on the way must be durable before the process may end.
  events_.flush([this, alive = alive_, result = std::move(result)]() mutable {
    if (!*alive) return;
    auto done = std::exchange(opening_done_, nullptr);
    done(std::move(result));
  });
}

// --- the directory closed, and opened again

void Node::with_closed_directory(std::string_view why, ClosedWork work,
                                 std::move_only_function<void(Result<void>)> done) {
  if (closed_) return done(fail(ErrorCode::kOperationRunning, "close directory: it is closed for other work"));
  if (!engine_ || stopping_) return done(fail(not_ready()));
  closed_ = true;
  events_.record(observe::EventId::kClosed,
                 {{"why", std::string(why)}, {"durable_lsn", engine_->visible().lsn.value()}});
  engine_->end(why, [this, work = std::move(work), done = std::move(done)]() mutable {
    work_on_closed(std::move(work), std::move(done));
  });
  operations_before_ = engine_->storage().last_operation();
  ending_ = std::move(engine_);  // handlers find none from here on
  client_restarts_.forget();
  replication_restarts_.forget();
  for (auto& callback : engine_ends_) callback();
}

// The engine is at rest.
void Node::work_on_closed(ClosedWork work, std::move_only_function<void(Result<void>)> done) {
  struct Outcome {
    std::unique_ptr<engine::OpenedNode> left;
    Result<void> worked;
    Claimed claimed;
  };
  auto outcome = std::make_shared<Outcome>();
  outcome->left = ending_->leave();
  ending_ = nullptr;
  runtime_.jobs().run(
      [outcome, work = std::move(work), options = open_options()](runtime::Disk& disk) mutable {
        auto lock = std::move(outcome->left->lock);
        outcome->left = nullptr;  // memory of the old state, before that of the new one
        outcome->worked = work(disk);
        outcome->claimed = engine::claim_directory(disk, options, lock);
      },
      [this, alive = alive_, outcome, done = std::move(done)]() mutable {
        if (!*alive) return;
        opening_done_ = [this, worked = std::move(outcome->worked),
                         done = std::move(done)](Result<void> opened) mutable {
          reopened(std::move(opened), std::move(worked), std::move(done));
        };
        claimed(std::move(outcome->claimed));
      });
}

void Node::reopened(Result<void> opened, Result<void> worked, std::move_only_function<void(Result<void>)> done) {
  if (!opened) {
    runtime_.log().write(LogLevel::kError, "directory_lost", {{"reason", opened.error().message}});
    if (lost_) lost_(opened.error());
    return;
  }
  closed_ = false;
  done(std::move(worked));
  if (stopping_) drain();
}

// --- stop

void Node::stop(std::string_view reason, runtime::Callback done) {
  stopped_ = std::move(done);
  stop_reason_ = reason;
  stopping_ = true;
  if (engine_) {
    engine_->storage().fail_running(
        {ErrorCode::kNotReady, fmt::format("storage operation: {} stops ({})", config_.name, reason), {}});
  }
  for (wire::Server* server : {&client_, &replication_, &control_, &maintenance_}) server->take_no_more();
  drain();
}

void Node::drain() {
  if (!stopped_ || closed_) return;  // what is closed is opened first
  const bool halted = engine_ && engine_->state() == rules::NodeState::kHalted;
  if (engine_ && !halted && !engine_->idle()) return;  // on_durable comes back here
  if (engine_)
    events_.record(observe::EventId::kStopped,
                   {{"reason", stop_reason_}, {"durable_lsn", engine_->visible().lsn.value()}});
  auto finish = [this, alive = alive_, done = std::move(stopped_)]() mutable {
    if (!*alive) return;
    events_.flush(std::move(done));
  };
  stopped_ = nullptr;
  if (!engine_ || halted) return finish();
  auto written = std::make_shared<Result<void>>();
  runtime_.jobs().run([written, engine = engine_.get()](runtime::Disk& disk) { *written = engine->clean_stop(disk); },
                      [this, alive = alive_, written, finish = std::move(finish)]() mutable {
                        if (!*alive) return;
                        if (!*written)
                          runtime_.log().write(LogLevel::kError, "clean_stop_not_recorded",
                                               {{"reason", written->error().message}});
                        finish();
                      });
}

}  // namespace aerodb::node
