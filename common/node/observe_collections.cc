// observe.mvcc and observe.indexes: where versions and index entries are, as far as it is known without a scan.
#include <fmt/format.h>

#include <algorithm>

#include "common/node/node.h"

namespace aerodb::node {
namespace {

constexpr uint32_t kMaxCollections = 1000;
constexpr size_t kMaxPageBytes = 1 << 20;

std::vector<wire::RunPart> parts_of(const store::Layers& layers, std::string_view collection, std::string_view path) {
  std::vector<wire::RunPart> parts;
  for (const auto& run : layers.runs()) {
    const auto* section = run->section(collection, path);
    if (section == nullptr) continue;
    parts.push_back({run->info().number, section->entries, section->bytes, section->height});
  }
  return parts;
}

wire::CollectionVersions versions_in(const store::Layers& layers, const engine::RegisteredSchema& schema) {
  const std::string& name = schema.schema.collection;
  const auto ids = [&](const store::MemoryTable* table) {
    const auto* collection = table == nullptr ? nullptr : table->collection(name);
    return collection == nullptr ? 0 : collection->documents.size();
  };
  return {name,
          schema.schema.version,
          schema.lsn,
          ids(&layers.active()),
          ids(layers.frozen().get()),
          parts_of(layers, name, "")};
}

wire::CollectionIndexes indexes_in(const store::Layers& layers, const engine::RegisteredSchema& schema) {
  wire::CollectionIndexes view{schema.schema.collection, schema.schema.version, {}};
  for (auto& path : schema.schema.indexed_paths()) {
    wire::IndexView index;
    const auto add = [&](const store::MemoryTable* table, uint64_t& entries, uint64_t& tree_bytes) {
      const auto* collection = table == nullptr ? nullptr : table->collection(view.collection);
      const auto* found = collection == nullptr ? nullptr : collection->index(path);
      if (found == nullptr) return;
      entries = found->entries.size();
      tree_bytes = found->entries.bytes();
    };
    add(&layers.active(), index.active_entries, index.active_tree_bytes);
    add(layers.frozen().get(), index.frozen_entries, index.frozen_tree_bytes);
    index.runs = parts_of(layers, view.collection, path);
    index.path = std::move(path);
    view.indexes.push_back(std::move(index));
  }
  return view;
}

// Fills a page with what `view` makes of each collection that has a durable schema; answers whether others follow.
template <class View, class Make>
bool fill_page(const engine::Engine& engine, const wire::ObserveCollectionsRequest& request, std::vector<View>& page,
               Make&& make) {
  const auto& state = engine.state_data();
  const auto& schemas = state.schemas();
  auto next = request.after_collection ? schemas.upper_bound(*request.after_collection) : schemas.begin();
  size_t bytes = 0;
  for (; next != schemas.end(); ++next) {
    const auto* schema = state.newest_schema(next->first, engine.visible().lsn);
    if (schema == nullptr) continue;
    if (page.size() == request.limit) return true;
    auto view = make(state.layers(), *schema);
    bytes += wire::packed_of(view).size();
    if (bytes > kMaxPageBytes && !page.empty()) return true;
    page.push_back(std::move(view));
  }
  return false;
}

wire::ObserveMvccResponse mvcc_view(const engine::Engine& engine, const wire::ObserveCollectionsRequest& request) {
  const auto& layers = engine.state_data().layers();
  const auto& storage = engine.storage();
  wire::ObserveMvccResponse r;
  r.visible_commit = engine.visible().commit;
  r.floor = engine.floor();
  r.pins = storage.pins();
  r.lowest_pin = storage.lowest_pin();
  r.live_documents = engine.state_data().live_documents();
  r.active_versions = layers.active().versions();
  r.active_tombstones = layers.active().tombstones();
  r.active_bytes = layers.active().bytes();
  if (const auto& frozen = layers.frozen()) {
    r.frozen_versions = frozen->versions();
    r.frozen_tombstones = frozen->tombstones();
    r.frozen_bytes = frozen->bytes();
  }
  for (const auto& run : layers.runs()) {
    r.run_versions += run->info().versions;
    r.run_tombstones += run->info().tombstones;
  }
  r.more = fill_page(engine, request, r.collections, versions_in);
  return r;
}

wire::ObserveIndexesResponse indexes_view(const engine::Engine& engine,
                                          const wire::ObserveCollectionsRequest& request) {
  wire::ObserveIndexesResponse r;
  r.visible_commit = engine.visible().commit;
  r.more = fill_page(engine, request, r.collections, indexes_in);
  return r;
}

template <class View>
void answer(Node& node, std::string_view method, const wire::ObserveCollectionsRequest& request,
            wire::Responder responder, View&& view) {
  if (!node.engine()) return responder.error(node.not_ready());
  if (request.limit == 0 || request.limit > kMaxCollections) {
    auto message = fmt::format("{}: limit must be 1 to {}", method, kMaxCollections);
    return responder.error({ErrorCode::kBadRequest, std::move(message), {}});
  }
  responder.ok(view(*node.engine(), request));
}

}  // namespace

void serve_collections(Node& node) {
  auto& server = node.client();
  server.handle(wire::kObserveMvcc, [&](const auto& request, wire::Responder responder) {
    answer(node, wire::kObserveMvcc.name, request, std::move(responder), mvcc_view);
  });
  server.handle(wire::kObserveIndexes, [&](const auto& request, wire::Responder responder) {
    answer(node, wire::kObserveIndexes.name, request, std::move(responder), indexes_view);
  });
}

}  // namespace aerodb::node
