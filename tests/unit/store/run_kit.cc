#include "tests/unit/store/run_kit.h"

#include <algorithm>
#include <tuple>

#include "common/document/canonical.h"

namespace aerodb::store::testing {

Bytes document_of(std::string_view id, std::optional<int64_t> n, size_t pad_bytes) {
  Bytes bytes;
  document::PackWriter out(bytes);
  out.map(1 + (n ? 1 : 0) + (pad_bytes > 0 ? 1 : 0));
  out.field("_id", id);
  if (n) out.field("n", *n);
  if (pad_bytes > 0) out.field("pad", std::string_view(std::string(pad_bytes, 'p')));
  return bytes;
}

Bytes index_key_of_int(int64_t n) {
  Bytes key;
  EXPECT_TRUE(document::index_key_of(document_of("x", n), "n", key));
  return key;
}

TestVersion put(std::string_view id, uint64_t commit, std::optional<int64_t> n, size_t pad_bytes) {
  return {"c", std::string(id), commit, document_of(id, n, pad_bytes)};
}
TestVersion removed(std::string_view id, uint64_t commit) { return {"c", std::string(id), commit, {}}; }

RunVersion view_of(const TestVersion& version) {
  return {version.collection, version.id, CommitId(version.commit), version.document.empty() ? 0u : 1u,
          version.document};
}

void sort_versions(std::vector<TestVersion>& versions) {
  std::ranges::sort(versions, [](const TestVersion& a, const TestVersion& b) {
    return std::tie(a.collection, a.id, b.commit) < std::tie(b.collection, b.id, a.commit);
  });
}

const Block* TestBlocks::find(const Run& run, const BlockHandle& handle) {
  const auto known = blocks_.find(handle);
  if (known != blocks_.end()) return known->second.get();
  if (allowed_ == 0) return nullptr;
  auto file = disk_.open(run.path(), runtime::OpenMode::kRead);
  EXPECT_TRUE(file);
  auto block = run.read_block(**file, handle);
  if (!block) {
    trouble_ = block.error();
    return nullptr;
  }
  --allowed_;
  return blocks_.emplace(handle, std::move(*block)).first->second.get();
}

void TestBlocks::clear() {
  blocks_.clear();
  trouble_.reset();
}

size_t TestBlocks::read(BlockKind kind) const {
  return static_cast<size_t>(std::ranges::count_if(blocks_, [&](const auto& it) { return it.first.kind == kind; }));
}

RunKit::RunKit(uint64_t seed)
    : world_(seed, {}),
      machine_(world_.add_machine("a")),
      process_(std::make_unique<sim::SimProcess>(machine_, world_, sim::ProcessOptions{.name = "p"})) {}

RunKit::~RunKit() { process_->crash(sim::CrashKind::kProcess); }

RunWriterOptions RunKit::complete(RunWriterOptions options) {
  if (options.number == 0) options.number = 1;
  if (options.last_commit == CommitId()) {
    options.first_commit = CommitId(1);
    options.last_commit = CommitId(1'000'000);
  }
  if (options.indexes.empty()) options.indexes = {{"c", {"n"}}};
  return options;
}

RunWriterOptions RunKit::with(Compression compression) {
  RunWriterOptions options;
  options.compression = compression;
  return options;
}

void RunKit::write(std::vector<TestVersion> versions, RunWriterOptions options) {
  options = complete(std::move(options));
  indexes = options.indexes;
  sort_versions(versions);
  auto writer = RunWriter::create(disk(), "/d", std::move(options));
  ASSERT_TRUE(writer) << writer.error().message;
  for (const auto& version : versions) {
    auto added = (*writer)->add(view_of(version));
    ASSERT_TRUE(added) << added.error().message;
  }
  auto finished = (*writer)->finish();
  ASSERT_TRUE(finished) << finished.error().message;
  info = *finished;
  auto opened = Run::open(disk(), path(), info);
  ASSERT_TRUE(opened) << opened.error().message;
  run = *opened;
}

Bytes RunKit::file() { return machine_.disk().peek(path()).value_or(Bytes()); }

void RunKit::replace(ByteSpan bytes) {
  ASSERT_TRUE(disk().remove(path()));
  auto file = disk().open(path(), runtime::OpenMode::kCreate);
  ASSERT_TRUE(file);
  ASSERT_TRUE((*file)->write(0, bytes));
  ASSERT_TRUE((*file)->sync());
}

std::vector<TestVersion> RunKit::scan() {
  std::vector<TestVersion> versions;
  auto file = disk().open(path(), runtime::OpenMode::kRead);
  EXPECT_TRUE(file);
  RunScan scan(run, std::move(*file));
  while (true) {
    auto version = scan.next();
    EXPECT_TRUE(version) << version.error().message;
    if (!version || !*version) return versions;
    const RunVersion& v = **version;
    EXPECT_EQ(v.schema_version == 0, v.document.empty());
    versions.push_back(
        {std::string(v.collection), std::string(v.id), v.commit.value(), Bytes(v.document.begin(), v.document.end())});
  }
}

void expect_named(const Error& error, const std::string& path) {
  EXPECT_EQ(error.code, ErrorCode::kRunDamaged) << error.message;
  EXPECT_EQ(error.detail("file"), path);
  for (const auto* key : {"section", "offset", "what", "expected", "found"})
    EXPECT_NE(error.detail(key).value_or(""), "") << key << " of: " << error.message;
}

}  // namespace aerodb::store::testing
