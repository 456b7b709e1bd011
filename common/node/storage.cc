// observe.storage, pins, and the storage operations: each begins at once and goes on by itself. Every request, refusal
// and stage is an event.
#include <fmt/format.h>

#include <chrono>

#include "common/engine/snapshot.h"
#include "common/node/node.h"
#include "common/node/operations.h"
#include "common/node/repairs.h"
#include "common/node/translate.h"

namespace aerodb::node {
namespace {

using observe::EventId;
using observe::MetricId;

constexpr size_t kMaxPins = 1024;

// --- observe.storage

wire::RunView view_of(const store::RunInfo& run) {
  return {run.number,   run.first_commit, run.last_commit,   run.bytes,
          run.versions, run.tombstones,   run.index_entries, run.sha256};
}

wire::OperationView view_of(const engine::OperationStatus& status, uint64_t now_us) {
  wire::OperationView view;
  view.number = status.number;
  view.kind = engine::operation_kind_name(status.kind);
  view.stage = engine::operation_stage_name(status.stage);
  view.done_bytes = status.done_bytes;
  view.total_bytes = status.total_bytes;
  view.lsn = status.lsn;
  view.commit = status.commit;
  view.manifest = status.manifest;
  view.runs_merged = status.runs_merged;
  if (!status.snapshot.empty()) view.snapshot = status.snapshot;
  if (status.error) {
    view.error_code = status.error->row().name;
    view.error_message = status.error->message;
  }
  view.elapsed_us = (status.finished() ? status.ended_us : now_us) - status.started_us;
  return view;
}

wire::ObserveStorageResponse storage_view(Node& node, const std::vector<engine::SnapshotFound>& snapshots) {
  auto& engine = *node.engine();
  auto& storage = engine.storage();
  const auto& manifest = storage.manifest();
  const auto& layers = engine.state_data().layers();
  wire::ObserveStorageResponse r;
  r.manifest_number = manifest.number;
  r.manifest_lsn = manifest.lsn;
  r.manifest_commit = manifest.commit;
  r.manifest_digest = manifest.digest;
  r.floor = engine.floor();
  for (const auto& run : manifest.runs) r.runs.push_back(view_of(run));
  r.memory_active_bytes = layers.active().bytes();
  r.memory_frozen_bytes = layers.frozen() ? layers.frozen()->bytes() : 0;
  r.cache_bytes = storage.cache().bytes();
  r.cache_max_bytes = storage.cache().max_bytes();
  r.cache_hits = storage.cache().counters().hits;
  r.cache_misses = storage.cache().counters().misses;
  r.pins = storage.pins();
  r.lowest_pin = storage.lowest_pin();
  r.holds = node.metrics().get(MetricId::kHoldsCount);
  for (const auto& found : snapshots) r.snapshots.push_back({found.name, found.complete});
  const uint64_t now_us = node.runtime().clock().monotonic_us();
  for (const auto& status : storage.operations()) r.operations.push_back(view_of(status, now_us));
  return r;
}

// The directory of snapshots is read in a Job; all else is of the moment of the answer.
void observe_storage(Node& node, wire::Responder responder) {
  auto found = std::make_shared<Result<std::vector<engine::SnapshotFound>>>();
  node.runtime().jobs().run([found, data_dir = node.config().data_dir](
                                runtime::Disk& disk) { *found = engine::list_snapshots(disk, data_dir); },
                            [&node, alive = node.alive(), found, responder = std::move(responder)]() mutable {
                              if (alive.expired()) return;
                              if (!*found) return responder.error(found->error());
                              if (!node.engine()) return responder.error(node.not_ready());
                              responder.ok(storage_view(node, **found));
                            });
}

// --- pins

void take_pin(Node& node, const wire::PinTakeRequest& request, wire::Responder responder) {
  auto& engine = *node.engine();
  const auto commit = engine.admit_read("pin.take", request.commit, std::nullopt);
  if (!commit) return responder.error(commit.error());
  if (engine.storage().pins() >= kMaxPins) {
    return responder.error(
        {ErrorCode::kBusy, fmt::format("pin.take on {}: {} pins are held", node.config().name, kMaxPins), {}});
  }
  const uint64_t pin = engine.storage().pin(responder.connection(), *commit);
  responder.ok(wire::PinTakeResponse{pin, *commit});
}

void release_pin(Node& node, const wire::PinReleaseRequest& request, wire::Responder responder) {
  auto released = node.engine()->storage().unpin(responder.connection(), request.pin);
  if (!released) return responder.error(released.error());
  responder.ok(wire::Empty{});
}

// --- operations

void refuse(Node& node, std::string_view command, const wire::Request& request, const Error& error,
            wire::Responder& responder) {
  note_denied(node, command, request.request_id, error);
  responder.error(error);
}

// 20261121T131500.123Z
std::string utc_name(uint64_t wall_us) {
  using namespace std::chrono;
  const sys_time<milliseconds> now{milliseconds(wall_us / 1000)};
  const auto day = floor<days>(now);
  const year_month_day date(day);
  const hh_mm_ss time(now - day);
  return fmt::format("{:04}{:02}{:02}T{:02}{:02}{:02}.{:03}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), time.hours().count(),
                     time.minutes().count(), time.seconds().count(), time.subseconds().count());
}

void checkpoint(Node& node, const wire::StorageCheckpointRequest& request, wire::Responder responder) {
  start_operation(node, "checkpoint", request.request, std::move(responder),
                  [&](engine::Storage& storage) { return storage.checkpoint(request.merge); });
}

void compact(Node& node, const wire::StorageCompactRequest& request, wire::Responder responder) {
  start_operation(node, "compact", request.request, std::move(responder),
                  [](engine::Storage& storage) { return storage.compact(); });
}

void snapshot(Node& node, const wire::StorageSnapshotRequest& request, wire::Responder responder) {
  start_operation(node, "snapshot", request.request, std::move(responder), [&](engine::Storage& storage) {
    return storage.snapshot(request.name ? *request.name : utc_name(node.runtime().clock().wall_us()));
  });
}

void operation(Node& node, const wire::StorageOperationRequest& request, wire::Responder responder) {
  const auto& operations = node.engine()->storage().operations();
  const auto found = request.number ? std::ranges::find(operations, *request.number, &engine::OperationStatus::number)
                     : operations.empty() ? operations.end()
                                          : std::prev(operations.end());
  if (found == operations.end()) {
    return responder.error({ErrorCode::kNoSuchOperation,
                            request.number ? fmt::format("storage.operation: {} is not among the last {} of {}",
                                                         *request.number, operations.size(), node.config().name)
                                           : fmt::format("storage.operation: {} has run none", node.config().name),
                            {}});
  }
  responder.ok(view_of(*found, node.runtime().clock().monotonic_us()));
}

// --- the floor

Result<void> check_gc(const wire::StorageGcRequest& request) {
  if (auto checked = check_request(request.request); !checked) return checked;
  if (request.request.reason.empty())
    return fail(ErrorCode::kReasonRequired, "storage.gc: history is given up for good; say why");
  const auto phrase = fmt::format("drop history below {}", request.floor.value());
  if (request.phrase == phrase) return {};
  return fail(Error{ErrorCode::kConfirmationMismatch, fmt::format("storage.gc: the phrase is \"{}\"", phrase), {}}.with(
      "phrase", phrase));
}

void collect_garbage(Node& node, const wire::StorageGcRequest& request, wire::Responder responder) {
  if (auto checked = check_gc(request); !checked)
    return refuse(node, "gc", request.request, checked.error(), responder);
  auto decided = node.engine()->raise_floor(request.floor, who_of(request.request));
  node.engine()->hold<engine::Position>(
      std::move(decided), [&node, asked = request.request, floor = request.floor,
                           responder = std::move(responder)](Result<engine::Position> outcome) mutable {
        if (!outcome) return refuse(node, "gc", asked, outcome.error(), responder);
        node.events().record(EventId::kFloorRaised, {{"floor", floor.value()},
                                                     {"lsn", outcome->lsn.value()},
                                                     {"request_id", asked.request_id},
                                                     {"operator", asked.operator_name},
                                                     {"reason", asked.reason}});
        responder.ok(wire::StorageGcResponse{floor, receipt_of(*outcome)});
      });
}

}  // namespace

void start_operation(Node& node, std::string_view command, const wire::Request& request, wire::Responder responder,
                     const std::function<Result<uint64_t>(engine::Storage&)>& begin) {
  auto checked = check_request(request);
  if (checked && node.repairs().running())
    checked = fail(ErrorCode::kOperationRunning, fmt::format("{}: a repair is under way", command));
  auto number = checked ? begin(node.engine()->storage()) : Result<uint64_t>(fail(std::move(checked.error())));
  if (!number) return refuse(node, command, request, number.error(), responder);
  node.events().record(EventId::kStorageRequested, {{"command", std::string(command)},
                                                    {"request_id", request.request_id},
                                                    {"operator", request.operator_name},
                                                    {"reason", request.reason},
                                                    {"operation", *number}});
  responder.ok(wire::StorageStartedResponse{*number});
}

void serve_storage(Node& node) {
  auto ready = [&node](auto handler) {
    return [&node, handler](const auto& request, wire::Responder responder) {
      if (!node.engine()) return responder.error(node.not_ready());
      handler(node, request, std::move(responder));
    };
  };
  auto& client = node.client();
  client.handle(wire::kObserveStorage, ready([](Node& n, const wire::Empty&, wire::Responder responder) {
                  observe_storage(n, std::move(responder));
                }));
  client.handle(wire::kPinTake, ready(take_pin));
  client.handle(wire::kPinRelease, ready(release_pin));
  client.on_disconnect([&node](uint64_t connection) {
    if (node.engine()) node.engine()->storage().release_connection(connection);
  });
  auto& maintenance = node.maintenance();
  maintenance.handle(wire::kStorageCheckpoint, ready(checkpoint));
  maintenance.handle(wire::kStorageCompact, ready(compact));
  maintenance.handle(wire::kStorageSnapshot, ready(snapshot));
  maintenance.handle(wire::kStorageOperation, ready(operation));
  maintenance.handle(wire::kStorageGc, ready(collect_garbage));
}

}  // namespace aerodb::node
