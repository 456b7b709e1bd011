#include "controlplane/console/storage/offline.h"

#include "common/config/config.h"
#include "common/node/node_config.h"
#include "common/uv/posix_disk.h"
#include "controlplane/console/target.h"

namespace aerodb::console {

void DirectoryTarget::declare(Options& options) {
  options.text("--data-dir", "DIR", data_dir_, "the data directory");
  options.text("--config", "FILE", config_, "instead: the node's TOML (else AERODB_CONFIG, ./aerodb.toml)");
}

Result<std::string> DirectoryTarget::directory() const {
  if (!data_dir_.empty()) return data_dir_;
  auto options = open_options();
  if (!options) return fail(std::move(options.error()));
  return std::move(options->data_dir);
}

Result<engine::OpenOptions> DirectoryTarget::open_options() const {
  engine::OpenOptions options;
  if (!data_dir_.empty()) {
    uv::PosixDisk disk;
    auto geometry = wal::ring_geometry(disk, data_dir_);
    if (!geometry) return fail(std::move(geometry.error()));
    options.data_dir = data_dir_;
    options.geometry = *geometry;
    return options;
  }
  const std::string path = config_path(config_);
  if (path.empty()) {
    return fail(ErrorCode::kUsage,
                "no data directory is named: give --data-dir DIR or --config FILE, or set AERODB_CONFIG; there is no "
                "./aerodb.toml either");
  }
  auto config = config::load<node::NodeConfig>(path);
  if (!config) return fail(std::move(config.error()));
  options.data_dir = config->data_dir;
  options.geometry = {config->wal_segments, config->wal_segment_bytes};
  options.name = config->name;
  return options;
}

ExitCode exit_code_of_troubles(uint64_t troubles) { return troubles == 0 ? ExitCode::kOk : ExitCode::kBadData; }

}  // namespace aerodb::console
