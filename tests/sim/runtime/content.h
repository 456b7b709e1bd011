// The bytes of one simulated file: what reads see, and what of it a power loss can take back.
//
// Pages hold what reads see. Each sector write since the last good sync leaves an undo entry with the sector's bytes
// before it; a sync forgets the entries, a power loss undoes some of them. Entries of a failed sync stay behind as
// abandoned: the system believes these sectors clean, so no later sync writes them, unless they are written again.
#pragma once

#include <array>
#include <memory>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/random.h"

namespace aerodb::sim {

inline constexpr size_t kSectorBytes = 512;
inline constexpr size_t kPageBytes = 4096;

// The fate of a file's unsynced sector writes; order as in SimOptions::power_weights.
enum class PowerFate : uint8_t { kAllKept, kAllLost, kSubset, kPrefix };

class FileContent {
 public:
  [[nodiscard]] uint64_t size() const { return size_; }
  // Bytes read: fewer than asked only at the end.
  [[nodiscard]] size_t read(uint64_t offset, std::span<uint8_t> out) const;
  void write(uint64_t offset, ByteSpan data);
  // The file is `size_bytes` of zeros; costs nothing for what was never written.
  void fill_zero(uint64_t size_bytes);

  void sync();
  void fail_sync();
  [[nodiscard]] bool at_risk() const { return !undo_.empty() || size_ != durable_size_; }
  [[nodiscard]] size_t unsynced_sectors() const { return undo_.size(); }

  struct Loss {
    uint64_t sectors = 0;
    bool size = false;
    bool torn = false;       // a write survived in part
    bool reordered = false;  // what was written later survived what was written before
  };
  // Power is gone: afterwards everything left is durable. Sectors live and die together in groups of `sector_bytes`,
  // kSectorBytes or kPageBytes.
  Loss lose(PowerFate fate, size_t sector_bytes, SeededRandom& random);

  // Media damage: changes durable bytes beneath everything. Requires offset < size().
  void damage(uint64_t offset, uint8_t mask);

 private:
  using Page = std::array<uint8_t, kPageBytes>;
  struct Undo {
    uint64_t sector = 0;
    uint64_t saved_at = 0;  // into saved_
    uint64_t write = 0;     // which call wrote it
    bool was_zero = false;  // nothing saved: the page did not exist
    bool abandoned = false;
  };
  Page& page(uint64_t index);
  void remember(uint64_t sector);
  void restore(const Undo& undo);
  [[nodiscard]] std::vector<bool> survivors(PowerFate fate, size_t sector_bytes, SeededRandom& random) const;
  void cut(uint64_t size_bytes);

  std::vector<std::unique_ptr<Page>> pages_;  // absent: zeros
  uint64_t size_ = 0;
  uint64_t durable_size_ = 0;
  std::vector<Undo> undo_;  // oldest first
  uint64_t writes_ = 0;
  Bytes saved_;
};

}  // namespace aerodb::sim
