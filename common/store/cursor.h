// Walking sorted entries of one kind through all layers of a store: ids of a collection, or (value, id) pairs of an
// index. Both ways.
#pragma once

#include <memory>
#include <vector>

#include "common/store/blocks.h"
#include "common/store/btree.h"

namespace aerodb::store {

enum class Direction : uint8_t { kAscending, kDescending };
enum class CursorState : uint8_t {
  kAt,    // key() names the entry
  kEnd,   // none is left
  kCold,  // a block is not at hand: make a new cursor and seek again when it is
};

// Documents: first is the id, second empty. Index: first is the value's index key, second the id.
class EntryCursor {
 public:
  virtual ~EntryCursor() = default;
  // Ascending: to the first entry >= key. Descending: to the last entry < key.
  virtual CursorState seek(Blocks& blocks, const TreeKey& key, Direction direction) = 0;
  // To the very first (ascending) or last (descending) entry.
  virtual CursorState seek_end(Blocks& blocks, Direction direction) = 0;
  // One further in the direction of the seek. Requires kAt.
  virtual CursorState next(Blocks& blocks) = 0;
  // Valid until the next call; requires kAt.
  [[nodiscard]] virtual TreeKey key() const = 0;
  // What Layers::find would answer for the entry's document, where the cursor has it at hand: it saves the search by
  // _id. Empty: search. Requires kAt.
  [[nodiscard]] virtual VersionView version_at(CommitId /*bound*/) const { return {}; }
};

// Several cursors as one, each key once.
class MergedCursor final : public EntryCursor {
 public:
  explicit MergedCursor(std::vector<std::unique_ptr<EntryCursor>> parts);
  CursorState seek(Blocks& blocks, const TreeKey& key, Direction direction) override;
  CursorState seek_end(Blocks& blocks, Direction direction) override;
  CursorState next(Blocks& blocks) override;
  [[nodiscard]] TreeKey key() const override;
  [[nodiscard]] VersionView version_at(CommitId bound) const override;

 private:
  struct Part {
    std::unique_ptr<EntryCursor> cursor;
    CursorState state = CursorState::kEnd;
  };
  CursorState pick();
  std::vector<Part> parts_;
  Direction direction_ = Direction::kAscending;
  size_t at_ = 0;  // the part whose key is next
};

}  // namespace aerodb::store
