// aerodb init.
#include "controlplane/console/node/init.h"

#include <fmt/format.h>
#include <pwd.h>
#include <unistd.h>

#include "common/config/config.h"
#include "common/uv/posix_disk.h"
#include "common/uv/system_clock.h"
#include "controlplane/console/target.h"
#include "controlplane/console/verbs.h"

namespace aerodb::console {
namespace {

using config::kGiB;
using config::kMiB;

constexpr uint64_t kMinSegments = 4;
constexpr uint64_t kMaxSegments = 4096;
constexpr uint64_t kMinSegmentBytes = 16 * kMiB;
constexpr uint64_t kMaxSegmentBytes = kGiB;

class Init final : public Verb {
 public:
  [[nodiscard]] VerbText text() const override {
    return {.path = "init",
            .summary = "Makes a node of an empty data directory, offline.",
            .example =
                "aerodb init --config configs/local/p1.toml --role primary\n"
                "aerodb init --config configs/local/r1.toml --role replica --cluster-id "
                "00112233445566778899aabbccddeeff",
            .notes =
                "A replica is told the cluster id that its primary's init printed. The ids of instance and lineage\n"
                "are random unless given, which only comparisons between runs need.",
            .json = {shape_of<InitReport>}};
  }
  void declare(Options& options) override {
    options.text("--config", "FILE", config_, "the node's TOML");
    options.text("--data-dir", "DIR", data_dir_, "instead of --config: the directory");
    options.text("--name", "NAME", name_, "instead of --config: the node's name");
    options.number("--segments", segments_, 1, kMaxSegments, "instead of --config: segments of the log's ring");
    options.number("--segment-bytes", segment_bytes_, 1, kMaxSegmentBytes, "instead of --config: size of each");
    options.choice("--role", {"primary", "replica"}, role_, "what the node starts as; required");
    options.text("--cluster-id", "HEX", cluster_, "id of the cluster; a replica needs one");
    options.text("--lineage-id", "HEX", lineage_, "id of the first lineage; primary only");
    options.text("--instance-id", "HEX", instance_, "id of this data directory");
    options.text("--reason", "TEXT", reason_, "why; stands in the primary's first record");
    format_.declare(options);
  }
  Result<ExitCode> run(Output& output) override {
    format_.apply(output);
    auto options = base_options();
    if (!options) return fail(std::move(options.error()));
    if (auto ids = read_ids(*options); !ids) return fail(std::move(ids.error()));
    auto report = init_node(*options);
    if (!report) return fail(std::move(report.error()));
    output.message(*report);
    return ExitCode::kOk;
  }

 private:
  [[nodiscard]] Result<engine::InitOptions> base_options() const {
    if (role_.empty()) return fail(ErrorCode::kUsage, "init: --role primary or --role replica is missing");
    engine::InitOptions options;
    if (!config_.empty()) {
      if (!data_dir_.empty() || !name_.empty()) {
        return fail(ErrorCode::kUsage, "init: --config stands in place of --data-dir and --name");
      }
      auto config = config::load<node::NodeConfig>(config_);
      if (!config) return fail(std::move(config.error()));
      options = init_options_of(*config);
    } else if (data_dir_.empty() || name_.empty()) {
      return fail(ErrorCode::kUsage, "init: give --config FILE, or --data-dir DIR and --name NAME");
    } else {
      options.data_dir = data_dir_;
      options.name = name_;
      options.geometry = {static_cast<uint32_t>(segments_), segment_bytes_};
    }
    options.primary = role_ == "primary";
    options.operator_name = account_name();
    options.reason = reason_;
    return options;
  }

  Result<void> read_ids(engine::InitOptions& options) const {
    const auto configured = options.cluster;
    if (auto read = read_id("--cluster-id", cluster_, options.cluster); !read) return read;
    if (configured && options.cluster != configured) {
      return fail(ErrorCode::kUsage, "init: --cluster-id is not the node.cluster_id of the configuration");
    }
    if (auto read = read_id("--lineage-id", lineage_, options.lineage); !read) return read;
    if (options.lineage && !options.primary) {
      return fail(ErrorCode::kUsage, "init: --lineage-id is of a primary; a replica takes over the lineage it is sent");
    }
    return read_id("--instance-id", instance_, options.instance);
  }

  std::string config_;
  std::string data_dir_;
  std::string name_;
  uint64_t segments_ = 4;
  uint64_t segment_bytes_ = 64 * kMiB;
  std::string role_;
  std::string cluster_;
  std::string lineage_;
  std::string instance_;
  std::string reason_ = "init";
  FormatOption format_;
};

}  // namespace

Result<void> check_geometry(std::string_view verb, const wal::RingGeometry& geometry) {
  const bool slots = geometry.slots >= kMinSegments && geometry.slots <= kMaxSegments;
  const bool bytes = geometry.segment_bytes >= kMinSegmentBytes && geometry.segment_bytes <= kMaxSegmentBytes &&
                     geometry.segment_bytes % wal::kSectorBytes == 0;
  if (slots && bytes) return {};
  return fail(ErrorCode::kConfigInvalid,
              fmt::format("{}: {} segments of {} bytes; expected {} to {} of {} to {} bytes, a multiple of {}", verb,
                          geometry.slots, geometry.segment_bytes, kMinSegments, kMaxSegments, kMinSegmentBytes,
                          kMaxSegmentBytes, wal::kSectorBytes));
}

Result<InitReport> init_node(const engine::InitOptions& options) {
  if (auto checked = check_geometry("init", options.geometry); !checked) return fail(std::move(checked.error()));
  if (!options.primary && !options.cluster) {
    return fail(ErrorCode::kUsage, fmt::format("init {}: a replica needs the cluster id of its primary", options.name));
  }
  uv::PosixDisk disk;
  uv::SystemRandom random;
  if (auto made = disk.make_directory(options.data_dir); !made) return fail(std::move(made.error()));
  auto lock = disk.lock(options.data_dir);
  if (!lock) return fail(std::move(lock.error()));
  auto node = engine::init_directory(disk, random, options);
  if (!node) return fail(std::move(node.error()));
  return InitReport{node->name, options.data_dir, options.primary ? "primary" : "replica", node->cluster,
                    node->instance};
}

engine::InitOptions init_options_of(const node::NodeConfig& config) {
  engine::InitOptions options;
  options.data_dir = config.data_dir;
  options.name = config.name;
  options.geometry = {config.wal_segments, config.wal_segment_bytes};
  options.cluster = config.cluster_id;
  return options;
}

std::string account_name() {
  const passwd* account = getpwuid(geteuid());
  return account == nullptr ? fmt::format("uid {}", geteuid()) : std::string(account->pw_name);
}

std::unique_ptr<Verb> make_init() { return std::make_unique<Init>(); }

}  // namespace aerodb::console
