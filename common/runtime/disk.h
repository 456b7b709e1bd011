// Files, for Jobs and for start-up. Blocking. In the simulator every call is a point at which the process can crash,
// and unsynced data and unsynced directory entries can be lost, torn or reordered.
//
// After a crash of the simulated process every call on a handle fails for ever with IO. Destructors do no I/O.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/error.h"

namespace aerodb::runtime {

class File {
 public:
  virtual ~File() = default;
  // Reads up to out.size() bytes; answers how many there were (fewer only at the end of the file).
  virtual Result<size_t> read(uint64_t offset, std::span<uint8_t> out) = 0;
  // Writes all of it or fails.
  virtual Result<void> write(uint64_t offset, ByteSpan data) = 0;
  // The disk may begin with what was written there, so that a later sync waits for less. Promises nothing.
  virtual void start_writing_back(uint64_t /*offset*/, uint64_t /*bytes*/) {}
  // What lies there is synced, and nobody will read it soon: its memory may serve others. Promises nothing.
  virtual void leave_cache(uint64_t /*offset*/, uint64_t /*bytes*/) {}
  // Data and size durable (fdatasync).
  virtual Result<void> sync() = 0;
  virtual Result<uint64_t> size() = 0;
  // Makes the file `size_bytes` long, every byte written as zero, so that later writes allocate nothing.
  virtual Result<void> fill_zero(uint64_t size_bytes) = 0;
};

// Held until destroyed or the process ends.
class DirectoryLock {
 public:
  virtual ~DirectoryLock() = default;
};

enum class OpenMode : uint8_t {
  kRead,       // must exist
  kReadWrite,  // must exist
  kCreate,     // must not exist; read and write
  kAppend,     // created where missing; read and write
};

class Disk {
 public:
  virtual ~Disk() = default;
  virtual Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) = 0;
  // Parents included; no error where it exists.
  virtual Result<void> make_directory(const std::string& path) = 0;
  virtual Result<void> sync_directory(const std::string& path) = 0;
  virtual Result<void> rename(const std::string& from, const std::string& to) = 0;
  virtual Result<void> remove(const std::string& path) = 0;  // a file, or an empty directory
  // A second name for the same file (hard link). `made` must not exist.
  virtual Result<void> link(const std::string& existing, const std::string& made) = 0;
  virtual Result<bool> exists(const std::string& path) = 0;
  // Names in a directory, sorted; without "." and "..".
  virtual Result<std::vector<std::string>> list(const std::string& path) = 0;
  // Takes the exclusive lock of a directory (a LOCK file in it). Taken already: LOCKED.
  virtual Result<std::unique_ptr<DirectoryLock>> lock(const std::string& directory) = 0;
  // Whether anybody holds it. Takes nothing, makes nothing.
  virtual Result<bool> locked(const std::string& directory) = 0;
};

// "." where the path has no directory.
[[nodiscard]] std::string parent_directory(const std::string& path);

// Whole-file conveniences over a Disk.
[[nodiscard]] Result<Bytes> read_file(Disk& disk, const std::string& path, uint64_t max_bytes);
enum class ReplaceStep : uint8_t { kSynced, kRenamed, kDirectorySynced };
// Temporary file written and synced, renamed over `path`, directory synced: old content or new, never half. `on_step`
// is called behind each of the three.
[[nodiscard]] Result<void> replace_file(Disk& disk, const std::string& directory, const std::string& name,
                                        ByteSpan content, const std::function<void(ReplaceStep)>& on_step = nullptr);

}  // namespace aerodb::runtime
