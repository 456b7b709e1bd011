// What the tests of runs share: a simulated disk with runs on it, versions that are easy to make, and blocks that are
// at hand or not as a test says.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "common/store/run.h"
#include "common/store/run_writer.h"
#include "tests/sim/runtime/process.h"

namespace aerodb::store::testing {

// Canonical {"_id": id, "n": n, "pad": ...}; what is not given is left out.
[[nodiscard]] Bytes document_of(std::string_view id, std::optional<int64_t> n = std::nullopt, size_t pad_bytes = 0);
// The index key of an int.
[[nodiscard]] Bytes index_key_of_int(int64_t n);

struct TestVersion {
  std::string collection;
  std::string id;
  uint64_t commit = 0;
  Bytes document;  // empty: tombstone
  friend bool operator==(const TestVersion&, const TestVersion&) = default;
};
// A version of collection "c", and its removal.
[[nodiscard]] TestVersion put(std::string_view id, uint64_t commit, std::optional<int64_t> n = std::nullopt,
                              size_t pad_bytes = 0);
[[nodiscard]] TestVersion removed(std::string_view id, uint64_t commit);
[[nodiscard]] RunVersion view_of(const TestVersion& version);
// Run order.
void sort_versions(std::vector<TestVersion>& versions);

// Reads on the spot whatever may be read.
class TestBlocks final : public Blocks {
 public:
  explicit TestBlocks(runtime::Disk& disk) : disk_(disk) {}
  const Block* find(const Run& run, const BlockHandle& handle) override;
  [[nodiscard]] const std::optional<Error>& trouble() const override { return trouble_; }
  // Forgets everything read.
  void clear();
  // Blocks of the kind that were read since clear().
  [[nodiscard]] size_t read(BlockKind kind) const;
  // From now on at most so many blocks are read; what was read stays at hand.
  void allow(size_t blocks) { allowed_ = blocks; }

 private:
  runtime::Disk& disk_;
  std::map<BlockHandle, BlockRef> blocks_;
  std::optional<Error> trouble_;
  size_t allowed_ = SIZE_MAX;
};

class RunKit {
 public:
  explicit RunKit(uint64_t seed = 1);  // of what a power loss takes
  ~RunKit();
  [[nodiscard]] runtime::Disk& disk() { return process_->blocking_disk(); }
  [[nodiscard]] sim::SimMachine& machine() { return machine_; }
  [[nodiscard]] sim::SimProcess& process() { return *process_; }

  // Run 1 (or options.number) in /d of these versions, in any order; commits 1 to 1,000,000 and an index n of c unless
  // said otherwise. It is opened, too.
  void write(std::vector<TestVersion> versions, RunWriterOptions options = {});
  [[nodiscard]] static RunWriterOptions with(Compression compression);
  [[nodiscard]] static RunWriterOptions complete(RunWriterOptions options);
  [[nodiscard]] std::string path() const { return run_path("/d", info.number); }
  [[nodiscard]] Bytes file();
  // Puts a file in place of the run's, durable.
  void replace(ByteSpan bytes);
  void flip(uint64_t offset, uint8_t mask) { ASSERT_TRUE(machine_.disk().damage(path(), offset, mask)); }
  [[nodiscard]] Result<void> verify() { return verify_run(disk(), path(), info, indexes); }
  // All versions, as a scan gives them.
  [[nodiscard]] std::vector<TestVersion> scan();

  RunInfo info;
  IndexedPaths indexes;
  std::shared_ptr<const Run> run;

 private:
  sim::SimWorld world_;
  sim::SimMachine& machine_;
  std::unique_ptr<sim::SimProcess> process_;
};

// Expects RUN_DAMAGED with all that a person needs to look at the place.
void expect_named(const Error& error, const std::string& path);

}  // namespace aerodb::store::testing
