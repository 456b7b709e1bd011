#include "common/store/memory_cursor.h"

#include "common/base/assert.h"

namespace aerodb::store {
namespace {

const DocumentEntry* document_of(const DocumentEntry* entry) { return entry; }
const DocumentEntry* document_of(const IndexEntry* entry) { return entry->document; }

template <class Entry>
class TreeCursor final : public EntryCursor {
 public:
  TreeCursor(const BTree<Entry>& tree, bool newest_layer) : tree_(tree), newest_layer_(newest_layer) {}
  CursorState seek(Blocks& /*blocks*/, const TreeKey& key, Direction direction) override {
    direction_ = direction;
    at_ = direction == Direction::kAscending ? tree_.lower_bound(key) : tree_.before(key);
    return state();
  }
  CursorState seek_end(Blocks& /*blocks*/, Direction direction) override {
    direction_ = direction;
    at_ = direction == Direction::kAscending ? tree_.first() : tree_.last();
    return state();
  }
  CursorState next(Blocks& /*blocks*/) override {
    AERODB_ASSERT(at_.get() != nullptr);
    if (direction_ == Direction::kAscending)
      at_.next();
    else
      at_.previous();
    return state();
  }
  [[nodiscard]] TreeKey key() const override {
    const Entry* entry = at_.get();
    AERODB_ASSERT(entry != nullptr);
    return {entry->first(), entry->second()};
  }
  [[nodiscard]] VersionView version_at(CommitId bound) const override {
    if (!newest_layer_) return {};
    const Entry* entry = at_.get();
    AERODB_ASSERT(entry != nullptr);
    return newest_at(*document_of(entry), bound);
  }

 private:
  [[nodiscard]] CursorState state() const { return at_.get() == nullptr ? CursorState::kEnd : CursorState::kAt; }
  const BTree<Entry>& tree_;
  bool newest_layer_;
  Direction direction_ = Direction::kAscending;
  BTree<Entry>::Position at_;
};

template <class Entry>
std::unique_ptr<EntryCursor> cursor_over(const BTree<Entry>& tree, bool newest_layer) {
  if (tree.size() == 0) return nullptr;
  return std::make_unique<TreeCursor<Entry>>(tree, newest_layer);
}

}  // namespace

std::unique_ptr<EntryCursor> memory_cursor(const MemoryTable& table, std::string_view collection,
                                           std::string_view index_path, bool newest_layer) {
  const auto* found = table.collection(collection);
  if (found == nullptr) return nullptr;
  if (index_path.empty()) return cursor_over(found->documents, newest_layer);
  const auto* index = found->index(index_path);
  return index == nullptr ? nullptr : cursor_over(index->entries, newest_layer);
}

}  // namespace aerodb::store
