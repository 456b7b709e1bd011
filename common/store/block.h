// Raw bodies of blocks: building them, checking them, searching in them. Layout in run_format.h.
//
// A body from disk passes check_body() once, when it is read; from then on a BlockView takes it as well-formed.
#pragma once

#include <optional>

#include "common/store/blocks.h"
#include "common/store/btree.h"
#include "common/store/damage.h"
#include "common/store/filter.h"

namespace aerodb::store {

// Place of an entry among its like: first ascending, second ascending, commit descending.
// Documents: id, nothing, commit. Index: value, id, commit 0.
struct EntryKey {
  ByteSpan first;
  ByteSpan second;
  CommitId commit;
};
[[nodiscard]] inline int compare_keys(const EntryKey& a, const EntryKey& b) {
  if (const int order = compare_bytes(a.first, b.first)) return order;
  if (const int order = compare_bytes(a.second, b.second)) return order;
  return a.commit == b.commit ? 0 : a.commit > b.commit ? -1 : 1;
}
// The same with bytes of its own.
struct OwnedKey {
  Bytes first;
  Bytes second;
  CommitId commit;
  void assign(const EntryKey& key) {
    first.assign(key.first.begin(), key.first.end());
    second.assign(key.second.begin(), key.second.end());
    commit = key.commit;
  }
  [[nodiscard]] EntryKey view() const { return {first, second, commit}; }
};
// Before every version of an id, and behind them.
inline constexpr CommitId kBeforeVersions = CommitId(UINT64_MAX);
inline constexpr CommitId kBehindVersions = CommitId(0);

// What leads to a block of documents or of an index whose first entry is `first` (run_format.h). `before`: the entry
// before it; nullptr: there is none.
[[nodiscard]] EntryKey separator_of(BlockKind kind, const EntryKey& first, const EntryKey* before);

struct StoredVersion {
  std::string_view id;
  CommitId commit;
  uint32_t schema_version = 0;  // 0: tombstone
  ByteSpan document;
};

[[nodiscard]] constexpr bool is_node(BlockKind kind) {
  return kind == BlockKind::kPartition || kind == BlockKind::kInner;
}

// What is wrong with a body of that kind (kFooter excepted), nullopt where nothing is: entries lie side by side, each
// whole, and fill it. Says nothing of order.
[[nodiscard]] std::optional<Damage> check_body(BlockKind kind, ByteSpan body);

class BlockView {
 public:
  // Requires that check_body(kind, body) found nothing. Views answered point into the body.
  BlockView(BlockKind kind, ByteSpan body);
  explicit BlockView(const Block& block) : BlockView(block.kind, block.body) {}

  [[nodiscard]] uint32_t count() const { return count_; }  // at least 1
  [[nodiscard]] EntryKey key(uint32_t i) const;
  // First entry not below `key`; first above it. count(): none.
  [[nodiscard]] uint32_t lower_bound(const EntryKey& key) const;
  [[nodiscard]] uint32_t upper_bound(const EntryKey& key) const;

  [[nodiscard]] StoredVersion version(uint32_t i) const;                       // documents
  [[nodiscard]] BlockHandle child(uint32_t i, BlockKind kind_of_child) const;  // partition, inner
  [[nodiscard]] FilterView filter() const;                                     // partition

 private:
  [[nodiscard]] const uint8_t* entry(uint32_t i) const;
  template <class Below>
  [[nodiscard]] uint32_t first_not(Below below) const;
  BlockKind kind_;
  const uint8_t* body_;
  const uint8_t* offsets_;
  uint32_t count_;
  uint32_t filter_bytes_ = 0;
};

class BlockBuilder {
 public:
  void add(const StoredVersion& version);
  void add(ByteSpan value, ByteSpan id);
  void add(const BlockHandle& child, const EntryKey& separator);
  [[nodiscard]] uint32_t count() const { return static_cast<uint32_t>(offsets_.size()); }
  // Of the body, without a filter.
  [[nodiscard]] size_t bytes() const { return body_.size() + 4 * offsets_.size() + 4; }
  // The body, valid until clear(). A filter makes it a partition. Call once.
  [[nodiscard]] ByteSpan finish(ByteSpan filter = {});
  void clear();

  // What bytes() would grow by.
  [[nodiscard]] static size_t entry_bytes(const StoredVersion& version);
  [[nodiscard]] static size_t entry_bytes(ByteSpan value, ByteSpan id);

 private:
  Bytes body_;
  std::vector<uint32_t> offsets_;
};

}  // namespace aerodb::store
