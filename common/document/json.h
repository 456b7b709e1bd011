// JSON at the edges: command line, HTTP, explanations. nlohmann/json is included by json.cc alone.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/error.h"
#include "common/document/msgpack.h"
#include "common/document/schema.h"

namespace aerodb::document {

enum class JsonStyle : uint8_t { kCompact, kPretty };

// Exact and stable: keys in the order given, integers exact, `bytes` as lower-case hex, floats in shortest round-trip
// form and never without fraction or exponent (1.0). What JSON has no form for: NaN and infinities are
// {"float64": "<16 hex digits>"}, a key that is no string is the JSON text of it, invalid UTF-8 becomes U+FFFD.
[[nodiscard]] std::string to_json(Cursor value, JsonStyle style = JsonStyle::kCompact);
// The same for packed bytes that are known to parse (a canonical document, an explanation); a parse error is answered.
[[nodiscard]] Result<std::string> to_json(ByteSpan packed, JsonStyle style = JsonStyle::kCompact);

// JSON text to MessagePack, appended to `out`, keys in the order given. BAD_REQUEST with line and column; integers
// outside int64/uint64, duplicate keys and nesting deeper than 32 refused, `out` then unchanged.
[[nodiscard]] Result<void> from_json(std::string_view text, Bytes& out);

// JSON text read whole. The errors of from_json.
struct ParsedJson {
  Bytes packed;
  Tape tape;  // of packed
  [[nodiscard]] Cursor root() const { return tape.root(); }
};
[[nodiscard]] Result<ParsedJson> parse_json(std::string_view text);

// A JSON document to MessagePack by its schema: strings of `bytes` fields are read as hex; everything else as
// from_json. Only `bytes` values are converted here (BAD_REQUEST with the field where a string is not hex); whether the
// document is valid is the node's decision.
[[nodiscard]] Result<void> document_from_json(std::string_view text, const Schema& schema, Bytes& out);
// The same for what from_json made of the text.
[[nodiscard]] Result<void> document_from_json(Cursor value, const Schema& schema, Bytes& out);

// A schema written for people: {"collection": ..., "version": 1, "fields": {"name": {"type": "string", "required":
// true, ...}}}. BAD_REQUEST where it is no JSON, else SCHEMA_INVALID as decode_schema. What is false is left out of the
// text written.
[[nodiscard]] Result<Schema> schema_from_json(std::string_view text);
[[nodiscard]] std::string schema_to_json(const Schema& schema);

// Splits a JSON array, JSON lines, or an object holding one array (key named by `array_key`, or the only one that holds
// nothing but objects) into the texts of its elements, each an object. An only object with `_id`, or without such an
// array, is one document unless `array_key` is given. BAD_REQUEST with line and column. For imports.
[[nodiscard]] Result<std::vector<std::string>> split_json_documents(std::string_view text, std::string_view array_key);

}  // namespace aerodb::document
