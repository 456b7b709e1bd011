// The state as a manifest holds it, and back.
#include <fmt/format.h>

#include <algorithm>

#include "common/base/assert.h"
#include "common/engine/state.h"

namespace aerodb::engine {
namespace {

std::unexpected<Error> damaged(std::string what) {
  return fail(ErrorCode::kManifestDamaged, "load manifest: " + std::move(what));
}

}  // namespace

store::Manifest State::draft_manifest() const {
  store::Manifest manifest;
  manifest.cluster = cluster_;
  manifest.lsn = position_.lsn;
  manifest.commit = position_.commit;
  manifest.epoch = position_.epoch;
  manifest.lineage = position_.lineage;
  manifest.chain = position_.chain;
  manifest.digest = position_.digest;
  manifest.floor = floor_;
  manifest.live_documents = live_documents_;
  manifest.authority_records = authority_records_;
  for (const auto& [collection, versions] : schemas_) {
    for (const auto& [version, schema] : versions) manifest.schemas.push_back({schema.lsn, schema.canonical});
  }
  std::ranges::sort(manifest.schemas, {}, &store::ManifestSchema::lsn);
  manifest.steps = steps_;
  return manifest;
}

Result<void> State::load(const store::Manifest& manifest, std::vector<std::shared_ptr<const store::Run>> runs) {
  AERODB_ASSERT(position_.lsn == Lsn());
  if (auto loaded = load_authority(manifest); !loaded) return loaded;
  if (auto loaded = load_schemas(manifest); !loaded) return loaded;
  if (authority_.epoch() != manifest.epoch || authority_.lineage() != manifest.lineage)
    return damaged(fmt::format("its authority records end in epoch {}, it says {}", authority_.epoch().value(),
                               manifest.epoch.value()));
  position_ = {manifest.lsn, manifest.commit, manifest.epoch, manifest.lineage, manifest.chain, manifest.digest};
  floor_ = manifest.floor;
  live_documents_ = manifest.live_documents;
  steps_ = manifest.steps;
  layers_.replace_runs(std::move(runs));
  return {};
}

// The first record's genesis chain is not looked at: a restored directory has a cluster id of its own.
Result<void> State::load_authority(const store::Manifest& manifest) {
  for (const auto& bytes : manifest.authority_records) {
    auto record = wal::read_record(bytes);
    if (!record || record->bytes.size() != bytes.size()) return damaged("an authority record does not parse");
    auto payload = wal::parse_payload(*record);
    if (!payload) return damaged("an authority record does not parse");
    if (auto problem = authority_.apply(record->header, *payload, record->chain_after())) return damaged(*problem);
    if (record->header.lsn > manifest.lsn) return damaged("an authority record lies behind its LSN");
    authority_records_.push_back(bytes);
  }
  return {};
}

Result<void> State::load_schemas(const store::Manifest& manifest) {
  for (const auto& entry : manifest.schemas) {
    document::Tape tape;
    if (auto parsed = tape.parse(entry.canonical); !parsed) return damaged("schema: " + parsed.error().message);
    auto schema = document::decode_schema(tape.root());
    if (!schema) return damaged(schema.error().message);
    if (this->schema(schema->collection, schema->version, manifest.lsn) != nullptr)
      return damaged(fmt::format("schema {} version {} stands twice", schema->collection, schema->version));
    add_schema(std::move(*schema), entry.canonical, entry.lsn);
  }
  return {};
}

}  // namespace aerodb::engine
