// Tar files by libarchive, written and read through a runtime::File, so that every world sees every byte. Blocking.
//
// A tar written here is a function of its members' names and contents alone: ustar headers with mode 0600, owner 0,
// time 0; a member of 8 GiB or more has a pax header for its size. Writing the members read once more therefore proves
// of a file that it holds nothing else: see TarCheck.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "common/runtime/disk.h"

namespace aerodb::archive {

class TarWriter {
 public:
  // Bytes go to `file`, which must outlive this, from its start on: in pieces of at most 1 MiB, each synced before the
  // next, so that the syncs of a log on the same disk never wait long.
  explicit TarWriter(runtime::File& file);
  ~TarWriter();
  TarWriter(const TarWriter&) = delete;
  TarWriter& operator=(const TarWriter&) = delete;
  // The next member; the one before must be whole.
  [[nodiscard]] Result<void> begin(const std::string& name, uint64_t bytes);
  // Its content, in pieces. Requires that no more than was announced is given.
  [[nodiscard]] Result<void> add(ByteSpan piece);
  // The end mark. Everything is synced afterwards.
  [[nodiscard]] Result<void> finish();
  [[nodiscard]] uint64_t bytes_written() const;

 private:
  struct Inside;
  std::unique_ptr<Inside> inside_;
};

struct TarMember {
  std::string name;
  uint64_t bytes = 0;
  uint64_t offset = 0;  // of its first byte in the archive
};

// Every byte read is hostile. BACKUP_DAMAGED where it is no tar, or a member is no plain file that the rest of the
// archive could hold.
class TarReader {
 public:
  // `file` must outlive this. `name` is for messages.
  [[nodiscard]] static Result<std::unique_ptr<TarReader>> open(runtime::File& file, std::string name);
  ~TarReader();
  TarReader(const TarReader&) = delete;
  TarReader& operator=(const TarReader&) = delete;
  // nullopt at the end. What was not read of the member before is passed over.
  [[nodiscard]] Result<std::optional<TarMember>> next();
  // The next bytes of this member; 0 at its end.
  [[nodiscard]] Result<size_t> read(std::span<uint8_t> out);

 private:
  struct Inside;
  explicit TarReader(std::unique_ptr<Inside> inside);
  std::unique_ptr<Inside> inside_;
};

// A file to give a TarWriter that writes nothing: it compares what it is given with the bytes of `expected`.
// BACKUP_DAMAGED names the first byte that differs.
class TarCheck final : public runtime::File {
 public:
  explicit TarCheck(runtime::File& expected) : expected_(expected) {}
  Result<size_t> read(uint64_t offset, std::span<uint8_t> out) override { return expected_.read(offset, out); }
  Result<void> write(uint64_t offset, ByteSpan data) override;
  Result<void> sync() override { return {}; }
  Result<uint64_t> size() override { return expected_.size(); }
  Result<void> fill_zero(uint64_t size_bytes) override;
  // Where they differ.
  [[nodiscard]] std::optional<uint64_t> difference() const { return difference_; }

 private:
  runtime::File& expected_;
  Bytes found_;
  std::optional<uint64_t> difference_;
};

}  // namespace aerodb::archive
