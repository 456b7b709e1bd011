// A replica that takes another node's snapshot in place of its own log and runs (docs/spec/BOOTSTRAP.md). One act of an
// operator: the first failure ends it, nothing is tried again. Thread: the loop's; disk work in Jobs, one at a time.
//
//   asking        the source's position and ancestry: may what this log holds go? (REPL-12)
//   transferring  manifest.get, then manifest.fetch, up to kFetchesInFlight pieces; each written and synced in order
//   verifying     every file and the digest over all of them; the parts that a node needs beside them are made
//   asking        again, for both logs went on: the same question, and whether the source still has the log behind the
//                 snapshot
//   installing    on the closed directory; then the directory is opened as at a start
//
// Until it installs the node answers as before, and whatever fails leaves it as it was. What came over stays in
// bootstrap.partial for the next bootstrap.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>

#include "common/engine/install.h"
#include "common/node/node.h"
#include "common/wire/client.h"

namespace aerodb::node {

class Bootstrap : public std::enable_shared_from_this<Bootstrap> {
 public:
  // `node` must outlive it.
  Bootstrap(Node& node, wire::RepairBootstrapRequest request) : node_(node), request_(std::move(request)) {}
  Bootstrap(const Bootstrap&) = delete;
  Bootstrap& operator=(const Bootstrap&) = delete;

  // What can be refused before anybody is asked: NOT_A_REPLICA, DISCARD_REQUIRED, CONFIRMATION_MISMATCH, BAD_REQUEST.
  [[nodiscard]] static Result<void> check(Node& node, const wire::RepairBootstrapRequest& request);
  // Goes on by itself from here; Repairs::begin() came before.
  void start();

 private:
  using Next = void (Bootstrap::*)();
  struct Piece {
    engine::BootstrapPiece place;
    std::optional<Bytes> content;  // once it came
  };
  // asking
  void ask(Next next);
  [[nodiscard]] Result<void> check_source() const;
  void compare(Next next);
  void compare_chain(const std::optional<Chain>& theirs, Next next);
  void check_exported(Next next);
  // transferring
  void connect();
  void take_manifest(const wire::StorageHoldResponse& held);
  void open_partial(store::Manifest manifest);
  void fetch_more();
  void fetched(engine::BootstrapPiece place, Result<wire::StorageReadRunResponse> answer);
  void write_next();
  // verifying, installing
  void verify();
  [[nodiscard]] Lsn held_since() const;
  void ask_again();
  void check_continuity();
  void install();

  // A callback that goes on with this, and does nothing where it has ended.
  template <class F>
  auto step(F next) {
    return [self = weak_from_this(), next = std::move(next)](auto&&... answer) mutable {
      const auto alive = self.lock();
      if (alive && !alive->trouble_ && !alive->ended_) next(std::forward<decltype(answer)>(answer)...);
    };
  }
  // Work off the loop; its error ends the bootstrap.
  void job(std::move_only_function<Result<void>(runtime::Disk&)> work, runtime::Callback next);
  void fail_with(Error error);
  void end(const Result<void>& result);

  Node& node_;
  wire::RepairBootstrapRequest request_;
  // The source as it answered last, and what this node's log has in common with it.
  wire::WalPositionResponse source_;
  Lsn common_lsn_;
  engine::Position compared_;  // this node's end when it was compared
  std::unique_ptr<wire::Client> client_;
  uint64_t hold_ = 0;
  std::shared_ptr<engine::PartialSnapshot> partial_;  // Jobs use it too
  std::deque<Piece> pieces_;                          // asked for, in order; the first one is written next
  std::optional<engine::BootstrapPiece> last_asked_;
  bool working_ = false;  // a Job is under way
  bool ended_ = false;
  std::optional<Error> trouble_;  // why it ends, as soon as no Job is under way
  std::shared_ptr<const bool> alive_ = std::make_shared<const bool>(true);
};

}  // namespace aerodb::node
