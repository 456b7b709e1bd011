// Short ways to write documents and schemas in tests.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "common/document/canonical.h"
#include "common/document/json.h"
#include "common/document/msgpack.h"
#include "common/document/schema.h"

namespace aerodb::document::testing {

inline Bytes from_json_text(std::string_view text) {
  Bytes out;
  auto read = from_json(text, out);
  EXPECT_TRUE(read.has_value()) << text << ": " << (read ? "" : read.error().message);
  return out;
}

inline Bytes bytes_of_hex(std::string_view hex) {
  auto bytes = from_hex(hex);
  EXPECT_TRUE(bytes.has_value()) << hex;
  return bytes.value_or(Bytes{});
}

inline Schema schema_of(std::string_view text) {
  auto schema = schema_from_json(text);
  EXPECT_TRUE(schema.has_value()) << (schema ? "" : schema.error().message);
  return schema.value_or(Schema{});
}

inline Result<Bytes> canonical(ByteSpan packed, const Schema& schema, uint32_t max_bytes = kDefaultMaxDocumentBytes) {
  Tape tape;
  if (auto parsed = tape.parse(packed); !parsed) return fail(parsed.error());
  Bytes out;
  if (auto done = canonicalize(tape.root(), schema, max_bytes, out); !done) {
    EXPECT_TRUE(out.empty());
    return fail(done.error());
  }
  return out;
}

inline std::string_view code_of(const Result<Bytes>& result) { return result ? "" : result.error().row().name; }
inline std::string_view code_of(const Result<void>& result) { return result ? "" : result.error().row().name; }
inline std::string_view code_of(const Result<Schema>& result) { return result ? "" : result.error().row().name; }
template <class T>
std::string message_of(const Result<T>& result) {
  return result ? "" : result.error().message;
}

}  // namespace aerodb::document::testing
