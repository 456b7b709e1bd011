// schema.* and doc.*: translation between messages and the engine, nothing else.
#include <fmt/format.h>

#include "common/engine/query_record.h"
#include "common/node/node.h"
#include "common/node/queries.h"
#include "common/node/translate.h"

namespace aerodb::node {
namespace {

using observe::MetricId;

// Answers a write when what it was decided on is durable, refusals included (WAL-4).
void hold_write(Node& node, engine::Decided<engine::Position> decided, wire::Responder responder) {
  node.engine()->hold<engine::Position>(
      std::move(decided), [&node, responder = std::move(responder)](Result<engine::Position> outcome) mutable {
        node.metrics().add(outcome ? MetricId::kWritesCommittedCount : MetricId::kWritesRefusedCount);
        if (outcome)
          responder.ok(wire::ReceiptResponse{receipt_of(*outcome)});
        else
          responder.error(outcome.error());
      });
}

void write(Node& node, std::span<const engine::WriteOperation> operations, const std::optional<wire::Receipt>& receipt,
           wire::Responder responder) {
  node.client_restarts().run(
      *node.engine(), std::move(responder),
      [&](Attempt& attempt) { return node.engine()->write(operations, claim_of(receipt), attempt.blocks); },
      [&](engine::Decided<engine::Position> decided, wire::Responder held) {
        hold_write(node, std::move(decided), std::move(held));
      });
}

// insert, update: one operation with a document.
void write_one(Node& node, wal::Operation op, const wire::DocInsertRequest& request, wire::Responder responder) {
  if (!node.engine()) return responder.error(node.not_ready());
  const engine::WriteOperation operation{op,           request.collection,    {}, request.schema_version,
                                         std::nullopt, request.document.value};
  write(node, {&operation, 1}, request.receipt, std::move(responder));
}

void delete_one(Node& node, const wire::DocDeleteRequest& request, wire::Responder responder) {
  if (!node.engine()) return responder.error(node.not_ready());
  const engine::WriteOperation operation{
      wal::Operation::kDelete, request.collection, request.id, 0, std::nullopt, std::nullopt};
  write(node, {&operation, 1}, request.receipt, std::move(responder));
}

Result<wal::Operation> operation_from_name(std::string_view name) {
  if (name == "insert") return wal::Operation::kInsert;
  if (name == "update") return wal::Operation::kUpdate;
  if (name == "delete") return wal::Operation::kDelete;
  return fail(ErrorCode::kBadRequest, fmt::format("doc.write: op \"{}\"; expected insert, update or delete", name));
}

void write_batch(Node& node, const wire::DocWriteRequest& request, wire::Responder responder) {
  if (!node.engine()) return responder.error(node.not_ready());
  std::vector<engine::WriteOperation> operations;
  for (size_t i = 0; i < request.operations.size(); ++i) {
    const auto& given = request.operations[i];
    auto op = operation_from_name(given.op);
    if (!op) return responder.error(op.error());
    const bool has_id = given.id.has_value();
    if (has_id != (*op == wal::Operation::kDelete) || given.document.has_value() == has_id) {
      return responder.error(
          {ErrorCode::kBadRequest,
           fmt::format("doc.write: operation {}: delete takes id, insert and update take document", i),
           {}});
    }
    engine::WriteOperation operation{
        *op, given.collection, given.id.value_or(""), given.schema_version.value_or(0), given.if_commit, std::nullopt};
    if (given.document) operation.document = given.document->value;
    operations.push_back(operation);
  }
  write(node, operations, request.receipt, std::move(responder));
}

void answer_get(Node& node, const Result<engine::GetAnswer>& answer, wire::Responder responder) {
  node.metrics().add(answer ? MetricId::kReadsAnsweredCount : MetricId::kReadsRefusedCount);
  if (!answer) return responder.error(answer.error());
  wire::DocGetResponse response;
  response.data.at_commit = answer->at_commit;
  if (const auto& version = answer->version)
    response.data.version = wire::DocVersion{version.commit, version.schema_version, wire::Packed{version.document}};
  response.receipt = receipt_of(answer->position);
  responder.ok(response);
}

void get(Node& node, const wire::DocGetRequest& request, wire::Responder responder) {
  if (!node.engine()) return responder.error(node.not_ready());
  const engine::GetRequest get{request.collection, request.id, request.schema_version, request.at_commit,
                               claim_of(request.receipt)};
  node.client_restarts().run(
      *node.engine(), std::move(responder), [&](Attempt& attempt) { return node.engine()->get(get, attempt.blocks); },
      [&](const auto& answer, wire::Responder asked) { answer_get(node, answer, std::move(asked)); });
}

void answer_history(Node& node, const Result<engine::HistoryAnswer>& answer, wire::Responder responder) {
  node.metrics().add(answer ? MetricId::kReadsAnsweredCount : MetricId::kReadsRefusedCount);
  if (!answer) return responder.error(answer.error());
  wire::DocHistoryResponse response;
  response.data = {answer->at_commit, answer->floor, {}, answer->complete};
  for (const auto& version : answer->versions) {
    auto& shown = response.data.versions.emplace_back();
    shown.commit_id = version.commit;
    shown.schema_version = version.schema_version;
    if (!version.tombstone()) shown.document = wire::Packed{version.document};
  }
  response.receipt = receipt_of(answer->position);
  responder.ok(response);
}

void history(Node& node, const wire::DocHistoryRequest& request, wire::Responder responder) {
  if (!node.engine()) return responder.error(node.not_ready());
  const engine::HistoryRequest history{request.collection,    request.id,    request.schema_version,
                                       request.before_commit, request.limit, claim_of(request.receipt)};
  node.client_restarts().run(
      *node.engine(), std::move(responder),
      [&](Attempt& attempt) { return node.engine()->history(history, attempt.blocks); },
      [&](const auto& answer, wire::Responder asked) { answer_history(node, answer, std::move(asked)); });
}

void answer_query(Node& node, const Result<engine::QueryAnswer>& answer, const engine::QueryRecord* record,
                  wire::Responder responder) {
  node.metrics().add(answer ? MetricId::kQueriesAnsweredCount : MetricId::kReadsRefusedCount);
  if (!answer) return responder.error(answer.error());
  wire::DocQueryResponse response;
  response.data = {answer->at_commit, answer->index, answer->bound_entries, answer->plan_hash, {}};
  for (const auto& version : answer->versions) {
    response.data.versions.push_back({version.commit, version.schema_version, wire::Packed{answer->document(version)}});
  }
  response.receipt = receipt_of(answer->position);
  if (record == nullptr) return responder.ok(response);
  const auto explanation = record->explain();
  response.explanation = explanation_of(explanation);
  responder.ok(response);
}

void query(Node& node, const wire::DocQueryRequest& request, wire::Responder responder) {
  if (!node.engine()) return responder.error(node.not_ready());
  const auto query = query_of(request);
  if (!query) return responder.error(query.error());
  const bool explained = request.explain.value_or(false);
  std::shared_ptr<engine::QueryRecord> record;
  node.client_restarts().run(
      *node.engine(), std::move(responder),
      [&](Attempt& attempt) {
        if (explained) record = recorded_in(attempt, *query);
        return node.engine()->query(*query, attempt.query, attempt.blocks);
      },
      [&](const auto& answer, wire::Responder asked) { answer_query(node, answer, record.get(), std::move(asked)); });
}

void list_schemas(Node& node, wire::Responder responder) {
  auto* engine = node.engine();
  if (!engine) return responder.error(node.not_ready());
  if (auto admitted = engine->admit_read("schema.list", std::nullopt, std::nullopt); !admitted)
    return responder.error(admitted.error());
  wire::SchemaListResponse response;
  for (const auto& [collection, versions] : engine->state_data().schemas()) {
    for (const auto& [version, schema] : versions) {
      if (schema.lsn <= engine->visible().lsn) response.schemas.push_back(wire::Packed{schema.canonical});
    }
  }
  response.receipt = receipt_of(engine->visible());
  responder.ok(response);
}

void register_schema(Node& node, const wire::SchemaRegisterRequest& request, wire::Responder responder) {
  if (!node.engine()) return responder.error(node.not_ready());
  hold_write(node, node.engine()->register_schema(request.schema.value), std::move(responder));
}

}  // namespace

void serve_documents(Node& node) {
  auto& server = node.client();
  server.handle(wire::kSchemaRegister, [&](const auto& request, wire::Responder responder) {
    register_schema(node, request, std::move(responder));
  });
  server.handle(wire::kSchemaList,
                [&](const auto&, wire::Responder responder) { list_schemas(node, std::move(responder)); });
  server.handle(wire::kDocInsert, [&](const auto& request, wire::Responder responder) {
    write_one(node, wal::Operation::kInsert, request, std::move(responder));
  });
  server.handle(wire::kDocUpdate, [&](const auto& request, wire::Responder responder) {
    write_one(node, wal::Operation::kUpdate, request, std::move(responder));
  });
  server.handle(wire::kDocDelete, [&](const auto& request, wire::Responder responder) {
    delete_one(node, request, std::move(responder));
  });
  server.handle(wire::kDocWrite, [&](const auto& request, wire::Responder responder) {
    write_batch(node, request, std::move(responder));
  });
  server.handle(wire::kDocGet,
                [&](const auto& request, wire::Responder responder) { get(node, request, std::move(responder)); });
  server.handle(wire::kDocQuery,
                [&](const auto& request, wire::Responder responder) { query(node, request, std::move(responder)); });
  server.handle(wire::kDocHistory,
                [&](const auto& request, wire::Responder responder) { history(node, request, std::move(responder)); });
}

}  // namespace aerodb::node
