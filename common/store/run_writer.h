// Writes one run: versions in order come in, a complete synced file comes out. Blocking, for Jobs and offline tools.
// Index sections are derived from the documents, sorted in bounded memory with the help of a temporary file beside the
// run, NNNNNNNN.sort; where the versions are those of a memory table, they are read off its indexes, sorted already.
//
// Failure at any step leaves files that no manifest names, the temporary one among them; the run's number is never used
// again.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "common/store/memory_table.h"
#include "common/store/run.h"

namespace aerodb::store {

// Carried out for a run when it is complete.
enum class RunWriteStep : uint8_t { kFileSynced, kDirectorySynced };

struct RunWriterOptions {
  RunNumber number = 0;
  CommitId first_commit;
  CommitId last_commit;
  IndexedPaths indexes;  // paths of a collection in any order
  // Frozen, and every version of it is added, no other; must outlive the writer. nullptr: they come from elsewhere.
  const MemoryTable* table = nullptr;
  Compression compression = Compression::kNone;
  uint64_t sort_bytes = 16ull << 20;             // memory for sorting index entries; at most 1 GiB
  std::function<void(uint64_t bytes)> progress;  // called with the bytes written so far; from the Job's thread
  // Called after each sync, for pacing under load; may sleep. From the Job's thread.
  std::function<void()> after_sync;
  std::function<void(RunWriteStep)> on_step;  // called behind each; from the Job's thread
};

class RunWriter {
 public:
  // Makes DIR/runs where it is missing. The file must not exist (RUN_NUMBER is never used twice).
  [[nodiscard]] static Result<std::unique_ptr<RunWriter>> create(runtime::Disk& disk, const std::string& directory,
                                                                 RunWriterOptions options);
  ~RunWriter();
  // Order: collection, id ascending, commit descending; collections have names, ids 1 to 512 bytes; a tombstone has
  // no document, everything else has one; commits lie within the run's range. Else it is a bug.
  [[nodiscard]] Result<void> add(const RunVersion& version);
  // Index sections, footer, tail; file and directory synced.
  [[nodiscard]] Result<RunInfo> finish();

 private:
  struct Inside;

 public:
  explicit RunWriter(std::unique_ptr<Inside> inside);  // by create() only

 private:
  std::unique_ptr<Inside> inside_;
};

}  // namespace aerodb::store
