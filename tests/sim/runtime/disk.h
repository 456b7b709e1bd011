// The disk of one simulated machine: survives its processes, and loses what was not synced when the power goes.
//
// Calls take effect at once and roll the faults of SimOptions; waiting, yielding and dying belong to ProcessDisk.
//   - File data: see content.h.
//   - Directory entries: creations, links, renames and removals are durable after a sync_directory of their directory.
//   A power
//     loss undoes, of each directory, some of its newest unsynced changes; a rename between two directories ties them.
//   - Death of a process loses nothing: the page cache stays, and stays unsynced.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/runtime/disk.h"
#include "tests/sim/runtime/content.h"
#include "tests/sim/runtime/world.h"

namespace aerodb::sim {

struct SimNode {
  bool is_directory = false;
  std::map<std::string, std::shared_ptr<SimNode>, std::less<>> children;  // directories
  FileContent content;                                                    // files
  Owner lock_owner = kWorld;
};
using NodePointer = std::shared_ptr<SimNode>;

class SimDisk {
 public:
  explicit SimDisk(SimWorld& world);

  // As runtime::Disk and runtime::File, without handles.
  [[nodiscard]] Result<NodePointer> open(const std::string& path, runtime::OpenMode mode);
  [[nodiscard]] Result<void> make_directory(const std::string& path);
  [[nodiscard]] Result<void> sync_directory(const std::string& path);
  [[nodiscard]] Result<void> rename(const std::string& from, const std::string& to);
  [[nodiscard]] Result<void> remove(const std::string& path);
  [[nodiscard]] Result<void> link(const std::string& existing, const std::string& made);  // both names: one node
  [[nodiscard]] bool exists(const std::string& path) const { return find(path) != nullptr; }
  [[nodiscard]] Result<std::vector<std::string>> list(const std::string& path) const;
  [[nodiscard]] Result<NodePointer> lock(const std::string& directory, Owner owner);
  [[nodiscard]] bool locked(const std::string& directory) const;
  [[nodiscard]] Result<size_t> read(const SimNode& node, uint64_t offset, std::span<uint8_t> out);
  [[nodiscard]] Result<void> write(const NodePointer& node, uint64_t offset, ByteSpan data);
  [[nodiscard]] Result<void> sync(const NodePointer& node);
  [[nodiscard]] Result<void> fill_zero(const NodePointer& node, uint64_t size_bytes);

  void release_locks(Owner owner);
  // A write that its process did not live to finish: some whole pages of it may have reached the page cache.
  void cut_write(const NodePointer& node, uint64_t offset, ByteSpan data);
  void power_loss();
  // Another disk in its place, empty. No process may be alive on its machine.
  void wipe();

  // For tests and scripts; none of these rolls faults.
  [[nodiscard]] std::optional<Bytes> peek(const std::string& path) const;  // nullopt: no such file
  [[nodiscard]] std::vector<std::string> tree() const;                     // every path, sorted, directories with "/"
  [[nodiscard]] bool damage(const std::string& path, uint64_t offset, uint8_t mask);  // false: no such byte
  void set_full(bool full) { full_ = full; }          // every write that needs new space fails
  void set_faulty(bool faulty) { faulty_ = faulty; }  // false: none of the rolled faults happens here
  // Rolls a fault that the process is to suffer here.
  [[nodiscard]] bool hit(FaultKind kind) { return faulty_ && world_.hit(kind); }
  // Would a power loss now be able to change anything?
  [[nodiscard]] bool at_risk() const;

 private:
  // Undone by giving each name its node before the change.
  struct Change {
    NodePointer directory;
    std::string name;
    NodePointer before;
    NodePointer other_directory;  // of a rename: where the name came from
    std::string other_name;
    NodePointer other_before;
  };
  struct Place {
    NodePointer parent;
    std::string name;
  };
  [[nodiscard]] NodePointer find(std::string_view path) const;
  [[nodiscard]] Result<Place> place(std::string_view call, const std::string& path) const;
  [[nodiscard]] bool no_space() { return full_ || hit(FaultKind::kDiskFull); }
  void set_child(const NodePointer& directory, const std::string& name, NodePointer child);
  void risk(const NodePointer& node);
  void lose_changes();
  void lose_content(SimNode& node);

  SimWorld& world_;
  NodePointer root_;
  std::vector<Change> changes_;        // unsynced, oldest first
  std::vector<NodePointer> unsynced_;  // files written since the last power loss, in that order; some synced meanwhile
  bool full_ = false;
  bool faulty_ = true;
};

}  // namespace aerodb::sim
