#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/uv/posix_disk.h"
#include "tests/unit/uv/fixture.h"

namespace aerodb::uv {
namespace {

using runtime::OpenMode;

class PosixDiskTest : public UvTest {
 protected:
  std::unique_ptr<runtime::File> open(const std::string& name, OpenMode mode) {
    auto file = disk_.open(path(name), mode);
    EXPECT_TRUE(file) << file.error().message;
    return file ? std::move(*file) : nullptr;
  }
  PosixDisk disk_;
};

TEST_F(PosixDiskTest, ReadsBackWhatWasWritten) {
  auto file = open("f", OpenMode::kCreate);
  ASSERT_TRUE(file->write(10, as_bytes("hello")));
  ASSERT_TRUE(file->sync());
  EXPECT_EQ(file->size().value(), 15u);
  Bytes out(100, 0xFF);
  EXPECT_EQ(file->read(10, out).value(), 5u);
  EXPECT_EQ(as_text(ByteSpan(out).first(5)), "hello");
  EXPECT_EQ(file->read(15, out).value(), 0u);
  EXPECT_EQ(file->read(0, std::span(out).first(10)).value(), 10u);
  EXPECT_EQ(out[0], 0);
}

TEST_F(PosixDiskTest, WritingBackAndLeavingTheCacheChangeNoByte) {
  const Bytes content((1u << 20) + 5, 0x5A);
  auto file = open("f", OpenMode::kCreate);
  ASSERT_TRUE(file->write(0, content));
  file->start_writing_back(0, content.size());
  file->leave_cache(0, content.size());  // not synced yet: nothing may be lost
  ASSERT_TRUE(file->sync());
  file->leave_cache(0, content.size());
  Bytes out(content.size() + 1);
  EXPECT_EQ(file->read(0, out).value(), content.size());
  out.pop_back();
  EXPECT_EQ(out, content);
}

TEST_F(PosixDiskTest, OpenModesMeanWhatTheySay) {
  EXPECT_FALSE(disk_.open(path("f"), OpenMode::kRead));
  EXPECT_FALSE(disk_.open(path("f"), OpenMode::kReadWrite));
  open("f", OpenMode::kAppend);
  EXPECT_FALSE(disk_.open(path("f"), OpenMode::kCreate));
  EXPECT_TRUE(open("f", OpenMode::kReadWrite)->write(0, as_bytes("x")));
  EXPECT_EQ(open("f", OpenMode::kAppend)->size().value(), 1u);
  auto refused = open("f", OpenMode::kRead)->write(0, as_bytes("y"));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kIo);
}

TEST_F(PosixDiskTest, ErrorsNameOperationPathAndCause) {
  auto missing = disk_.open(path("nowhere/f"), OpenMode::kRead);
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, ErrorCode::kIo);
  EXPECT_EQ(missing.error().message, "open " + path("nowhere/f") + ": No such file or directory");
  ASSERT_EQ(missing.error().details.size(), 1u);
  EXPECT_EQ(missing.error().details[0].value, "2");
}

TEST_F(PosixDiskTest, FillZeroAllocatesEveryBlock) {
  constexpr uint64_t kSize = (3 << 20) + 4096;
  auto file = open("f", OpenMode::kCreate);
  ASSERT_TRUE(file->write(0, as_bytes("old content")));
  ASSERT_TRUE(file->fill_zero(kSize));
  EXPECT_EQ(file->size().value(), kSize);
  Bytes content(kSize, 0xFF);
  EXPECT_EQ(file->read(0, content).value(), kSize);
  EXPECT_EQ(content, Bytes(kSize, 0));
  struct stat found{};
  ASSERT_EQ(::stat(path("f").c_str(), &found), 0);
  EXPECT_GE(static_cast<uint64_t>(found.st_blocks) * 512, kSize);
}

TEST_F(PosixDiskTest, FillZeroShrinksALongerFile) {
  auto file = open("f", OpenMode::kCreate);
  ASSERT_TRUE(file->write(5000, as_bytes("end")));
  ASSERT_TRUE(file->fill_zero(100));
  EXPECT_EQ(file->size().value(), 100u);
}

TEST_F(PosixDiskTest, FullDeviceIsAnError) {
  auto file = disk_.open("/dev/full", OpenMode::kReadWrite);
  ASSERT_TRUE(file);
  auto written = (*file)->write(0, as_bytes("x"));
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().message, "write /dev/full: No space left on device");
}

TEST_F(PosixDiskTest, MakesParentsAndAcceptsWhatExists) {
  ASSERT_TRUE(disk_.make_directory(path("a/b/c")));
  ASSERT_TRUE(disk_.make_directory(path("a/b/c")));
  ASSERT_TRUE(disk_.make_directory(path("a//b/c/")));
  EXPECT_TRUE(std::filesystem::is_directory(path("a/b/c")));
  EXPECT_TRUE(disk_.sync_directory(path("a/b")));
  EXPECT_FALSE(disk_.sync_directory(path("a/x")));
  open("file", OpenMode::kCreate);
  EXPECT_FALSE(disk_.make_directory(path("file")));
  EXPECT_FALSE(disk_.make_directory(path("file/below")));
}

TEST_F(PosixDiskTest, ListsNamesSorted) {
  for (const char* name : {"b", "a", ".hidden", "c"}) open(name, OpenMode::kCreate);
  EXPECT_EQ(disk_.list(directory_).value(), (std::vector<std::string>{".hidden", "a", "b", "c"}));
  EXPECT_FALSE(disk_.list(path("nowhere")));
}

TEST_F(PosixDiskTest, RenamesRemovesAndKnowsWhatExists) {
  open("from", OpenMode::kCreate);
  ASSERT_TRUE(disk_.rename(path("from"), path("to")));
  EXPECT_FALSE(disk_.exists(path("from")).value());
  EXPECT_TRUE(disk_.exists(path("to")).value());
  EXPECT_FALSE(disk_.exists(path("to/below")).value());
  ASSERT_TRUE(disk_.remove(path("to")));
  EXPECT_FALSE(disk_.remove(path("to")));
  EXPECT_FALSE(disk_.rename(path("from"), path("to")));
}

TEST_F(PosixDiskTest, LinkIsASecondNameOfTheSameFile) {
  ASSERT_TRUE(open("one", OpenMode::kCreate)->write(0, as_bytes("before")));
  ASSERT_TRUE(disk_.make_directory(path("d")));
  ASSERT_TRUE(disk_.link(path("one"), path("d/two")));
  ASSERT_TRUE(open("one", OpenMode::kReadWrite)->write(0, as_bytes("after!")));
  ASSERT_TRUE(disk_.remove(path("one")));
  EXPECT_EQ(as_text(runtime::read_file(disk_, path("d/two"), 100).value()), "after!");
}

TEST_F(PosixDiskTest, LinkRefusesANameThatIsTakenAndAFileThatIsNotThere) {
  open("one", OpenMode::kCreate);
  open("two", OpenMode::kCreate);
  auto taken = disk_.link(path("one"), path("two"));
  ASSERT_FALSE(taken);
  EXPECT_EQ(taken.error().code, ErrorCode::kIo);
  EXPECT_EQ(taken.error().message, "link " + path("one") + " as " + path("two") + ": File exists");
  EXPECT_FALSE(disk_.link(path("none"), path("three")));
  EXPECT_FALSE(disk_.link(directory_, path("three")));
}

TEST_F(PosixDiskTest, ReplaceFileLeavesNoTemporary) {
  ASSERT_TRUE(runtime::replace_file(disk_, directory_, "m", as_bytes("one")));
  ASSERT_TRUE(runtime::replace_file(disk_, directory_, "m", as_bytes("two")));
  EXPECT_EQ(as_text(runtime::read_file(disk_, path("m"), 100).value()), "two");
  EXPECT_EQ(disk_.list(directory_).value(), std::vector<std::string>{"m"});
}

TEST_F(PosixDiskTest, SaysWhetherADirectoryIsHeldAndLeavesNothingBehind) {
  EXPECT_EQ(disk_.locked(directory_).value(), false);
  EXPECT_FALSE(disk_.exists(directory_ + "/LOCK").value());
  auto held = disk_.lock(directory_);
  ASSERT_TRUE(held);
  EXPECT_EQ(disk_.locked(directory_).value(), true);
  EXPECT_EQ(disk_.locked(directory_).value(), true);  // looking let go of nothing
  held->reset();
  EXPECT_EQ(disk_.locked(directory_).value(), false);
  EXPECT_TRUE(disk_.lock(directory_));
}

TEST_F(PosixDiskTest, LockExcludesASecondHolderInThisProcess) {
  auto first = disk_.lock(directory_);
  ASSERT_TRUE(first);
  auto second = disk_.lock(directory_);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::kLocked);
  first->reset();
  EXPECT_TRUE(disk_.lock(directory_));
}

TEST_F(PosixDiskTest, LockExcludesAnotherProcess) {
  auto held = disk_.lock(directory_);
  ASSERT_TRUE(held);
  pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    auto taken = PosixDisk().lock(directory_);
    ::_exit(!taken && taken.error().code == ErrorCode::kLocked ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace aerodb::uv
