// MessagePack-RPC: requests of a node's client listener.
#include <algorithm>
#include <array>

#include "common/base/assert.h"
#include "common/wire/codec.h"
#include "common/wire/methods.h"
#include "tests/bench/load/speech.h"

namespace aerodb::bench {
namespace {

constexpr std::string_view kCollection = "bench";
constexpr uint64_t kPatternNumber = 0x6265'6e63'6800;  // whose id and group mark the places in a template

size_t place_of(ByteSpan pattern, ByteSpan in) {
  const auto found = std::ranges::search(in, pattern);
  AERODB_ASSERT(!found.empty());
  return static_cast<size_t>(found.begin() - in.begin());
}

std::array<uint8_t, 4> big_endian(uint32_t value) {
  return {static_cast<uint8_t>(value >> 24), static_cast<uint8_t>(value >> 16), static_cast<uint8_t>(value >> 8),
          static_cast<uint8_t>(value)};
}

// A whole request, with the places of its message id and of what it asks for.
struct RequestTemplate {
  template <class Request>
  RequestTemplate(std::string_view method, const Request& request) {
    constexpr uint32_t kSlot = 0xfffefdfc;
    document::PackWriter out(bytes);
    out.array(4);
    out.unsigned_integer(0);
    out.unsigned_integer(kSlot);
    out.text(method);
    out.array(1);
    wire::encode(request, out);
    slot_at = place_of(big_endian(kSlot), bytes);
  }
  uint8_t* append_to(Bytes& out, uint32_t slot) const {
    out.insert(out.end(), bytes.begin(), bytes.end());
    uint8_t* begin = out.data() + out.size() - bytes.size();
    std::ranges::copy(big_endian(slot), begin + slot_at);
    return begin;
  }
  Bytes bytes;
  size_t slot_at = 0;
};

std::string pattern_id() {
  std::string id(kIdBytes, ' ');
  write_id(kPatternNumber, reinterpret_cast<uint8_t*>(id.data()));
  return id;
}

RequestTemplate insert_template(const DocumentTemplate& document) {
  wire::DocInsertRequest request;
  request.collection = kCollection;
  request.schema_version = 1;
  request.document = wire::Packed{document.bytes};
  return {wire::kDocInsert.name, request};
}

RequestTemplate get_template() {
  wire::DocGetRequest request;
  const auto id = pattern_id();
  request.collection = kCollection;
  request.id = id;
  request.schema_version = 1;
  return {wire::kDocGet.name, request};
}

RequestTemplate query_template() {
  Bytes group;
  document::PackWriter(group).unsigned_integer(group_of(kPatternNumber));
  wire::DocQueryRequest request;
  request.collection = kCollection;
  request.schema_version = 1;
  request.where.push_back({"group", "eq", wire::Packed{group}});
  request.limit = static_cast<uint32_t>(kQueryDocuments);
  return {wire::kDocQuery.name, request};
}

class NodeSpeech final : public Speech {
 public:
  explicit NodeSpeech(uint32_t document_bytes) : document_(document_bytes) {
    document_at_ = place_of(document_.bytes, insert_.bytes);
    id_at_ = place_of(as_bytes(pattern_id()), get_.bytes);
    group_at_ = place_of(big_endian(group_of(kPatternNumber)), query_.bytes);
  }

  void write(uint32_t slot, uint64_t number, Bytes& out) override {
    uint8_t* document = insert_.append_to(out, slot) + document_at_;
    DocumentTemplate::fill_in(number, document + document_.id_at, document + document_.group_at);
  }
  void get(uint32_t slot, uint64_t number, Bytes& out) override {
    write_id(number, get_.append_to(out, slot) + id_at_);
  }
  void query(uint32_t slot, uint64_t number, Bytes& out) override {
    std::ranges::copy(big_endian(group_of(number)), query_.append_to(out, slot) + group_at_);
  }

  // [1, id, error, result]
  [[nodiscard]] Answer read(ByteSpan in) const override {
    Answer answer;
    answer.bytes = packed_bytes(in);
    if (answer.bytes == 0) return answer;
    const size_t id_bytes = answer.bytes < 4 ? 0 : packed_bytes(in.subspan(2));
    answer.broken = id_bytes == 0 || in[0] != 0x94 || in[1] != 0x01 || answer.bytes < 2 + id_bytes + 2;
    if (answer.broken) return answer;
    uint32_t slot = in[2] <= 0x7f ? in[2] : 0;
    for (size_t i = 1; i < id_bytes; ++i) slot = slot << 8 | in[2 + i];
    answer.slot = slot;
    answer.refused = in[2 + id_bytes] != 0xc0;
    return answer;
  }
  [[nodiscard]] std::string text_of(ByteSpan answer) const override {
    document::Tape tape;
    if (!tape.parse(answer)) return "an answer that does not parse";
    return wire::decode_error(tape.root().first().skip().skip()).message;
  }

 private:
  DocumentTemplate document_;
  RequestTemplate insert_ = insert_template(document_);
  RequestTemplate get_ = get_template();
  RequestTemplate query_ = query_template();
  size_t document_at_ = 0;
  size_t id_at_ = 0;
  size_t group_at_ = 0;
};

// What the first byte of a value says.
struct Head {
  uint8_t bytes = 1;       // of the head without a length
  uint8_t length = 0;      // bytes of the length behind it
  uint8_t children = 0;    // of a container: values for each counted element
  bool has_body = false;   // the length is that of a body
  uint8_t fixed_body = 0;  // the body's length, where the first byte holds it
  uint8_t fixed_children = 0;
};

constexpr std::array<Head, 256> heads() {
  std::array<Head, 256> all{};
  for (uint8_t i = 0; i < 16; ++i) {
    all[0x80 + i].fixed_children = static_cast<uint8_t>(2 * i);
    all[0x90 + i].fixed_children = i;
  }
  for (uint8_t i = 0; i < 32; ++i) all[0xa0 + i].fixed_body = i;
  for (uint8_t i = 0; i < 3; ++i) {
    all[0xc4 + i].length = all[0xd9 + i].length = static_cast<uint8_t>(1 << i);
    all[0xc4 + i].has_body = all[0xd9 + i].has_body = true;
  }
  for (uint8_t i = 0; i < 2; ++i) {
    all[0xdc + i].length = all[0xde + i].length = static_cast<uint8_t>(2 << i);
    all[0xdc + i].children = 1;
    all[0xde + i].children = 2;
  }
  for (uint8_t i = 0; i < 4; ++i) all[0xcc + i].bytes = all[0xd0 + i].bytes = static_cast<uint8_t>(1 + (1 << i));
  all[0xca].bytes = 5;
  all[0xcb].bytes = 9;
  return all;
}
constexpr auto kHeads = heads();

}  // namespace

size_t packed_bytes(ByteSpan in) {
  size_t at = 0;
  for (uint64_t owed = 1; owed > 0; --owed) {
    if (at >= in.size()) return 0;
    const Head& head = kHeads[in[at]];
    uint64_t length = 0;
    if (head.length > 0) {
      if (in.size() - at <= head.length) return 0;
      for (uint8_t i = 1; i <= head.length; ++i) length = length << 8 | in[at + i];
    }
    at += head.bytes + head.length + head.fixed_body + (head.has_body ? length : 0);
    owed += head.fixed_children + length * head.children;
  }
  return at <= in.size() ? at : 0;
}

std::unique_ptr<Speech> make_node_speech(uint32_t document_bytes) {
  return std::make_unique<NodeSpeech>(document_bytes);
}

}  // namespace aerodb::bench
