#include "common/store/block.h"

#include <fmt/format.h>

#include <bit>

#include "common/base/assert.h"

namespace aerodb::store {
namespace {

// Fixed parts of entries; see run_format.h.
constexpr size_t kDocumentHead = 8 + 4 + 4 + 2;
constexpr size_t kIndexHead = 4 + 2;
constexpr size_t kChildHead = 8 + 4;
constexpr size_t kNodeHead = kChildHead + 4 + 2 + 8;

template <class T>
T load(const uint8_t* at) {
  static_assert(std::endian::native == std::endian::little);
  T value;
  std::memcpy(&value, at, sizeof value);
  return value;
}

EntryKey document_key(const uint8_t* entry) {
  return {{entry + kDocumentHead, load<uint16_t>(entry + 16)}, {}, CommitId(load<uint64_t>(entry))};
}
EntryKey index_key(const uint8_t* entry) {
  const auto value_bytes = load<uint32_t>(entry);
  return {{entry + kIndexHead, value_bytes}, {entry + kIndexHead + value_bytes, load<uint16_t>(entry + 4)}, {}};
}
EntryKey separator_key(const uint8_t* entry) {
  const auto first_bytes = load<uint32_t>(entry + kChildHead);
  return {{entry + kNodeHead, first_bytes},
          {entry + kNodeHead + first_bytes, load<uint16_t>(entry + kChildHead + 4)},
          CommitId(load<uint64_t>(entry + kChildHead + 6))};
}

// Bytes that the entry at `entry` says it has; only its fixed part, which then is more, where `room` is less than that.
uint64_t stated_bytes(BlockKind kind, const uint8_t* entry, size_t room) {
  switch (kind) {
    case BlockKind::kDocuments:
      if (room < kDocumentHead) return kDocumentHead;
      return uint64_t{kDocumentHead} + load<uint16_t>(entry + 16) + load<uint32_t>(entry + 12);
    case BlockKind::kIndex:
      if (room < kIndexHead) return kIndexHead;
      return uint64_t{kIndexHead} + load<uint32_t>(entry) + load<uint16_t>(entry + 4);
    case BlockKind::kPartition:
    case BlockKind::kInner:
      if (room < kNodeHead) return kNodeHead;
      return uint64_t{kNodeHead} + load<uint32_t>(entry + kChildHead) + load<uint16_t>(entry + kChildHead + 4);
    case BlockKind::kFooter:
      break;
  }
  return 0;
}

Damage too_short(std::string_view what, uint64_t needed, uint64_t found) {
  return {std::string(what), fmt::format("at least {} bytes", needed), fmt::format("{}", found)};
}

// Where the slotted part ends: the whole body, but for a partition's filter.
Undamaged<size_t> slotted_bytes(BlockKind kind, ByteSpan body) {
  if (kind != BlockKind::kPartition) return body.size();
  if (body.size() < 4) return std::unexpected(too_short("partition", 4, body.size()));
  const size_t filter_bytes = load<uint32_t>(body.data() + body.size() - 4);
  const size_t before = body.size() - 4;
  if (!is_filter_size(filter_bytes) || filter_bytes > before) {
    return std::unexpected(Damage{"filter bytes", fmt::format("a multiple of {} up to {}", kFilterLineBytes, before),
                                  fmt::format("{}", filter_bytes)});
  }
  return before - filter_bytes;
}

std::optional<Damage> check_entry(BlockKind kind, uint32_t i, const uint8_t* entry, size_t room) {
  if (const auto stated = stated_bytes(kind, entry, room); stated != room) {
    return Damage{fmt::format("bytes of entry {}", i), fmt::format("{}", room), fmt::format("{}", stated)};
  }
  if (kind == BlockKind::kDocuments && (load<uint32_t>(entry + 8) == 0) != (load<uint32_t>(entry + 12) == 0)) {
    return Damage{fmt::format("document bytes of entry {}", i), "none in a tombstone, some elsewhere",
                  fmt::format("{} under schema version {}", load<uint32_t>(entry + 12), load<uint32_t>(entry + 8))};
  }
  return std::nullopt;
}

}  // namespace

std::optional<Damage> check_body(BlockKind kind, ByteSpan body) {
  const auto slotted = slotted_bytes(kind, body);
  if (!slotted) return slotted.error();
  if (*slotted < 4) return too_short("block", 4, *slotted);
  const uint64_t count = load<uint32_t>(body.data() + *slotted - 4);
  const uint64_t most = (*slotted - 4) / 4;
  if (count == 0 || count > most) return Damage{"entries", fmt::format("1 to {}", most), fmt::format("{}", count)};
  const size_t entries_end = *slotted - 4 - 4 * count;
  const uint8_t* offsets = body.data() + entries_end;
  size_t begin = load<uint32_t>(offsets);
  if (begin != 0) return Damage{"offset of entry 0", "0", fmt::format("{}", begin)};
  for (uint32_t i = 0; i < count; ++i) {
    const size_t end = i + 1 < count ? load<uint32_t>(offsets + 4 * (i + 1)) : entries_end;
    if (end < begin || end > entries_end) {
      return Damage{fmt::format("end of entry {}", i), fmt::format("{} to {}", begin, entries_end),
                    fmt::format("{}", end)};
    }
    if (auto damage = check_entry(kind, i, body.data() + begin, end - begin)) return damage;
    begin = end;
  }
  return std::nullopt;
}

EntryKey separator_of(BlockKind kind, const EntryKey& first, const EntryKey* before) {
  if (kind == BlockKind::kIndex) return first;
  const bool same_id = before != nullptr && compare_bytes(before->first, first.first) == 0;
  return {first.first, {}, same_id ? CommitId(before->commit.value() - 1) : kBeforeVersions};
}

BlockView::BlockView(BlockKind kind, ByteSpan body) : kind_(kind), body_(body.data()) {
  const uint8_t* end = body.data() + body.size();
  if (kind == BlockKind::kPartition) {
    filter_bytes_ = load<uint32_t>(end - 4);
    end -= 4 + size_t{filter_bytes_};
  }
  count_ = load<uint32_t>(end - 4);
  offsets_ = end - 4 - size_t{4} * count_;
}

const uint8_t* BlockView::entry(uint32_t i) const { return body_ + load<uint32_t>(offsets_ + size_t{4} * i); }

EntryKey BlockView::key(uint32_t i) const {
  switch (kind_) {
    case BlockKind::kDocuments:
      return document_key(entry(i));
    case BlockKind::kIndex:
      return index_key(entry(i));
    case BlockKind::kPartition:
    case BlockKind::kInner:
      return separator_key(entry(i));
    case BlockKind::kFooter:
      break;
  }
  AERODB_ASSERT(!"a footer has no entries");
}

// The kind is looked at once, outside of the loop.
template <class Below>
uint32_t BlockView::first_not(Below below) const {
  const auto search = [&](auto key_of) {
    uint32_t low = 0, high = count_;
    while (low < high) {
      const uint32_t middle = low + (high - low) / 2;
      if (below(key_of(entry(middle))))
        low = middle + 1;
      else
        high = middle;
    }
    return low;
  };
  if (kind_ == BlockKind::kDocuments) return search([](const uint8_t* at) { return document_key(at); });
  if (kind_ == BlockKind::kIndex) return search([](const uint8_t* at) { return index_key(at); });
  return search([](const uint8_t* at) { return separator_key(at); });
}

uint32_t BlockView::lower_bound(const EntryKey& key) const {
  return first_not([&](const EntryKey& entry) { return compare_keys(entry, key) < 0; });
}
uint32_t BlockView::upper_bound(const EntryKey& key) const {
  return first_not([&](const EntryKey& entry) { return compare_keys(entry, key) <= 0; });
}

StoredVersion BlockView::version(uint32_t i) const {
  AERODB_ASSERT(kind_ == BlockKind::kDocuments);
  const uint8_t* at = entry(i);
  const EntryKey key = document_key(at);
  return {as_text(key.first),
          key.commit,
          load<uint32_t>(at + 8),
          {key.first.data() + key.first.size(), load<uint32_t>(at + 12)}};
}

BlockHandle BlockView::child(uint32_t i, BlockKind kind_of_child) const {
  AERODB_ASSERT(is_node(kind_));
  const uint8_t* at = entry(i);
  return {load<uint64_t>(at), load<uint32_t>(at + 8), kind_of_child};
}

FilterView BlockView::filter() const {
  AERODB_ASSERT(kind_ == BlockKind::kPartition);
  return FilterView({offsets_ + size_t{4} * count_ + 4, filter_bytes_});
}

size_t BlockBuilder::entry_bytes(const StoredVersion& version) {
  return 4 + kDocumentHead + version.id.size() + version.document.size();
}
size_t BlockBuilder::entry_bytes(ByteSpan value, ByteSpan id) { return 4 + kIndexHead + value.size() + id.size(); }

void BlockBuilder::add(const StoredVersion& version) {
  AERODB_ASSERT(version.id.size() <= UINT16_MAX);
  offsets_.push_back(static_cast<uint32_t>(body_.size()));
  ByteWriter out(body_);
  out.u64(version.commit.value());
  out.u32(version.schema_version);
  out.u32(static_cast<uint32_t>(version.document.size()));
  out.u16(static_cast<uint16_t>(version.id.size()));
  out.raw(as_bytes(version.id));
  out.raw(version.document);
}

void BlockBuilder::add(ByteSpan value, ByteSpan id) {
  AERODB_ASSERT(id.size() <= UINT16_MAX);
  offsets_.push_back(static_cast<uint32_t>(body_.size()));
  ByteWriter out(body_);
  out.u32(static_cast<uint32_t>(value.size()));
  out.u16(static_cast<uint16_t>(id.size()));
  out.raw(value);
  out.raw(id);
}

void BlockBuilder::add(const BlockHandle& child, const EntryKey& separator) {
  AERODB_ASSERT(separator.second.size() <= UINT16_MAX);
  offsets_.push_back(static_cast<uint32_t>(body_.size()));
  ByteWriter out(body_);
  out.u64(child.offset);
  out.u32(child.stored_bytes);
  out.u32(static_cast<uint32_t>(separator.first.size()));
  out.u16(static_cast<uint16_t>(separator.second.size()));
  out.u64(separator.commit.value());
  out.raw(separator.first);
  out.raw(separator.second);
}

ByteSpan BlockBuilder::finish(ByteSpan filter) {
  ByteWriter out(body_);
  for (const uint32_t offset : offsets_) out.u32(offset);
  out.u32(count());
  if (!filter.empty()) {
    out.raw(filter);
    out.u32(static_cast<uint32_t>(filter.size()));
  }
  return body_;
}

void BlockBuilder::clear() {
  body_.clear();
  offsets_.clear();
}

}  // namespace aerodb::store
