// The entries of a memory table as a cursor: never cold. Void once something is put into the table.
#pragma once

#include <memory>
#include <string_view>

#include "common/store/cursor.h"
#include "common/store/memory_table.h"

namespace aerodb::store {

// Over the ids of a collection (index_path empty) or over an index. nullptr where the table has no such tree, or it is
// empty. The table must outlive it.
[[nodiscard]] std::unique_ptr<EntryCursor> memory_cursor(const MemoryTable& table, std::string_view collection,
                                                         std::string_view index_path);

}  // namespace aerodb::store
