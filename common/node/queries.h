// What doc.query and explain.query share.
#pragma once

#include <memory>

#include "common/engine/query_record.h"
#include "common/node/restart.h"
#include "common/wire/messages_documents.h"

namespace aerodb::node {

// Points into the message. BAD_REQUEST: an unknown comparison.
[[nodiscard]] Result<engine::QueryRequest> query_of(const wire::DocQueryRequest& request);

// The record of a query that is to be explained, from its first call of the engine to its last. nullptr where the query
// can only be refused, and not explained.
[[nodiscard]] std::shared_ptr<engine::QueryRecord> recorded_in(Attempt& attempt, const engine::QueryRequest& query);

}  // namespace aerodb::node
