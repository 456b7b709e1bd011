// The form of every answer under /v1. docs/spec/OBSERVABILITY_API.md.
//
//   {"api_version":1,"observed_at":{"node","snapshot","commit_id"},"data":...,"notes":[codes]}
//   the same with "next":{parameter:value} or null at the end, where the route is paged
//   {"api_version":1,"error":{...}} with the status of the error's row
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/document/json.h"
#include "common/uv/http/http_types.h"
#include "common/wire/codec.h"

namespace aerodb::explainer {

// At most so many bytes of entries in a paged answer; more only for a single larger entry.
inline constexpr size_t kMaxPageBytes = 1 << 20;

struct Envelope {
  std::optional<std::string> node;
  bool explicit_commit = false;
  std::optional<CommitId> commit;  // that `data` speaks of
  std::vector<std::string_view> notes = {};
  bool paged = false;
  std::optional<std::pair<std::string_view, std::string>> next = std::nullopt;  // parameter and its value as JSON
};

template <class Message>
Result<std::string> json_of(const Message& message) {
  return document::to_json(ByteSpan(wire::packed_of(message)));
}

[[nodiscard]] http::HttpResponse enveloped(const Envelope& envelope, std::string_view data);
template <class Message>
Result<http::HttpResponse> answer_of(const Envelope& envelope, const Message& message) {
  auto data = json_of(message);
  if (!data) return fail(std::move(data.error()));
  return enveloped(envelope, *data);
}
[[nodiscard]] http::HttpResponse error_response(const Error& error);

// Keeps the first entries of a page: up to `limit`, and within kMaxPageBytes. True where some had to go.
template <class Entry>
bool cut_page(std::vector<Entry>& entries, size_t limit) {
  size_t bytes = 0;
  for (size_t i = 0; i < entries.size(); ++i) {
    const auto json = json_of(entries[i]);
    bytes += json ? json->size() + 1 : 0;
    if (i < limit && (i == 0 || bytes <= kMaxPageBytes)) continue;
    entries.resize(i);
    return true;
  }
  return false;
}

}  // namespace aerodb::explainer
