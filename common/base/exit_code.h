// Exit codes of all binaries. One enum; docs/configuration.md prints it.
#pragma once

namespace aerodb {

enum class ExitCode : int {
  kOk = 0,
  kUsage = 64,
  kBadData = 65,
  kUnreachable = 69,
  kInternal = 70,
  kCannotCreate = 73,
  kIo = 74,
  kTryLater = 75,
  kNotPermitted = 77,
  kConfig = 78,  // bad configuration, or the wrong role binary for a directory
  kRejected = 80,
  kUndetermined = 81,
  kNotConfirmed = 82,
  kHalted = 83,  // diverged or halted
  kNewerFormat = 84,
  kLocked = 85,
  kOutcomeUnknown = 86,
};

}  // namespace aerodb
