#include "common/store/section_walk.h"

namespace aerodb::store {

struct RunScan::Inside {
  Inside(std::shared_ptr<const Run> of, std::unique_ptr<runtime::File> opened)
      : run(std::move(of)), file(std::move(opened)), ahead(*file, run->info().bytes) {}
  std::shared_ptr<const Run> run;
  std::unique_ptr<runtime::File> file;
  ReadAhead ahead;
  size_t sections_begun = 0;
  std::optional<SectionWalk> walk;  // of the section begun last
  std::optional<BlockView> block;
  uint32_t at = 0;  // next entry of `block`

  // To the next block of documents; nothing in `block` at the end.
  Result<void> next_block() {
    at = 0;
    block.reset();
    while (true) {
      if (walk) {
        auto next = walk->next();
        if (!next) return fail(std::move(next.error()));
        block = *next;
        if (block) return {};
      }
      const auto& sections = run->sections();
      while (sections_begun < sections.size() && !sections[sections_begun].path.empty()) ++sections_begun;
      if (sections_begun == sections.size()) return {};
      walk.emplace(*run, sections[sections_begun++], *file, ahead);
    }
  }
};

RunScan::RunScan(std::shared_ptr<const Run> run, std::unique_ptr<runtime::File> file)
    : inside_(std::make_unique<Inside>(std::move(run), std::move(file))) {}
RunScan::~RunScan() = default;
RunScan::RunScan(RunScan&&) noexcept = default;

Result<std::optional<RunVersion>> RunScan::next() {
  Inside& in = *inside_;
  if (!in.block || in.at == in.block->count()) {
    if (auto moved = in.next_block(); !moved) return fail(std::move(moved.error()));
    if (!in.block) return std::optional<RunVersion>();
  }
  const StoredVersion version = in.block->version(in.at++);
  return RunVersion{in.run->sections()[in.sections_begun - 1].collection, version.id, version.commit,
                    version.schema_version, version.document};
}

}  // namespace aerodb::store
