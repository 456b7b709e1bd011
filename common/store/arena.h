// Bump allocation for what lives as long as a memory table: ids, versions, documents, index values, tree nodes. Never
// freed singly.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <type_traits>
#include <utility>
#include <vector>

namespace aerodb::store {

template <size_t kAlignment>
class AlignedArena {
 public:
  // Aligned so; valid as long as the arena.
  [[nodiscard]] uint8_t* allocate(size_t bytes) {
    bytes = (bytes + kAlignment - 1) / kAlignment * kAlignment;
    if (bytes > kChunkBytes / 4) return new_chunk(bytes);  // leaves the current chunk in use
    if (bytes > left_) {
      at_ = new_chunk(kChunkBytes);
      left_ = kChunkBytes;
    }
    uint8_t* piece = at_;
    at_ += bytes;
    left_ -= bytes;
    return piece;
  }
  // A T followed by `tail_bytes` for the caller to fill in. T needs no destruction: none is called.
  template <class T, class... Arguments>
  [[nodiscard]] T* make(size_t tail_bytes, Arguments&&... arguments) {
    static_assert(std::is_trivially_destructible_v<T> && alignof(T) <= kAlignment);
    return std::construct_at(reinterpret_cast<T*>(allocate(sizeof(T) + tail_bytes)),
                             std::forward<Arguments>(arguments)...);
  }
  // Memory taken from the system.
  [[nodiscard]] uint64_t bytes() const { return bytes_; }

 private:
  uint8_t* new_chunk(size_t bytes) {
    chunks_.push_back(std::make_unique_for_overwrite<uint64_t[]>((bytes + 7) / 8));
    bytes_ += bytes;
    return reinterpret_cast<uint8_t*>(chunks_.back().get());
  }
  static_assert(alignof(uint64_t) % kAlignment == 0);
  static constexpr size_t kChunkBytes = (256 << 10) - 64;  // whole pages with the allocator's own header
  std::vector<std::unique_ptr<uint64_t[]>> chunks_;
  uint8_t* at_ = nullptr;
  size_t left_ = 0;
  uint64_t bytes_ = 0;
};

using Arena = AlignedArena<8>;
using PackedArena = AlignedArena<1>;

}  // namespace aerodb::store
