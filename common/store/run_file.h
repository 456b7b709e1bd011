// A run while it is written: blocks go to its end one after the other, hashed on the way. Blocking.
#pragma once

#include "common/base/checksum.h"
#include "common/store/blocks.h"
#include "common/store/paced_file.h"
#include "common/store/stored_block.h"

namespace aerodb::store {

class RunFile {
 public:
  RunFile(PacedFile file, uint64_t run_number, Compression compression)
      : file_(std::move(file)), run_number_(run_number), packer_(compression) {}
  [[nodiscard]] Result<void> append(ByteSpan bytes) {
    sha256_.update(bytes);
    return file_.append(bytes);
  }
  [[nodiscard]] Result<BlockHandle> append_block(BlockKind kind, ByteSpan body) {
    const uint64_t offset = file_.size();
    const auto stored = packer_.pack(kind, body, block_seed(run_number_, offset));
    if (auto done = append(stored); !done) return fail(std::move(done.error()));
    return BlockHandle{offset, static_cast<uint32_t>(stored.size()), kind};
  }
  [[nodiscard]] uint64_t size() const { return file_.size(); }
  // Everything written and synced. Nothing may follow.
  [[nodiscard]] Result<Sha256> finish() {
    if (auto done = file_.flush(); !done) return fail(std::move(done.error()));
    return sha256_.finish();
  }

 private:
  PacedFile file_;
  uint64_t run_number_;
  BlockPacker packer_;
  Sha256Stream sha256_;
};

}  // namespace aerodb::store
