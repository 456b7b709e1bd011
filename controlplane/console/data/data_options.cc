#include "controlplane/console/data/data_options.h"

#include <fmt/format.h>

#include <cstdio>
#include <filesystem>
#include <limits>

#include "common/uv/posix_disk.h"

namespace aerodb::console {
namespace {

constexpr uint64_t kMaxReceiptBytes = 4096;
constexpr uint64_t kMaxSchemaVersion = std::numeric_limits<uint32_t>::max();
constexpr uint64_t kMaxWordBytes = uint64_t{64} << 20;

template <class Id>
bool read_id(document::Cursor map, std::string_view key, Id& id) {
  const auto value = map.find(key);
  const auto text = value ? value->text() : std::nullopt;
  const auto read = text ? id_from_hex<Id>(*text) : std::nullopt;
  if (read) id = *read;
  return read.has_value();
}

template <class Tag>
bool read_count(document::Cursor map, std::string_view key, Number<Tag>& number) {
  const auto value = map.find(key);
  const auto read = value ? value->unsigned_integer() : std::nullopt;
  if (!read || *read > kMaxNumber) return false;
  number = Number<Tag>(*read);
  return true;
}

Result<std::string> read_stdin() {
  std::string text;
  char piece[16384];
  while (const size_t count = std::fread(piece, 1, sizeof piece, stdin)) {
    text.append(piece, count);
    if (text.size() > kMaxWordBytes) return fail(ErrorCode::kUsage, "standard input holds more than 64 MiB");
  }
  if (std::ferror(stdin) != 0) return fail(ErrorCode::kIo, "read standard input: failed");
  return text;
}

}  // namespace

void ReceiptFile::declare(Options& options) {
  options.text("--receipt", "FILE", path_, "show the receipt kept there; keep the new one");
}

Result<wire::Receipt> receipt_from_json(std::string_view text) {
  const auto json = document::parse_json(text);
  if (!json) return fail(json.error());
  const auto map = json->root();
  wire::Receipt receipt;
  const bool whole = map.type() == document::Type::kMap && read_id(map, "lineage", receipt.lineage) &&
                     read_count(map, "epoch", receipt.epoch) && read_count(map, "commit_id", receipt.commit_id) &&
                     read_count(map, "lsn", receipt.lsn) && read_id(map, "chain", receipt.chain);
  if (!whole) return fail(ErrorCode::kBadRequest, "no map of lineage, epoch, commit_id, lsn and chain");
  return receipt;
}

Result<std::optional<wire::Receipt>> ReceiptFile::load() const {
  std::error_code ignored;
  if (path_.empty() || !std::filesystem::exists(path_, ignored)) return std::optional<wire::Receipt>();
  auto text = text_of_file(path_, kMaxReceiptBytes);
  if (!text) return fail(std::move(text.error()));
  auto receipt = receipt_from_json(*text);
  if (!receipt) {
    return fail(ErrorCode::kUsage, fmt::format("{} holds no receipt: {}", path_, receipt.error().message));
  }
  return std::optional(*receipt);
}

Result<void> ReceiptFile::save(const wire::Receipt& receipt) const {
  if (path_.empty()) return {};
  return save_text(path_, json_of(receipt) + "\n");
}

Result<void> save_text(const std::string& file, std::string_view text) {
  const std::filesystem::path path(file);
  const std::string parent = path.parent_path().empty() ? "." : path.parent_path().string();
  uv::PosixDisk disk;
  return runtime::replace_file(disk, parent, path.filename().string(), as_bytes(text));
}

void DataOptions::declare(Options& options) {
  node.declare(options);
  receipt.declare(options);
  format.declare(options);
}

void declare_at_commit(Options& options, std::optional<uint64_t>& at_commit) {
  options.number("--at-commit", at_commit, 0, kMaxNumber, "as of this commit (default: the newest visible one)");
}
void declare_version_read(Options& options, std::optional<uint64_t>& schema_version) {
  options.number("--schema-version", schema_version, 1, kMaxSchemaVersion,
                 "newest version understood (default: the newest registered)");
}
void declare_version_written(Options& options, std::optional<uint64_t>& schema_version) {
  options.number("--schema-version", schema_version, 1, kMaxSchemaVersion,
                 "write under this version (default: the newest registered)");
}

Result<Reading> DataOptions::begin_read(Output& output, const std::string& collection,
                                        std::optional<uint64_t> schema_version) const {
  format.apply(output);
  auto shown = receipt.load();
  if (!shown) return fail(std::move(shown.error()));
  auto session = node.connect();
  if (!session) return fail(std::move(session.error()));
  auto schema = registered_schema(**session, collection, schema_version);
  if (!schema) return fail(std::move(schema.error()));
  return Reading{std::move(*shown), std::move(*session), std::move(*schema)};
}

Result<document::Schema> registered_schema(Session& session, const std::string& collection,
                                           std::optional<uint64_t> version) {
  document::Schema best;
  bool known = false;
  Result<void> decoded;
  auto called = session.call(wire::kSchemaList, wire::Empty{}, [&](const wire::SchemaListResponse& answer) {
    for (const auto& packed : answer.schemas) {
      document::Tape tape;
      if (decoded) decoded = tape.parse(packed.bytes);
      if (!decoded) return;
      auto schema = document::decode_schema(tape.root());
      if (!schema) {
        decoded = fail(std::move(schema.error()));
        return;
      }
      if (schema->collection != collection) continue;
      known = true;
      const bool wanted = version ? schema->version == *version : schema->version > best.version;
      if (wanted) best = std::move(*schema);
    }
  });
  if (!called) return fail(std::move(called.error()));
  if (!decoded) return fail(session.named(std::move(decoded.error())));
  if (best.version != 0) return best;
  if (!known) {
    return fail(session.named({ErrorCode::kUnknownCollection,
                               fmt::format("{}: no schema is registered for the collection", collection),
                               {}}));
  }
  return fail(session.named(
      {ErrorCode::kUnknownSchema, fmt::format("{}: no schema version {} is registered", collection, *version), {}}));
}

Result<std::string> text_of_file(const std::string& path, uint64_t max_bytes) {
  uv::PosixDisk disk;
  auto bytes = runtime::read_file(disk, path, max_bytes);
  if (!bytes) return fail(std::move(bytes.error()));
  return std::string(as_text(*bytes));
}

Result<std::string> text_of_word(const std::string& word) {
  if (word == "-") return read_stdin();
  if (word.starts_with('@')) return text_of_file(word.substr(1), kMaxWordBytes);
  return word;
}

}  // namespace aerodb::console
