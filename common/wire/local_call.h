// One request of this very process to a server of its own, without a socket: a connection in memory that lasts for one
// message each way. The server takes it like any other, by the same limits, and its handlers know no difference.
// Thread: the loop's.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "common/runtime/loop.h"
#include "common/wire/server.h"

namespace aerodb::wire {

// `params` is one packed map. `done` runs once, at once or in a later turn, with the answer (its views live until
// `done` returns) or the error: BUSY where the server takes no more connections, CONNECTION_LOST where it ended before
// it answered. `peer` is whom the handler is told of. `done` must not end the server.
void call_locally(runtime::Loop& loop, Server& server, std::string_view method, ByteSpan params, std::string peer,
                  std::move_only_function<void(Result<document::Cursor>)> done);

}  // namespace aerodb::wire
