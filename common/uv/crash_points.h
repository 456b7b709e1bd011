// Crash points: named places around every call that reaches a disk, at which a test has the process killed. In test
// builds only (AERODB_FAULTS); a release build has none of this, and its environment is not asked.
//
// A point is called <class>.<operation>.<moment>, manifest.rename.before say. The class comes from the path, by the one
// table in crash_points.cc; `other` is a path that has no row. Moments: `before` of everything, `after` of what changes
// something, `half` of a write, when its first half is written.
//   AERODB_CRASH_POINT=NAME or NAME@N   SIGKILL at the first, or N-th, passage of that point
//   AERODB_CRASH_POINTS_LOG=FILE        appends NAME at a point's first passage, NAME@2, NAME@3 and so on at the next
//                                       ones; beyond the 16th only at each power of two
// A name that no point can have ends the process with an assertion.
//
// The calls themselves get their points in crash_point_disk.h.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "common/base/build.h"

namespace aerodb::uv {

#if AERODB_FAULTS

enum class CrashMoment : uint8_t { kBefore, kHalf, kAfter };

// The class of a file or directory; `other` where the table has no row.
[[nodiscard]] std::string crash_class_of_file(std::string_view path);
// The same; `directory` where the table has no row: a data directory, or one that holds it.
[[nodiscard]] std::string crash_class_of_directory(std::string_view path);

// Where a call does not say which of the two its path names: the class of either; `other` where there is no row.
[[nodiscard]] std::string crash_class_of_path(std::string_view path);

// Counts passages and ends the process. Thread: any.
class CrashPoints {
 public:
  // Values of the two variables; empty: not set.
  CrashPoints(std::string_view wanted, const std::string& log_file);
  ~CrashPoints();
  CrashPoints(const CrashPoints&) = delete;
  CrashPoints& operator=(const CrashPoints&) = delete;
  // Reads the environment at the first call.
  static CrashPoints& of_process();

  // Does not return from the passage wanted.
  void pass(std::string_view class_name, std::string_view operation, CrashMoment moment);
  // True at the passage wanted: the caller does its half and calls die().
  [[nodiscard]] bool reach(std::string_view class_name, std::string_view operation, CrashMoment moment);
  [[noreturn]] static void die();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

#endif

}  // namespace aerodb::uv
