// The entries of a memory table as a cursor: never cold. Void once something is put into the table.
#pragma once

#include <memory>
#include <string_view>

#include "common/store/cursor.h"
#include "common/store/memory_table.h"

namespace aerodb::store {

// The newest version with commit <= bound among those that the table holds of the document; empty where it has none.
// The walk of rules::visible_version.
[[nodiscard]] inline VersionView newest_at(const DocumentEntry& document, CommitId bound) {
  const Version* version = document.newest;
  while (version != nullptr && version->commit > bound) version = version->older;
  if (version == nullptr) return {};
  return {version->commit, version->schema_version, version->document()};
}

// Over the ids of a collection (index_path empty) or over an index. nullptr where the table has no such tree, or it is
// empty. The table must outlive it. `newest_layer`: no other layer holds newer versions than the table's, so that those
// it has are the answer to version_at().
[[nodiscard]] std::unique_ptr<EntryCursor> memory_cursor(const MemoryTable& table, std::string_view collection,
                                                         std::string_view index_path, bool newest_layer = false);

}  // namespace aerodb::store
