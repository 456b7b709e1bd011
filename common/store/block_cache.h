// Blocks of runs kept in memory, bounded in bytes: the least recently used leave first. What a running operation holds
// stays until it ends, beyond the bound if need be. Thread: the loop's.
#pragma once

#include <list>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "common/runtime/jobs.h"
#include "common/store/blocks.h"
#include "common/store/run.h"

namespace aerodb::store {

struct BlockId {
  std::shared_ptr<const Run> run;
  BlockHandle handle;
};

struct BlockKey {
  RunNumber run = 0;
  uint64_t offset = 0;
  BlockKind kind = BlockKind::kDocuments;  // a place that a damaged run names as two kinds is never taken for the other
  friend auto operator<=>(const BlockKey&, const BlockKey&) = default;
};

struct CacheCounters {
  uint64_t hits = 0;
  uint64_t misses = 0;
  uint64_t evicted = 0;
};

class BlockCache {
 public:
  explicit BlockCache(uint64_t max_bytes) : max_bytes_(max_bytes) {}
  // nullptr: not here.
  [[nodiscard]] BlockRef find(RunNumber run, const BlockHandle& handle);
  // No effect where it is here already.
  void insert(RunNumber run, const BlockHandle& handle, BlockRef block);
  // Drops what belongs to a run that is gone.
  void forget(RunNumber run);
  // Back to the bound, as far as nobody holds what is beyond it. insert() does so too.
  void shrink();
  [[nodiscard]] uint64_t bytes() const { return bytes_; }  // bodies, and what keeping them costs
  [[nodiscard]] uint64_t max_bytes() const { return max_bytes_; }
  [[nodiscard]] const CacheCounters& counters() const { return counters_; }
  // Expires with the cache.
  [[nodiscard]] std::weak_ptr<const bool> alive() const { return alive_; }

 private:
  struct Entry {
    BlockKey key;
    BlockRef block;
  };
  using Recent = std::list<Entry>;
  using Places = std::map<BlockKey, Recent::iterator>;
  Places::iterator drop(Places::iterator place);
  uint64_t max_bytes_;
  uint64_t bytes_ = 0;
  Recent recent_;  // most recently used first
  Places places_;
  CacheCounters counters_;
  std::shared_ptr<const bool> alive_ = std::make_shared<const bool>(true);
};

// Blocks that one operation reads, sorted by key. Each stays where it is until clear().
class HeldBlocks {
 public:
  [[nodiscard]] const Block* find(const BlockKey& key) const;
  const Block* hold(const BlockKey& key, BlockRef block);
  void clear() { held_.clear(); }

 private:
  std::vector<std::pair<BlockKey, BlockRef>> held_;
};

// What one operation reads through the cache: it holds every block it was given, and notes those it lacks. Costs
// nothing where all is in memory tables.
class LeasedBlocks final : public Blocks {
 public:
  explicit LeasedBlocks(BlockCache& cache) : cache_(&cache) {}
  const Block* find(const Run& run, const BlockHandle& handle) override;
  // What the last fetch failed with: the operation can't be carried out. From then on nothing is found.
  [[nodiscard]] const std::optional<Error>& trouble() const override { return trouble_; }
  // Something was missing: fetch and come again.
  [[nodiscard]] bool cold() const { return !missing_.empty(); }
  // Reads what is missing in a Job, puts it into cache and lease, then `done`. One fetch at a time. The lease must
  // outlive the fetch and stay where it is (keep it in a shared_ptr that `done` owns). Where the cache ends meanwhile,
  // `done` is dropped.
  void fetch(runtime::Jobs& jobs, runtime::Callback done);
  // Lets go of everything held, between two parts of a long operation.
  void release() { held_.clear(); }

 private:
  BlockCache* cache_;
  HeldBlocks held_;
  std::vector<BlockId> missing_;
  std::optional<Error> trouble_;
};

// Reads on the spot, for Jobs, start-up and offline tools: the runs of one data directory. Blocking.
class DirectBlocks final : public Blocks {
 public:
  DirectBlocks(runtime::Disk& disk, uint64_t max_bytes);
  ~DirectBlocks() override;
  const Block* find(const Run& run, const BlockHandle& handle) override;
  // What the last read failed with.
  [[nodiscard]] const std::optional<Error>& trouble() const override { return trouble_; }
  // Lets the cache shrink to its bound; views into blocks are void afterwards. Call between two operations.
  void settle();

 private:
  [[nodiscard]] Result<runtime::File*> file_of(const Run& run);
  runtime::Disk& disk_;
  std::map<RunNumber, std::unique_ptr<runtime::File>> files_;
  BlockCache cache_;
  HeldBlocks held_;
  std::optional<Error> trouble_;
};

}  // namespace aerodb::store
