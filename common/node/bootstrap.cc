#include "common/node/bootstrap.h"

#include <fmt/format.h>

#include "common/base/fault.h"
#include "common/engine/orphans.h"
#include "common/node/ask_source.h"
#include "common/node/repairs.h"
#include "common/node/translate.h"

namespace aerodb::node {
namespace {

constexpr size_t kFetchesInFlight = 4;
constexpr uint32_t kFetchTimeoutMs = 30'000;

std::unexpected<Error> holds_authority(const Node& node, std::string_view why) {
  return fail(ErrorCode::kNotAReplica, fmt::format("bootstrap: {} {}", node.config().name, why));
}

// Whether the source's ancestry goes on right behind the seal: then it is answered, though this log does not say so.
bool answers(const std::vector<wire::AncestryEntry>& ancestry, const engine::SealState& seal) {
  return std::ranges::any_of(ancestry, [&](const wire::AncestryEntry& entry) {
    return entry.first_lsn == seal.lsn.next() && entry.chain == seal.chain_after;
  });
}

}  // namespace

// --- what is refused at once

Result<void> Bootstrap::check(Node& node, const wire::RepairBootstrapRequest& request) {
  const auto& engine = *node.engine();
  if (node.binary() == Binary::kPrimary)
    return holds_authority(node, "runs as aerodb-primary: start it with aerodb-replica");
  if (engine.newest_role() == rules::Role::kPrimary && !engine.fence_reason())
    return holds_authority(node, "holds authority");
  if (!runtime::Endpoint::parse(request.source))
    return fail(ErrorCode::kBadRequest, fmt::format("bootstrap: source \"{}\" is no address", request.source));
  // What does not verify may hold more than could be read.
  const bool empty = engine.newest().lsn == Lsn() && engine.state() == rules::NodeState::kReady;
  if (empty) return {};
  const auto phrase = fmt::format("discard the history of {}", node.config().name);
  if (!request.discard) {
    return fail(ErrorCode::kDiscardRequired, fmt::format("bootstrap: the log of {} reaches to LSN {} (REPL-12)",
                                                         node.config().name, engine.newest().lsn.value()));
  }
  if (request.phrase == phrase) return {};
  return fail(Error{ErrorCode::kConfirmationMismatch, fmt::format("bootstrap: the phrase is \"{}\"", phrase), {}}.with(
      "phrase", phrase));
}

void Bootstrap::start() { ask(&Bootstrap::connect); }

// --- asking

void Bootstrap::ask(Next next) {
  node_.repairs().enter(RepairStage::kAsking);
  ask_position(node_.runtime(), request_.source, kAskTimeoutMs, alive_,
               step([this, next](Result<wire::WalPositionResponse> position) {
                 if (!position) return fail_with(std::move(position.error()));
                 source_ = std::move(*position);
                 if (auto checked = check_source(); !checked) return fail_with(std::move(checked.error()));
                 // Asked for again, for it may have changed since the command.
                 if (auto checked = check(node_, request_); !checked) return fail_with(std::move(checked.error()));
                 compare(next);
               }));
}

Result<void> Bootstrap::check_source() const {
  const auto& engine = *node_.engine();
  if (source_.cluster != engine.node().cluster) {
    return fail(ErrorCode::kWrongNode, fmt::format("bootstrap: {} is of cluster {}, this node of {}", request_.source,
                                                   to_hex(source_.cluster), to_hex(engine.node().cluster)));
  }
  if (source_.instance == engine.node().instance)
    return fail(ErrorCode::kBadRequest, fmt::format("bootstrap: {} is this node itself", request_.source));
  if (source_.ancestry.empty())
    return fail(ErrorCode::kNoSnapshot, fmt::format("bootstrap: the log of {} is empty", source_.node));
  const auto& seal = engine.state_data().authority().seal();
  const bool sealed = engine.newest_role() == rules::Role::kSealed && !engine.fence_reason();
  if (sealed && seal && !answers(source_.ancestry, *seal))
    return holds_authority(node_, fmt::format("is sealed, and {} knows of no answer to the seal", source_.node));
  return {};
}

// How far this log is the source's, by what both ancestries say; then by the chain at its end.
void Bootstrap::compare(Next next) {
  const auto& engine = *node_.engine();
  compared_ = engine.newest();
  const auto own = history_of(engine.state_data().authority().ancestry());
  const auto common = rules::common_end(own, compared_.lsn, history_of(source_.ancestry), source_.durable.lsn);
  common_lsn_ = common ? common->lsn : Lsn();
  node_.repairs().view().fork_lsn = common_lsn_;
  node_.repairs().view().fork_commit = std::nullopt;
  if (compared_.lsn == Lsn()) return (this->*next)();
  if (common_lsn_ < compared_.lsn) return check_exported(next);
  if (common->chain) return compare_chain(common->chain, next);
  ask_chain(node_.runtime(), request_.source, kAskTimeoutMs, alive_, compared_.lsn.next(),
            step([this, next](Result<std::optional<Chain>> chain) {
              if (!chain) return fail_with(std::move(chain.error()));
              compare_chain(*chain, next);
            }));
}

// `theirs`: after this log's last record; nullopt: the source holds that part no longer, and nothing speaks against it.
void Bootstrap::compare_chain(const std::optional<Chain>& theirs, Next next) {
  if (theirs && *theirs != compared_.chain) {
    // They part here or before: where, nobody has looked.
    common_lsn_ = Lsn(compared_.lsn.value() - 1);
    node_.repairs().view().fork_lsn = std::nullopt;
    return check_exported(next);
  }
  node_.repairs().view().fork_commit = compared_.commit;
  (this->*next)();
}

// This log holds records that the source's history lacks (REPL-12).
void Bootstrap::check_exported(Next next) {
  auto marker = std::make_shared<std::optional<engine::OrphansMarker>>();
  job(
      [marker, data_dir = node_.config().data_dir](runtime::Disk& disk) -> Result<void> {
        auto read = engine::read_orphans_marker(disk, data_dir);
        if (!read) return fail(std::move(read.error()));
        *marker = *read;
        return {};
      },
      [this, marker, next] {
        const auto& found = *marker;
        const bool covered = found && found->end_lsn == compared_.lsn && found->end_chain == compared_.chain &&
                             found->fork_lsn <= common_lsn_;
        if (covered || planted(Fault::kOrphansDropped)) return (this->*next)();
        fail_with(Error{ErrorCode::kOrphansNotExported,
                        fmt::format("bootstrap: the log of {} ends at LSN {} with records that {} does not have; they "
                                    "were not exported (REPL-12)",
                                    node_.config().name, compared_.lsn.value(), source_.node),
                        {}}
                      .with("end_lsn", compared_.lsn.value())
                      .with("common_lsn", common_lsn_.value()));
      });
}

// --- transferring

void Bootstrap::connect() {
  client_ = std::make_unique<wire::Client>(node_.runtime());
  client_->on_close(step([this] {
    fail_with({ErrorCode::kConnectionLost, fmt::format("bootstrap: the connection to {} ended", request_.source), {}});
  }));
  client_->connect(*runtime::Endpoint::parse(request_.source), step([this](Result<void> connected) {
    if (!connected) return fail_with(std::move(connected.error()));
    client_->call(wire::kManifestGet, {}, kFetchTimeoutMs, step([this](Result<wire::StorageHoldResponse> held) {
                    if (!held) return fail_with(std::move(held.error()));
                    take_manifest(*held);
                  }));
  }));
}

void Bootstrap::take_manifest(const wire::StorageHoldResponse& held) {
  if (!held.manifest) {
    return fail_with({ErrorCode::kNoSnapshot, fmt::format("bootstrap: {} has made no checkpoint yet", held.node), {}});
  }
  hold_ = held.hold;
  auto manifest = store::decode_manifest(*held.manifest, "of " + request_.source);
  if (!manifest) return fail_with(std::move(manifest.error()));
  open_partial(std::move(*manifest));
}

void Bootstrap::open_partial(store::Manifest manifest) {
  auto opened = std::make_shared<std::unique_ptr<engine::PartialSnapshot>>();
  auto source = std::make_shared<store::Manifest>(std::move(manifest));
  job(
      [opened, source, data_dir = node_.config().data_dir](runtime::Disk& disk) -> Result<void> {
        auto partial = engine::PartialSnapshot::open(disk, data_dir, std::move(*source));
        if (!partial) return fail(std::move(partial.error()));
        *opened = std::move(*partial);
        return {};
      },
      [this, opened] {
        partial_ = std::move(*opened);
        auto& view = node_.repairs().view();
        view.total_bytes = partial_->total_bytes();
        view.done_bytes = partial_->kept_bytes();
        node_.repairs().enter(RepairStage::kTransferring);
        fetch_more();
      });
}

void Bootstrap::fetch_more() {
  while (pieces_.size() < kFetchesInFlight) {
    const auto place = partial_->piece_after(last_asked_);
    if (!place) break;
    last_asked_ = place;
    pieces_.push_back({*place, std::nullopt});
    const auto run = partial_->manifest().runs[place->run].number;
    client_->call(wire::kManifestFetch, {hold_, run, place->offset, place->bytes}, kFetchTimeoutMs,
                  step([this, place = *place](Result<wire::StorageReadRunResponse> answer) {
                    fetched(place, std::move(answer));
                  }));
  }
  if (pieces_.empty()) verify();
}

void Bootstrap::fetched(engine::BootstrapPiece place, Result<wire::StorageReadRunResponse> answer) {
  if (!answer) return fail_with(std::move(answer.error()));
  std::ranges::find(pieces_, place, &Piece::place)->content.emplace(answer->bytes.begin(), answer->bytes.end());
  write_next();
}

void Bootstrap::write_next() {
  if (working_ || pieces_.empty() || !pieces_.front().content) return;
  auto piece = std::make_shared<Piece>(std::move(pieces_.front()));
  job([piece, partial = partial_](runtime::Disk& disk) { return partial->append(disk, piece->place, *piece->content); },
      [this, piece] {
        pieces_.pop_front();
        node_.repairs().view().done_bytes += piece->place.bytes;
        fetch_more();
        write_next();
      });
}

// --- verifying

// The last epoch that names this node, by its own log or by the source's.
Lsn Bootstrap::held_since() const {
  const auto& instance = node_.engine()->node().instance;
  Lsn since;
  const auto look = [&](const auto& ancestry) {
    for (const auto& epoch : ancestry) {
      if (epoch.instance == instance) since = std::max(since, epoch.first_lsn);
    }
  };
  look(node_.engine()->state_data().authority().ancestry());
  look(source_.ancestry);
  return since;
}

void Bootstrap::verify() {
  client_ = nullptr;  // and with it the source's hold
  node_.repairs().enter(RepairStage::kVerifying);
  const auto& config = node_.config();
  job(
      [partial = partial_, data_dir = config.data_dir, node = node_.engine()->node(), held_since = held_since(),
       geometry = wal::RingGeometry{config.wal_segments, config.wal_segment_bytes}](runtime::Disk& disk) {
        auto verified = engine::verify_partial(disk, data_dir, node, partial->manifest(), nullptr, held_since);
        return verified ? engine::prepare_install(disk, data_dir, geometry, partial->manifest()) : verified;
      },
      [this] { ask_again(); });
}

void Bootstrap::ask_again() { ask(&Bootstrap::check_continuity); }

// The source must still have the log behind the snapshot, or it was taken for nothing.
void Bootstrap::check_continuity() {
  const auto& manifest = partial_->manifest();
  auto released = [this, lsn = manifest.lsn] {
    fail_with(Error{
        ErrorCode::kLogReleased,
        fmt::format("bootstrap: {} released the log behind its snapshot of LSN {}; begin again, the "
                    "files that stay the same are kept",
                    source_.node, lsn.value()),
        {}}.with("first_lsn", source_.first_lsn.value()));
  };
  if (source_.first_lsn > manifest.lsn.next()) return released();
  ask_chain(node_.runtime(), request_.source, kAskTimeoutMs, alive_, manifest.lsn.next(),
            step([this, released](Result<std::optional<Chain>> chain) {
              if (!chain) return fail_with(std::move(chain.error()));
              if (!*chain) return released();
              if (**chain == partial_->manifest().chain) return install();
              fail_with(Error{
                  ErrorCode::kManifestDamaged,
                  fmt::format("bootstrap: the log of {} has another chain behind its own snapshot of LSN {}",
                              source_.node, partial_->manifest().lsn.value()),
                  {}}.with("expected", to_hex(partial_->manifest().chain))
                            .with("found", to_hex(**chain)));
            }));
}

// --- installing

void Bootstrap::install() {
  // From here to the closed directory no turn of the loop passes: what was compared is what goes.
  if (node_.engine()->newest().lsn != compared_.lsn) {
    return fail_with({ErrorCode::kBusy,
                      fmt::format("bootstrap: the log of {} grew beyond LSN {} while it was compared",
                                  node_.config().name, compared_.lsn.value()),
                      {}});
  }
  node_.repairs().enter(RepairStage::kInstalling);
  node_.with_closed_directory(
      "bootstrap",
      [data_dir = node_.config().data_dir](runtime::Disk& disk) { return engine::install_snapshot(disk, data_dir); },
      step([this](const Result<void>& installed) { end(installed); }));
}

// --- the end

void Bootstrap::job(std::move_only_function<Result<void>(runtime::Disk&)> work, runtime::Callback next) {
  auto result = std::make_shared<Result<void>>();
  working_ = true;
  node_.runtime().jobs().run_long(
      [result, work = std::move(work)](runtime::Disk& disk) mutable { *result = work(disk); },
      [self = weak_from_this(), result, next = std::move(next)]() mutable {
        const auto alive = self.lock();
        if (!alive) return;
        alive->working_ = false;
        if (alive->trouble_) return alive->end(fail(*alive->trouble_));
        if (!*result) return alive->end(*result);
        next();
      });
}

// The next bootstrap may begin only when nothing writes to bootstrap.partial any more.
void Bootstrap::fail_with(Error error) {
  trouble_ = std::move(error);
  client_ = nullptr;
  if (!working_) end(fail(*trouble_));
}

void Bootstrap::end(const Result<void>& result) {
  if (ended_) return;
  ended_ = true;
  client_ = nullptr;
  partial_ = nullptr;
  pieces_.clear();
  node_.repairs().end(result);
}

void serve_bootstrap(Node& node) {
  auto last = std::make_shared<std::shared_ptr<Bootstrap>>();
  node.maintenance().handle(wire::kRepairBootstrap, [&node, last](const auto& request, wire::Responder responder) {
    if (!node.engine()) return responder.error(node.not_ready());
    auto& repairs = node.repairs();
    auto allowed = Bootstrap::check(node, request);
    if (allowed) {
      const auto detail = fmt::format("from {}{}", request.source, request.discard ? ", discarding this log" : "");
      allowed = repairs.begin(RepairKind::kBootstrap, request.request, detail);
    }
    if (!allowed) return repairs.refuse(RepairKind::kBootstrap, request.request, allowed.error(), responder);
    *last = std::make_shared<Bootstrap>(node, request);
    (*last)->start();
    responder.ok(repairs.view());
  });
}

}  // namespace aerodb::node
