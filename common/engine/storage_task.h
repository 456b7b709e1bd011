// What storage.cc and diagnose.cc share of the operation under way.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "common/engine/storage.h"

namespace aerodb::engine {

struct Storage::Task {
  bool merge = false;
  std::string snapshot;
  Lsn target;  // the manifest shall cover at least this
  std::shared_ptr<const store::Run> written;
  std::vector<rules::SyncStepEvidence> steps;  // carried out for it
  std::shared_ptr<WriteProgress> progress = std::make_shared<WriteProgress>();
};

}  // namespace aerodb::engine
