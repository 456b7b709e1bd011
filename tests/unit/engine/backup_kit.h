// What the tests of backup, restore and verification share: a node with runs and a log behind them, its backup, and
// directories compared by what they answer.
#pragma once

#include "common/archive/tar.h"
#include "common/engine/backup_directory.h"
#include "common/engine/restore.h"
#include "common/store/block_cache.h"
#include "tests/unit/engine/node_kit.h"

namespace aerodb::engine::testing {

inline constexpr const char* kBackup = "/backup.tar";

// A machine with a stopped node in /d: schema, documents in two runs, updates, a delete and more documents behind them.
struct Origin {
  explicit Origin(uint64_t seed = 1, NodeSettings settings = {}) : world(seed, {}), node(world, std::move(settings)) {}
  // Everything above; what there is in the end is in `end`.
  void fill();
  // Stops the node; a hand of its own then does the offline work.
  void stop();
  [[nodiscard]] runtime::Disk& disk();
  [[nodiscard]] runtime::Random& random() { return process().random(); }
  [[nodiscard]] sim::SimProcess& process();
  void end_process() { hand_.reset(); }

  Result<BackupReport> backup(const std::string& path = kBackup);
  // Into /r, as node r with the instance 9 and lineage 8, unless `change` says otherwise.
  Result<RestoreReport> restore(const std::function<void(RestoreOptions&)>& change = nullptr);
  [[nodiscard]] Bytes content(const std::string& path) { return node.machine.disk().peek(path).value_or(Bytes()); }
  // Every path with the SHA-256 of what it holds, LOCK apart.
  [[nodiscard]] std::string picture(const std::string& below);
  // Over whatever is there, durable.
  void put(const std::string& path, ByteSpan content);

  sim::SimWorld world;
  TestNode node;
  Position end;

 private:
  std::unique_ptr<sim::SimProcess> hand_;
};

// The same, its backup made.
struct Backed : Origin {
  explicit Backed(uint64_t seed = 1);
};

inline const wal::RingGeometry kRestoredGeometry{4, 128 << 10};
RestoreOptions restore_options();

// What a directory answers, opened as a start would open it.
struct Answers {
  Position position;
  CommitId floor;
  uint64_t live = 0;
  std::vector<std::string> versions;  // of every id at every commit
  Authority authority;
};
Result<Answers> answers_of(runtime::Disk& disk, const std::string& directory, const wal::RingGeometry& geometry,
                           CommitId up_to);

// How often a test that kills at every call does so, each time with other fates of what was not synced:
// AERODB_KILL_ROUNDS, or once.
uint64_t kill_rounds();

// Names, sizes and contents of a tar.
struct Member {
  std::string name;
  Bytes content;
};
std::vector<Member> members_of(Origin& origin, const std::string& path);
// A tar of these members; with a LIST that fits where `with_list` says so (LIST itself is then not among them).
Bytes tar_of(Origin& origin, const std::vector<Member>& members, bool with_list);

}  // namespace aerodb::engine::testing
