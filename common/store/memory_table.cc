#include "common/store/memory_table.h"

#include <cstring>

#include "common/base/assert.h"
#include "common/document/canonical.h"

namespace aerodb::store {

const IndexTable* CollectionTable::index(std::string_view path) const {
  for (const auto& table : indexes) {
    if (table->path == path) return table.get();
  }
  return nullptr;
}

CollectionTable* MemoryTable::collection(std::string_view name) {
  auto found = collections_.find(name);
  return found == collections_.end() ? nullptr : found->second.get();
}

const CollectionTable* MemoryTable::collection(std::string_view name) const {
  auto found = collections_.find(name);
  return found == collections_.end() ? nullptr : found->second.get();
}

CollectionTable& MemoryTable::add_collection(std::string_view name) {
  auto table = std::make_unique<CollectionTable>();
  table->name = name;
  return *collections_.emplace(std::string(name), std::move(table)).first->second;
}

void MemoryTable::add_index(CollectionTable& collection, std::string_view path) {
  if (collection.index(path) != nullptr) return;
  collection.indexes.push_back(std::make_unique<IndexTable>());
  collection.indexes.back()->path = path;
}

void MemoryTable::put(CollectionTable& collection, std::string_view id, CommitId commit, uint32_t schema_version,
                      ByteSpan document) {
  DocumentEntry* entry = find(collection, id);
  if (entry == nullptr) {
    entry = arena_.make<DocumentEntry>(id.size(), nullptr, static_cast<uint32_t>(id.size()));
    std::memcpy(&entry->id_bytes + 1, id.data(), id.size());
    collection.documents.insert(entry);
  }
  AERODB_ASSERT(entry->newest == nullptr || entry->newest->commit < commit);
  const bool was_live = entry->newest != nullptr && !entry->newest->tombstone();
  auto* version = arena_.make<Version>(document.size(), commit, schema_version, static_cast<uint32_t>(document.size()),
                                       entry->newest);
  if (!document.empty()) std::memcpy(version + 1, document.data(), document.size());
  entry->newest = version;
  ++versions_;
  live_documents_ += (version->tombstone() ? 0 : 1);
  live_documents_ -= (was_live ? 1 : 0);
  if (!version->tombstone()) add_index_entries(collection, *entry, document);
}

void MemoryTable::add_index_entries(CollectionTable& collection, DocumentEntry& entry, ByteSpan document) {
  for (auto& index : collection.indexes) {
    key_.clear();
    if (!document::index_key_of(document, index->path, key_)) continue;
    if (index->entries.find({key_, entry.first()}) != nullptr) continue;
    auto* proposed = arena_.make<IndexEntry>(key_.size(), &entry, static_cast<uint32_t>(key_.size()));
    std::memcpy(&proposed->value_bytes + 1, key_.data(), key_.size());
    index->entries.insert(proposed);
    ++index_entries_;
    index_entry_bytes_ += sizeof(IndexEntry) + key_.size();
  }
}

uint64_t MemoryTable::index_bytes() const {
  uint64_t bytes = index_entry_bytes_;
  for (const auto& [name, collection] : collections_) {
    for (const auto& index : collection->indexes) bytes += index->entries.bytes();
  }
  return bytes;
}

uint64_t MemoryTable::bytes() const {
  uint64_t bytes = arena_.bytes();
  for (const auto& [name, collection] : collections_) {
    bytes += collection->documents.bytes();
    for (const auto& index : collection->indexes) bytes += index->entries.bytes();
  }
  return bytes;
}

}  // namespace aerodb::store
