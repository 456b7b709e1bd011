// RESP2: SET and GET of the same ids and documents.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "common/base/assert.h"
#include "tests/bench/load/speech.h"

namespace aerodb::bench {
namespace {

constexpr std::string_view kLineEnd = "\r\n";

Bytes bytes_of(std::string_view text) { return {text.begin(), text.end()}; }

// *2\r\n$3\r\nGET\r\n$16\r\n0000000000000000\r\n: the places of the arguments behind the command.
struct Command {
  Command(std::string_view name, const std::vector<ByteSpan>& arguments) {
    bytes = bytes_of(fmt::format("*{}\r\n${}\r\n{}\r\n", 1 + arguments.size(), name.size(), name));
    for (const auto& argument : arguments) {
      const auto head = bytes_of(fmt::format("${}\r\n", argument.size()));
      bytes.insert(bytes.end(), head.begin(), head.end());
      argument_at.push_back(bytes.size());
      bytes.insert(bytes.end(), argument.begin(), argument.end());
      bytes.insert(bytes.end(), kLineEnd.begin(), kLineEnd.end());
    }
  }
  uint8_t* append_to(Bytes& out) const {
    out.insert(out.end(), bytes.begin(), bytes.end());
    return out.data() + out.size() - bytes.size();
  }
  Bytes bytes;
  std::vector<size_t> argument_at;
};

class RedisSpeech final : public Speech {
 public:
  explicit RedisSpeech(uint32_t document_bytes) : document_(document_bytes) {}

  void write(uint32_t /*slot*/, uint64_t number, Bytes& out) override {
    uint8_t* begin = set_.append_to(out);
    uint8_t* document = begin + set_.argument_at[1];
    DocumentTemplate::fill_in(number, document + document_.id_at, document + document_.group_at);
    std::copy_n(document + document_.id_at, kIdBytes, begin + set_.argument_at[0]);
  }
  void get(uint32_t /*slot*/, uint64_t number, Bytes& out) override {
    write_id(number, get_.append_to(out) + get_.argument_at[0]);
  }
  void query(uint32_t /*slot*/, uint64_t /*number*/, Bytes& /*out*/) override { AERODB_ASSERT(!"main() refuses this"); }

  // +OK, -ERR text, $LENGTH and so many bytes ($-1: none)
  [[nodiscard]] Answer read(ByteSpan in) const override {
    Answer answer;
    const auto line_end = std::ranges::search(in, as_bytes(kLineEnd));
    if (line_end.empty()) return answer;
    const auto line = static_cast<size_t>(line_end.begin() - in.begin());
    size_t bytes = line + kLineEnd.size();
    if (in[0] == '$') {
      const auto text = as_text(in.subspan(1, line - 1));
      int64_t length = 0;
      const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), length);
      answer.broken = problem != std::errc() || end != text.data() + text.size();
      if (length >= 0) bytes += static_cast<size_t>(length) + kLineEnd.size();
    } else {
      answer.refused = in[0] == '-';
      answer.broken = in[0] != '-' && in[0] != '+';
    }
    if (answer.broken || bytes <= in.size()) answer.bytes = bytes;
    return answer;
  }
  [[nodiscard]] std::string text_of(ByteSpan answer) const override { return std::string(as_text(answer)); }

 private:
  DocumentTemplate document_;
  Command set_{"SET", {Bytes(kIdBytes, '0'), document_.bytes}};
  Command get_{"GET", {Bytes(kIdBytes, '0')}};
};

}  // namespace

std::unique_ptr<Speech> make_redis_speech(uint32_t document_bytes) {
  return std::make_unique<RedisSpeech>(document_bytes);
}

}  // namespace aerodb::bench
