#include "common/store/run_footer.h"

#include <fmt/format.h>

#include <tuple>

#include "common/base/checksum.h"

namespace aerodb::store {
namespace {

constexpr size_t kTailChecked = 16;

std::unexpected<Damage> damaged(std::string what, uint64_t expected, uint64_t found) {
  return std::unexpected(Damage{std::move(what), fmt::format("{}", expected), fmt::format("{}", found)});
}

std::array<uint8_t, 16> tail_checksum(ByteSpan header, ByteSpan tail) {
  Xxh3Stream hash;
  hash.update(header);
  hash.update(tail.first(kTailChecked));
  return hash.finish();
}

RunSection read_section(ByteReader& in) {
  RunSection section;
  section.collection = in.string();
  section.path = in.string();
  section.height = in.u32();
  section.top.offset = in.u64();
  section.top.stored_bytes = in.u32();
  section.entries = in.u64();
  section.bytes = in.u64();
  section.top.kind = kind_of_level(section, section.height);
  return section;
}

// `begin`: where the section must begin; `end`: where all of them end.
std::optional<Damage> check_section(const RunSection& section, uint64_t begin, uint64_t end) {
  const auto of = [&](std::string_view what) { return fmt::format("{} of {}", what, section_name(section)); };
  if (section.collection.empty()) return Damage{"collection of a section", "a name", "none"};
  if (section.height == 0 || section.height > kMaxRunHeight) {
    return Damage{of("height"), fmt::format("1 to {}", kMaxRunHeight), fmt::format("{}", section.height)};
  }
  if (section.entries == 0) return Damage{of("entries"), "at least 1", "0"};
  if (section.bytes > end - begin)
    return Damage{of("bytes"), fmt::format("at most {}", end - begin), fmt::format("{}", section.bytes)};
  // The root is the section's last block.
  if (section.top.stored_bytes > section.bytes)
    return Damage{of("top's bytes"), fmt::format("at most {}", section.bytes),
                  fmt::format("{}", section.top.stored_bytes)};
  if (const uint64_t top = begin + section.bytes - section.top.stored_bytes; section.top.offset != top)
    return Damage{of("top's offset"), fmt::format("{}", top), fmt::format("{}", section.top.offset)};
  return std::nullopt;
}

bool follows(const RunSection& section, const RunSection& before) {
  return std::tie(before.collection, before.path) < std::tie(section.collection, section.path);
}

}  // namespace

Bytes encode_run_header(const RunHeader& header) {
  Bytes bytes;
  ByteWriter out(bytes);
  out.u32(kRunMagic);
  out.u32(kRunFormat);
  out.u64(header.number);
  out.u64(header.first_commit.value());
  out.u64(header.last_commit.value());
  out.zeros(kRunHeaderBytes - bytes.size());
  return bytes;
}

Undamaged<RunHeader> decode_run_header(ByteSpan header) {
  ByteReader in(header);
  if (const auto magic = in.u32(); magic != kRunMagic) return damaged("magic of the header", kRunMagic, magic);
  if (const auto format = in.u32(); format != kRunFormat) return damaged("format", kRunFormat, format);
  RunHeader read;
  read.number = in.u64();
  read.first_commit = CommitId(in.u64());
  read.last_commit = CommitId(in.u64());
  while (!in.at_end()) {
    if (const auto zero = in.u8(); zero != 0) return damaged("unused bytes of the header", 0, zero);
  }
  return read;
}

uint32_t run_format_of(ByteSpan header) {
  ByteReader in(header.subspan(4));
  return in.u32();
}

Bytes encode_run_footer(const RunFooter& footer) {
  Bytes bytes;
  ByteWriter out(bytes);
  out.u64(footer.versions);
  out.u64(footer.tombstones);
  out.u64(footer.index_entries);
  out.id(footer.versions_digest);
  out.u32(static_cast<uint32_t>(footer.sections.size()));
  for (const auto& section : footer.sections) {
    out.string(section.collection);
    out.string(section.path);
    out.u32(section.height);
    out.u64(section.top.offset);
    out.u32(section.top.stored_bytes);
    out.u64(section.entries);
    out.u64(section.bytes);
  }
  return bytes;
}

Undamaged<RunFooter> decode_run_footer(ByteSpan body, uint64_t footer_offset) {
  ByteReader in(body);
  RunFooter footer;
  footer.versions = in.u64();
  footer.tombstones = in.u64();
  footer.index_entries = in.u64();
  footer.versions_digest = in.id<Digest>();
  const uint32_t count = in.u32();
  uint64_t begin = kRunHeaderBytes;
  for (uint32_t i = 0; i < count && in.ok(); ++i) {
    RunSection section = read_section(in);
    if (!in.ok()) break;
    if (auto damage = check_section(section, begin, footer_offset)) return std::unexpected(std::move(*damage));
    if (!footer.sections.empty() && !follows(section, footer.sections.back())) {
      return std::unexpected(
          Damage{"order of sections", "behind " + section_name(footer.sections.back()), section_name(section)});
    }
    begin += section.bytes;
    footer.sections.push_back(std::move(section));
  }
  if (!in.at_end()) {
    return std::unexpected(Damage{"bytes of the footer", fmt::format("{} sections and no more", count),
                                  fmt::format("{} sections in {} bytes", footer.sections.size(), body.size())});
  }
  if (begin != footer_offset) return damaged("end of the last section", footer_offset, begin);
  return footer;
}

Bytes encode_run_tail(ByteSpan header, const BlockHandle& footer) {
  Bytes tail;
  ByteWriter out(tail);
  out.u64(footer.offset);
  out.u32(footer.stored_bytes);
  out.u32(kRunMagic);
  out.raw(tail_checksum(header, tail));
  return tail;
}

Undamaged<BlockHandle> decode_run_tail(ByteSpan header, ByteSpan tail, uint64_t file_bytes) {
  const auto computed = tail_checksum(header, tail);
  const auto stated = tail.subspan(kTailChecked);
  if (std::memcmp(stated.data(), computed.data(), computed.size()) != 0)
    return std::unexpected(Damage{"checksum of header and tail", to_hex(stated), to_hex(computed)});
  ByteReader in(tail);
  BlockHandle footer{in.u64(), in.u32(), BlockKind::kFooter};
  if (const auto magic = in.u32(); magic != kRunMagic) return damaged("magic of the tail", kRunMagic, magic);
  if (footer.stored_bytes > kMaxBlockBytes + kBlockTrailerBytes)
    return damaged("footer's bytes, at most", kMaxBlockBytes + kBlockTrailerBytes, footer.stored_bytes);
  const uint64_t end = file_bytes - kRunTailBytes;
  if (footer.offset < kRunHeaderBytes || footer.offset > end || footer.stored_bytes != end - footer.offset)
    return damaged("end of the footer", end, footer.offset + footer.stored_bytes);
  return footer;
}

}  // namespace aerodb::store
