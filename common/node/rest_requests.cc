// What a route's request is in the fields of its method.
#include <fmt/format.h>

#include <list>

#include "common/node/rest.h"
#include "common/node/rest_json.h"

namespace aerodb::node {
namespace {

// The visible schema of that version, or the newest; nullptr where there is none, or nothing to look it up in: the
// listener has its own words for each of these.
const document::Schema* schema_of(Node& node, std::string_view collection, std::optional<uint64_t> version) {
  const auto* engine = node.engine();
  if (engine == nullptr || version > UINT32_MAX) return nullptr;
  const auto& state = engine->state_data();
  const Lsn visible = engine->visible().lsn;
  const auto* found = version ? state.schema(collection, static_cast<uint32_t>(*version), visible)
                              : state.newest_schema(collection, visible);
  return found == nullptr ? nullptr : &found->schema;
}

// The version named, or that of the schema; 0, which no schema has, where there is neither.
uint32_t version_of(const document::Schema* schema, std::optional<uint64_t> named) {
  if (schema != nullptr) return schema->version;
  return named && *named <= UINT32_MAX ? static_cast<uint32_t>(*named) : 0;
}

// `bytes` fields are hex where the schema is known; a document of an unknown one is refused by the listener.
Result<Bytes> document_of(document::Cursor json, const document::Schema* schema) {
  if (schema == nullptr) {
    const auto raw = json.raw();
    return Bytes(raw.begin(), raw.end());
  }
  Bytes document;
  if (auto read = document::document_from_json(json, *schema, document); !read) return fail(std::move(read.error()));
  return document;
}

// insert, update. `id` is that of the path, where the path has one.
Result<Bytes> write_one(Node& node, const RestRequest& request, std::optional<std::string_view> id) {
  auto json = json_object(request.http.body);
  if (!json) return fail(std::move(json.error()));
  const auto root = json->tape.root();
  if (const auto own = root.find("_id"); id && own && own->text() != *id)
    return fail(ErrorCode::kBadRequest, "the document has another _id than the path");
  const auto* schema = schema_of(node, request.collection, request.parameters.schema_version);
  const auto document = document_of(root, schema);
  if (!document) return fail(document.error());
  return wire::packed_of(wire::DocInsertRequest{request.collection,
                                                version_of(schema, request.parameters.schema_version), request.receipt,
                                                wire::Packed{*document}});
}

// The value of a field in a query: hex where its schema says bytes. Keeps what it makes in `kept`.
Result<void> take_value(const document::Schema* schema, std::string_view path, wire::Packed& value,
                        std::list<Bytes>& kept) {
  const auto* field = schema == nullptr ? nullptr : schema->find(path);
  if (field == nullptr || field->type != document::FieldType::kBytes || !value.value.text()) return {};
  const auto bytes = from_hex(*value.value.text());
  if (!bytes) return fail(ErrorCode::kBadRequest, fmt::format("JSON: field {}: a bytes field is given as hex", path));
  document::PackWriter(kept.emplace_back()).bytes(*bytes);
  value = wire::Packed{kept.back()};
  return {};
}

// A receipt comes by the header or in the body.
template <class Message>
Result<void> take_receipt(const RestRequest& request, Message& message) {
  if (!request.receipt) return {};
  if (message.receipt) {
    return fail(ErrorCode::kBadRequest,
                fmt::format("the receipt is given twice: in the body and in the header {}", kReceiptHeader));
  }
  message.receipt = request.receipt;
  return {};
}

// The body of a query with what the path says, and the newest schema version where it names none.
Result<document::ParsedJson> query_message(Node& node, const RestRequest& request, document::Cursor body) {
  if (body.find("collection")) {
    return fail(Error{ErrorCode::kUnknownField, "collection: stands in the path, not in the body", {}}.with(
        "field", "collection"));
  }
  const bool versioned = body.find("schema_version").has_value();
  Bytes members;
  document::PackWriter out(members);
  out.field("collection", request.collection);
  if (!versioned) out.field("schema_version", version_of(schema_of(node, request.collection, std::nullopt), {}));
  return as_message<wire::DocQueryRequest>(body, members, versioned ? 1 : 2);
}

}  // namespace

Result<Bytes> rest_insert(Node& node, const RestRequest& request) { return write_one(node, request, std::nullopt); }
Result<Bytes> rest_update(Node& node, const RestRequest& request) { return write_one(node, request, request.id); }

Result<Bytes> rest_delete(Node& /*node*/, const RestRequest& request) {
  return wire::packed_of(wire::DocDeleteRequest{request.collection, request.id, request.receipt});
}

Result<Bytes> rest_get(Node& node, const RestRequest& request) {
  const auto& given = request.parameters;
  const auto version = version_of(schema_of(node, request.collection, given.schema_version), given.schema_version);
  return wire::packed_of(
      wire::DocGetRequest{request.collection, request.id, version, given.at_commit, request.receipt});
}

Result<Bytes> rest_history(Node& node, const RestRequest& request) {
  const auto& given = request.parameters;
  const auto version = version_of(schema_of(node, request.collection, given.schema_version), given.schema_version);
  return wire::packed_of(wire::DocHistoryRequest{request.collection, request.id, version, given.before_commit,
                                                 *given.limit, request.receipt});
}

Result<Bytes> rest_query(Node& node, const RestRequest& request) {
  auto body = json_object(request.http.body);
  if (!body) return fail(std::move(body.error()));
  auto message = query_message(node, request, body->tape.root());
  if (!message) return fail(std::move(message.error()));
  auto query = wire::decode<wire::DocQueryRequest>(message->tape.root());
  if (!query) return fail(std::move(query.error()));
  if (auto taken = take_receipt(request, *query); !taken) return fail(std::move(taken.error()));
  const auto* schema = schema_of(node, request.collection, query->schema_version);
  std::list<Bytes> kept;
  for (auto& predicate : query->where) {
    if (auto taken = take_value(schema, predicate.field, predicate.value, kept); !taken)
      return fail(std::move(taken.error()));
  }
  if (query->sort && query->after && query->after->sort_value) {
    if (auto taken = take_value(schema, *query->sort, *query->after->sort_value, kept); !taken)
      return fail(std::move(taken.error()));
  }
  return wire::packed_of(*query);
}

Result<Bytes> rest_write(Node& node, const RestRequest& request) {
  auto body = json_object(request.http.body);
  if (!body) return fail(std::move(body.error()));
  auto message = as_message<wire::DocWriteRequest>(body->tape.root());
  if (!message) return fail(std::move(message.error()));
  auto write = wire::decode<wire::DocWriteRequest>(message->tape.root());
  if (!write) return fail(std::move(write.error()));
  if (auto taken = take_receipt(request, *write); !taken) return fail(std::move(taken.error()));
  std::list<Bytes> kept;
  for (auto& operation : write->operations) {
    if (!operation.document) continue;
    const auto* schema = schema_of(node, operation.collection, operation.schema_version);
    auto document = document_of(operation.document->value, schema);
    if (!document) return fail(std::move(document.error()));
    operation.document = wire::Packed{kept.emplace_back(std::move(*document))};
    if (!operation.schema_version) operation.schema_version = version_of(schema, std::nullopt);
  }
  return wire::packed_of(*write);
}

Result<Bytes> rest_register(Node& /*node*/, const RestRequest& request) {
  const auto schema = document::schema_from_json(request.http.body);
  if (!schema) return fail(schema.error());
  Bytes bytes;
  document::encode_schema(*schema, bytes);
  return wire::packed_of(wire::SchemaRegisterRequest{wire::Packed{bytes}});
}

Result<Bytes> rest_nothing(Node& /*node*/, const RestRequest& /*request*/) { return wire::packed_of(wire::Empty{}); }

}  // namespace aerodb::node
