// What the verbs about documents share: the node, the form of the answer, the receipt kept in a file, and the schema
// that gives a document's fields their types.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "common/document/schema.h"
#include "common/wire/messages_common.h"
#include "controlplane/console/target.h"

namespace aerodb::console {

// --receipt FILE: the last receipt seen, as JSON. Shown with each request, so that a node which is behind it, or on
// another history, refuses instead of answering from the past.
class ReceiptFile {
 public:
  void declare(Options& options);
  // Absent: no --receipt, or no such file yet. USAGE where the file holds something else.
  [[nodiscard]] Result<std::optional<wire::Receipt>> load() const;
  // Replaces the file; no effect without --receipt.
  [[nodiscard]] Result<void> save(const wire::Receipt& receipt) const;

 private:
  std::string path_;
};

[[nodiscard]] Result<wire::Receipt> receipt_from_json(std::string_view text);

// What a read of documents begins with.
struct Reading {
  std::optional<wire::Receipt> receipt;  // to be shown with the request
  std::unique_ptr<Session> session;
  document::Schema schema;
};

struct DataOptions {
  NodeTarget node;
  FormatOption format;
  ReceiptFile receipt;
  void declare(Options& options);
  // Applies the form, loads the receipt, connects, and asks for the schema: that version, or the newest.
  [[nodiscard]] Result<Reading> begin_read(Output& output, const std::string& collection,
                                           std::optional<uint64_t> schema_version) const;
};

// Options that several of them take.
void declare_at_commit(Options& options, std::optional<uint64_t>& at_commit);
void declare_version_read(Options& options, std::optional<uint64_t>& schema_version);
void declare_version_written(Options& options, std::optional<uint64_t>& schema_version);

// The registered schema of a collection: that version, or the newest. UNKNOWN_COLLECTION, UNKNOWN_SCHEMA.
[[nodiscard]] Result<document::Schema> registered_schema(Session& session, const std::string& collection,
                                                         std::optional<uint64_t> version);

// A word that stands for a text: "-" is standard input, "@FILE" a file, anything else itself. At most 64 MiB.
[[nodiscard]] Result<std::string> text_of_word(const std::string& word);
[[nodiscard]] Result<std::string> text_of_file(const std::string& path, uint64_t max_bytes);

// Replaces the file whole.
[[nodiscard]] Result<void> save_text(const std::string& file, std::string_view text);

// A view of an optional number of the command line.
template <class Number>
[[nodiscard]] std::optional<Number> number_of(const std::optional<uint64_t>& value) {
  return value ? std::optional(Number(*value)) : std::nullopt;
}

}  // namespace aerodb::console
