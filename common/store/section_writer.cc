#include "common/store/section_writer.h"

#include "common/base/assert.h"

namespace aerodb::store {

SectionWriter::SectionWriter(RunFile& file, BlockKind kind, std::string collection, std::string path)
    : file_(file), kind_(kind), begin_(file.size()) {
  section_.collection = std::move(collection);
  section_.path = std::move(path);
}

Result<void> SectionWriter::add(const StoredVersion& version) {
  AERODB_ASSERT(kind_ == BlockKind::kDocuments);
  const EntryKey key{as_bytes(version.id), {}, version.commit};
  if (auto done = make_room(BlockBuilder::entry_bytes(version), key); !done) return done;
  block_.add(version);
  const FilterHash hash = filter_hash(version.id);
  if (hashes_.empty() || hashes_.back() != hash) hashes_.push_back(hash);
  ++section_.entries;
  return {};
}

Result<void> SectionWriter::add(ByteSpan value, ByteSpan id) {
  AERODB_ASSERT(kind_ == BlockKind::kIndex);
  if (auto done = make_room(BlockBuilder::entry_bytes(value, id), {value, id, {}}); !done) return done;
  block_.add(value, id);
  ++section_.entries;
  return {};
}

Result<void> SectionWriter::make_room(size_t entry_bytes, const EntryKey& entry) {
  if (block_.count() > 0) {
    if (block_.bytes() + entry_bytes <= kBlockTargetBytes) return {};
    if (auto done = end_block(); !done) return done;
  }
  if (!last_) {
    separator_.assign(separator_of(kind_, entry, nullptr));
  } else {
    const EntryKey before = last_->view();
    separator_.assign(separator_of(kind_, entry, &before));
  }
  return {};
}

Result<void> SectionWriter::end_block() {
  const uint32_t last = block_.count() - 1;
  const ByteSpan body = block_.finish();
  auto handle = file_.append_block(kind_, body);
  if (!handle) return fail(std::move(handle.error()));
  if (!last_) last_.emplace();
  last_->assign(BlockView(kind_, body).key(last));
  block_.clear();
  return add_child(1, *handle, separator_.view());
}

bool SectionWriter::full(size_t level) const {
  const BlockBuilder& node = levels_[level - 1].node;
  if (node.count() < 2) return false;
  if (level > 1) return node.bytes() >= kInnerTargetBytes;
  return node.count() >= kBlocksPerPartition || node.bytes() >= kPartitionTargetBytes;
}

Result<void> SectionWriter::add_child(size_t level, const BlockHandle& child, const EntryKey& separator) {
  AERODB_ASSERT(level <= kMaxRunHeight);
  if (levels_.size() < level) levels_.resize(level);
  Level& here = levels_[level - 1];
  if (here.node.count() == 0) here.separator.assign(separator);
  here.node.add(child, separator);
  here.last_child = child;
  if (level == 1) {
    here.hashes.insert(here.hashes.end(), hashes_.begin(), hashes_.end());
    hashes_.clear();
  }
  return full(level) ? end_node(level) : Result<void>();
}

Result<BlockHandle> SectionWriter::write_node(size_t level) {
  Level& here = levels_[level - 1];
  const bool partition = level == 1 && kind_ == BlockKind::kDocuments;
  const Bytes filter = partition ? build_filter(here.hashes) : Bytes();
  auto handle = file_.append_block(partition ? BlockKind::kPartition : BlockKind::kInner, here.node.finish(filter));
  here.node.clear();
  here.hashes.clear();
  ++here.nodes_written;
  return handle;
}

Result<void> SectionWriter::end_node(size_t level) {
  const OwnedKey separator = levels_[level - 1].separator;
  auto handle = write_node(level);
  if (!handle) return fail(std::move(handle.error()));
  return add_child(level + 1, *handle, separator.view());
}

Result<RunSection> SectionWriter::finish() {
  AERODB_ASSERT(section_.entries > 0);
  if (auto done = end_block(); !done) return fail(std::move(done.error()));
  // A level that has written a node has a level above it; the first that has not is the root.
  for (size_t level = 1;; ++level) {
    Level& here = levels_[level - 1];
    if (here.nodes_written > 0) {
      if (here.node.count() == 0) continue;
      if (auto done = end_node(level); !done) return fail(std::move(done.error()));
      continue;
    }
    // A node just written may turn out to be the only one: then it is the root.
    const bool only_child = level > 1 && here.node.count() == 1;
    auto root = only_child ? Result<BlockHandle>(here.last_child) : write_node(level);
    if (!root) return fail(std::move(root.error()));
    section_.top = *root;
    section_.height = static_cast<uint32_t>(only_child ? level - 1 : level);
    section_.bytes = file_.size() - begin_;
    return section_;
  }
}

}  // namespace aerodb::store
