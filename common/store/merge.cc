#include "common/store/merge.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>
#include <string>
#include <utility>

#include "common/base/assert.h"
#include "common/base/fault.h"
#include "common/document/schema.h"
#include "common/store/tree_walk.h"

namespace aerodb::store {
namespace {

class TableVersions final : public VersionSource {
 public:
  explicit TableVersions(const MemoryTable& table) : collection_(table.by_name().begin()), end_(table.by_name().end()) {
    if (collection_ != end_) walk_ = TreeWalk(collection_->second->documents);
  }
  Result<std::optional<RunVersion>> next() override {
    if (version_ != nullptr) version_ = version_->older;
    while (version_ == nullptr) {
      if (collection_ == end_) return std::nullopt;
      if (const DocumentEntry* entry = walk_.get()) {
        id_ = entry->id();
        version_ = entry->newest;
        walk_.next();
      } else if (++collection_ != end_) {
        walk_ = TreeWalk(collection_->second->documents);
      }
    }
    return RunVersion{collection_->first, id_, version_->commit, version_->schema_version, version_->document()};
  }

 private:
  MemoryTable::Collections::const_iterator collection_;
  MemoryTable::Collections::const_iterator end_;
  TreeWalk<DocumentEntry> walk_;  // at the next document
  std::string_view id_;
  const Version* version_ = nullptr;  // answered last
};

// Blocks vouch for their own bytes. That versions ascend from block to block, and that none is of another run's
// commits, is checked here: what is merged is written again and must be right.
class RunVersions final : public VersionSource {
 public:
  RunVersions(std::shared_ptr<const Run> run, std::unique_ptr<runtime::File> file)
      : run_(std::move(run)), scan_(run_, std::move(file)) {}
  Result<std::optional<RunVersion>> next() override {
    auto version = scan_.next();
    if (!version || !*version) return version;
    if (auto damage = check(**version))
      return fail(run_damaged(run_->path(), fmt::format("documents of {}", (*version)->collection), 0, *damage));
    collection_ = (*version)->collection;
    id_ = (*version)->id;
    commit_ = (*version)->commit;
    return version;
  }

 private:
  [[nodiscard]] std::optional<Damage> check(const RunVersion& version) const {
    const RunInfo& info = run_->info();
    if (version.commit < info.first_commit || version.commit > info.last_commit) {
      return Damage{"commit of a version", fmt::format("{} to {}", info.first_commit.value(), info.last_commit.value()),
                    fmt::format("{}", version.commit.value())};
    }
    if (version.id.empty() || version.id.size() > document::kMaxIdBytes)
      return Damage{"bytes of an id", fmt::format("1 to {}", document::kMaxIdBytes),
                    fmt::format("{}", version.id.size())};
    if (version.collection != collection_ || version.id > id_ || (version.id == id_ && version.commit < commit_))
      return std::nullopt;
    return Damage{"version", fmt::format("one behind {:?} at commit {}", id_, commit_.value()),
                  fmt::format("{:?} at commit {}", version.id, version.commit.value())};
  }

  std::shared_ptr<const Run> run_;
  RunScan scan_;
  std::string collection_;  // of the version answered last
  std::string id_;
  CommitId commit_;
};

// Of one document after another, newest version first: which versions stay.
class FloorRule {
 public:
  explicit FloorRule(const MergeOptions& options)
      : floor_(options.floor), bottom_(options.bottom || planted(Fault::kTombstoneDroppedEarly)) {}
  [[nodiscard]] bool keeps(const RunVersion& version) {
    if (version.collection != collection_ || version.id != id_) {
      collection_ = version.collection;
      id_ = version.id;
      above_ = false;
      below_ = false;
    }
    if (version.commit > floor_) {
      above_ = true;
      return true;
    }
    // A read at the floor sees the newest of these. A tombstone there hides what older runs may hold.
    const bool newest = !std::exchange(below_, true);
    if (!newest || (above_ && planted(Fault::kFloorOffByOne))) return false;
    return version.schema_version != 0 || !bottom_;
  }

 private:
  CommitId floor_;
  bool bottom_;
  std::string collection_;  // of the document under way
  std::string id_;
  bool above_ = false;  // it has a version above the floor
  bool below_ = false;  // and one at or below it, already seen
};

class MergedVersions final : public VersionSource {
 public:
  MergedVersions(std::vector<std::unique_ptr<VersionSource>> sources, const MergeOptions& options) : rule_(options) {
    for (auto& source : sources) heads_.push_back({std::move(source), {}});
  }
  Result<std::optional<RunVersion>> next() override {
    while (true) {
      if (auto moved = advance(); !moved) return fail(std::move(moved.error()));
      if (order_.empty()) return std::nullopt;
      const RunVersion& version = heads_[order_.front()].version;
      if (rule_.keeps(version)) return version;
    }
  }

 private:
  struct Head {
    std::unique_ptr<VersionSource> source;
    RunVersion version;
  };

  // Order of the heap.
  auto later_first() const {
    return [this](size_t a, size_t b) {
      const RunVersion& left = heads_[a].version;
      const RunVersion& right = heads_[b].version;
      if (const int order = left.collection.compare(right.collection)) return order > 0;
      if (const int order = left.id.compare(right.id)) return order > 0;
      AERODB_ASSERT(left.commit != right.commit || a == b);  // a version lies in one layer
      return left.commit < right.commit;
    };
  }
  // The version answered last gives way to the one behind it in its source.
  Result<void> advance() {
    if (!std::exchange(started_, true)) {
      for (size_t i = 0; i < heads_.size(); ++i) {
        if (auto moved = move_on(i); !moved) return moved;
      }
      return {};
    }
    if (order_.empty()) return {};
    std::ranges::pop_heap(order_, later_first());
    const size_t head = order_.back();
    order_.pop_back();
    return move_on(head);
  }
  Result<void> move_on(size_t i) {
    auto version = heads_[i].source->next();
    if (!version) return fail(std::move(version.error()));
    if (!*version) return {};
    heads_[i].version = **version;
    order_.push_back(i);
    std::ranges::push_heap(order_, later_first());
    return {};
  }

  std::vector<Head> heads_;
  std::vector<size_t> order_;  // heap of heads that have a version, the first in run order at its top
  FloorRule rule_;
  bool started_ = false;
};

constexpr size_t kGroup = 4;
constexpr uint64_t kSmallest = 1ull << 20;
constexpr uint64_t kGrowth = 4;

int size_class(uint64_t bytes) {
  int size_class = 0;
  for (uint64_t limit = kSmallest; bytes > limit && limit <= UINT64_MAX / kGrowth; limit *= kGrowth) ++size_class;
  return size_class;
}

// How many of the newest make the largest group.
size_t largest_group(std::span<const uint64_t> sizes) {
  size_t group = 0;
  int highest = 0;
  size_t of_highest = 0;
  for (size_t count = 1; count <= sizes.size(); ++count) {
    const int next = size_class(sizes[sizes.size() - count]);
    if (next > highest) of_highest = 0;
    highest = std::max(highest, next);
    of_highest += next == highest ? 1 : 0;
    if (of_highest >= kGroup) group = count;
  }
  return group;
}

}  // namespace

std::unique_ptr<VersionSource> versions_of(const MemoryTable& table) { return std::make_unique<TableVersions>(table); }

std::unique_ptr<VersionSource> versions_of(std::shared_ptr<const Run> run, std::unique_ptr<runtime::File> file) {
  return std::make_unique<RunVersions>(std::move(run), std::move(file));
}

std::unique_ptr<VersionSource> merge_versions(std::vector<std::unique_ptr<VersionSource>> sources,
                                              const MergeOptions& options) {
  return std::make_unique<MergedVersions>(std::move(sources), options);
}

size_t runs_to_merge(const std::vector<RunInfo>& runs) {
  std::vector<uint64_t> sizes;
  sizes.reserve(runs.size());
  for (const auto& run : runs) sizes.push_back(run.bytes);
  // Merges in mind, until none is left: how many runs are in the newest one then?
  while (const size_t group = largest_group(sizes)) {
    uint64_t merged = 0;
    for (size_t i = 0; i < group; ++i, sizes.pop_back()) merged += sizes.back();
    sizes.push_back(merged);
  }
  const size_t merged = runs.size() - sizes.size();  // each merge of n leaves n - 1 fewer
  return merged == 0 ? 0 : merged + 1;
}

}  // namespace aerodb::store
