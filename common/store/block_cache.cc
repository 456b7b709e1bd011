#include "common/store/block_cache.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "common/base/assert.h"

namespace aerodb::store {
namespace {

// List and map nodes, block header: about what a block costs beside its body.
constexpr uint64_t kEntryBytes = 192;

uint64_t cost_of(const BlockRef& block) { return block->body.size() + kEntryBytes; }

BlockKey key_of(const Run& run, const BlockHandle& handle) { return {run.info().number, handle.offset, handle.kind}; }

bool before(const std::pair<BlockKey, BlockRef>& held, const BlockKey& key) { return held.first < key; }

bool in_file_order(const BlockId& a, const BlockId& b) { return key_of(*a.run, a.handle) < key_of(*b.run, b.handle); }

// What a fetch brings: blocks in the order asked for, up to the first that could not be read.
struct Fetched {
  std::vector<BlockId> wanted;  // in file order
  std::vector<BlockRef> blocks;
  std::optional<Error> error;
};

Result<void> read_all(runtime::Disk& disk, Fetched& fetched) {
  std::unique_ptr<runtime::File> file;
  const Run* open = nullptr;
  for (const auto& wanted : fetched.wanted) {
    if (wanted.run.get() != open) {
      auto opened = disk.open(wanted.run->path(), runtime::OpenMode::kRead);
      if (!opened) return fail(std::move(opened.error()));
      file = std::move(*opened);
      open = wanted.run.get();
    }
    auto block = wanted.run->read_block(*file, wanted.handle);
    if (!block) return fail(std::move(block.error()));
    fetched.blocks.push_back(std::move(*block));
  }
  return {};
}

}  // namespace

// --- BlockCache

BlockRef BlockCache::find(RunNumber run, const BlockHandle& handle) {
  const auto place = places_.find({run, handle.offset, handle.kind});
  if (place == places_.end()) {
    ++counters_.misses;
    return nullptr;
  }
  ++counters_.hits;
  recent_.splice(recent_.begin(), recent_, place->second);
  return place->second->block;
}

void BlockCache::insert(RunNumber run, const BlockHandle& handle, BlockRef block) {
  const BlockKey key{run, handle.offset, handle.kind};
  const auto [place, added] = places_.try_emplace(key);
  if (!added) return;
  bytes_ += cost_of(block);
  recent_.push_front({key, std::move(block)});
  place->second = recent_.begin();
  shrink();
}

void BlockCache::forget(RunNumber run) {
  for (auto place = places_.lower_bound({run, 0}); place != places_.end() && place->first.run == run;)
    place = drop(place);
}

// Those that are held move to the front: they are in use now, and the next call need not look at them again.
void BlockCache::shrink() {
  for (size_t left = recent_.size(); bytes_ > max_bytes_ && left > 0; --left) {
    const auto last = std::prev(recent_.end());
    if (last->block.use_count() > 1) {
      recent_.splice(recent_.begin(), recent_, last);
      continue;
    }
    drop(places_.find(last->key));
    ++counters_.evicted;
  }
}

BlockCache::Places::iterator BlockCache::drop(Places::iterator place) {
  bytes_ -= cost_of(place->second->block);
  recent_.erase(place->second);
  return places_.erase(place);
}

// --- HeldBlocks

const Block* HeldBlocks::find(const BlockKey& key) const {
  const auto at = std::lower_bound(held_.begin(), held_.end(), key, before);
  return at != held_.end() && at->first == key ? at->second.get() : nullptr;
}

const Block* HeldBlocks::hold(const BlockKey& key, BlockRef block) {
  const auto at = std::lower_bound(held_.begin(), held_.end(), key, before);
  return held_.emplace(at, key, std::move(block))->second.get();
}

// --- LeasedBlocks

const Block* LeasedBlocks::find(const Run& run, const BlockHandle& handle) {
  if (trouble_) return nullptr;
  const BlockKey key = key_of(run, handle);
  if (const Block* held = held_.find(key)) return held;
  const bool noted =
      std::ranges::any_of(missing_, [&](const BlockId& id) { return key_of(*id.run, id.handle) == key; });
  if (noted) return nullptr;
  if (auto block = cache_->find(key.run, handle)) return held_.hold(key, std::move(block));
  missing_.push_back({run.shared_from_this(), handle});
  return nullptr;
}

void LeasedBlocks::fetch(runtime::Jobs& jobs, runtime::Callback done) {
  AERODB_ASSERT(cold());
  auto fetched = std::make_shared<Fetched>();
  fetched->wanted = std::move(missing_);
  missing_.clear();
  std::ranges::sort(fetched->wanted, in_file_order);
  jobs.run(
      [fetched](runtime::Disk& disk) {
        if (auto read = read_all(disk, *fetched); !read) fetched->error = std::move(read.error());
      },
      [this, fetched, cache_alive = cache_->alive(), done = std::move(done)]() mutable {
        if (cache_alive.expired()) return;
        for (size_t i = 0; i < fetched->blocks.size(); ++i) {
          const auto& [run, handle] = fetched->wanted[i];
          held_.hold(key_of(*run, handle), fetched->blocks[i]);
          cache_->insert(run->info().number, handle, std::move(fetched->blocks[i]));
        }
        trouble_ = std::move(fetched->error);
        done();
      });
}

// --- DirectBlocks

DirectBlocks::DirectBlocks(runtime::Disk& disk, uint64_t max_bytes) : disk_(disk), cache_(max_bytes) {}
DirectBlocks::~DirectBlocks() = default;

const Block* DirectBlocks::find(const Run& run, const BlockHandle& handle) {
  const BlockKey key = key_of(run, handle);
  if (const Block* held = held_.find(key)) return held;
  if (auto block = cache_.find(key.run, handle)) return held_.hold(key, std::move(block));
  auto file = file_of(run);
  if (!file) {
    trouble_ = std::move(file.error());
    return nullptr;
  }
  auto block = run.read_block(**file, handle);
  if (!block) {
    trouble_ = std::move(block.error());
    return nullptr;
  }
  const Block* held = held_.hold(key, *block);
  cache_.insert(key.run, handle, std::move(*block));
  return held;
}

Result<runtime::File*> DirectBlocks::file_of(const Run& run) {
  auto& file = files_[run.info().number];
  if (file == nullptr) {
    auto opened = disk_.open(run.path(), runtime::OpenMode::kRead);
    if (!opened) return fail(std::move(opened.error()));
    file = std::move(*opened);
  }
  return file.get();
}

void DirectBlocks::settle() {
  held_.clear();
  cache_.shrink();
}

}  // namespace aerodb::store
