// Bytes as a run file: frame, blocks, lookups, cursors, scan, verification.
//
// Holds: nothing is read outside the file or a block; every reader ends; what one reader takes for sound another does
// not trip over. The fuzzer can't guess checksums: a second pass seals the frame and every block that can be reached
// from it, so that what lies behind the checksums is met, too.
#include <algorithm>
#include <map>

#include "common/base/assert.h"
#include "common/base/checksum.h"
#include "common/store/block.h"
#include "common/store/run.h"
#include "common/store/run_footer.h"
#include "common/store/stored_block.h"
#include "tests/fuzz/memory_disk.h"

namespace aerodb::store {
namespace {

class FuzzBlocks final : public Blocks {
 public:
  explicit FuzzBlocks(runtime::File& file) : file_(file) {}
  const Block* find(const Run& run, const BlockHandle& handle) override {
    const auto known = kept_.find(handle);
    if (known != kept_.end()) return known->second.get();
    auto block = run.read_block(file_, handle);
    if (!block) {
      trouble_ = block.error();
      return nullptr;
    }
    return kept_.emplace(handle, std::move(*block)).first->second.get();
  }
  [[nodiscard]] const std::optional<Error>& trouble() const override { return trouble_; }

 private:
  runtime::File& file_;
  std::map<BlockHandle, BlockRef> kept_;
  std::optional<Error> trouble_;
};

// Entries of a hostile file need not be in order, so a walk may meet more of them than there are.
constexpr int kMostSteps = 50;

void walk(const Run& run, runtime::File& file, const RunSection& section) {
  for (const auto direction : {Direction::kAscending, Direction::kDescending}) {
    FuzzBlocks blocks(file);
    const auto cursor = run.cursor(section.collection, section.path);
    AERODB_ASSERT(cursor != nullptr);
    auto state = cursor->seek_end(blocks, direction);
    for (int step = 0; state == CursorState::kAt && step < kMostSteps; ++step, state = cursor->next(blocks)) {
      const TreeKey key = cursor->key();
      const auto id = as_text(section.path.empty() ? key.first : key.second);
      const auto found = run.find(blocks, section.collection, id, CommitId(UINT64_MAX));
      if (found && found->live()) AERODB_ASSERT(!found->document.empty());
      (void)run.cursor(section.collection, section.path)->seek(blocks, key, direction);
    }
    AERODB_ASSERT(state != CursorState::kCold || blocks.trouble());
  }
}

void as_run(const Bytes& bytes) {
  fuzz::MemoryDisk disk;
  disk.files["f"] = bytes;
  const auto info = Run::describe(disk, "f");
  if (!info) return;
  const auto run = Run::open(disk, "f", *info);
  AERODB_ASSERT(run);
  const bool sound = verify_run(disk, "f", *info, {{"c", {"n"}}}).has_value();
  auto file = disk.open("f", runtime::OpenMode::kRead);
  AERODB_ASSERT(file);
  for (const auto& section : (*run)->sections()) walk(**run, **file, section);
  RunScan scan(*run, std::move(*file));
  uint64_t versions = 0;
  for (auto next = scan.next(); next && *next; next = scan.next()) ++versions;
  if (sound) AERODB_ASSERT(versions == info->versions);
}

// Gives each block below `handle` a checksum that holds. Bounded: a node may name the same block again and again.
class Sealer {
 public:
  Sealer(std::span<uint8_t> file, uint64_t number) : file_(file), number_(number) {}
  void seal(const RunSection& section, const BlockHandle& handle, uint32_t level) {
    if (++blocks_ > 300 || !seal_block(handle) || level == 0) return;
    Bytes scratch;
    const auto stored = file_.subspan(handle.offset, handle.stored_bytes);
    const auto body = unpack_block(stored, handle.kind, block_seed(number_, handle.offset), scratch);
    if (!body) return;
    const Bytes own(body->begin(), body->end());  // a child may lie upon its parent
    const BlockView node(handle.kind, own);
    for (uint32_t i = 0; i < node.count(); ++i)
      seal(section, node.child(i, kind_of_level(section, level - 1)), level - 1);
  }
  bool seal_block(const BlockHandle& handle) {
    if (handle.stored_bytes < kBlockTrailerBytes || handle.offset > file_.size() ||
        handle.stored_bytes > file_.size() - handle.offset)
      return false;
    const auto stored = file_.subspan(handle.offset, handle.stored_bytes);
    const auto hash = xxh3_128_seeded(stored.first(stored.size() - 16), block_seed(number_, handle.offset));
    std::copy(hash.begin(), hash.end(), stored.end() - 16);
    return true;
  }

 private:
  std::span<uint8_t> file_;
  uint64_t number_;
  int blocks_ = 0;
};

void seal_frame(std::span<uint8_t> file, const BlockHandle& footer) {
  const Bytes tail = encode_run_tail(file.first(kRunHeaderBytes), footer);
  std::copy(tail.begin(), tail.end(), file.end() - kRunTailBytes);
}

void seal(Bytes& file) {
  const Bytes header = encode_run_header({1, CommitId(1), CommitId(1'000)});
  std::copy(header.begin(), header.end(), file.begin());
  const uint64_t end = file.size() - kRunTailBytes;
  ByteReader tail(ByteSpan(file).last(kRunTailBytes));
  BlockHandle footer{tail.u64(), tail.u32(), BlockKind::kFooter};
  if (footer.offset < kRunHeaderBytes || footer.offset > end) footer.offset = kRunHeaderBytes;
  footer.stored_bytes = static_cast<uint32_t>(end - footer.offset);
  seal_frame(file, footer);
  Sealer sealer(file, 1);
  if (!sealer.seal_block(footer)) return;
  Bytes scratch;
  const auto stored = ByteSpan(file).subspan(footer.offset, footer.stored_bytes);
  const auto body = unpack_block(stored, BlockKind::kFooter, block_seed(1, footer.offset), scratch);
  if (!body) return;
  const auto read = decode_run_footer(*body, footer.offset);
  if (!read) return;
  for (const auto& section : read->sections) sealer.seal(section, section.top, section.height);
}

}  // namespace
}  // namespace aerodb::store

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace aerodb::store;
  aerodb::Bytes file(data, data + size);
  as_run(file);
  file.resize(std::max<size_t>(size, kRunHeaderBytes + kBlockTrailerBytes + kRunTailBytes), 0);
  seal(file);
  as_run(file);
  return 0;
}
