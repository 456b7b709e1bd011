// One question to another node's replication listener, over a connection of its own: a bound for connecting and
// answering together, nothing asked twice, nothing kept open. Thread: the loop's.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "common/runtime/runtime.h"
#include "common/wire/messages_replication.h"

namespace aerodb::node {

inline constexpr uint32_t kAskTimeoutMs = 5'000;

// `done` runs once, in a later turn, unless `alive` has expired by then: with the position, the source's own error,
// BAD_REQUEST for an address that is none, UNREACHABLE, CONNECTION_LOST or TIMED_OUT. `runtime` must outlive the
// answer.
void ask_position(runtime::Runtime& runtime, const std::string& address, uint32_t timeout_ms,
                  std::weak_ptr<const bool> alive,
                  std::move_only_function<void(Result<wire::WalPositionResponse>)> done);
// The source's chain before `before`, which is at least 1 and at most one beyond its durable end (SOURCE_BEHIND
// otherwise); nullopt where it holds that part of its log no longer.
void ask_chain(runtime::Runtime& runtime, const std::string& address, uint32_t timeout_ms,
               std::weak_ptr<const bool> alive, Lsn before,
               std::move_only_function<void(Result<std::optional<Chain>>)> done);

}  // namespace aerodb::node
