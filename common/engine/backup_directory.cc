#include "common/engine/backup_directory.h"

#include <fmt/format.h>

namespace aerodb::engine {
namespace {

constexpr size_t kPieceBytes = 1u << 20;

}  // namespace

Result<std::unique_ptr<DirectorySource>> DirectorySource::open(runtime::Disk& disk, const std::string& data_dir) {
  OpenOptions options;
  options.data_dir = data_dir;
  auto opened = claim_directory(disk, options);
  if (!opened) return fail(std::move(opened.error()));
  auto geometry = wal::ring_geometry(disk, data_dir);
  if (!geometry) return fail(std::move(geometry.error()));
  options.geometry = *geometry;
  if (auto read = inspect_log(disk, options, {Trust::kOwnLog, nullptr}, **opened); !read)
    return fail(std::move(read.error()));
  return std::unique_ptr<DirectorySource>(new DirectorySource(disk, std::move(options), std::move(*opened)));
}

DirectorySource::DirectorySource(runtime::Disk& disk, OpenOptions options, std::unique_ptr<OpenedNode> opened)
    : disk_(disk), options_(std::move(options)), opened_(std::move(opened)) {
  contents_.manifest = std::move(opened_->manifest);
  auto& manifest = contents_.manifest;
  start_ = log_start_of(manifest);
  manifest.segment_sequence = 0;
  const auto& node = opened_->node;
  const auto& end = opened_->state.position();
  contents_.info = {node.cluster, node.name,  node.instance, manifest.lsn, manifest.commit,
                    end.lsn,      end.commit, end.epoch,     end.lineage,  end.chain};
}

Result<void> DirectorySource::read_log(const Take& take) {
  Result<void> taken;
  auto scan = wal::scan_ring(disk_, options_.data_dir, options_.geometry, opened_->node.cluster, opened_->node.instance,
                             start_, [&](const wal::RecordView& record) -> std::optional<std::string> {
                               taken = take(record.bytes);
                               return taken ? std::nullopt : std::optional(taken.error().message);
                             });
  if (!scan) return fail(std::move(scan.error()));
  return taken;
}

Result<void> DirectorySource::read_run(const store::RunInfo& run, const Take& take) {
  const std::string path = store::run_path(options_.data_dir, run.number);
  auto file = disk_.open(path, runtime::OpenMode::kRead);
  if (!file) return fail(std::move(file.error()));
  Bytes piece(kPieceBytes);
  for (uint64_t at = 0;;) {
    auto count = (*file)->read(at, piece);
    if (!count) return fail(std::move(count.error()));
    if (*count == 0) return {};
    if (auto taken = take(ByteSpan(piece).first(*count)); !taken) return taken;
    at += *count;
  }
}

}  // namespace aerodb::engine
