// Every route of REST on a node, once: verb, path, the method that it translates to. Dispatch, docs/openapi/node.json
// and docs/spec/API_SPEC.md follow it.
#pragma once

#include <array>
#include <optional>
#include <span>
#include <string_view>

#include "common/uv/http/parameters.h"
#include "common/wire/methods.h"

namespace aerodb::node {

struct RestParameters {
  std::optional<uint64_t> schema_version;
  std::optional<CommitId> at_commit;
  std::optional<CommitId> before_commit;
  std::optional<uint32_t> limit;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("schema_version", self.schema_version, "schema version of the write or of the reader; absent: the newest");
    visit("at_commit", self.at_commit, "read at this commit; absent: at the newest visible one");
    visit("before_commit", self.before_commit, "next page: versions older than this commit");
    visit("limit", self.limit, "at most so many versions, 1 to 1000; absent: 100");
  }
};

// What a request carries.
enum class RestBody : uint8_t {
  kNone,
  kDocument,  // one document; `bytes` fields in hex
  kFields,    // fields of the method's request that the path does not name
  kSchema,    // {collection, version, fields}
};

// `{collection}` and `{id}` in a path stand for one segment each.
template <class Request, class Response>
struct RestRoute {
  const wire::Method<Request, Response>& rpc;
  std::string_view verb;
  std::string_view path;
  std::span<const http::ParameterUse> parameters = {};
  RestBody body = RestBody::kNone;
  bool takes_receipt = true;
};

// The header in which a client shows the last receipt it saw, as JSON.
inline constexpr std::string_view kReceiptHeader = "AeroDB-Receipt";

namespace rest_parameters {
inline constexpr std::array<http::ParameterUse, 1> kWrite{{{"schema_version"}}};
inline constexpr std::array<http::ParameterUse, 2> kGet{{{"schema_version"}, {"at_commit"}}};
inline constexpr std::array<http::ParameterUse, 3> kHistory{{{"schema_version"}, {"before_commit"}, {"limit"}}};
}  // namespace rest_parameters

// clang-format off
inline constexpr RestRoute kRestInsert{wire::kDocInsert, "POST", "/v1/collections/{collection}/documents", rest_parameters::kWrite, RestBody::kDocument};
inline constexpr RestRoute kRestGet{wire::kDocGet, "GET", "/v1/collections/{collection}/documents/{id}", rest_parameters::kGet};
inline constexpr RestRoute kRestUpdate{wire::kDocUpdate, "PUT", "/v1/collections/{collection}/documents/{id}", rest_parameters::kWrite, RestBody::kDocument};
inline constexpr RestRoute kRestDelete{wire::kDocDelete, "DELETE", "/v1/collections/{collection}/documents/{id}"};
inline constexpr RestRoute kRestHistory{wire::kDocHistory, "GET", "/v1/collections/{collection}/documents/{id}/history", rest_parameters::kHistory};
inline constexpr RestRoute kRestQuery{wire::kDocQuery, "POST", "/v1/collections/{collection}/query", {}, RestBody::kFields};
inline constexpr RestRoute kRestWrite{wire::kDocWrite, "POST", "/v1/write", {}, RestBody::kFields};
inline constexpr RestRoute kRestSchemas{wire::kSchemaList, "GET", "/v1/schemas", {}, RestBody::kNone, false};
inline constexpr RestRoute kRestRegister{wire::kSchemaRegister, "POST", "/v1/schemas", {}, RestBody::kSchema, false};
inline constexpr RestRoute kRestStatus{wire::kStatus, "GET", "/v1/status", {}, RestBody::kNone, false};
// clang-format on

// Calls visit(route) for every route above; routes of one path stand together.
template <class Visit>
constexpr void for_each_rest_route(Visit&& visit) {
  visit(kRestInsert);
  visit(kRestGet);
  visit(kRestUpdate);
  visit(kRestDelete);
  visit(kRestHistory);
  visit(kRestQuery);
  visit(kRestWrite);
  visit(kRestSchemas);
  visit(kRestRegister);
  visit(kRestStatus);
}

}  // namespace aerodb::node
