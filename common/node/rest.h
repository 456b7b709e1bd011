// REST on a node: documents and schemas as JSON over HTTP, apart from any socket. Each route is translated to the
// method of the client listener that it names, and asked of that listener without a socket: the same admission, order,
// waiting and refusals. Nothing is decided here but what JSON and paths mean. Thread: the loop's.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/node/node.h"
#include "common/node/rest_routes.h"
#include "common/uv/http/http_types.h"

namespace aerodb::node {

// A request whose route, segments and parameters are known. Views the HTTP request.
struct RestRequest {
  const http::HttpRequest& http;
  std::string_view collection;  // empty where the path has none
  std::string_view id;
  RestParameters parameters;
  std::optional<wire::Receipt> receipt;
};

// The request of the method a route names, packed. Errors: what can't be translated, BAD_REQUEST, UNKNOWN_FIELD,
// MISSING_FIELD, SCHEMA_INVALID. Everything else is the listener's to refuse.
using RestTranslation = Result<Bytes> (*)(Node& node, const RestRequest& request);
[[nodiscard]] Result<Bytes> rest_insert(Node& node, const RestRequest& request);
[[nodiscard]] Result<Bytes> rest_get(Node& node, const RestRequest& request);
[[nodiscard]] Result<Bytes> rest_update(Node& node, const RestRequest& request);
[[nodiscard]] Result<Bytes> rest_delete(Node& node, const RestRequest& request);
[[nodiscard]] Result<Bytes> rest_history(Node& node, const RestRequest& request);
[[nodiscard]] Result<Bytes> rest_query(Node& node, const RestRequest& request);
[[nodiscard]] Result<Bytes> rest_write(Node& node, const RestRequest& request);
[[nodiscard]] Result<Bytes> rest_register(Node& node, const RestRequest& request);
[[nodiscard]] Result<Bytes> rest_nothing(Node& node, const RestRequest& request);  // a method without fields

class Rest {
 public:
  explicit Rest(Node& node);  // which must outlive it
  void handle(const http::HttpRequest& request, http::HttpReply reply);

  // Largest body: JSON takes more room than the canonical form of the same document.
  [[nodiscard]] static uint64_t max_body_bytes(const NodeConfig& config) {
    return 4ull * config.documents_max_bytes + 64 * config::kKiB;
  }

 private:
  struct Entry {
    std::string_view verb;
    std::string_view path;
    std::span<const http::ParameterUse> parameters;
    RestBody body;
    bool takes_receipt;
    std::string_view method;
    RestTranslation translate;
  };
  template <class Request, class Response>
  void on(const RestRoute<Request, Response>& route, RestTranslation translation) {
    entries_.push_back(
        {route.verb, route.path, route.parameters, route.body, route.takes_receipt, route.rpc.name, translation});
  }
  [[nodiscard]] Result<const Entry*> find(const http::HttpRequest& request, std::string& allow) const;
  [[nodiscard]] Result<Bytes> translate(const Entry& entry, const http::HttpRequest& request);

  Node& node_;
  std::vector<Entry> entries_;
};

}  // namespace aerodb::node
