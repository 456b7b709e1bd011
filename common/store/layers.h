// Everything a node holds, newest first: the memory table being written, the frozen one that a checkpoint writes out,
// the runs. A version lies in exactly one layer; commits descend from layer to layer, so a lookup ends at the first
// version with commit <= bound. Thread: the loop's.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/store/blocks.h"
#include "common/store/cursor.h"
#include "common/store/memory_table.h"
#include "common/store/run.h"

namespace aerodb::store {

class Layers {
 public:
  Layers();
  [[nodiscard]] MemoryTable& active() { return *active_; }
  [[nodiscard]] const MemoryTable& active() const { return *active_; }
  [[nodiscard]] const std::shared_ptr<const MemoryTable>& frozen() const { return frozen_; }
  [[nodiscard]] const std::vector<std::shared_ptr<const Run>>& runs() const { return runs_; }  // ascending by commits

  // The newest version with commit <= bound, tombstones included; empty where there is none. nullopt: a block is not at
  // hand. `place`: becomes where the search in the active table ended.
  [[nodiscard]] std::optional<VersionView> find(Blocks& blocks, std::string_view collection, std::string_view id,
                                                CommitId bound, MemoryTable::Place* place = nullptr) const;
  // Ids of a collection (path empty) or entries of one of its indexes, through all layers.
  [[nodiscard]] std::unique_ptr<EntryCursor> cursor(std::string_view collection, std::string_view index_path) const;

  // What is in the active table becomes the frozen one; an empty one with the same collections and indexes takes its
  // place. Requires that nothing is frozen.
  void freeze();
  // The frozen table's versions are in `runs` now. Answers the table, to be destroyed where it takes time.
  std::shared_ptr<const MemoryTable> replace_frozen(std::vector<std::shared_ptr<const Run>> runs);
  // A checkpoint that failed: the frozen table stays, to be written with the next one. No change here.
  void replace_runs(std::vector<std::shared_ptr<const Run>> runs) { runs_ = std::move(runs); }

  [[nodiscard]] uint64_t memory_bytes() const;  // of both tables
  [[nodiscard]] uint64_t versions() const;      // in all layers
  [[nodiscard]] uint64_t index_entries() const;
  [[nodiscard]] uint64_t index_bytes() const;

 private:
  std::unique_ptr<MemoryTable> active_;
  std::shared_ptr<const MemoryTable> frozen_;
  std::vector<std::shared_ptr<const Run>> runs_;
};

}  // namespace aerodb::store
