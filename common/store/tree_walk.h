// Every entry of a tree of a memory table in order. What comes next lies anywhere in memory, and waiting for it is most
// of what such a walk costs: entries some steps ahead are asked for beforehand. The tree must not change meanwhile.
#pragma once

#include <type_traits>

#include "common/store/memory_table.h"

namespace aerodb::store {

template <class Entry>
class TreeWalk {
 public:
  TreeWalk() = default;
  explicit TreeWalk(const BTree<Entry>& tree) : at_(tree.first()), near_(at_), far_(at_) {
    for (int i = 0; i < kFar; ++i) step_far();
    for (int i = 0; i < kNear; ++i) step_near();
  }
  // nullptr past the end.
  [[nodiscard]] const Entry* get() const { return at_.get(); }
  // Requires get().
  void next() {
    at_.next();
    step_near();
    step_far();
  }

 private:
  static constexpr int kNear = 8;
  static constexpr int kFar = 16;
  static constexpr size_t kLineBytes = 64;

  static void ask_for(const void* place, size_t lines) {
    for (size_t i = 0; i < lines; ++i) __builtin_prefetch(static_cast<const uint8_t*>(place) + i * kLineBytes);
  }
  // What an entry leads to: by now the entry itself is at hand.
  static const void* target_of(const DocumentEntry& entry) { return entry.newest; }
  static const void* target_of(const IndexEntry& entry) { return entry.document; }

  void step_far() {
    const Entry* entry = far_.get();
    if (entry == nullptr) return;
    ask_for(entry, std::is_same_v<Entry, DocumentEntry> ? 4 : 1);  // the first version lies behind its entry
    far_.next();
  }
  void step_near() {
    const Entry* entry = near_.get();
    if (entry == nullptr) return;
    ask_for(target_of(*entry), 2);
    near_.next();
  }

  BTree<Entry>::Position at_;
  BTree<Entry>::Position near_;
  BTree<Entry>::Position far_;
};

}  // namespace aerodb::store
