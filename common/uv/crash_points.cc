#include "common/uv/crash_points.h"

#if AERODB_FAULTS

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <charconv>
#include <cstdlib>
#include <map>
#include <mutex>
#include <optional>

#include "common/base/assert.h"
#include "common/uv/unique_fd.h"

namespace aerodb::uv {
namespace {

// --- names

enum class Match : uint8_t { kName, kStart, kEnd, kParent };
struct ClassRow {
  Match match;
  std::string_view text;
  std::string_view name;
};

// One row a family of files. Below snapshots/NAME the class gets the prefix "snapshot_". A temporary file that is to
// replace another belongs to the class of that one.
constexpr ClassRow kFiles[] = {
    {Match::kName, "NODE", "node"},
    {Match::kName, "LOCK", "lock"},
    {Match::kName, "MANIFEST", "manifest"},
    {Match::kName, "CLEAN_STOP", "clean_stop"},
    {Match::kName, "HALT", "halt"},
    {Match::kName, "FENCED", "fenced"},
    {Match::kName, "INSTALL", "install"},
    {Match::kName, "SOURCE", "source"},  // of a bootstrap: the manifest it takes
    {Match::kName, "accepted", "accepted"},
    {Match::kName, "orphans", "orphans"},
    {Match::kName, "events.jsonl", "events"},
    {Match::kName, "events.1.jsonl", "events"},
    {Match::kName, "audit.jsonl", "audit"},
    {Match::kEnd, ".seg", "segment"},
    {Match::kEnd, ".run", "run"},
    {Match::kEnd, ".sort", "run_sort"},
    {Match::kStart, "decline-", "decline"},
    {Match::kStart, "decision-", "decision"},
    {Match::kParent, "quarantine", "quarantine"},
    {Match::kParent, "traces", "trace"},
    {Match::kEnd, ".tar", "backup"},
    {Match::kEnd, ".jsonl", "export"},     // of orphans
    {Match::kEnd, ".partial", "partial"},  // of a backup or a restored directory, until it is renamed
};
constexpr ClassRow kDirectories[] = {
    {Match::kName, "wal", "wal_directory"},
    {Match::kName, "wal.new", "wal_directory"},  // while the ring is resized
    {Match::kName, "wal.old", "wal_directory"},
    {Match::kName, "runs", "runs_directory"},
    {Match::kName, "snapshots", "snapshots_directory"},
    {Match::kParent, "snapshots", "snapshot_directory"},
    {Match::kName, "authority", "authority_directory"},
    {Match::kName, "quarantine", "quarantine_directory"},
    {Match::kName, "traces", "traces_directory"},
    {Match::kEnd, ".partial", "partial"},
};
constexpr std::string_view kOther = "other";
constexpr std::string_view kDirectory = "directory";

struct OperationRow {
  std::string_view name;
  bool changes;
  bool has_half;
};
constexpr OperationRow kOperations[] = {
    {"open", false, false},       {"create", true, false},         {"read", false, false},
    {"size", false, false},       {"write", true, true},           {"sync", true, false},
    {"fill_zero", true, true},    {"make_directory", true, false}, {"sync_directory", true, false},
    {"rename", true, false},      {"remove", true, false},         {"link", true, false},
    {"exists", false, false},     {"list", false, false},          {"lock", true, false},
    {"submit_write", true, true}, {"submit_sync", true, false},
};
constexpr std::string_view kMoments[] = {"before", "half", "after"};

// The last component of a path and the one before; `above` is the rest.
struct Place {
  std::string_view above;
  std::string_view parent;
  std::string_view name;
};
std::string_view cut_last(std::string_view& path) {
  while (path.ends_with('/')) path.remove_suffix(1);
  const size_t slash = path.rfind('/');
  std::string_view last = slash == std::string_view::npos ? path : path.substr(slash + 1);
  path.remove_suffix(last.size());
  return last;
}
Place place_of(std::string_view path) {
  Place place;
  place.name = cut_last(path);
  if (place.name.ends_with(".tmp")) place.name.remove_suffix(4);
  place.parent = cut_last(path);
  place.above = path;
  return place;
}

bool matches(const ClassRow& row, const Place& place) {
  switch (row.match) {
    case Match::kName:
      return place.name == row.text;
    case Match::kStart:
      return place.name.starts_with(row.text);
    case Match::kEnd:
      return place.name.ends_with(row.text);
    case Match::kParent:
      return place.parent == row.text;
  }
  return false;
}

template <size_t N>
std::optional<std::string> find(const ClassRow (&rows)[N], std::string_view path) {
  const Place place = place_of(path);
  const auto* row = std::ranges::find_if(rows, [&](const ClassRow& candidate) { return matches(candidate, place); });
  if (row == std::end(rows)) return std::nullopt;
  const bool of_snapshot = fmt::format("/{}", place.above).find("/snapshots/") != std::string::npos;
  return fmt::format("{}{}", of_snapshot ? "snapshot_" : "", row->name);
}

template <size_t N>
bool names_a_class(const ClassRow (&rows)[N], std::string_view name) {
  return std::ranges::any_of(rows, [name](const ClassRow& row) { return row.name == name; });
}

bool is_class(std::string_view name) {
  if (name == kOther || name == kDirectory) return true;
  if (names_a_class(kFiles, name) || names_a_class(kDirectories, name)) return true;
  constexpr std::string_view kSnapshot = "snapshot_";
  return name.starts_with(kSnapshot) && is_class(name.substr(kSnapshot.size()));
}

bool has_moment(const OperationRow& operation, CrashMoment moment) {
  return moment == CrashMoment::kBefore || (moment == CrashMoment::kHalf ? operation.has_half : operation.changes);
}

bool is_point(std::string_view name) {
  const size_t first = name.find('.');
  const size_t second = name.rfind('.');
  if (first == std::string_view::npos || first == second || !is_class(name.substr(0, first))) return false;
  for (const OperationRow& operation : kOperations) {
    if (name.substr(first + 1, second - first - 1) != operation.name) continue;
    for (auto moment : {CrashMoment::kBefore, CrashMoment::kHalf, CrashMoment::kAfter}) {
      const bool named = name.substr(second + 1) == kMoments[static_cast<size_t>(moment)];
      if (named && has_moment(operation, moment)) return true;
    }
  }
  return false;
}

}  // namespace

std::string crash_class_of_path(std::string_view path) {
  if (auto known = find(kFiles, path)) return *known;
  return find(kDirectories, path).value_or(std::string(kOther));
}

std::string crash_class_of_file(std::string_view path) { return find(kFiles, path).value_or(std::string(kOther)); }

std::string crash_class_of_directory(std::string_view path) {
  return find(kDirectories, path).value_or(std::string(kDirectory));
}

// --- the points

namespace {
constexpr uint64_t kLoggedEach = 16;
}

struct CrashPoints::State {
  std::string wanted;
  uint64_t wanted_passage = 1;
  UniqueFd log;
  std::mutex mutex;  // guards all below
  std::map<std::string, uint64_t, std::less<>> passages;
};

CrashPoints::CrashPoints(std::string_view wanted, const std::string& log_file) : state_(std::make_unique<State>()) {
  if (const size_t at = wanted.find('@'); at != std::string_view::npos) {
    const std::string_view number = wanted.substr(at + 1);
    const auto [end, error] = std::from_chars(number.begin(), number.end(), state_->wanted_passage);
    AERODB_ASSERT(error == std::errc() && end == number.end() && state_->wanted_passage > 0);
    wanted = wanted.substr(0, at);
  }
  AERODB_ASSERT(wanted.empty() || is_point(wanted));
  state_->wanted = wanted;
  if (log_file.empty()) return;
  state_->log = UniqueFd(::open(log_file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  AERODB_ASSERT(state_->log.valid());
}

CrashPoints::~CrashPoints() = default;

CrashPoints& CrashPoints::of_process() {
  const auto value = [](const char* variable) {
    const char* found = std::getenv(variable);
    return std::string(found == nullptr ? "" : found);
  };
  static CrashPoints points(value("AERODB_CRASH_POINT"), value("AERODB_CRASH_POINTS_LOG"));
  return points;
}

bool CrashPoints::reach(std::string_view class_name, std::string_view operation, CrashMoment moment) {
  if (state_->wanted.empty() && !state_->log.valid()) return false;
  const std::string name = fmt::format("{}.{}.{}", class_name, operation, kMoments[static_cast<size_t>(moment)]);
  AERODB_ASSERT(is_point(name));
  std::lock_guard lock(state_->mutex);
  const uint64_t passage = ++state_->passages[name];
  if (state_->log.valid() && (passage <= kLoggedEach || std::has_single_bit(passage))) {
    const std::string line = passage == 1 ? name + "\n" : fmt::format("{}@{}\n", name, passage);
    AERODB_ASSERT(::write(state_->log.get(), line.data(), line.size()) == static_cast<ssize_t>(line.size()));
  }
  return name == state_->wanted && passage == state_->wanted_passage;
}

void CrashPoints::pass(std::string_view class_name, std::string_view operation, CrashMoment moment) {
  if (reach(class_name, operation, moment)) die();
}

void CrashPoints::die() {
  ::kill(::getpid(), SIGKILL);
  for (;;) ::pause();  // the signal takes all threads along, this one in a moment
}

}  // namespace aerodb::uv

#endif
