#include "tests/sim/client.h"

#include <algorithm>
#include <utility>

#include "common/base/checksum.h"

namespace aerodb::sim {
namespace {

using document::PackWriter;

constexpr std::string_view kComparisons[] = {"eq", "lt", "le", "gt", "ge"};

std::string_view operation_name(wal::Operation op) {
  switch (op) {
    case wal::Operation::kInsert:
      return "insert";
    case wal::Operation::kUpdate:
      return "update";
    case wal::Operation::kDelete:
      return "delete";
  }
  return "";
}

// Its value is packed into `value`, which the request points to.
wire::DocQueryRequest request_of(const Query& query, Bytes& value) {
  const std::string_view field = query.by_id ? "_id" : "k";
  PackWriter out(value);
  if (query.by_id) {
    out.text(id_name(static_cast<uint32_t>(query.k)));
  } else {
    out.integer(query.k);
  }
  wire::DocQueryRequest request;
  request.collection = collection_name(query.read.collection);
  request.schema_version = query.read.schema_version;
  if (!query.op.empty()) request.where.push_back({field, query.op, wire::Packed{value}});
  if (query.sorted) request.sort = field;
  request.descending = query.descending;
  request.limit = query.limit;
  request.at_commit = query.read.at_commit;
  request.receipt = query.read.shown;
  return request;
}

}  // namespace

void NodeLink::with_connection(std::move_only_function<void(bool)> then) {
  if (client_->connected()) return then(true);
  client_ = std::make_unique<wire::Client>(process_);
  client_->connect(endpoint_, [then = std::move(then)](Result<void> result) mutable { then(result.has_value()); });
}

Client::Client(Context& context, uint32_t index, SimMachine& machine)
    : context_(context),
      index_(index),
      random_(context.world.seed() * 131 + index),
      process_(std::make_unique<SimProcess>(machine, context.world, ProcessOptions{.name = machine.name()})),
      bursts_left_(context.plan.client_operations) {
  for (NodeHost* node : context.nodes)
    links_.push_back(std::make_unique<NodeLink>(*process_, endpoint_of(node->machine(), kClientPort)));
}

void Client::start() { next_burst(); }

void Client::next_burst() {
  if (bursts_left_ == 0) return;
  --bursts_left_;
  const uint64_t think_us = random_.below(random_.one_in(5) ? 20'000 : 3'000);
  ++in_flight_;
  process_->loop().after(think_us, [this] {
    NodeIndex node = static_cast<NodeIndex>(random_.below(context_.nodes.size()));
    if (const auto owner = context_.model.epoch_owner(); owner && random_.below(100) < 70) node = *owner;
    links_[node]->with_connection([this, node](bool connected) {
      if (connected) burst(node);
      answered(node, nullptr);
    });
  });
}

void Client::burst(NodeIndex node) {
  const Model& model = context_.model;
  for (uint32_t c = 0; c < kCollections; ++c) {
    if (!model.schema_registered(c, 1)) {
      if (index_ == 0) register_schema(node, c, 1);
    } else if (random_.one_in(20)) {
      register_schema(node, c, 1 + static_cast<uint32_t>(random_.below(2)));
    }
  }
  const uint64_t requests = 1 + random_.below(context_.plan.burst_max);
  const bool is_owner = model.epoch_owner() == node;
  for (uint64_t i = 0; i < requests; ++i) {
    if (random_.below(100) < (is_owner ? 70 : 15)) {
      write(node);
    } else {
      read(node);
    }
  }
}

// The last of a burst's answers starts the next.
void Client::answered(NodeIndex node, const Error* error) {
  // Half-open: only a new connection helps.
  if (error != nullptr && error->code == ErrorCode::kTimedOut) links_[node]->client().close();
  if (--in_flight_ == 0) next_burst();
}

void Client::remember(const wire::Receipt& receipt) {
  const bool newer = !last_receipt_ || receipt.epoch > last_receipt_->epoch || receipt.lsn > last_receipt_->lsn;
  if (newer) last_receipt_ = receipt;
}

std::optional<wire::Receipt> Client::receipt_to_show() {
  if (!last_receipt_ || !random_.one_in(3)) return std::nullopt;
  return last_receipt_;
}

// --- writes

void Client::register_schema(NodeIndex node, uint32_t collection, uint32_t version) {
  ++in_flight_;
  links_[node]->client().call(wire::kSchemaRegister, {wire::Packed{schema_bytes(collection, version)}}, timeout_ms(),
                              [this, node, asked = context_.model.ask(node)](Result<wire::ReceiptResponse> answer) {
                                context_.model.check_schema_answer(asked, answer);
                                remember_answer(answer);
                                answered(node, answer ? nullptr : &answer.error());
                              });
}

void Client::make_document(Operation& operation) {
  if (random_.below(4) > 0) operation.k = static_cast<int64_t>(random_.below(8)) - 2;
  operation.schema_version = context_.model.schema_registered(operation.collection, 2) && random_.one_in(2) ? 2 : 1;
  if (random_.one_in(60)) operation.schema_version = 2;
  const int64_t number = (int64_t{index_} + 1) * 1'000'000 + ++documents_made_;
  const uint64_t trouble = random_.below(60);
  size_t pad = random_.below(random_.one_in(8) ? 1'500 : 120);
  if (trouble == 0) operation.form_error = ErrorCode::kWrongType;
  if (trouble == 1) operation.form_error = ErrorCode::kMissingRequired;
  if (trouble == 2) operation.form_error = ErrorCode::kUndeclaredField;
  if (trouble == 3) {
    operation.form_error = ErrorCode::kDocumentTooLarge;
    pad = 5'000;
  }
  PackWriter out(operation.document);
  const bool missing = trouble == 1;
  const bool more = trouble == 2;
  out.map(2u + (operation.k ? 1 : 0) + (missing ? 0 : 1) + (more ? 1 : 0));
  out.field("_id", id_name(operation.id));
  if (operation.k) out.field("k", *operation.k);
  if (trouble == 0) {
    out.field("n", "many");
  } else if (!missing) {
    out.field("n", number);
  }
  out.field("pad", std::string(pad, static_cast<char>('a' + number % 26)));
  if (more) out.field("q", true);
}

Operation Client::make_operation() {
  Operation operation;
  operation.collection = static_cast<uint32_t>(random_.below(kCollections));
  operation.id = static_cast<uint32_t>(random_.below(context_.plan.ids));
  const auto live = context_.model.live(operation.collection, operation.id);
  // Mostly what fits the last state known, so that states of all kinds come about.
  if (random_.below(10) < 7) {
    operation.op = !live               ? wal::Operation::kInsert
                   : random_.one_in(3) ? wal::Operation::kDelete
                                       : wal::Operation::kUpdate;
  } else {
    operation.op = static_cast<wal::Operation>(1 + random_.below(3));
  }
  if (random_.one_in(5)) {
    operation.if_commit = live.value_or(CommitId());
    if (random_.one_in(3))
      operation.if_commit = CommitId(random_.below(context_.model.main().last_commit().value() + 2));
  }
  if (operation.op != wal::Operation::kDelete) make_document(operation);
  return operation;
}

void Client::write(NodeIndex node) {
  std::vector<Operation> operations;
  const uint64_t count = random_.one_in(4) ? 2 + random_.below(3) : 1;
  for (uint64_t i = 0; i < count; ++i) operations.push_back(make_operation());
  send_operations(node, context_.model.issue(context_.model.ask(node), std::move(operations), receipt_to_show()));
}

void Client::send_operations(NodeIndex node, WriteIssue& issue) {
  ++in_flight_;
  auto& client = links_[node]->client();
  const uint32_t timeout = timeout_ms();
  auto done = [this, node, &issue](Result<wire::ReceiptResponse> answer) {
    context_.model.settle(issue, answer);
    context_.journal.note(
        "client {} on {}: write {} -> {}", index_, context_.nodes[node]->name(), issue.number,
        answer ? fmt::format("commit {} at LSN {}", answer->receipt.commit_id.value(), answer->receipt.lsn.value())
               : std::string(answer.error().row().name));
    remember_answer(answer);
    answered(node, answer ? nullptr : &answer.error());
  };
  const Operation& first = issue.operations.front();
  const auto collection = collection_name(first.collection);
  if (context_.journal.on()) {
    for (const auto& o : issue.operations) {
      context_.journal.note("client {} on {}: write {}: {} {}/{}", index_, context_.nodes[node]->name(), issue.number,
                            operation_name(o.op), collection_name(o.collection), id_name(o.id));
    }
  }
  if (issue.operations.size() > 1 || first.if_commit) {
    wire::DocWriteRequest request{issue.shown, {}};
    for (const auto& o : issue.operations) {
      wire::WriteOperation operation{
          operation_name(o.op), collection_name(o.collection), std::nullopt, std::nullopt, o.if_commit, std::nullopt};
      if (o.op == wal::Operation::kDelete) {
        operation.id = id_name(o.id);
      } else {
        operation.schema_version = o.schema_version;
        operation.document = wire::Packed{o.document};
      }
      request.operations.push_back(operation);
    }
    client.call(wire::kDocWrite, request, timeout, std::move(done));
  } else if (first.op == wal::Operation::kDelete) {
    client.call(wire::kDocDelete, {collection, id_name(first.id), issue.shown}, timeout, std::move(done));
  } else {
    const auto& method = first.op == wal::Operation::kInsert ? wire::kDocInsert : wire::kDocUpdate;
    client.call(method, {collection, first.schema_version, issue.shown, wire::Packed{first.document}}, timeout,
                std::move(done));
  }
}

// --- reads

Read Client::make_read(NodeIndex node) {
  Read read;
  read.asked = context_.model.ask(node);
  read.collection = static_cast<uint32_t>(random_.below(kCollections));
  read.id = static_cast<uint32_t>(random_.below(context_.plan.ids));
  read.schema_version = context_.model.schema_registered(read.collection, 2) && !random_.one_in(4) ? 2 : 1;
  if (random_.one_in(2)) read.at_commit = CommitId(random_.below(context_.model.main().last_commit().value() + 2));
  read.shown = receipt_to_show();
  return read;
}

void Client::read(NodeIndex node) {
  const uint64_t kind = random_.below(100);
  if (kind < 45) return get(node);
  if (kind < 78) return query(node);
  if (kind < 88) return history(node);
  if (kind < 92) return explain_unread(node);
  status(node);
}

void Client::get(NodeIndex node) {
  ++in_flight_;
  const Read read = make_read(node);
  const wire::DocGetRequest request{collection_name(read.collection), id_name(read.id), read.schema_version,
                                    read.at_commit, read.shown};
  links_[node]->client().call(wire::kDocGet, request, timeout_ms(),
                              [this, node, read](Result<wire::DocGetResponse> answer) {
                                context_.model.check_get(read, answer);
                                remember_answer(answer);
                                if (answer) {
                                  GetTold told;
                                  if (answer->data.version) told.version = answer->data.version->commit_id;
                                  explain(node, read, answer->data.at_commit, {read.asked.stay, told, {}, {}});
                                }
                                answered(node, answer ? nullptr : &answer.error());
                              });
}

void Client::history(NodeIndex node) {
  ++in_flight_;
  HistoryRead asked{make_read(node), std::nullopt, 1 + static_cast<uint32_t>(random_.below(4))};
  asked.before = std::exchange(asked.read.at_commit, std::nullopt);
  const Read& read = asked.read;
  const wire::DocHistoryRequest request{
      collection_name(read.collection), id_name(read.id), read.schema_version, asked.before, asked.limit, read.shown};
  links_[node]->client().call(
      wire::kDocHistory, request, timeout_ms(), [this, node, asked](Result<wire::DocHistoryResponse> answer) {
        context_.model.check_history(asked, answer);
        remember_answer(answer);
        if (answer) {
          HistoryTold told{asked.before, answer->data.floor, answer->data.complete, {}};
          for (const auto& version : answer->data.versions) told.versions.push_back(version.commit_id);
          explain(node, asked.read, answer->data.at_commit, {asked.read.asked.stay, {}, std::move(told), {}});
        }
        answered(node, answer ? nullptr : &answer.error());
      });
}

Query Client::make_query(NodeIndex node) {
  Query query;
  query.read = make_read(node);
  query.by_id = random_.one_in(3);
  query.limit = 1 + static_cast<uint32_t>(random_.below(5));
  query.descending = random_.one_in(2);
  if (!random_.one_in(4)) query.op = kComparisons[random_.below(std::size(kComparisons))];
  query.k =
      query.by_id ? static_cast<int64_t>(random_.below(context_.plan.ids)) : static_cast<int64_t>(random_.below(8)) - 2;
  query.sorted = query.op.empty() || random_.one_in(2);
  return query;
}

void Client::query(NodeIndex node) {
  ++in_flight_;
  const Query query = make_query(node);
  Bytes value;
  auto request = request_of(query, value);
  if (random_.one_in(2)) request.explain = true;  // in the answer itself; else asked for after it
  links_[node]->client().call(wire::kDocQuery, request, timeout_ms(),
                              [this, node, query](Result<wire::DocQueryResponse> answer) {
                                context_.model.check_query(query, answer);
                                remember_answer(answer);
                                if (answer) explain(node, query, *answer);
                                answered(node, answer ? nullptr : &answer.error());
                              });
}

// Of a read that nobody made: at commits that are below the floor, or not there yet, too.
void Client::explain_unread(NodeIndex node) {
  const Read read = make_read(node);
  const CommitId at_commit = random_.one_in(2) ? read.asked.commit : read.at_commit.value_or(read.asked.commit);
  explain(node, read, at_commit, {});
}

void Client::explain(NodeIndex node, Read read, CommitId at_commit, Told told) {
  ++in_flight_;
  read.asked = context_.model.ask(node);
  read.at_commit = at_commit;
  read.shown.reset();
  links_[node]->client().call(wire::kExplainRead, {collection_name(read.collection), id_name(read.id), read.at_commit},
                              timeout_ms(),
                              [this, node, read, told = std::move(told)](Result<wire::ExplanationResponse> answer) {
                                context_.model.check_explanation(read, told, answer);
                                answered(node, answer ? nullptr : &answer.error());
                              });
}

void Client::explain(NodeIndex node, Query query, const wire::DocQueryResponse& answer) {
  QueryTold query_told{answer.data.bound_entries, answer.data.plan_hash, {}};
  Sha256Stream documents;
  for (const auto& version : answer.data.versions) documents.update(version.document.bytes);
  query_told.documents = documents.finish();
  const Told told{query.read.asked.stay, {}, {}, query_told};
  query.read.at_commit = answer.data.at_commit;
  if (answer.explanation) return context_.model.check_query_explanation(query, told, *answer.explanation);
  ++in_flight_;
  query.read.asked = context_.model.ask(node);
  Bytes value;
  links_[node]->client().call(wire::kExplainQuery, request_of(query, value), timeout_ms(),
                              [this, node, query, told](Result<wire::ExplanationResponse> explanation) {
                                context_.model.check_query_explanation(query, told, explanation);
                                answered(node, explanation ? nullptr : &explanation.error());
                              });
}

void Client::status(NodeIndex node) {
  ++in_flight_;
  links_[node]->client().call(wire::kStatus, {}, timeout_ms(),
                              [this, node, asked = context_.model.ask(node)](Result<wire::StatusResponse> answer) {
                                if (answer) context_.model.check_status(asked, *answer);
                                answered(node, answer ? nullptr : &answer.error());
                              });
}

}  // namespace aerodb::sim
