// A B+tree of pointers to entries that stay where they are, ordered by (first, second) byte strings, with 8-byte key
// prefixes in the nodes so that most comparisons touch no entry. Entries are only ever added. One writer, no
// concurrency.
//
// Entry must offer first() and second() -> ByteSpan; a key that has one part leaves second() empty.
#pragma once

#include <algorithm>
#include <array>
#include <cstring>
#include <deque>
#include <optional>

#include "common/base/bytes.h"

namespace aerodb::store {

struct TreeKey {
  ByteSpan first;
  ByteSpan second;
};

[[nodiscard]] inline uint64_t key_prefix(ByteSpan key) {
  uint64_t prefix = 0;
  if (key.size() >= 8) {
    std::memcpy(&prefix, key.data(), 8);
    return __builtin_bswap64(prefix);
  }
  for (size_t i = 0; i < key.size(); ++i) prefix |= uint64_t{key[i]} << (56 - 8 * i);
  return prefix;
}

[[nodiscard]] inline int compare_bytes(ByteSpan a, ByteSpan b) {
  const size_t common = std::min(a.size(), b.size());
  const int order = common == 0 ? 0 : std::memcmp(a.data(), b.data(), common);
  if (order != 0) return order;
  return a.size() == b.size() ? 0 : a.size() < b.size() ? -1 : 1;
}

template <class Entry>
class BTree {
  static constexpr uint32_t kFanout = 32;
  struct Node {
    bool leaf = true;
    uint32_t count = 0;
    std::array<uint64_t, kFanout> prefixes;
    std::array<Entry*, kFanout> entries;  // leaf: the entries; inner: the first entry below child i + 1
  };
  struct Leaf : Node {
    Leaf* next = nullptr;
    Leaf* previous = nullptr;
  };
  struct Inner : Node {
    std::array<Node*, kFanout + 1> children;
  };

 public:
  // A place between entries; steps both ways.
  class Position {
   public:
    Position() = default;
    // nullptr past either end.
    [[nodiscard]] Entry* get() const {
      return leaf_ != nullptr && index_ < leaf_->count ? leaf_->entries[index_] : nullptr;
    }
    void next() {
      if (++index_ < leaf_->count) return;
      leaf_ = leaf_->next;
      index_ = 0;
    }
    void previous() {
      if (index_ > 0) {
        --index_;
        return;
      }
      leaf_ = leaf_->previous;
      index_ = leaf_ == nullptr ? 0 : leaf_->count - 1;
    }

   private:
    friend class BTree;
    Position(Leaf* leaf, uint32_t index) : leaf_(leaf), index_(index) {}
    Leaf* leaf_ = nullptr;
    uint32_t index_ = 0;
  };

  [[nodiscard]] Entry* find(const TreeKey& key) const {
    const Position at = lower_bound(key);
    Entry* entry = at.get();
    return entry != nullptr && compare(*entry, key) == 0 ? entry : nullptr;
  }

  // First entry not below `key`.
  [[nodiscard]] Position lower_bound(const TreeKey& key) const {
    if (root_ == nullptr) return {};
    const uint64_t prefix = key_prefix(key.first);
    Node* node = root_;
    while (!node->leaf) {
      auto* inner = static_cast<Inner*>(node);
      node = inner->children[upper(*inner, prefix, key)];
    }
    auto* leaf = static_cast<Leaf*>(node);
    uint32_t index = lower(*leaf, prefix, key);
    Position at(leaf, index);
    if (index == leaf->count && leaf->next != nullptr) at = Position(leaf->next, 0);
    return at;
  }
  [[nodiscard]] Position first() const { return Position(head_, 0); }
  [[nodiscard]] Position last() const { return tail_ == nullptr ? Position() : Position(tail_, tail_->count - 1); }
  // The entry before lower_bound(key).
  [[nodiscard]] Position before(const TreeKey& key) const {
    Position at = lower_bound(key);
    if (at.get() == nullptr) return last();
    at.previous();
    return at;
  }

  // Requires that no entry has this key. The entry must outlive the tree.
  void insert(Entry* entry) {
    if (root_ == nullptr) {
      head_ = tail_ = &leaves_.emplace_back();
      root_ = head_;
    }
    const TreeKey key{entry->first(), entry->second()};
    if (auto split = insert_into(*root_, entry, key_prefix(key.first), key)) {
      Inner& root = inners_.emplace_back();
      root.leaf = false;
      root.count = 1;
      root.prefixes[0] = key_prefix(split->first->first());
      root.entries[0] = split->first;
      root.children[0] = root_;
      root.children[1] = split->right;
      root_ = &root;
    }
    ++size_;
  }
  [[nodiscard]] uint64_t size() const { return size_; }
  [[nodiscard]] uint64_t bytes() const { return leaves_.size() * sizeof(Leaf) + inners_.size() * sizeof(Inner); }

 private:
  struct Split {
    Entry* first;
    Node* right;
  };

  static int compare(const Entry& entry, const TreeKey& key) {
    if (int order = compare_bytes(entry.first(), key.first)) return order;
    return compare_bytes(entry.second(), key.second);
  }
  static bool below(const Node& node, uint32_t i, uint64_t prefix, const TreeKey& key) {
    if (node.prefixes[i] != prefix) return node.prefixes[i] < prefix;
    return compare(*node.entries[i], key) < 0;
  }
  static bool at_most(const Node& node, uint32_t i, uint64_t prefix, const TreeKey& key) {
    if (node.prefixes[i] != prefix) return node.prefixes[i] < prefix;
    return compare(*node.entries[i], key) <= 0;
  }
  // First slot not below the key.
  static uint32_t lower(const Node& node, uint64_t prefix, const TreeKey& key) {
    uint32_t low = 0, high = node.count;
    while (low < high) {
      const uint32_t middle = (low + high) / 2;
      if (below(node, middle, prefix, key))
        low = middle + 1;
      else
        high = middle;
    }
    return low;
  }
  // First slot above the key.
  static uint32_t upper(const Node& node, uint64_t prefix, const TreeKey& key) {
    uint32_t low = 0, high = node.count;
    while (low < high) {
      const uint32_t middle = (low + high) / 2;
      if (at_most(node, middle, prefix, key))
        low = middle + 1;
      else
        high = middle;
    }
    return low;
  }
  static void open_slot(Node& node, uint32_t at, uint64_t prefix, Entry* entry) {
    std::copy_backward(node.prefixes.begin() + at, node.prefixes.begin() + node.count,
                       node.prefixes.begin() + node.count + 1);
    std::copy_backward(node.entries.begin() + at, node.entries.begin() + node.count,
                       node.entries.begin() + node.count + 1);
    node.prefixes[at] = prefix;
    node.entries[at] = entry;
    ++node.count;
  }
  static void move_upper_half(Node& from, Node& to, uint32_t begin) {
    std::copy(from.prefixes.begin() + begin, from.prefixes.begin() + from.count, to.prefixes.begin());
    std::copy(from.entries.begin() + begin, from.entries.begin() + from.count, to.entries.begin());
    to.count = from.count - begin;
    from.count = begin;
  }

  std::optional<Split> insert_into(Node& node, Entry* entry, uint64_t prefix, const TreeKey& key) {
    if (node.leaf) return insert_into_leaf(static_cast<Leaf&>(node), entry, prefix, key);
    auto& inner = static_cast<Inner&>(node);
    const uint32_t at = upper(inner, prefix, key);
    auto split = insert_into(*inner.children[at], entry, prefix, key);
    if (!split) return std::nullopt;
    if (inner.count < kFanout) {
      add_child(inner, at, *split);
      return std::nullopt;
    }
    // Full: the middle separator moves up, the upper half becomes a new node.
    Inner& right = inners_.emplace_back();
    right.leaf = false;
    constexpr uint32_t kMiddle = kFanout / 2;
    Entry* middle = inner.entries[kMiddle];
    move_upper_half(inner, right, kMiddle + 1);
    std::copy(inner.children.begin() + kMiddle + 1, inner.children.begin() + kFanout + 1, right.children.begin());
    inner.count = kMiddle;
    if (at <= kMiddle)
      add_child(inner, at, *split);
    else
      add_child(right, at - kMiddle - 1, *split);
    return Split{middle, &right};
  }

  static void add_child(Inner& inner, uint32_t at, const Split& split) {
    std::copy_backward(inner.children.begin() + at + 1, inner.children.begin() + inner.count + 1,
                       inner.children.begin() + inner.count + 2);
    open_slot(inner, at, key_prefix(split.first->first()), split.first);
    inner.children[at + 1] = split.right;
  }

  std::optional<Split> insert_into_leaf(Leaf& leaf, Entry* entry, uint64_t prefix, const TreeKey& key) {
    uint32_t at = lower(leaf, prefix, key);
    if (leaf.count < kFanout) {
      open_slot(leaf, at, prefix, entry);
      return std::nullopt;
    }
    Leaf& right = leaves_.emplace_back();
    // Ascending inserts, the common case of an import, leave full leaves behind.
    const uint32_t middle = at == kFanout && leaf.next == nullptr ? kFanout : kFanout / 2;
    move_upper_half(leaf, right, middle);
    right.next = leaf.next;
    right.previous = &leaf;
    (leaf.next != nullptr ? leaf.next->previous : tail_) = &right;
    leaf.next = &right;
    if (at < middle)
      open_slot(leaf, at, prefix, entry);
    else
      open_slot(right, at - middle, prefix, entry);
    return Split{right.entries[0], &right};
  }

  std::deque<Leaf> leaves_;  // deques keep nodes where they are
  std::deque<Inner> inners_;
  Node* root_ = nullptr;
  Leaf* head_ = nullptr;
  Leaf* tail_ = nullptr;
  uint64_t size_ = 0;
};

}  // namespace aerodb::store
