// What clients write in the simulation: two collections, a few documents in each, two versions of each schema.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/bytes.h"
#include "common/base/error.h"
#include "common/base/ids.h"
#include "common/wal/record.h"

namespace aerodb::sim {

inline constexpr uint32_t kCollections = 2;
inline constexpr uint32_t kSchemaVersions = 2;

[[nodiscard]] std::string_view collection_name(uint32_t collection);
[[nodiscard]] const std::string& id_name(uint32_t id);
// Canonical bytes of the schemas that the simulation registers; versions start at 1.
[[nodiscard]] const Bytes& schema_bytes(uint32_t collection, uint32_t version);

// One operation as a client means it.
struct Operation {
  wal::Operation op = wal::Operation::kInsert;
  uint32_t collection = 0;
  uint32_t id = 0;
  uint32_t schema_version = 1;
  std::optional<CommitId> if_commit;
  std::optional<int64_t> k;             // its indexed field
  Bytes document;                       // canonical, unless form_error
  std::optional<ErrorCode> form_error;  // what is wrong with the document by itself
};

}  // namespace aerodb::sim
