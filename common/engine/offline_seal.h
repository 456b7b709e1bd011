// The seal of a node that can't be started: what `demote` does, on the directory alone. Blocking; takes the LOCK.
//
// The log is recovered as at a start; the rules of demotion decide; one seal is appended as the last frame and synced;
// the log is read again to its end; the clean stop then says that the seal was durable. A crash before the sync leaves
// a log with the seal or without it, and the same command again finishes what is missing.
#pragma once

#include <string>

#include "common/engine/engine.h"

namespace aerodb::engine {

struct OfflineSealOptions {
  std::string data_dir;
  std::string successor;
  InstanceId successor_instance;
  wal::WhoAndWhy who;
};
struct OfflineSealReport {
  NodeFile node;
  AuthorityOutcome seal;  // repeated: it stood already
};
// REASON_REQUIRED; DEMOTION_DENIED; WAL_FULL; what a start would refuse, with the same errors (recovery.h).
[[nodiscard]] Result<OfflineSealReport> seal_directory(runtime::Disk& disk, runtime::Random& random,
                                                       const OfflineSealOptions& options);

}  // namespace aerodb::engine
