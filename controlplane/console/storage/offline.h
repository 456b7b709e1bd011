// A data directory looked at without its node: which one is meant, and its files as JSON lines. Nothing here writes,
// except `wal resize`.
#pragma once

#include <string>

#include "common/engine/recovery.h"
#include "controlplane/console/command_line.h"

namespace aerodb::console {

// --data-dir DIR, or --config FILE with a node's TOML (else AERODB_CONFIG, ./aerodb.toml).
class DirectoryTarget {
 public:
  void declare(Options& options);
  // USAGE where none is named.
  [[nodiscard]] Result<std::string> directory() const;
  // With --data-dir the ring's files say its geometry, and the node may have any name.
  [[nodiscard]] Result<engine::OpenOptions> open_options() const;

 private:
  std::string data_dir_;
  std::string config_;
};

// What an answer that is a list of findings ends with: BAD_DATA's exit code where there was trouble.
[[nodiscard]] ExitCode exit_code_of_troubles(uint64_t troubles);

}  // namespace aerodb::console
