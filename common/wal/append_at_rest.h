// One record at the end of a log that no process has open: the first one of a directory in the making, a seal written
// offline. The form of segments and frames is the writer's (writer.h). Blocking.
//
// The frame, with its segment's header where it starts one, is one write under one sync. A crash leaves it whole or
// torn; what is torn the next start finds behind the end, and quarantines it (T1).
#pragma once

#include <string>

#include "common/runtime/clock.h"
#include "common/runtime/disk.h"
#include "common/wal/writer.h"

namespace aerodb::wal {

// `record` (whole, encoded) is the one after end.lsn; `ring` ends where `end` does. May use the reserve. Answers the
// new end, durable. WAL_FULL, IO.
[[nodiscard]] Result<LogEnd> append_at_rest(runtime::Disk& disk, runtime::Random& random, const std::string& data_dir,
                                            const ClusterId& cluster, const InstanceId& instance, const Ring& ring,
                                            const LogEnd& end, ByteSpan record);

}  // namespace aerodb::wal
