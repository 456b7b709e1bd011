// Walks one section of a run both ways: the ids of a collection, each once however many versions it has, or the entries
// of an index. Holds a path of blocks from the root down; where one is not at hand it is done (kCold).
#pragma once

#include <array>

#include "common/store/block.h"
#include "common/store/run.h"

namespace aerodb::store {

class RunCursor final : public EntryCursor {
 public:
  // Both must outlive it.
  RunCursor(const Run& run, const RunSection& section) : run_(run), section_(section) {}
  CursorState seek(Blocks& blocks, const TreeKey& key, Direction direction) override;
  CursorState seek_end(Blocks& blocks, Direction direction) override;
  CursorState next(Blocks& blocks) override;
  [[nodiscard]] TreeKey key() const override;

 private:
  struct Step {
    const Block* block = nullptr;
    uint32_t at = 0;
  };
  [[nodiscard]] bool documents() const { return section_.path.empty(); }
  [[nodiscard]] BlockView entries() const { return BlockView(*path_[0].block); }
  [[nodiscard]] EntryKey here() const { return entries().key(path_[0].at); }
  [[nodiscard]] const Block* load(Blocks& blocks, const BlockHandle& handle) const;
  // To the first entry >= key; to the last one < key.
  CursorState first_from(Blocks& blocks, const EntryKey& key);
  CursorState last_below(Blocks& blocks, const EntryKey& key);
  CursorState move(Blocks& blocks);                   // one entry further, within the section
  CursorState move_block(Blocks& blocks);             // to the nearest entry of the next block
  CursorState enter(Blocks& blocks, uint32_t level);  // down from path_[level], along the side the walk comes from
  const Run& run_;
  const RunSection& section_;
  Direction direction_ = Direction::kAscending;
  std::array<Step, kMaxRunHeight + 1> path_;  // [0]: entries
};

}  // namespace aerodb::store
