#include "controlplane/console/data/importer.h"

#include <fmt/format.h>

#include "common/document/json.h"

namespace aerodb::console {
namespace {

constexpr uint32_t kMaxUnderWay = 4;
// A record of the log holds 12 MiB at most; four of these fit into what a node reads ahead.
constexpr size_t kMaxBatchBytes = size_t{4} << 20;

Result<std::string> id_of(document::Cursor document, const std::string& field) {
  const auto value = document.find(field);
  if (!value) return fail(ErrorCode::kBadRequest, fmt::format("it has no field \"{}\" to take _id from", field));
  if (const auto text = value->text()) return std::string(*text);
  if (const auto number = value->integer()) return std::to_string(*number);
  return fail(ErrorCode::kBadRequest,
              fmt::format("its field \"{}\" is {}, and _id is a string", field, document::type_name(value->type())));
}

}  // namespace

Result<Bytes> import_document(std::string_view json, const ImportPlan& plan) {
  Bytes packed;
  if (auto read = document::document_from_json(json, plan.schema, packed); !read) return fail(std::move(read.error()));
  if (plan.id_field.empty()) return packed;
  document::Tape tape;
  if (auto parsed = tape.parse(packed); !parsed) return fail(std::move(parsed.error()));
  const auto map = tape.root();
  if (map.find("_id")) {
    return fail(ErrorCode::kBadRequest, fmt::format("it has an _id of its own beside \"{}\"", plan.id_field));
  }
  auto id = id_of(map, plan.id_field);
  if (!id) return fail(std::move(id.error()));
  Bytes whole;
  document::PackWriter out(whole);
  out.map(map.token().size + 1);
  out.field("_id", std::string_view(*id));
  if (map.token().size > 0) {
    // What follows the map's head, as it is.
    out.raw(ByteSpan(packed).subspan(map.first().token().begin));
  }
  return whole;
}

Result<void> Importer::run() {
  pump();
  if (under_way_ > 0) session_.run();
  progress_.finish();
  if (failure_) return fail(std::move(*failure_));
  return {};
}

void Importer::pump() {
  while (!failure_ && under_way_ < kMaxUnderWay && next_ < documents_.size()) {
    auto batch = next_batch();
    if (!batch) {
      failure_ = std::move(batch.error());
      break;
    }
    next_ = batch->last;
    send(*batch);
  }
}

Result<Importer::Batch> Importer::next_batch() const {
  Batch batch{next_, next_, {}};
  size_t bytes = 0;
  while (batch.last < documents_.size() && batch.packed.size() < plan_.batch) {
    auto packed = import_document(documents_[batch.last], plan_);
    if (!packed) {
      auto error = std::move(packed.error());
      error.message = fmt::format("document {}: {}", batch.last + 1, error.message);
      return fail(std::move(error));
    }
    bytes += packed->size();
    if (bytes > kMaxBatchBytes && !batch.packed.empty()) break;
    batch.packed.push_back(std::move(*packed));
    ++batch.last;
  }
  return batch;
}

void Importer::send(const Batch& batch) {
  wire::DocWriteRequest request;
  request.receipt = plan_.receipt;
  for (const Bytes& packed : batch.packed) {
    wire::WriteOperation operation;
    operation.op = "insert";
    operation.collection = plan_.collection;
    operation.schema_version = plan_.schema.version;
    operation.document = wire::Packed{packed};
    request.operations.push_back(operation);
  }
  ++under_way_;
  session_.client().call(wire::kDocWrite, request, session_.timeout_ms(),
                         [this, first = batch.first, last = batch.last](Result<wire::ReceiptResponse> answer) {
                           answered(first, last, std::move(answer));
                         });
}

void Importer::answered(size_t first, size_t last, Result<wire::ReceiptResponse> answer) {
  --under_way_;
  if (answer) {
    written_ += last - first;
    ++batches_;
    receipt_ = answer->receipt;
    progress_.show(written_);
  } else if (!failure_) {
    failure_ = refused(first, last, std::move(answer.error()));
  }
  pump();
  if (under_way_ > 0) return;
  // Counted last, since batches behind the refused one may still have been written.
  if (failure_) failure_->with("documents written", written_);
  session_.stop();
}

Error Importer::refused(size_t first, size_t last, Error error) const {
  error = session_.named(std::move(error));
  error.with("refused batch", fmt::format("documents {} to {} of {}", first + 1, last, documents_.size()));
  return error;
}

}  // namespace aerodb::console
