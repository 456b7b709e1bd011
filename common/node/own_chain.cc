#include "common/node/own_chain.h"

#include <algorithm>

namespace aerodb::node {

std::optional<Chain> known_chain_after(const engine::Engine& engine, Lsn lsn) {
  if (lsn > engine.visible().lsn) return std::nullopt;
  if (auto chain = engine.chain_at(lsn)) return chain;
  const auto& ancestry = engine.visible_authority().ancestry();
  const auto epoch = std::ranges::find(ancestry, lsn.next(), &engine::AncestryEntry::first_lsn);
  return epoch == ancestry.end() ? std::nullopt : std::optional(epoch->chain);
}

void own_chain_after(engine::Engine& engine, Lsn lsn, std::move_only_function<void(const std::optional<Chain>&)> done) {
  const auto known = known_chain_after(engine, lsn);
  if (known || lsn >= engine.visible().lsn) return done(known);
  engine.reader().read(lsn.next(), 1, [done = std::move(done)](Result<wal::Records> records) mutable {
    auto record = records ? wal::read_record(records->bytes) : fail(std::move(records.error()));
    done(record ? std::optional(record->header.chain_before) : std::nullopt);
  });
}

}  // namespace aerodb::node
