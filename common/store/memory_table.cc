#include "common/store/memory_table.h"

#include <cstring>

#include "common/base/assert.h"
#include "common/document/canonical.h"

namespace aerodb::store {
namespace {

void copy_to(void* place, ByteSpan bytes) {
  if (!bytes.empty()) std::memcpy(place, bytes.data(), bytes.size());
}

}  // namespace

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
  return *collections_.emplace(std::string(name), std::make_unique<CollectionTable>(name, documents_)).first->second;
}

void MemoryTable::add_index(CollectionTable& collection, std::string_view path) {
  if (collection.index(path) != nullptr) return;
  collection.indexes.push_back(std::make_unique<IndexTable>(path, documents_));
}

std::unique_ptr<MemoryTable> MemoryTable::empty_like() const {
  auto empty = std::make_unique<MemoryTable>();
  for (const auto& [name, table] : collections_) {
    auto& collection = empty->add_collection(name);
    for (const auto& index : table->indexes) empty->add_index(collection, index->path);
  }
  return empty;
}

void MemoryTable::put(CollectionTable& collection, std::string_view id, CommitId commit, uint32_t schema_version,
                      ByteSpan document, const Place& place) {
  const Version put{commit, schema_version, static_cast<uint32_t>(document.size()), nullptr};
  auto [entry, added] =
      collection.documents.find_or_insert({as_bytes(id), {}}, [&] { return make_entry(id, put, document); }, place);
  if (!added) {
    AERODB_ASSERT(entry->newest->commit < commit);
    auto* version = documents_.make<Version>(document.size(), put);
    copy_to(version + 1, document);
    version->older = entry->newest;
    entry->newest = version;
  }
  ++versions_;
  if (put.tombstone())
    ++tombstones_;
  else
    add_index_entries(collection, *entry, document);
}

// One piece: entry, version, document, and the id where the document doesn't hold it.
DocumentEntry* MemoryTable::make_entry(std::string_view id, const Version& first, ByteSpan document) {
  const std::string_view inside = document.empty() ? std::string_view() : document::document_id(document);
  const bool copied = inside != id;
  auto* entry = documents_.make<DocumentEntry>(sizeof(Version) + document.size() + (copied ? id.size() : 0));
  auto* version = std::construct_at(reinterpret_cast<Version*>(entry + 1), first);
  auto* body = reinterpret_cast<uint8_t*>(version + 1);
  copy_to(body, document);
  size_t id_at = document.size();
  if (copied)
    copy_to(body + id_at, as_bytes(id));
  else
    id_at = static_cast<size_t>(as_bytes(inside).data() - document.data());
  entry->newest = version;
  entry->id_offset = static_cast<uint32_t>(sizeof(DocumentEntry) + sizeof(Version) + id_at);
  entry->id_bytes = static_cast<uint32_t>(id.size());
  return entry;
}

void MemoryTable::add_index_entries(CollectionTable& collection, DocumentEntry& entry, ByteSpan document) {
  for (auto& index : collection.indexes) {
    key_.clear();
    if (!document::index_key_of(document, index->path, key_)) continue;
    const bool added = index->entries
                           .find_or_insert({key_, entry.first()},
                                           [&] {
                                             const auto bytes = static_cast<uint32_t>(key_.size());
                                             auto* proposed = index_values_.make<IndexEntry>(bytes, &entry, bytes);
                                             copy_to(proposed + 1, key_);
                                             return proposed;
                                           })
                           .second;
    if (!added) continue;
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

}  // namespace aerodb::store
