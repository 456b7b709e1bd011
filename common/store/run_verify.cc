// Walks every section from its root, in the order in which it was written, so that the blocks met must lie side by side
// without a gap. What the documents say of each index is not kept but summed up: count, and sum of one hash per
// distinct (value, id), which the entries of the index must give again. Strict order makes those distinct too.
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "common/base/checksum.h"
#include "common/document/canonical.h"
#include "common/document/schema.h"
#include "common/store/block.h"
#include "common/store/digest.h"
#include "common/store/file_hash.h"
#include "common/store/section_walk.h"

namespace aerodb::store {
namespace {

// What an index holds, whatever the order.
struct IndexSum {
  uint64_t entries = 0;
  Digest sum;
  void add(const Digest& term) {
    ++entries;
    sum = digest_add(sum, term);
  }
  [[nodiscard]] std::string text() const { return fmt::format("{} entries with sum {}", entries, to_hex(sum)); }
  friend bool operator==(const IndexSum&, const IndexSum&) = default;
};

Digest index_term(ByteSpan value, ByteSpan id, Bytes& scratch) {
  scratch.clear();
  ByteWriter out(scratch);
  out.blob(value);
  out.blob(id);
  return Digest{xxh3_128(scratch)};
}

// The beginning of a long one.
std::string shown(ByteSpan bytes) {
  constexpr size_t kShown = 64;
  return bytes.size() <= kShown ? to_hex(bytes) : to_hex(bytes.first(kShown)) + "...";
}

std::string text_of(const EntryKey& key, BlockKind kind) {
  if (kind == BlockKind::kIndex) return fmt::format("value {} of id {}", shown(key.first), shown(key.second));
  if (key.commit == kBeforeVersions) return fmt::format("id {}", shown(key.first));
  return fmt::format("id {} at commit {}", shown(key.first), key.commit.value());
}

// What one collection's documents say of its indexes.
class ExpectedIndexes {
 public:
  explicit ExpectedIndexes(const std::vector<std::string>& paths) {
    for (const auto& path : paths) indexes_.emplace(path, Index());
  }
  // Versions of one id come one after the other.
  void add(const StoredVersion& version) {
    if (version.id != id_) {
      end_id();
      id_ = version.id;
    }
    if (version.schema_version == 0) return;
    for (auto& [path, index] : indexes_) {
      value_.clear();
      if (!document::index_key_of(version.document, path, value_)) continue;
      index.of_id.push_back(index_term(value_, as_bytes(version.id), scratch_));
    }
  }
  void end_id() {
    for (auto& [path, index] : indexes_) {
      std::ranges::sort(index.of_id);
      index.of_id.erase(std::ranges::unique(index.of_id).begin(), index.of_id.end());
      for (const auto& term : index.of_id) index.sum.add(term);
      index.of_id.clear();
    }
  }
  [[nodiscard]] IndexSum sum(const std::string& path) const {
    const auto found = indexes_.find(path);
    return found == indexes_.end() ? IndexSum() : found->second.sum;
  }
  [[nodiscard]] auto begin() const { return indexes_.begin(); }
  [[nodiscard]] auto end() const { return indexes_.end(); }

 private:
  struct Index {
    IndexSum sum;
    std::vector<Digest> of_id;  // terms of the id at hand
  };
  std::map<std::string, Index> indexes_;
  std::string id_;
  Bytes value_;
  Bytes scratch_;
};

class RunCheck {
 public:
  RunCheck(const Run& run, runtime::File& file, const IndexedPaths& indexes)
      : run_(run), file_(file), ahead_(file, run.info().bytes), indexes_(indexes) {}

  Result<void> sections() {
    for (const auto& section : run_.sections()) {
      section_ = &section;
      if (auto begun = begin_section(); !begun) return begun;
      if (auto checked = node(section.top, section.height, nullptr); !checked) return checked;
      if (entries_ != section.entries) return damaged(section.top.offset, "entries", section.entries, entries_);
      if (auto ended = end_section(); !ended) return ended;
    }
    return totals();
  }

 private:
  [[nodiscard]] std::unexpected<Error> damaged(uint64_t offset, const Damage& damage) const {
    return fail(run_.damaged(offset, damage));
  }
  template <class T>
  [[nodiscard]] std::unexpected<Error> damaged(uint64_t offset, std::string_view what, const T& expected,
                                               const T& found) const {
    return damaged(offset, Damage{std::string(what), fmt::format("{}", expected), fmt::format("{}", found)});
  }

  Result<void> begin_section() {
    entries_ = 0;
    last_.reset();
    index_sum_ = {};
    if (!section_->path.empty()) return {};
    if (auto ended = end_collection(); !ended) return ended;
    const auto found = std::ranges::find(indexes_, section_->collection, &IndexedPaths::value_type::first);
    expected_.emplace(found == indexes_.end() ? std::vector<std::string>() : found->second);
    collection_ = section_->collection;
    checked_.clear();
    return {};
  }
  Result<void> end_section() {
    if (section_->path.empty()) {
      expected_->end_id();
      return {};
    }
    const bool of_documents = expected_ && collection_ == section_->collection;
    const IndexSum expected = of_documents ? expected_->sum(section_->path) : IndexSum();
    if (index_sum_ != expected)
      return damaged(section_->top.offset, Damage{"index, by its documents", expected.text(), index_sum_.text()});
    index_entries_ += entries_;
    checked_.push_back(section_->path);
    return {};
  }
  // No index that the documents need is missing.
  Result<void> end_collection() {
    if (!expected_) return {};
    for (const auto& [path, index] : *expected_) {
      if (index.sum.entries == 0 || std::ranges::find(checked_, path) != checked_.end()) continue;
      return damaged(next_offset_, Damage{fmt::format("index {} of {}", path, collection_), index.sum.text(), "none"});
    }
    expected_.reset();
    return {};
  }
  Result<void> totals() {
    if (auto ended = end_collection(); !ended) return ended;
    const RunInfo& info = run_.info();
    if (versions_ != info.versions) return damaged(next_offset_, "versions", info.versions, versions_);
    if (tombstones_ != info.tombstones) return damaged(next_offset_, "tombstones", info.tombstones, tombstones_);
    if (index_entries_ != info.index_entries)
      return damaged(next_offset_, "index entries", info.index_entries, index_entries_);
    if (digest_ != info.versions_digest)
      return damaged(next_offset_, Damage{"digest of versions", to_hex(info.versions_digest), to_hex(digest_)});
    return {};
  }

  // The block lies right behind what was met before.
  Result<void> place(const BlockHandle& handle) {
    if (handle.offset != next_offset_) return damaged(handle.offset, "offset of a block", next_offset_, handle.offset);
    next_offset_ += handle.stored_bytes;
    return {};
  }
  // A node and all below it. `separator`: what led here; nullptr for a root.
  Result<void> node(const BlockHandle& handle, uint32_t level, const EntryKey* separator) {
    auto block = run_.read_block(file_, handle);
    if (!block) return fail(std::move(block.error()));
    const BlockView view(**block);
    const BlockKind kind = kind_of_level(*section_, 0);
    if (separator != nullptr && compare_keys(*separator, view.key(0)) != 0) {
      return damaged(handle.offset, Damage{"first separator", text_of(*separator, kind), text_of(view.key(0), kind)});
    }
    for (uint32_t i = 0; i < view.count(); ++i) {
      const BlockHandle child = view.child(i, kind_of_level(*section_, level - 1));
      const EntryKey key = view.key(i);
      auto checked = level > 1 ? node(child, level - 1, &key) : entries(child, key, view);
      if (!checked) return checked;
    }
    return place(handle);
  }
  Result<void> entries(const BlockHandle& handle, const EntryKey& separator, const BlockView& parent) {
    if (auto placed = place(handle); !placed) return placed;
    auto body = read_through(run_, ahead_, handle, scratch_);
    if (!body) return fail(std::move(body.error()));
    const BlockView block(handle.kind, *body);
    const EntryKey before = last_ ? last_->view() : EntryKey();
    const EntryKey expected = separator_of(handle.kind, block.key(0), last_ ? &before : nullptr);
    if (compare_keys(separator, expected) != 0) {
      return damaged(handle.offset,
                     Damage{"separator", text_of(expected, handle.kind), text_of(separator, handle.kind)});
    }
    for (uint32_t i = 0; i < block.count(); ++i) {
      if (auto ordered = order(handle, i, block.key(i)); !ordered) return ordered;
      auto checked = handle.kind == BlockKind::kDocuments ? version(handle, block.version(i), parent.filter())
                                                          : index_entry(block.key(i));
      if (!checked) return checked;
    }
    return {};
  }
  Result<void> order(const BlockHandle& handle, uint32_t i, const EntryKey& key) {
    ++entries_;
    if (last_ && compare_keys(last_->view(), key) >= 0) {
      return damaged(handle.offset, Damage{fmt::format("order of entry {}", i),
                                           "behind " + text_of(last_->view(), handle.kind), text_of(key, handle.kind)});
    }
    if (!last_) last_.emplace();
    last_->assign(key);
    return {};
  }
  Result<void> version(const BlockHandle& handle, const StoredVersion& version, const FilterView& filter) {
    const auto id = [&] { return text_of({as_bytes(version.id), {}, version.commit}, handle.kind); };
    if (version.id.empty() || version.id.size() > document::kMaxIdBytes)
      return damaged(handle.offset, "bytes of an id, at most", document::kMaxIdBytes, version.id.size());
    if (version.commit < run_.info().first_commit || version.commit > run_.info().last_commit) {
      return damaged(
          handle.offset,
          Damage{"commit", fmt::format("{} to {}", run_.info().first_commit.value(), run_.info().last_commit.value()),
                 id()});
    }
    if (!filter.may_hold(filter_hash(version.id)))
      return damaged(handle.offset, Damage{"filter", "holds " + id(), "absent"});
    ++versions_;
    expected_->add(version);
    if (version.schema_version == 0) {
      ++tombstones_;
      return {};
    }
    digest_ = digest_add(digest_, document_term(section_->collection, version.id, version.commit,
                                                version.schema_version, version.document));
    return {};
  }
  Result<void> index_entry(const EntryKey& key) {
    index_sum_.add(index_term(key.first, key.second, scratch_term_));
    return {};
  }

  const Run& run_;
  runtime::File& file_;
  ReadAhead ahead_;
  const IndexedPaths& indexes_;
  uint64_t next_offset_ = kRunHeaderBytes;
  Bytes scratch_;
  Bytes scratch_term_;
  // the section at hand
  const RunSection* section_ = nullptr;
  uint64_t entries_ = 0;
  std::optional<OwnedKey> last_;
  IndexSum index_sum_;
  // the collection at hand
  std::string collection_;
  std::optional<ExpectedIndexes> expected_;
  std::vector<std::string> checked_;  // paths of its index sections met
  // the run
  uint64_t versions_ = 0;
  uint64_t tombstones_ = 0;
  uint64_t index_entries_ = 0;
  Digest digest_;
};

}  // namespace

Result<void> verify_run(runtime::Disk& disk, const std::string& path, const RunInfo& info,
                        const IndexedPaths& indexes) {
  auto run = Run::open(disk, path, info);
  if (!run) return fail(std::move(run.error()));
  auto file = disk.open(path, runtime::OpenMode::kRead);
  if (!file) return fail(std::move(file.error()));
  if (auto checked = RunCheck(**run, **file, indexes).sections(); !checked) return checked;
  auto hash = sha256_of_file(disk, path);
  if (!hash) return fail(std::move(hash.error()));
  if (*hash != info.sha256) {
    return fail(run_damaged(path, "file", 0, {"SHA-256 (manifest, file)", to_hex(info.sha256), to_hex(*hash)}));
  }
  return {};
}

}  // namespace aerodb::store
