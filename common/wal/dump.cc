#include "common/wal/dump.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <memory>

#include "common/wal/segment_reader.h"

namespace aerodb::wal {
namespace {

// A slot's number from a name like 0007.seg.
std::optional<uint32_t> slot_of_name(std::string_view name) {
  const size_t digits = std::min(name.find('.'), name.size());
  if (digits > 6 || !std::ranges::all_of(name.substr(0, digits), [](char c) { return c >= '0' && c <= '9'; }))
    return std::nullopt;
  uint32_t slot = 0;
  for (char digit : name.substr(0, digits)) slot = slot * 10 + static_cast<uint32_t>(digit - '0');
  return fmt::format("{:04}.seg", slot) == name ? std::optional(slot) : std::nullopt;
}

struct Slot {
  DumpedSegment shown;
  std::unique_ptr<runtime::File> file;
  std::optional<Error> error;
  uint64_t salt_if_bad = 0;  // of the segment expected behind a bad header
};

class Dump {
 public:
  Dump(runtime::Disk& disk, std::string directory, RingVisitor& visitor)
      : disk_(disk), directory_(std::move(directory)), visitor_(visitor) {}

  Result<RingDump> run() {
    if (auto opened = open_slots(); !opened) return fail(std::move(opened.error()));
    expect_lost_segments();
    std::ranges::sort(slots_, [](const Slot& a, const Slot& b) { return rank(a) < rank(b); });
    for (auto& slot : slots_) show(slot);
    return totals_;
  }

 private:
  static std::pair<bool, uint64_t> rank(const Slot& slot) {
    const bool valid = slot.shown.state == SlotState::kValid;
    return {!valid, valid ? slot.shown.header.sequence : slot.shown.slot};
  }

  Result<void> open_slots() {
    auto names = disk_.list(directory_);
    if (!names) return fail(std::move(names.error()));
    std::map<uint32_t, std::string> by_slot;
    for (const auto& name : *names) {
      const std::string path = directory_ + "/" + name;
      const auto slot = slot_of_name(name);
      if (!slot || !by_slot.emplace(*slot, path).second)
        trouble(path, 0, Error{ErrorCode::kWalSegmentMissing, "read log: " + path + " is not a segment's name", {}});
    }
    // A gap of missing files is shown one by one as far as a ring can be thought to reach.
    constexpr uint32_t kGapShown = 64;
    uint32_t next = 0;
    for (auto& [number, path] : by_slot) {
      for (; next < number && number - next <= kGapShown; ++next) add_missing(next);
      next = number + 1;
      add(number, path);
    }
    return {};
  }

  void add_missing(uint32_t number) {
    Slot slot;
    slot.shown = {fmt::format("{}/{:04}.seg", directory_, number), number, SlotState::kMissing, 0, {}};
    slots_.push_back(std::move(slot));
  }

  void add(uint32_t number, const std::string& path) {
    Slot slot;
    slot.shown.path = path;
    slot.shown.slot = number;
    if (auto read = read_header(slot); !read) {
      slot.shown.state = SlotState::kUnreadable;
      slot.error = std::move(read.error());
    }
    slots_.push_back(std::move(slot));
  }

  Result<void> read_header(Slot& slot) {
    auto file = disk_.open(slot.shown.path, runtime::OpenMode::kRead);
    if (!file) return fail(std::move(file.error()));
    auto size = (*file)->size();
    if (!size) return fail(std::move(size.error()));
    slot.shown.file_bytes = *size;
    slot.file = std::move(*file);
    Bytes sector(kSegmentHeaderBytes);
    auto count = slot.file->read(0, sector);
    // Frames may be read all the same.
    if (!count) slot.error = std::move(count.error());
    switch (read_segment_header(sector, slot.shown.header)) {
      case SegmentHeaderState::kValid:
        slot.shown.state = SlotState::kValid;
        return {};
      case SegmentHeaderState::kNewerFormat:
        slot.shown.state = SlotState::kNewerFormat;
        return {};
      case SegmentHeaderState::kInvalid:
        break;
    }
    const bool zero = std::ranges::all_of(sector, [](uint8_t byte) { return byte == 0; });
    slot.shown.state = zero && !slot.error ? SlotState::kUnused : SlotState::kBadHeader;
    slot.shown.header = {};
    return {};
  }

  // Which slots hold a segment that belongs elsewhere, and what a slot without a header should hold.
  void expect_lost_segments() {
    const auto slots = slots_.empty() ? 0 : static_cast<uint64_t>(slots_.back().shown.slot) + 1;
    for (auto& slot : slots_) {
      auto& shown = slot.shown;
      if (shown.state == SlotState::kValid && (shown.header.sequence - 1) % slots != shown.slot)
        shown.state = SlotState::kWrongSlot;
    }
    for (size_t i = 0; i < slots_.size(); ++i) {
      const auto& before = slots_[i == 0 ? slots_.size() - 1 : i - 1];
      auto& slot = slots_[i];
      const bool lost = slot.shown.state == SlotState::kBadHeader || slot.shown.state == SlotState::kUnused;
      if (!lost || before.shown.state != SlotState::kValid) continue;
      if (before.shown.header.sequence % slots != slot.shown.slot) continue;
      slot.salt_if_bad = salt_after(before.shown.header);
      slot.shown.header.sequence = before.shown.header.sequence + 1;
    }
  }

  void show(Slot& slot) {
    visitor_.on_segment(slot.shown);
    if (slot.error) trouble(slot.shown.path, 0, *slot.error);
    switch (slot.shown.state) {
      case SlotState::kValid:
        totals_.segments += 1;
        show_frames(slot, slot.shown.header);
        break;
      case SlotState::kWrongSlot:
        show_frames(slot, slot.shown.header);
        break;
      case SlotState::kUnused:
      case SlotState::kBadHeader: {
        SegmentHeader lost = slot.shown.header;
        lost.salt = slot.salt_if_bad;
        show_frames(slot, lost);
        break;
      }
      case SlotState::kNewerFormat:
      case SlotState::kMissing:
      case SlotState::kUnreadable:
        break;
    }
  }

  // Whole frames at once, sector by sector where there is none. Frames of other sequences are an older use of the slot
  // and not shown where the header says which one it is.
  void show_frames(Slot& slot, const SegmentHeader& header) {
    const uint64_t end = slot.shown.file_bytes;
    SegmentReader whole(*slot.file, end, header);
    SegmentReader sectors(*slot.file, end, header, kSectorBytes);
    SegmentReader* reader = &whole;
    bool failing = false;
    uint64_t expected = kSegmentHeaderBytes;
    for (uint64_t offset = kSegmentHeaderBytes; offset < end;) {
      auto valid = reader->frame_at(offset);
      if (!valid && reader == &whole) {
        reader = &sectors;  // a large window would hide what lies beside a bad sector
        continue;
      }
      if (!valid && !failing) trouble(slot.shown.path, offset, valid.error());
      failing = !valid;
      if (valid && *valid && header.sequence > 0) {
        show_frame(slot.shown.slot, offset, FrameState::kValid, (*valid)->header);
        show_records(slot.shown, offset, FrameState::kValid, (*valid)->header, (*valid)->body());
        expected = offset += (*valid)->header.bytes_on_disk();
        continue;
      }
      expected = show_head(*reader, slot.shown, offset, expected);
      offset += kSectorBytes;
    }
  }

  // Shows the head of a frame that can't be taken for valid, if there is one. Where a frame had to begin, its records
  // are shown as far as they can be read. Answers where the next frame has to begin.
  uint64_t show_head(SegmentReader& reader, const DumpedSegment& segment, uint64_t offset, uint64_t expected) {
    const bool header_lost = segment.state == SlotState::kUnused || segment.state == SlotState::kBadHeader;
    auto bytes = reader.bytes_at(offset, kFrameHeaderBytes);
    if (!bytes) return expected;
    const uint64_t sequence = header_lost ? sequence_of_head(*bytes) : segment.header.sequence;
    const auto head = sequence > 0 ? peek_frame_header(*bytes, sequence) : std::nullopt;
    if (!head || head->bytes_on_disk() > segment.file_bytes - offset) return expected;
    const auto state = header_lost ? FrameState::kUnchecked : FrameState::kBroken;
    show_frame(segment.slot, offset, state, *head);
    if (offset != expected) return expected;
    auto whole = reader.bytes_at(offset, kFrameHeaderBytes + head->body_bytes);
    if (whole) show_records(segment, offset, state, *head, whole->subspan(kFrameHeaderBytes));
    return offset + head->bytes_on_disk();
  }

  static uint64_t sequence_of_head(ByteSpan head) {
    ByteReader in(head);
    (void)in.raw(8);
    return in.u64();
  }

  void show_frame(uint32_t slot, uint64_t offset, FrameState state, const FrameHeader& header) {
    totals_.frames += state == FrameState::kValid ? 1 : 0;
    totals_.broken_frames += state == FrameState::kBroken ? 1 : 0;
    totals_.unchecked_frames += state == FrameState::kUnchecked ? 1 : 0;
    visitor_.on_frame({slot, offset, state, header});
  }

  void show_records(const DumpedSegment& segment, uint64_t frame_at, FrameState state, const FrameHeader& header,
                    ByteSpan body) {
    uint64_t offset = frame_at + kFrameHeaderBytes;
    for (uint32_t i = 0; i < header.count; ++i) {
      auto record = read_record(body);
      if (!record) {
        trouble(segment.path, offset, record.error());
        return;
      }
      show_record({segment.slot, offset, state, header.frame_sequence, RecordOrder::kApart, *record});
      offset += record->bytes.size();
      body = body.subspan(record->bytes.size());
    }
    if (!body.empty())
      trouble(segment.path, offset, Error{ErrorCode::kBadRecord, "a frame holds more bytes than its records", {}});
  }

  void show_record(DumpedRecord shown) {
    const auto& header = shown.record.header;
    if (header.lsn == last_lsn_.next() && last_lsn_ > Lsn())
      shown.order = header.chain_before == last_chain_ ? RecordOrder::kFollows : RecordOrder::kBreaks;
    totals_.records += shown.frame == FrameState::kValid ? 1 : 0;
    totals_.breaks += shown.order == RecordOrder::kBreaks ? 1 : 0;
    last_lsn_ = header.lsn;
    last_chain_ = shown.record.chain_after();
    visitor_.on_record(shown);
  }

  void trouble(const std::string& path, uint64_t offset, const Error& error) {
    totals_.troubles += 1;
    visitor_.on_trouble(path, offset, error);
  }

  runtime::Disk& disk_;
  std::string directory_;
  RingVisitor& visitor_;
  std::vector<Slot> slots_;  // by slot until they are shown
  RingDump totals_;
  Lsn last_lsn_;
  Chain last_chain_;
};

}  // namespace

std::string_view slot_state_name(SlotState state) {
  static constexpr std::string_view kNames[] = {"valid",      "unused",  "bad_header", "newer_format",
                                                "wrong_slot", "missing", "unreadable"};
  return kNames[static_cast<size_t>(state)];
}

std::string_view frame_state_name(FrameState state) {
  static constexpr std::string_view kNames[] = {"valid", "broken", "unchecked"};
  return kNames[static_cast<size_t>(state)];
}

std::string_view record_order_name(RecordOrder order) {
  static constexpr std::string_view kNames[] = {"follows", "breaks", "apart"};
  return kNames[static_cast<size_t>(order)];
}

Result<RingDump> dump_ring(runtime::Disk& disk, const std::string& data_dir, RingVisitor& visitor) {
  return Dump(disk, data_dir + "/wal", visitor).run();
}

}  // namespace aerodb::wal
