#include <algorithm>
#include <string_view>

#include "common/base/assert.h"
#include "common/document/msgpack.h"
#include "tests/bench/load/speech.h"

namespace aerodb::bench {
namespace {

// A bijection without order: neighbours end up far apart. (The finalizer of SplitMix64.)
uint64_t scatter(uint64_t number) {
  number = (number ^ number >> 30) * 0xbf58476d1ce4e5b9;
  number = (number ^ number >> 27) * 0x94d049bb133111eb;
  return number ^ number >> 31;
}

// Of numbers above 65535 every one takes five bytes.
constexpr uint32_t kGroupLowest = 1u << 30;

}  // namespace

void write_id(uint64_t number, uint8_t* id) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  const uint64_t scattered = scatter(number + 1);
  for (size_t i = 0; i < kIdBytes; ++i) id[i] = static_cast<uint8_t>(kDigits[scattered >> (60 - 4 * i) & 15]);
}

uint32_t group_of(uint64_t number) {
  return kGroupLowest | static_cast<uint32_t>(scatter(number / kQueryDocuments + 1) % kGroupLowest);
}

DocumentTemplate::DocumentTemplate(uint32_t wanted_bytes) {
  AERODB_ASSERT(wanted_bytes >= kSmallestDocument);
  const auto make = [&](size_t text_bytes) {
    bytes.clear();
    document::PackWriter out(bytes);
    out.map(3);
    out.field("_id", std::string(kIdBytes, '0'));
    id_at = bytes.size() - kIdBytes;
    out.field("group", kGroupLowest);
    group_at = bytes.size() - 4;
    out.field("text", std::string(text_bytes, 'x'));
  };
  // The head of a longer text takes up to four bytes more; where it grows, one size is left out.
  make(0);
  size_t text_bytes = wanted_bytes - bytes.size();
  for (make(text_bytes); bytes.size() > wanted_bytes; make(text_bytes)) --text_bytes;
}

void DocumentTemplate::fill_in(uint64_t number, uint8_t* id, uint8_t* group) {
  write_id(number, id);
  const uint32_t value = group_of(number);
  for (int i = 0; i < 4; ++i) group[i] = static_cast<uint8_t>(value >> (24 - 8 * i));
}

}  // namespace aerodb::bench
