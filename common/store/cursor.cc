#include "common/store/cursor.h"

#include "common/base/assert.h"

namespace aerodb::store {

MergedCursor::MergedCursor(std::vector<std::unique_ptr<EntryCursor>> parts) {
  for (auto& part : parts) parts_.push_back({std::move(part), CursorState::kEnd});
}

// Every part is sought even where one is cold: one fetch then brings all that is missing.
CursorState MergedCursor::seek(Blocks& blocks, const TreeKey& key, Direction direction) {
  direction_ = direction;
  for (auto& part : parts_) part.state = part.cursor->seek(blocks, key, direction);
  return pick();
}

CursorState MergedCursor::seek_end(Blocks& blocks, Direction direction) {
  direction_ = direction;
  for (auto& part : parts_) part.state = part.cursor->seek_end(blocks, direction);
  return pick();
}

CursorState MergedCursor::next(Blocks& blocks) {
  const TreeKey passed = key();  // the part at_ moves last: it holds these bytes
  for (size_t i = 0; i < parts_.size(); ++i) {
    auto& part = parts_[i];
    if (i == at_ || part.state != CursorState::kAt || compare_keys(part.cursor->key(), passed) != 0) continue;
    part.state = part.cursor->next(blocks);
  }
  parts_[at_].state = parts_[at_].cursor->next(blocks);
  return pick();
}

TreeKey MergedCursor::key() const {
  AERODB_ASSERT(at_ < parts_.size() && parts_[at_].state == CursorState::kAt);
  return parts_[at_].cursor->key();
}

VersionView MergedCursor::version_at(CommitId bound) const {
  AERODB_ASSERT(at_ < parts_.size() && parts_[at_].state == CursorState::kAt);
  return parts_[at_].cursor->version_at(bound);
}

CursorState MergedCursor::pick() {
  at_ = parts_.size();
  TreeKey best;
  for (size_t i = 0; i < parts_.size(); ++i) {
    if (parts_[i].state == CursorState::kCold) return CursorState::kCold;
    if (parts_[i].state == CursorState::kEnd) continue;
    const TreeKey key = parts_[i].cursor->key();
    if (at_ < parts_.size()) {
      const int order = compare_keys(key, best);
      if (direction_ == Direction::kAscending ? order >= 0 : order <= 0) continue;
    }
    at_ = i;
    best = key;
  }
  return at_ < parts_.size() ? CursorState::kAt : CursorState::kEnd;
}

}  // namespace aerodb::store
