#include "common/store/run_cursor.h"

#include "common/base/assert.h"

namespace aerodb::store {

const Block* RunCursor::load(Blocks& blocks, const BlockHandle& handle) const {
  const Block* block = blocks.find(run_, handle);
  AERODB_ASSERT(block == nullptr || block->kind == handle.kind);
  return block;
}

CursorState RunCursor::first_from(Blocks& blocks, const EntryKey& key) {
  BlockHandle at = section_.top;
  for (uint32_t level = section_.height; level > 0; --level) {
    path_[level].block = load(blocks, at);
    if (path_[level].block == nullptr) return CursorState::kCold;
    const BlockView node(*path_[level].block);
    const uint32_t behind = node.upper_bound(key);
    path_[level].at = behind == 0 ? 0 : behind - 1;
    at = node.child(path_[level].at, kind_of_level(section_, level - 1));
  }
  path_[0].block = load(blocks, at);
  if (path_[0].block == nullptr) return CursorState::kCold;
  path_[0].at = entries().lower_bound(key);
  return path_[0].at < entries().count() ? CursorState::kAt : move_block(blocks);
}

CursorState RunCursor::last_below(Blocks& blocks, const EntryKey& key) {
  BlockHandle at = section_.top;
  for (uint32_t level = section_.height; level > 0; --level) {
    path_[level].block = load(blocks, at);
    if (path_[level].block == nullptr) return CursorState::kCold;
    const BlockView node(*path_[level].block);
    // A block whose separator is below the key holds an entry below it: of documents, keys here come before all of an
    // id's versions.
    const uint32_t behind = node.lower_bound(key);
    if (behind == 0) return CursorState::kEnd;
    path_[level].at = behind - 1;
    at = node.child(path_[level].at, kind_of_level(section_, level - 1));
  }
  path_[0].block = load(blocks, at);
  if (path_[0].block == nullptr) return CursorState::kCold;
  const uint32_t behind = entries().lower_bound(key);
  if (behind == 0) return move_block(blocks);
  path_[0].at = behind - 1;
  return CursorState::kAt;
}

CursorState RunCursor::enter(Blocks& blocks, uint32_t level) {
  for (; level > 0; --level) {
    const BlockView node(*path_[level].block);
    Step& below = path_[level - 1];
    below.block = load(blocks, node.child(path_[level].at, kind_of_level(section_, level - 1)));
    if (below.block == nullptr) return CursorState::kCold;
    below.at = direction_ == Direction::kAscending ? 0 : BlockView(*below.block).count() - 1;
  }
  return CursorState::kAt;
}

CursorState RunCursor::move_block(Blocks& blocks) {
  for (uint32_t level = 1; level <= section_.height; ++level) {
    Step& step = path_[level];
    if (direction_ == Direction::kAscending) {
      if (step.at + 1 == BlockView(*step.block).count()) continue;
      ++step.at;
    } else {
      if (step.at == 0) continue;
      --step.at;
    }
    return enter(blocks, level);
  }
  return CursorState::kEnd;
}

CursorState RunCursor::move(Blocks& blocks) {
  Step& step = path_[0];
  if (direction_ == Direction::kAscending) {
    if (step.at + 1 == entries().count()) return move_block(blocks);
    ++step.at;
  } else {
    if (step.at == 0) return move_block(blocks);
    --step.at;
  }
  return CursorState::kAt;
}

CursorState RunCursor::seek(Blocks& blocks, const TreeKey& key, Direction direction) {
  direction_ = direction;
  // Of documents, before all versions of the id.
  const EntryKey place{key.first, key.second, documents() ? kBeforeVersions : CommitId()};
  return direction == Direction::kAscending ? first_from(blocks, place) : last_below(blocks, place);
}

CursorState RunCursor::seek_end(Blocks& blocks, Direction direction) {
  direction_ = direction;
  Step& root = path_[section_.height];
  root.block = load(blocks, section_.top);
  if (root.block == nullptr) return CursorState::kCold;
  root.at = direction == Direction::kAscending ? 0 : BlockView(*root.block).count() - 1;
  return enter(blocks, section_.height);
}

CursorState RunCursor::next(Blocks& blocks) {
  if (!documents()) return move(blocks);
  // Versions of the id are passed over one by one within this block; where they go on in the next, by a new search.
  const Block* block = path_[0].block;
  const ByteSpan id = here().first;
  CursorState state = CursorState::kAt;
  do {
    state = move(blocks);
    if (state != CursorState::kAt || compare_bytes(here().first, id) != 0) return state;
  } while (path_[0].block == block);
  return direction_ == Direction::kAscending ? first_from(blocks, {id, {}, kBehindVersions})
                                             : last_below(blocks, {id, {}, kBeforeVersions});
}

TreeKey RunCursor::key() const {
  const EntryKey key = here();
  return {key.first, key.second};
}

}  // namespace aerodb::store
