#include "common/store/layers.h"

#include <utility>

#include "common/base/assert.h"
#include "common/store/memory_cursor.h"

namespace aerodb::store {
namespace {

VersionView find_in(const MemoryTable& table, std::string_view collection, std::string_view id, CommitId bound,
                    MemoryTable::Place* place = nullptr) {
  const auto* found = table.collection(collection);
  const auto* entry = found == nullptr ? nullptr : MemoryTable::find(*found, id, place);
  return entry == nullptr ? VersionView{} : newest_at(*entry, bound);
}

}  // namespace

Layers::Layers() : active_(std::make_unique<MemoryTable>()) {}

std::optional<VersionView> Layers::find(Blocks& blocks, std::string_view collection, std::string_view id,
                                        CommitId bound, MemoryTable::Place* place) const {
  if (const auto view = find_in(*active_, collection, id, bound, place)) return view;
  if (frozen_ != nullptr) {
    if (const auto view = find_in(*frozen_, collection, id, bound)) return view;
  }
  for (size_t i = runs_.size(); i-- > 0;) {
    if (runs_[i]->info().first_commit > bound) continue;
    const auto view = runs_[i]->find(blocks, collection, id, bound);
    if (!view || *view) return view;
  }
  return VersionView{};
}

std::unique_ptr<EntryCursor> Layers::cursor(std::string_view collection, std::string_view index_path) const {
  std::vector<std::unique_ptr<EntryCursor>> parts;
  auto add = [&parts](std::unique_ptr<EntryCursor> part) {
    if (part != nullptr) parts.push_back(std::move(part));
  };
  add(memory_cursor(*active_, collection, index_path, true));
  if (frozen_ != nullptr) add(memory_cursor(*frozen_, collection, index_path));
  for (size_t i = runs_.size(); i-- > 0;) add(runs_[i]->cursor(collection, index_path));
  if (parts.size() == 1) return std::move(parts.front());
  return std::make_unique<MergedCursor>(std::move(parts));
}

void Layers::freeze() {
  AERODB_ASSERT(frozen_ == nullptr);
  auto empty = active_->empty_like();
  frozen_ = std::exchange(active_, std::move(empty));
}

std::shared_ptr<const MemoryTable> Layers::replace_frozen(std::vector<std::shared_ptr<const Run>> runs) {
  AERODB_ASSERT(frozen_ != nullptr);
  runs_ = std::move(runs);
  return std::exchange(frozen_, nullptr);
}

uint64_t Layers::memory_bytes() const { return active_->bytes() + (frozen_ == nullptr ? 0 : frozen_->bytes()); }

uint64_t Layers::versions() const {
  uint64_t versions = active_->versions() + (frozen_ == nullptr ? 0 : frozen_->versions());
  for (const auto& run : runs_) versions += run->info().versions;
  return versions;
}

uint64_t Layers::index_entries() const {
  uint64_t entries = active_->index_entries() + (frozen_ == nullptr ? 0 : frozen_->index_entries());
  for (const auto& run : runs_) entries += run->info().index_entries;
  return entries;
}

uint64_t Layers::index_bytes() const {
  uint64_t bytes = active_->index_bytes() + (frozen_ == nullptr ? 0 : frozen_->index_bytes());
  for (const auto& run : runs_) {
    for (const auto& section : run->sections()) bytes += section.path.empty() ? 0 : section.bytes;
  }
  return bytes;
}

}  // namespace aerodb::store
