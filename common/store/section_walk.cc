#include "common/store/section_walk.h"

#include <fmt/format.h>

namespace aerodb::store {

Result<ByteSpan> read_through(const Run& run, ReadAhead& ahead, const BlockHandle& handle, Bytes& scratch) {
  if (auto place = run.check_place(handle); !place) return fail(std::move(place.error()));
  auto stored = ahead.at(handle.offset, handle.stored_bytes);
  if (!stored) return fail(std::move(stored.error()));
  return run.unpack(handle, *stored, scratch);
}

Result<void> SectionWalk::enter(const BlockHandle& node) {
  auto block = run_.read_block(file_, node);
  if (!block) return fail(std::move(block.error()));
  path_.push_back({std::move(*block), 0});
  return {};
}

Result<std::optional<BlockView>> SectionWalk::next() {
  if (!begun_) {
    begun_ = true;
    if (auto entered = enter(section_.top); !entered) return fail(std::move(entered.error()));
  }
  while (!path_.empty()) {
    Node& node = path_.back();
    const BlockView view(*node.block);
    if (node.next == view.count()) {
      path_.pop_back();
      continue;
    }
    const auto level = static_cast<uint32_t>(section_.height - path_.size());  // of its children
    const BlockHandle child = view.child(node.next++, kind_of_level(section_, level));
    if (level > 0) {
      if (auto entered = enter(child); !entered) return fail(std::move(entered.error()));
      continue;
    }
    if (child.offset < end_) {
      return fail(run_.damaged(
          child.offset, {"offset of a block", fmt::format("at least {}", end_), fmt::format("{}", child.offset)}));
    }
    auto body = read_through(run_, ahead_, child, scratch_);
    if (!body) return fail(std::move(body.error()));
    end_ = child.offset + child.stored_bytes;
    return BlockView(child.kind, *body);
  }
  return std::optional<BlockView>();
}

}  // namespace aerodb::store
