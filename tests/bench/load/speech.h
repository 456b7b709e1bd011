// What a server is asked and how its answers are told apart: the only part of the load that differs between servers.
// Requests are made from templates in which ids and numbers are overwritten, so that the generator costs little.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "common/base/bytes.h"
#include "tests/bench/load/load.h"

namespace aerodb::bench {

// The document with a number: {_id: sixteen hex digits, group: int, text}. Ids and groups are scattered over their
// whole range; kQueryDocuments neighbours share a group.
inline constexpr uint64_t kQueryDocuments = 10;
inline constexpr size_t kIdBytes = 16;
inline constexpr size_t kSmallestDocument = 64;
void write_id(uint64_t number, uint8_t* id);
[[nodiscard]] uint32_t group_of(uint64_t number);

// A packed document of so many bytes (one fewer where MessagePack has none of that size) with both places to fill in.
struct DocumentTemplate {
  explicit DocumentTemplate(uint32_t bytes);
  static void fill_in(uint64_t number, uint8_t* id, uint8_t* group);
  Bytes bytes;
  size_t id_at = 0;
  size_t group_at = 0;  // four bytes, big-endian
};

class Speech {
 public:
  struct Answer {
    size_t bytes = 0;              // 0: it has not arrived whole
    std::optional<uint32_t> slot;  // nullopt: answers come in the order of requests
    bool refused = false;
    bool broken = false;  // not an answer at all
  };
  virtual ~Speech() = default;
  // Each appends one request to `out`.
  virtual void write(uint32_t slot, uint64_t number, Bytes& out) = 0;
  virtual void get(uint32_t slot, uint64_t number, Bytes& out) = 0;
  virtual void query(uint32_t slot, uint64_t number, Bytes& out) = 0;
  // The first answer in `in`, which is not empty.
  [[nodiscard]] virtual Answer read(ByteSpan in) const = 0;
  // A refusal, for people.
  [[nodiscard]] virtual std::string text_of(ByteSpan answer) const = 0;
};

[[nodiscard]] std::unique_ptr<Speech> make_node_speech(uint32_t document_bytes);
[[nodiscard]] std::unique_ptr<Speech> make_redis_speech(uint32_t document_bytes);

// Bytes of the MessagePack value at the begin of `in`; 0: it is not whole. Says nothing about what is inside.
[[nodiscard]] size_t packed_bytes(ByteSpan in);

}  // namespace aerodb::bench
