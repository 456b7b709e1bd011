// The newest versions in memory: per collection a tree of documents by _id, each with its chain of versions, and a tree
// per indexed field. One writer (the node's loop), nothing concurrent, but for a frozen table, which a Job may read
// too. What is above a read's bound is simply not seen by it. Versions that lie in older layers are unknown here.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/ids.h"
#include "common/store/arena.h"
#include "common/store/btree.h"

namespace aerodb::store {

// 24 bytes, followed by the canonical document.
struct Version {
  CommitId commit;
  uint32_t schema_version;  // 0: tombstone
  uint32_t document_bytes;
  Version* older;
  [[nodiscard]] bool tombstone() const { return schema_version == 0; }
  [[nodiscard]] ByteSpan document() const { return {reinterpret_cast<const uint8_t*>(this + 1), document_bytes}; }
};
static_assert(sizeof(Version) == 24);

// For rules::visible_version.
[[nodiscard]] inline CommitId commit_of(const Version* version) { return version->commit; }
[[nodiscard]] inline const Version* older_than(const Version* version) { return version->older; }
[[nodiscard]] inline bool is_tombstone(const Version* version) { return version->tombstone(); }

// Followed by its first version here, whose document holds the _id; where it doesn't (a tombstone), the _id is behind
// it.
struct DocumentEntry {
  Version* newest;
  uint32_t id_offset;  // from this entry's first byte
  uint32_t id_bytes;
  [[nodiscard]] ByteSpan first() const { return {reinterpret_cast<const uint8_t*>(this) + id_offset, id_bytes}; }
  [[nodiscard]] ByteSpan second() const { return {}; }
  [[nodiscard]] std::string_view id() const { return as_text(first()); }
};

// Proposes a document for a value that some version of it has. Followed by the value's index key. At any address.
struct [[gnu::packed]] IndexEntry {
  DocumentEntry* document;
  uint32_t value_bytes;
  [[nodiscard]] ByteSpan first() const { return {reinterpret_cast<const uint8_t*>(this + 1), value_bytes}; }
  [[nodiscard]] ByteSpan second() const { return document->first(); }
  void prefetch_second() const { prefetch(document, 2 * sizeof(DocumentEntry) + sizeof(Version) + 16); }
};
static_assert(sizeof(IndexEntry) == 12);

struct IndexTable {
  IndexTable(std::string_view field, Arena& nodes) : path(field), entries(nodes) {}
  std::string path;
  BTree<IndexEntry> entries;
};

struct CollectionTable {
  CollectionTable(std::string_view given, Arena& nodes) : name(given), documents(nodes) {}
  std::string name;
  BTree<DocumentEntry> documents;
  std::vector<std::unique_ptr<IndexTable>> indexes;
  [[nodiscard]] const IndexTable* index(std::string_view path) const;
};

class MemoryTable {
 public:
  // nullptr where it has none of that name.
  [[nodiscard]] CollectionTable* collection(std::string_view name);
  [[nodiscard]] const CollectionTable* collection(std::string_view name) const;
  CollectionTable& add_collection(std::string_view name);
  // No effect where it exists. A field that a later schema version adds is in no older document: nothing to fill in.
  void add_index(CollectionTable& collection, std::string_view path);

  // Where find() ended: it saves put() the search. Void once something is put.
  using Place = BTree<DocumentEntry>::Place;
  [[nodiscard]] static DocumentEntry* find(const CollectionTable& collection, std::string_view id,
                                           Place* place = nullptr) {
    return collection.documents.find({as_bytes(id), {}}, place);
  }
  // Adds a version above the newest one. schema_version 0 and no document: a tombstone.
  // Requires commit above that of the newest version here.
  void put(CollectionTable& collection, std::string_view id, CommitId commit, uint32_t schema_version,
           ByteSpan document, const Place& place = {});

  // The same collections and indexes, nothing in them.
  [[nodiscard]] std::unique_ptr<MemoryTable> empty_like() const;
  using Collections = std::map<std::string, std::unique_ptr<CollectionTable>, std::less<>>;
  [[nodiscard]] const Collections& by_name() const { return collections_; }

  // Taken from the system.
  [[nodiscard]] uint64_t bytes() const { return documents_.bytes() + index_values_.bytes(); }
  [[nodiscard]] uint64_t versions() const { return versions_; }      // tombstones included
  [[nodiscard]] uint64_t tombstones() const { return tombstones_; }  // among them
  [[nodiscard]] uint64_t index_entries() const { return index_entries_; }
  [[nodiscard]] uint64_t index_bytes() const;  // entries and tree nodes
  [[nodiscard]] size_t collections() const { return collections_.size(); }

 private:
  DocumentEntry* make_entry(std::string_view id, const Version& first, ByteSpan document);
  void add_index_entries(CollectionTable& collection, DocumentEntry& entry, ByteSpan document);
  Arena documents_;  // and the nodes of all trees
  PackedArena index_values_;
  Collections collections_;
  Bytes key_;  // scratch
  uint64_t versions_ = 0;
  uint64_t tombstones_ = 0;
  uint64_t index_entries_ = 0;
  uint64_t index_entry_bytes_ = 0;
};

}  // namespace aerodb::store
