#include "common/node/rest.h"

#include <fmt/format.h>

#include "common/document/json.h"
#include "common/node/rest_json.h"
#include "common/wire/local_call.h"

namespace aerodb::node {
namespace {

// What the segments of a path are: "collection" and "id" from it, the rest fixed.
struct Segments {
  bool match = true;
  std::string_view collection;
  std::string_view id;
};

Segments match_path(std::string_view path, const std::vector<std::string>& given) {
  Segments segments;
  for (const auto& segment : given) {
    if (path.empty()) return {false, {}, {}};
    path.remove_prefix(1);
    const auto wanted = path.substr(0, path.find('/'));
    path.remove_prefix(wanted.size());
    if (wanted == "{collection}")
      segments.collection = segment;
    else if (wanted == "{id}")
      segments.id = segment;
    else
      segments.match = segments.match && wanted == segment;
  }
  segments.match = segments.match && path.empty();
  return segments;
}

Result<void> check_segment(std::string_view path, std::string_view name, std::string_view value, size_t max_bytes) {
  if (path.find(name) == std::string_view::npos) return {};
  if (!value.empty() && value.size() <= max_bytes && http::is_utf8(value)) return {};
  return fail(ErrorCode::kBadRequest, fmt::format("{} of the path: 1 to {} bytes of UTF-8", name, max_bytes));
}

bool is_json(std::string_view content_type) {
  constexpr std::string_view kJson = "application/json";
  const auto type = content_type.substr(0, content_type.find_first_of("; \t"));
  return std::ranges::equal(type, kJson, {}, [](char c) { return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c; });
}

Result<void> check_body(const http::HttpRequest& request, RestBody body) {
  if (body == RestBody::kNone) {
    if (request.body.empty()) return {};
    return fail(ErrorCode::kBadRequest, fmt::format("{} {}: takes no body", request.method, request.path));
  }
  if (is_json(request.content_type)) return {};
  return fail(ErrorCode::kBadRequest,
              fmt::format("Content-Type \"{}\": a body is application/json", request.content_type));
}

Result<std::optional<wire::Receipt>> receipt_of(const http::HttpRequest& request) {
  auto text = http::header_of(request, kReceiptHeader);
  if (!text) return fail(std::move(text.error()));
  if (!*text) return std::nullopt;
  const auto read = [&]() -> Result<wire::Receipt> {
    auto object = json_object(**text);
    if (!object) return fail(std::move(object.error()));
    auto message = as_message<wire::Receipt>(object->tape.root());
    if (!message) return fail(std::move(message.error()));
    return wire::decode<wire::Receipt>(message->tape.root());
  };
  auto receipt = read();
  if (receipt) return *receipt;
  receipt.error().message = fmt::format("header {}: {}", kReceiptHeader, receipt.error().message);
  return fail(std::move(receipt.error()));
}

}  // namespace

Rest::Rest(Node& node) : node_(node) {
  on(kRestInsert, rest_insert);
  on(kRestGet, rest_get);
  on(kRestUpdate, rest_update);
  on(kRestDelete, rest_delete);
  on(kRestHistory, rest_history);
  on(kRestQuery, rest_query);
  on(kRestWrite, rest_write);
  on(kRestSchemas, rest_nothing);
  on(kRestRegister, rest_register);
  on(kRestStatus, rest_nothing);
}

// The entry that serves the request. Otherwise METHOD_NOT_ALLOWED, with the verbs of that path in `allow`, or
// NOT_FOUND.
Result<const Rest::Entry*> Rest::find(const http::HttpRequest& request, std::string& allow) const {
  for (const auto& entry : entries_) {
    if (!match_path(entry.path, request.segments).match) continue;
    if (entry.verb == request.method) return &entry;
    allow += (allow.empty() ? "" : ", ") + std::string(entry.verb);
  }
  if (allow.empty()) return fail(ErrorCode::kNotFound, fmt::format("{}: no such route", request.path));
  return fail(ErrorCode::kMethodNotAllowed, fmt::format("{} {}: served are {}", request.method, request.path, allow));
}

Result<Bytes> Rest::translate(const Entry& entry, const http::HttpRequest& request) {
  const auto segments = match_path(entry.path, request.segments);
  if (auto good = check_segment(entry.path, "{collection}", segments.collection, document::kMaxNameBytes); !good)
    return fail(std::move(good.error()));
  if (auto good = check_segment(entry.path, "{id}", segments.id, document::kMaxIdBytes); !good)
    return fail(std::move(good.error()));
  auto parameters = http::parse_parameters<RestParameters>(request, entry.parameters);
  if (!parameters) return fail(std::move(parameters.error()));
  if (auto good = check_body(request, entry.body); !good) return fail(std::move(good.error()));
  RestRequest asked{request, segments.collection, segments.id, *parameters, std::nullopt};
  if (entry.takes_receipt) {
    auto receipt = receipt_of(request);
    if (!receipt) return fail(std::move(receipt.error()));
    asked.receipt = *receipt;
  }
  return entry.translate(node_, asked);
}

void Rest::handle(const http::HttpRequest& request, http::HttpReply reply) {
  std::string allow;
  auto entry = find(request, allow);
  if (!entry) {
    auto refusal = http::http_error(entry.error());
    if (!allow.empty()) refusal.headers.emplace_back("Allow", allow);
    return reply(std::move(refusal));
  }
  const auto params = translate(**entry, request);
  if (!params) return reply(http::http_error(params.error()));
  wire::call_locally(node_.runtime().loop(), node_.client(), (*entry)->method, *params, "http " + request.peer,
                     [reply = std::move(reply)](Result<document::Cursor> answer) mutable {
                       if (!answer) return reply(http::http_error(answer.error()));
                       http::HttpResponse response;
                       response.body = document::to_json(*answer);
                       reply(std::move(response));
                     });
}

}  // namespace aerodb::node
