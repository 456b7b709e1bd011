// The end of a seed: a node's whole content, read from outside.
#include <fmt/format.h>

#include "common/base/checksum.h"
#include "common/store/block_cache.h"
#include "tests/sim/model.h"
#include "tests/sim/peek_disk.h"

namespace aerodb::sim {

// Everything that a scrub would read.
void Model::verify_runs(NodeIndex index, const SimDisk& disk) {
  const engine::Engine& engine = *nodes_[index].engine;
  PeekDisk peek(disk);
  for (const auto& info : engine.storage().manifest().runs) {
    auto verified = store::verify_run(peek, store::run_path("/data", info.number), info, engine.state_data().indexes());
    if (!verified) return fail(fmt::format("{}: {}", name(index), verified.error().message));
    count(Counter::kRunsVerified);
  }
}

void Model::compare_whole(NodeIndex index, const SimDisk& disk) {
  const NodeFacts& facts = nodes_[index];
  const engine::Engine& engine = *facts.engine;
  const History& history = branches_[facts.stay().branch];
  count(Counter::kFinalStatesCompared);
  if (engine.visible().lsn == history.last_lsn() && engine.visible().digest != history.digest_from_scratch()) {
    return fail(fmt::format("{}: its digest is not that of the documents", facts.name));
  }
  verify_runs(index, disk);
  const CommitId bound = engine.visible().commit;
  const CommitId floor = history.floor_at(engine.visible().lsn);
  if (engine.floor() != floor)
    return fail(fmt::format("{}: floor {}, the model has {}", facts.name, engine.floor().value(), floor.value()));
  PeekDisk peek(disk);
  store::DirectBlocks blocks(peek, 1 << 20);
  for (uint32_t c = 0; c < kCollections; ++c) {
    for (uint32_t id = 0; id < ids_; ++id) {
      blocks.settle();
      const auto what = [&] { return fmt::format("{}: {}/{}", facts.name, collection_name(c), id_name(id)); };
      const auto answer = engine.version_chain(collection_name(c), id_name(id), bound, blocks);
      if (!answer || !*answer) return fail(what() + " can't be read");
      const auto& chain = **answer;
      const auto expected = history.logical_chain(c, id, bound, floor);
      if (chain.size() != expected.size())
        return fail(fmt::format("{} has {} versions, the model {}", what(), chain.size(), expected.size()));
      for (size_t i = 0; i < chain.size(); ++i) {
        const Version& version = expected[i];
        const bool tombstone = version.schema_version == 0;
        const DocumentHash hash = tombstone ? DocumentHash{} : DocumentHash{xxh3_128(version.document)};
        if (chain[i].commit != version.commit || chain[i].kind != (tombstone ? "tombstone" : "document") ||
            chain[i].hash != hash || chain[i].lsn != history.commit_lsn[version.commit.value()]) {
          return fail(fmt::format("{} differs in its version of commit {}", what(), version.commit.value()));
        }
      }
    }
  }
}

}  // namespace aerodb::sim
