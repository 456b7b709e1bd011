#include "common/archive/tar.h"

#include <archive.h>
#include <archive_entry.h>
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>

#include "common/base/assert.h"

namespace aerodb::archive {
namespace {

constexpr size_t kPieceBytes = 1u << 20;
constexpr uint64_t kFilledUpBytes = 64u << 20;

using Entry = std::unique_ptr<archive_entry, decltype(&archive_entry_free)>;

struct FreeWriter {
  void operator()(::archive* archive) const { archive_write_free(archive); }
};
struct FreeReader {
  void operator()(::archive* archive) const { archive_read_free(archive); }
};

std::string text_of(::archive* archive) {
  const char* text = archive_error_string(archive);
  return text == nullptr ? "no reason given" : text;
}

}  // namespace

// --- writing

struct TarWriter::Inside {
  explicit Inside(runtime::File& target) : file(target), writer(archive_write_new()) {
    AERODB_ASSERT(writer != nullptr);
    AERODB_ASSERT(archive_write_set_format_pax_restricted(writer.get()) == ARCHIVE_OK);
    AERODB_ASSERT(archive_write_set_bytes_per_block(writer.get(), kPieceBytes) == ARCHIVE_OK);
    AERODB_ASSERT(archive_write_set_bytes_in_last_block(writer.get(), 1) == ARCHIVE_OK);
    AERODB_ASSERT(archive_write_open(writer.get(), this, nullptr, write, nullptr) == ARCHIVE_OK);
  }

  // Freeing fills up the member and writes the end mark; a tar that was given up gets none of it. Where much would have
  // to be filled up, libarchive is told to fail, and forgets to free a buffer.
  ~Inside() {
    closed = true;
    if (left > kFilledUpBytes) archive_write_fail(writer.get());
  }

  // Nor is it told of a failure, for the same reason. What comes after one is dropped.
  static la_ssize_t write(::archive* /*archive*/, void* self, const void* data, size_t count) {
    auto& inside = *static_cast<Inside*>(self);
    if (!inside.closed && !inside.trouble) {
      auto done = inside.put({static_cast<const uint8_t*>(data), count});
      if (!done) inside.trouble = std::move(done.error());
    }
    return static_cast<la_ssize_t>(count);
  }
  // Synced no sooner than the next piece is to be written: the disk works while that one is made.
  Result<void> put(ByteSpan data) {
    if (auto done = sync_written(); !done) return done;
    if (auto done = file.write(at, data); !done) return done;
    file.start_writing_back(at, data.size());
    at += data.size();
    return {};
  }
  Result<void> sync_written() {
    if (synced == at) return {};
    if (auto done = file.sync(); !done) return done;
    // A tar larger than memory must not push out what the machine reads; and memory just used is the fastest to fill.
    file.leave_cache(synced, at - synced);
    synced = at;
    return {};
  }

  Result<void> checked(bool good) {
    if (trouble) return fail(*trouble);
    if (good) return {};
    return fail(ErrorCode::kIo, "write archive: " + text_of(writer.get()));
  }

  runtime::File& file;
  uint64_t at = 0;
  uint64_t left = 0;    // of the member begun
  uint64_t synced = 0;  // bytes
  bool closed = false;
  std::optional<Error> trouble;
  std::unique_ptr<::archive, FreeWriter> writer;  // its callbacks use what stands above
};

TarWriter::TarWriter(runtime::File& file) : inside_(std::make_unique<Inside>(file)) {}
TarWriter::~TarWriter() = default;

Result<void> TarWriter::begin(const std::string& name, uint64_t bytes) {
  AERODB_ASSERT(inside_->left == 0);
  const Entry entry(archive_entry_new(), archive_entry_free);
  AERODB_ASSERT(entry != nullptr);
  archive_entry_set_pathname(entry.get(), name.c_str());
  archive_entry_set_size(entry.get(), static_cast<la_int64_t>(bytes));
  archive_entry_set_mode(entry.get(), AE_IFREG | 0600);
  archive_entry_set_uid(entry.get(), 0);
  archive_entry_set_gid(entry.get(), 0);
  archive_entry_set_mtime(entry.get(), 0, 0);
  inside_->left = bytes;
  return inside_->checked(archive_write_header(inside_->writer.get(), entry.get()) == ARCHIVE_OK);
}

Result<void> TarWriter::add(ByteSpan piece) {
  AERODB_ASSERT(piece.size() <= inside_->left);
  while (!piece.empty()) {
    const auto count = archive_write_data(inside_->writer.get(), piece.data(), piece.size());
    if (auto good = inside_->checked(count > 0); !good) return good;
    piece = piece.subspan(static_cast<size_t>(count));
    inside_->left -= static_cast<uint64_t>(count);
  }
  return {};
}

Result<void> TarWriter::finish() {
  AERODB_ASSERT(inside_->left == 0);
  const bool closed = archive_write_close(inside_->writer.get()) == ARCHIVE_OK;
  inside_->closed = true;
  if (auto done = inside_->checked(closed); !done) return done;
  return inside_->sync_written();
}

uint64_t TarWriter::bytes_written() const { return inside_->at; }

// --- reading

struct TarReader::Inside {
  Inside(runtime::File& source, std::string text, uint64_t bytes)
      : file(source),
        name(std::move(text)),
        size(bytes),
        buffer(std::clamp<uint64_t>(bytes, 1, kPieceBytes)),
        reader(archive_read_new()) {
    AERODB_ASSERT(reader != nullptr);
    AERODB_ASSERT(archive_read_support_format_tar(reader.get()) == ARCHIVE_OK);
  }

  static la_ssize_t read(::archive* archive, void* self, const void** data) {
    auto& inside = *static_cast<Inside*>(self);
    auto count = inside.file.read(inside.at, inside.buffer);
    if (!count) {
      inside.trouble = std::move(count.error());
      archive_set_error(archive, EIO, "%s", inside.trouble->message.c_str());
      return -1;
    }
    inside.at += *count;
    *data = inside.buffer.data();
    return static_cast<la_ssize_t>(*count);
  }

  [[nodiscard]] uint64_t position() const {
    return static_cast<uint64_t>(std::max<la_int64_t>(0, archive_filter_bytes(reader.get(), -1)));
  }
  [[nodiscard]] std::unexpected<Error> damaged(const std::string& what) const {
    return fail(
        Error{ErrorCode::kBackupDamaged, fmt::format("read {}: {}", name, what), {}}.with("offset", position()));
  }
  [[nodiscard]] std::unexpected<Error> failed() const {
    return trouble ? fail(*trouble) : damaged(text_of(reader.get()));
  }

  runtime::File& file;
  std::string name;
  uint64_t size;
  uint64_t at = 0;
  Bytes buffer;
  std::optional<Error> trouble;
  std::unique_ptr<::archive, FreeReader> reader;
};

TarReader::TarReader(std::unique_ptr<Inside> inside) : inside_(std::move(inside)) {}
TarReader::~TarReader() = default;

Result<std::unique_ptr<TarReader>> TarReader::open(runtime::File& file, std::string name) {
  auto size = file.size();
  if (!size) return fail(std::move(size.error()));
  auto inside = std::make_unique<Inside>(file, std::move(name), *size);
  if (archive_read_open(inside->reader.get(), inside.get(), nullptr, Inside::read, nullptr) != ARCHIVE_OK)
    return inside->failed();
  return std::unique_ptr<TarReader>(new TarReader(std::move(inside)));
}

Result<std::optional<TarMember>> TarReader::next() {
  archive_entry* entry = nullptr;
  const int found = archive_read_next_header(inside_->reader.get(), &entry);
  if (found == ARCHIVE_EOF) return std::optional<TarMember>();
  if (found != ARCHIVE_OK) return inside_->failed();
  const char* name = archive_entry_pathname(entry);
  const la_int64_t bytes = archive_entry_size(entry);
  const bool plain = archive_entry_filetype(entry) == AE_IFREG && archive_entry_hardlink(entry) == nullptr;
  if (name == nullptr || !plain) return inside_->damaged("a member is no plain file");
  TarMember member{name, static_cast<uint64_t>(bytes), inside_->position()};
  if (bytes < 0 || member.offset > inside_->size || member.bytes > inside_->size - member.offset)
    return inside_->damaged("a member is larger than the rest of the archive");
  return std::optional(std::move(member));
}

Result<size_t> TarReader::read(std::span<uint8_t> out) {
  const auto count = archive_read_data(inside_->reader.get(), out.data(), out.size());
  if (count < 0) return inside_->failed();
  return static_cast<size_t>(count);
}

// --- comparing

Result<void> TarCheck::write(uint64_t offset, ByteSpan data) {
  found_.resize(data.size());
  auto count = expected_.read(offset, found_);
  if (!count) return fail(std::move(count.error()));
  const auto at = std::ranges::mismatch(data, ByteSpan(found_).first(*count)).in1 - data.begin();
  if (static_cast<size_t>(at) == data.size()) return {};
  difference_ = offset + static_cast<uint64_t>(at);
  return fail(ErrorCode::kBackupDamaged, fmt::format("byte {} is not what its members give", *difference_));
}

Result<void> TarCheck::fill_zero(uint64_t /*size_bytes*/) {
  return fail(ErrorCode::kIo, "fill: an archive that is compared is not written");
}

}  // namespace aerodb::archive
