// Writes many documents as atomic batches, several of them under way at a time, in order.
//
// The first refused batch ends it: no further one is sent, and those that were under way behind it are waited for, so
// that what is said to be written is exactly that. A batch whose answer did not come is unknown, and said so.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/document/schema.h"
#include "common/wire/messages_common.h"
#include "controlplane/console/data/progress.h"
#include "controlplane/console/session.h"

namespace aerodb::console {

struct ImportPlan {
  std::string collection;
  document::Schema schema;
  std::string id_field;  // empty: the documents have an _id of their own
  size_t batch = 200;
  std::optional<wire::Receipt> receipt;
};

// One document as the node gets it. With `id_field`, its text or integer becomes _id, and an _id of its own is refused.
// BAD_REQUEST.
[[nodiscard]] Result<Bytes> import_document(std::string_view json, const ImportPlan& plan);

class Importer {
 public:
  Importer(Session& session, const ImportPlan& plan, const std::vector<std::string>& documents, Progress& progress)
      : session_(session), plan_(plan), documents_(documents), progress_(progress) {}

  // Blocks until every batch was answered. The error names the documents of the batch that was refused.
  [[nodiscard]] Result<void> run();
  [[nodiscard]] uint64_t written() const { return written_; }
  [[nodiscard]] uint64_t batches() const { return batches_; }
  // Of the last batch written.
  [[nodiscard]] const std::optional<wire::Receipt>& receipt() const { return receipt_; }

 private:
  // Documents [first, last) of the list.
  struct Batch {
    size_t first = 0;
    size_t last = 0;
    std::vector<Bytes> packed;
  };
  void pump();
  [[nodiscard]] Result<Batch> next_batch() const;
  void send(const Batch& batch);
  void answered(size_t first, size_t last, Result<wire::ReceiptResponse> answer);
  [[nodiscard]] Error refused(size_t first, size_t last, Error error) const;

  Session& session_;
  const ImportPlan& plan_;
  const std::vector<std::string>& documents_;
  Progress& progress_;
  size_t next_ = 0;
  uint32_t under_way_ = 0;
  uint64_t written_ = 0;
  uint64_t batches_ = 0;
  std::optional<wire::Receipt> receipt_;
  std::optional<Error> failure_;
};

}  // namespace aerodb::console
