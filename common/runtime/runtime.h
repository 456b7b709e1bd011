// Everything a process may ask of the world. Cores and the engine are written against this; only common/uv and the
// simulator implement it.
#pragma once

#include "common/base/log.h"
#include "common/runtime/clock.h"
#include "common/runtime/disk.h"
#include "common/runtime/jobs.h"
#include "common/runtime/log_device.h"
#include "common/runtime/loop.h"
#include "common/runtime/network.h"

namespace aerodb::runtime {

class Runtime {
 public:
  virtual ~Runtime() = default;
  virtual Loop& loop() = 0;
  virtual Clock& clock() = 0;
  virtual Random& random() = 0;
  virtual Network& network() = 0;
  virtual Jobs& jobs() = 0;
  virtual LogSink& log() = 0;
  // The log device of this process; one ring a process.
  virtual LogDevice& log_device() = 0;
};

}  // namespace aerodb::runtime
