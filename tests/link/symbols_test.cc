// What the finished programs contain, read with nm: the witness can't repair a log, the desk and the shipper can't
// decide, a release holds nothing of the tests, and the kernel reaches the disk through the runtime alone.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/build.h"

namespace {

std::string output_of(const std::string& command) {
  struct Close {
    void operator()(std::FILE* pipe) const { pclose(pipe); }
  };
  const std::unique_ptr<std::FILE, Close> pipe(popen(command.c_str(), "r"));
  std::string text;
  char piece[1 << 14];
  for (size_t size = 0; pipe && (size = std::fread(piece, 1, sizeof piece, pipe.get())) > 0;) text.append(piece, size);
  return text;
}

// Demangled names of everything defined in build/<preset>/bin/`program`.
std::string symbols_of(std::string_view program) {
  return output_of(fmt::format("nm -C --defined-only '{}/{}'", AERODB_BIN, program));
}

// Lines of `program` that contain one of `names`, a few of them.
std::vector<std::string> found(std::string_view program, const std::vector<std::string_view>& names) {
  constexpr size_t kShown = 5;
  const auto symbols = symbols_of(program);
  EXPECT_NE(symbols.find(" T main"), std::string::npos)
      << program << ": nm showed nothing; was it built, and not stripped?";
  std::vector<std::string> lines;
  for (const auto name : names) {
    for (size_t at = symbols.find(name); at != std::string::npos && lines.size() < kShown;
         at = symbols.find(name, at)) {
      const auto begin = symbols.rfind('\n', at) + 1;
      at = symbols.find('\n', at);
      lines.push_back(symbols.substr(begin, at - begin));
    }
  }
  return lines;
}

void expect_without(std::string_view program, const std::vector<std::string_view>& names) {
  const auto lines = found(program, names);
  EXPECT_TRUE(lines.empty()) << fmt::format("{} must not contain:\n  {}", program, fmt::join(lines, "\n  "));
}

TEST(LinkSymbols, ANodeHoldsWhatTheOthersMustNot) {
  for (const std::string_view name : {"aerodb::wal::repair_tail", "aerodb::engine::", "aerodb::rules::"}) {
    EXPECT_FALSE(found("aerodb-primary", {name}).empty())
        << name << " is not even in aerodb-primary: look for another name";
  }
}

#if AERODB_EXPLAINER
// What makes, repairs or replaces anything in a data directory.
const std::vector<std::string_view> kWriters = {
    "aerodb::wal::repair_tail",         "aerodb::wal::append_at_rest",     "aerodb::wal::create_ring",
    "aerodb::wal::resize_ring",         "aerodb::wal::finish_resize",      "aerodb::wal::Writer::",
    "aerodb::store::RunWriter::",       "aerodb::store::install_manifest", "aerodb::engine::recover_log",
    "aerodb::engine::claim_directory",  "aerodb::engine::open_directory",  "aerodb::engine::write_",
    "aerodb::engine::init_directory",   "aerodb::engine::Engine::",        "aerodb::engine::Storage::",
    "aerodb::engine::install_snapshot", "aerodb::engine::keep_decision",   "aerodb::runtime::replace_file"};

TEST(LinkSymbols, TheExplainerReadsDirectoriesAndRepairsNothing) {
  EXPECT_FALSE(found("aerodb-explainer", {"aerodb::engine::inspect_log"}).empty()) << "look for another name";
  expect_without("aerodb-explainer", kWriters);
  expect_without("aerodb-explainer", {"aerodb::node::"});
}

TEST(LinkSymbols, APrimaryHoldsEveryOneOfTheWriters) {
  for (const auto name : kWriters) {
    EXPECT_FALSE(found("aerodb-primary", {name}).empty()) << "look for another name: " << name;
  }
}
#endif

TEST(LinkSymbols, TheControlPlaneDecidesNothing) {
  expect_without("aerodb-controlplane",
                 {"aerodb::rules::decide_", "aerodb::engine::", "aerodb::wal::", "aerodb::node::"});
}

TEST(LinkSymbols, TheShipperDecidesNothing) {
  expect_without("aerodb-shipper", {"aerodb::rules::", "aerodb::engine::", "aerodb::node::"});
}

TEST(LinkSymbols, AReleaseHoldsNoCrashPointsAndNoPlantedFaults) {
  const auto symbols = output_of(fmt::format("nm -C --defined-only '{}'", AERODB_WITHOUT_FAULTS));
  EXPECT_NE(symbols.find("aerodb::uv::PlainPosixDisk::open"), std::string::npos) << "look for another name";
  EXPECT_NE(symbols.find("aerodb::uv::UvLogDevice::submit"), std::string::npos) << "look for another name";
  for (const std::string_view name : {"aerodb::uv::Crash", "aerodb::uv::crash_", "aerodb::plant"}) {
    EXPECT_EQ(symbols.find(name), std::string::npos) << name << " is compiled without AERODB_FAULTS";
#if AERODB_FAULTS
    EXPECT_FALSE(found("aerodb-primary", {name}).empty()) << "look for another name";
#endif
  }
}

// Whatever goes around runtime::Disk has no crash points, and the simulator can't make it fail.
TEST(LinkSymbols, TheKernelReachesTheDiskThroughTheRuntimeAlone) {
  const auto text = output_of(fmt::format("nm -C --undefined-only {}", AERODB_KERNEL));
  EXPECT_NE(text.find(" U memcpy"), std::string::npos) << "nm showed nothing";
  for (const std::string_view name : {"open",
                                      "open64",
                                      "openat",
                                      "creat",
                                      "write",
                                      "pwrite",
                                      "pwrite64",
                                      "writev",
                                      "read",
                                      "pread",
                                      "pread64",
                                      "fsync",
                                      "fdatasync",
                                      "sync_file_range",
                                      "ftruncate",
                                      "ftruncate64",
                                      "fallocate",
                                      "posix_fallocate",
                                      "rename",
                                      "unlink",
                                      "remove",
                                      "link",
                                      "mkdir",
                                      "rmdir",
                                      "opendir",
                                      "stat",
                                      "fstat",
                                      "mmap",
                                      "fopen",
                                      "fopen64",
                                      "fwrite",
                                      "archive_read_open_filename",
                                      "archive_write_open_filename",
                                      "archive_read_open_fd",
                                      "archive_write_open_fd"}) {
    EXPECT_EQ(text.find(fmt::format(" U {}\n", name)), std::string::npos) << "the kernel calls " << name;
  }
  for (const std::string_view name : {"std::filesystem::", "std::basic_filebuf", "std::basic_ifstream"}) {
    EXPECT_EQ(text.find(name), std::string::npos) << "the kernel uses " << name;
  }
}

}  // namespace
