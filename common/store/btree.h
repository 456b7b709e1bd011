// A B+tree of pointers to entries that stay where they are, ordered by (first, second) byte strings. Entries are only
// ever added. One writer, no concurrency.
//
// Nodes hold 8 bytes of each key, so that most comparisons touch no entry. All keys of a node lie between its fences,
// the separators around it in the nodes above; the bytes that both fences share are in every such key and are left out
// of those 8 (the node's lens). Ids like "order-2024-000017" are told apart by the bytes in which they differ.
//
// A full leaf hands entries to a neighbour before it splits: leaves are more than three quarters full on average.
//
// Entry must offer first() and second() -> ByteSpan; a key that has one part leaves second() empty. It may offer
// prefetch_second(), where second() lies elsewhere in memory.
//
// A large tree is not in any cache, so that a search waits for memory above all: it asks for all of a node at once, and
// for all entries that it may have to compare, instead of for one line after the other.
#pragma once

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "common/base/assert.h"
#include "common/base/bytes.h"
#include "common/store/arena.h"
#include "common/store/tree_key.h"

namespace aerodb::store {

template <class Entry>
class BTree {
  static constexpr uint32_t kFanout = 32;
  static constexpr uint32_t kWorthSharing = 4;  // free places a neighbour must have to take entries over

  // Which 8 bytes of a key a node holds. Every key of the node has the bytes before them.
  struct Lens {
    bool of_second = false;  // all firsts are equal
    uint32_t skip = 0;
    friend bool operator==(const Lens&, const Lens&) = default;
  };
  struct Node {
    bool leaf = true;
    uint16_t count = 0;
    Lens lens;
    std::array<uint64_t, kFanout> prefixes;
    std::array<Entry*, kFanout> entries;  // leaf: the entries; inner: the first entry below child i + 1
  };
  struct Leaf : Node {
    Leaf* next = nullptr;
    Leaf* previous = nullptr;
  };
  struct Inner : Node {
    Inner() { this->leaf = false; }
    std::array<Node*, kFanout + 1> children;
  };
  // low <= every key < high; nullptr: no bound.
  struct Fences {
    const Entry* low = nullptr;
    const Entry* high = nullptr;
  };

 public:
  // Nodes come from the arena, which must outlive the tree.
  explicit BTree(Arena& nodes) : nodes_(nodes) {}
  BTree(const BTree&) = delete;
  BTree& operator=(const BTree&) = delete;

  // A place between entries; steps both ways. Void once something is inserted.
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
      index_ = leaf_ == nullptr ? 0 : leaf_->count - 1u;
    }

   private:
    friend class BTree;
    Position(Leaf* leaf, uint32_t index) : leaf_(leaf), index_(index) {}
    Leaf* leaf_ = nullptr;
    uint32_t index_ = 0;
  };

  // Where a search ended: it saves find_or_insert() the way down. Void once something is inserted.
  class Place {
    friend class BTree;
    const BTree* tree = nullptr;
    uint64_t size = 0;  // of the tree then: it only grows
    Leaf* leaf = nullptr;
    uint32_t index = 0;
    Entry* entry = nullptr;
  };

  [[nodiscard]] Entry* find(const TreeKey& key, Place* place = nullptr) const {
    if (root_ == nullptr) return nullptr;
    Leaf& leaf = leaf_of(key);
    const uint32_t at = lower(leaf, key);
    Entry* found = entry_at(leaf, at, key);
    if (place != nullptr) {
      place->tree = this;
      place->size = size_;
      place->leaf = &leaf;
      place->index = at;
      place->entry = found;
    }
    return found;
  }

  // First entry not below `key`.
  [[nodiscard]] Position lower_bound(const TreeKey& key) const {
    if (root_ == nullptr) return {};
    // The leaf before, where its neighbour begins with the key: so a walk from the first entry of a value looks at no
    // second part.
    Node* node = root_;
    while (!node->leaf) {
      auto* inner = static_cast<Inner*>(node);
      node = &prefetched(inner->children[lower(*inner, key)]);
    }
    auto& leaf = *static_cast<Leaf*>(node);
    const uint32_t index = lower(leaf, key);
    if (index == leaf.count && leaf.next != nullptr) return Position(leaf.next, 0);
    return Position(&leaf, index);
  }
  [[nodiscard]] Position first() const { return Position(head_, 0); }
  [[nodiscard]] Position last() const { return tail_ == nullptr ? Position() : Position(tail_, tail_->count - 1u); }
  // The entry before lower_bound(key).
  [[nodiscard]] Position before(const TreeKey& key) const {
    Position at = lower_bound(key);
    if (at.get() == nullptr) return last();
    at.previous();
    return at;
  }

  // The entry of `key`, and whether it was added: then `make` made it, with this very key. It must outlive the tree.
  // `place`: where find(key) ended; one that is void does no harm.
  template <class Make>
  std::pair<Entry*, bool> find_or_insert(const TreeKey& key, Make&& make, const Place& place = {}) {
    if (place.tree == this && place.size == size_) {
      if (place.entry != nullptr) return {place.entry, false};
      if (place.leaf->count < kFanout) {
        Entry* entry = make();
        add_slot(*place.leaf, place.index, entry);
        ++size_;
        return {entry, true};
      }
    }
    if (root_ == nullptr) {
      head_ = tail_ = new_leaf();
      root_ = head_;
    }
    Insertion<Make> insertion{key, make};
    if (auto split = insert_into(*root_, {}, insertion)) {
      Inner& root = *new_inner();
      root.children[0] = root_;
      add_child(root, 0, *split);
      root_ = &root;
    }
    size_ += insertion.added ? 1 : 0;
    return {insertion.entry, insertion.added};
  }
  // Requires that no entry has this key. The entry must outlive the tree.
  void insert(Entry* entry) {
    const bool added = find_or_insert(key_of(*entry), [entry] { return entry; }).second;
    AERODB_ASSERT(added);
  }
  [[nodiscard]] uint64_t size() const { return size_; }
  [[nodiscard]] uint64_t bytes() const { return leaves_ * sizeof(Leaf) + inners_ * sizeof(Inner); }

 private:
  template <class Make>
  struct Insertion {
    const TreeKey& key;
    Make& make;
    Entry* entry = nullptr;
    bool added = false;
  };
  struct Split {
    Entry* first;  // below right
    Node* right;
  };

  // --- keys as a node sees them
  static TreeKey key_of(const Entry& entry) { return {entry.first(), entry.second()}; }
  static uint64_t prefix_of(const TreeKey& key, Lens lens) {
    return key_prefix((lens.of_second ? key.second : key.first).subspan(lens.skip));
  }
  static Lens sharpest(const Fences& fences) {
    if (fences.low == nullptr || fences.high == nullptr) return {};
    const TreeKey low = key_of(*fences.low);
    const TreeKey high = key_of(*fences.high);
    if (const int order = compare_bytes(low.first, high.first); order != 0)
      return {false, static_cast<uint32_t>(shared_bytes(low.first, high.first))};
    return {true, static_cast<uint32_t>(shared_bytes(low.second, high.second))};
  }
  // Gives `node` a lens that holds between its fences. A new one touches every entry, so one that still tells keys
  // apart by some bytes is kept.
  static void fit(Node& node, const Fences& fences) {
    constexpr uint32_t kWorthRefitting = 4;
    const Lens sharp = sharpest(fences);
    const bool holds = node.lens.of_second == sharp.of_second && node.lens.skip <= sharp.skip;
    if (holds && sharp.skip - node.lens.skip < kWorthRefitting) return;
    node.lens = sharp;
    for (uint32_t i = 0; i < node.count; ++i) node.prefixes[i] = prefix_of(key_of(*node.entries[i]), sharp);
  }

  // --- search
  Leaf& leaf_of(const TreeKey& key) const {
    Node* node = root_;
    while (!node->leaf) {
      auto* inner = static_cast<Inner*>(node);
      node = &prefetched(inner->children[upper(*inner, key)]);
    }
    return *static_cast<Leaf*>(node);
  }
  static Entry* find_in(const Leaf& leaf, const TreeKey& key) { return entry_at(leaf, lower(leaf, key), key); }
  // The entry of `key`, if it has one: its slot is lower(leaf, key).
  static Entry* entry_at(const Leaf& leaf, uint32_t slot, const TreeKey& key) {
    // Most keys that are not there are told by the prefix, without a look at the entry.
    if (slot == leaf.count || leaf.prefixes[slot] != prefix_of(key, leaf.lens)) return nullptr;
    return compare_keys(key_of(*leaf.entries[slot]), key) == 0 ? leaf.entries[slot] : nullptr;
  }
  // First slot whose prefix is not below the key's (kAbove: is above it). No branch depends on keys: the processor
  // would guess every other one wrong.
  template <bool kAbove>
  static uint32_t first_by_prefix(const Node& node, uint64_t prefix) {
    uint32_t low = 0;
    for (uint32_t left = node.count; left > 0;) {
      const uint32_t half = (left + 1) / 2;
      const uint64_t at = node.prefixes[low + half - 1];
      low += (kAbove ? at <= prefix : at < prefix) ? half : 0;
      left -= half;
    }
    return low;
  }
  // First slot for which `below` does not hold: of those with the key's prefix, decided by whole keys.
  template <class Below>
  static uint32_t first_not(const Node& node, uint64_t prefix, Below&& below) {
    uint32_t low = first_by_prefix<false>(node, prefix);
    if (low == node.count || node.prefixes[low] != prefix) return low;
    uint32_t high = first_by_prefix<true>(node, prefix);
    prefetch_entries(node, low, high);
    while (low < high) {
      const uint32_t middle = (low + high) / 2;
      if (below(*node.entries[middle]))
        low = middle + 1;
      else
        high = middle;
    }
    return low;
  }
  static void prefetch_entries(const Node& node, uint32_t low, uint32_t high) {
    if (high - low < 2) return;
    for (uint32_t i = low; i < high; ++i) prefetch(node.entries[i], 1);
    if constexpr (requires(const Entry& entry) { entry.prefetch_second(); }) {
      for (uint32_t i = low; i < high; ++i) node.entries[i]->prefetch_second();
    }
  }
  static Node& prefetched(Node* node) {
    prefetch(node, sizeof(Node));
    return *node;
  }
  // First slot not below the key.
  static uint32_t lower(const Node& node, const TreeKey& key) {
    return first_not(node, prefix_of(key, node.lens), [&](const Entry& entry) {
      if (const int order = compare_bytes(entry.first(), key.first)) return order < 0;
      return !key.second.empty() && compare_bytes(entry.second(), key.second) < 0;
    });
  }
  // First slot above the key.
  static uint32_t upper(const Node& node, const TreeKey& key) {
    return first_not(node, prefix_of(key, node.lens), [&](const Entry& entry) {
      if (const int order = compare_bytes(entry.first(), key.first)) return order < 0;
      return compare_bytes(entry.second(), key.second) <= 0;
    });
  }

  // --- slots
  Leaf* new_leaf() {
    ++leaves_;
    return nodes_.make<Leaf>(0);
  }
  Inner* new_inner() {
    ++inners_;
    return nodes_.make<Inner>(0);
  }
  static void open_slots(Node& node, uint32_t at, uint32_t slots) {
    std::copy_backward(node.prefixes.begin() + at, node.prefixes.begin() + node.count,
                       node.prefixes.begin() + node.count + slots);
    std::copy_backward(node.entries.begin() + at, node.entries.begin() + node.count,
                       node.entries.begin() + node.count + slots);
    node.count = static_cast<uint16_t>(node.count + slots);
  }
  static void set_slot(Node& node, uint32_t at, Entry* entry) {
    node.prefixes[at] = prefix_of(key_of(*entry), node.lens);
    node.entries[at] = entry;
  }
  static void add_slot(Node& node, uint32_t at, Entry* entry) {
    open_slots(node, at, 1);
    set_slot(node, at, entry);
  }
  // The slots from `begin` on become the new node `to`, seen through the same lens.
  static void move_upper_part(Node& from, Node& to, uint32_t begin) {
    to.lens = from.lens;
    std::copy(from.prefixes.begin() + begin, from.prefixes.begin() + from.count, to.prefixes.begin());
    std::copy(from.entries.begin() + begin, from.entries.begin() + from.count, to.entries.begin());
    to.count = static_cast<uint16_t>(from.count - begin);
    from.count = static_cast<uint16_t>(begin);
  }
  static void add_child(Inner& inner, uint32_t at, const Split& split) {
    std::copy_backward(inner.children.begin() + at + 1, inner.children.begin() + inner.count + 1,
                       inner.children.begin() + inner.count + 2);
    add_slot(inner, at, split.first);
    inner.children[at + 1] = split.right;
  }

  // --- insertion
  static Fences around_child(const Inner& inner, uint32_t at, const Fences& fences) {
    return {at == 0 ? fences.low : inner.entries[at - 1], at == inner.count ? fences.high : inner.entries[at]};
  }

  template <class Make>
  std::optional<Split> insert_into(Node& node, const Fences& fences, Insertion<Make>& insertion) {
    if (node.leaf) return insert_into_leaf(static_cast<Leaf&>(node), fences, insertion);
    auto& inner = static_cast<Inner&>(node);
    uint32_t at = upper(inner, insertion.key);
    if (Node& child = prefetched(inner.children[at]); child.leaf && child.count == kFanout) {
      auto& leaf = static_cast<Leaf&>(child);
      if (find_in(leaf, insertion.key) == nullptr && share(inner, at, fences)) at = upper(inner, insertion.key);
    }
    auto split = insert_into(*inner.children[at], around_child(inner, at, fences), insertion);
    if (!split) return std::nullopt;
    if (inner.count < kFanout) {
      add_child(inner, at, *split);
      return std::nullopt;
    }
    return split_inner(inner, at, *split, fences);
  }

  // The middle separator moves up, the upper half becomes a new node.
  Split split_inner(Inner& inner, uint32_t at, const Split& below, const Fences& fences) {
    Inner& right = *new_inner();
    constexpr uint32_t kMiddle = kFanout / 2;
    Entry* middle = inner.entries[kMiddle];
    move_upper_part(inner, right, kMiddle + 1);
    std::copy(inner.children.begin() + kMiddle + 1, inner.children.begin() + kFanout + 1, right.children.begin());
    inner.count = kMiddle;
    if (at <= kMiddle)
      add_child(inner, at, below);
    else
      add_child(right, at - kMiddle - 1, below);
    fit(inner, {fences.low, middle});
    fit(right, {middle, fences.high});
    return {middle, &right};
  }

  template <class Make>
  std::optional<Split> insert_into_leaf(Leaf& leaf, const Fences& fences, Insertion<Make>& insertion) {
    const uint32_t at = lower(leaf, insertion.key);
    insertion.entry = entry_at(leaf, at, insertion.key);
    if (insertion.entry != nullptr) return std::nullopt;
    insertion.entry = insertion.make();
    insertion.added = true;
    if (leaf.count < kFanout) {
      add_slot(leaf, at, insertion.entry);
      return std::nullopt;
    }
    return split_leaf(leaf, at, insertion.entry, fences);
  }

  Split split_leaf(Leaf& leaf, uint32_t at, Entry* entry, const Fences& fences) {
    Leaf& right = *new_leaf();
    // Ascending inserts, the common case of an import, leave full leaves behind.
    const uint32_t middle = at == kFanout && leaf.next == nullptr ? kFanout : kFanout / 2;
    move_upper_part(leaf, right, middle);
    right.next = leaf.next;
    right.previous = &leaf;
    (leaf.next != nullptr ? leaf.next->previous : tail_) = &right;
    leaf.next = &right;
    if (at < middle)
      add_slot(leaf, at, entry);
    else
      add_slot(right, at - middle, entry);
    Entry* first = right.entries[0];
    fit(leaf, {fences.low, first});
    fit(right, {first, fences.high});
    return {first, &right};
  }

  // Makes room in the full leaf that is child `at`: the emptier one of its neighbours below the same node takes half as
  // many entries as it has places. False where both are nearly full.
  static bool share(Inner& inner, uint32_t at, const Fences& fences) {
    const uint32_t left_room = at == 0 ? 0 : kFanout - inner.children[at - 1]->count;
    const uint32_t right_room = at == inner.count ? 0 : kFanout - inner.children[at + 1]->count;
    if (std::max(left_room, right_room) < kWorthSharing) return false;
    if (left_room > right_room)
      move_left(inner, at, left_room / 2, fences);
    else
      move_right(inner, at, right_room / 2, fences);
    return true;
  }
  static void move_left(Inner& inner, uint32_t at, uint32_t count, const Fences& fences) {
    Node& from = *inner.children[at];
    Node& to = *inner.children[at - 1];
    const auto moved = from.entries;
    std::copy(from.prefixes.begin() + count, from.prefixes.begin() + from.count, from.prefixes.begin());
    std::copy(from.entries.begin() + count, from.entries.begin() + from.count, from.entries.begin());
    from.count = static_cast<uint16_t>(from.count - count);
    move_fence(inner, at - 1, from.entries[0], fences);
    for (uint32_t i = 0; i < count; ++i) set_slot(to, to.count + i, moved[i]);
    to.count = static_cast<uint16_t>(to.count + count);
  }
  static void move_right(Inner& inner, uint32_t at, uint32_t count, const Fences& fences) {
    Node& from = *inner.children[at];
    Node& to = *inner.children[at + 1];
    from.count = static_cast<uint16_t>(from.count - count);
    move_fence(inner, at, from.entries[from.count], fences);
    open_slots(to, 0, count);
    for (uint32_t i = 0; i < count; ++i) set_slot(to, i, from.entries[from.count + i]);
  }
  // Separator `at` of `inner` becomes `first`; the nodes at both sides hold only what lies between their new fences.
  static void move_fence(Inner& inner, uint32_t at, Entry* first, const Fences& fences) {
    set_slot(inner, at, first);
    fit(*inner.children[at], around_child(inner, at, fences));
    fit(*inner.children[at + 1], around_child(inner, at + 1, fences));
  }

  Arena& nodes_;
  uint64_t leaves_ = 0;
  uint64_t inners_ = 0;
  Node* root_ = nullptr;
  Leaf* head_ = nullptr;
  Leaf* tail_ = nullptr;
  uint64_t size_ = 0;
};

}  // namespace aerodb::store
