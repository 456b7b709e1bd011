#include "tests/unit/engine/backup_kit.h"

#include <fmt/format.h>

#include <cstdlib>

#include "common/base/assert.h"
#include "common/base/checksum.h"

namespace aerodb::engine::testing {

void Origin::fill() {
  ASSERT_FALSE(node.start());
  ASSERT_TRUE(node.register_schema(kSchema1));
  for (int i = 0; i < 4; ++i) ASSERT_TRUE(node.write({insert(fmt::format("x{}", i), fmt::format(R"("n":{})", i))}));
  ASSERT_FALSE(node.checkpoint());
  ASSERT_TRUE(node.write({update("x1", R"("n":11,"s":"one")"), insert("y", R"("s":"why")")}));
  ASSERT_TRUE(node.register_schema(kSchema2));
  ASSERT_FALSE(node.checkpoint(false));
  ASSERT_TRUE(node.write({remove("x2")}));
  ASSERT_TRUE(node.write({update("x1", R"("n":12)")}));
  ASSERT_TRUE(node.write({insert("z", R"("n":-5)"), remove("y")}));
  ASSERT_TRUE(node.write({insert("x2", R"("n":22)")}));
  end = node.engine->visible();
  stop();
}

void Origin::stop() {
  if (node.engine != nullptr) end = node.engine->visible();
  node.crash(sim::CrashKind::kProcess);
}

sim::SimProcess& Origin::process() {
  if (hand_ == nullptr) {
    hand_ = std::make_unique<sim::SimProcess>(node.machine, world, sim::ProcessOptions{.name = "hand"});
  }
  return *hand_;
}
runtime::Disk& Origin::disk() { return process().blocking_disk(); }

Result<BackupReport> Origin::backup(const std::string& path) {
  auto source = DirectorySource::open(disk(), "/d");
  if (!source) return fail(std::move(source.error()));
  return write_backup(disk(), path, **source, nullptr);
}

Backed::Backed(uint64_t seed) : Origin(seed) {
  fill();
  auto report = backup();
  EXPECT_TRUE(report) << report.error().message;
}

RestoreOptions restore_options() {
  RestoreOptions options;
  options.data_dir = "/r";
  options.name = "r";
  options.geometry = kRestoredGeometry;
  options.lineage = id_of<LineageId>(8);
  options.instance = id_of<InstanceId>(9);
  options.operator_name = "ada";
  options.reason = "test";
  return options;
}

Result<RestoreReport> Origin::restore(const std::function<void(RestoreOptions&)>& change) {
  auto options = restore_options();
  if (change) change(options);
  return restore_backup(disk(), random(), kBackup, options);
}

std::string Origin::picture(const std::string& below) {
  std::string text;
  for (const auto& path : node.machine.disk().tree()) {
    if (!path.starts_with(below) || path.ends_with("/LOCK")) continue;
    const auto bytes = node.machine.disk().peek(path);
    text += path + " " + (bytes ? to_hex(sha256(*bytes)) : "") + "\n";
  }
  return text;
}

void Origin::put(const std::string& path, ByteSpan content) {
  auto present = disk().exists(path);
  AERODB_ASSERT(present.has_value());
  if (*present) AERODB_ASSERT(disk().remove(path).has_value());
  auto file = disk().open(path, runtime::OpenMode::kCreate);
  AERODB_ASSERT(file && (*file)->write(0, content) && (*file)->sync() && disk().sync_directory("/"));
}

Result<Answers> answers_of(runtime::Disk& disk, const std::string& directory, const wal::RingGeometry& geometry,
                           CommitId up_to) {
  OpenOptions options;
  options.data_dir = directory;
  options.geometry = geometry;
  auto opened = open_directory(disk, options);
  if (!opened) return fail(std::move(opened.error()));
  const State& state = (*opened)->state;
  Answers answers{state.position(), state.floor(), state.live_documents(), {}, state.authority()};
  store::DirectBlocks blocks(disk, 1 << 20);
  for (const std::string id : {"x0", "x1", "x2", "x3", "y", "z"}) {
    for (uint64_t commit = 0; commit <= up_to.value(); ++commit) {
      auto version = state.visible(blocks, "c", id, CommitId(commit));
      AERODB_ASSERT(version.has_value());
      answers.versions.push_back(fmt::format("{}@{}: {} v{} {}", id, commit, version->commit.value(),
                                             version->schema_version, to_hex(version->document)));
      blocks.settle();
    }
  }
  return answers;
}

uint64_t kill_rounds() {
  const char* rounds = std::getenv("AERODB_KILL_ROUNDS");
  return rounds == nullptr ? 1 : std::stoull(rounds);
}

std::vector<Member> members_of(Origin& origin, const std::string& path) {
  std::vector<Member> members;
  auto file = origin.disk().open(path, runtime::OpenMode::kRead);
  AERODB_ASSERT(file.has_value());
  auto tar = archive::TarReader::open(**file, path);
  AERODB_ASSERT(tar.has_value());
  while (true) {
    auto member = (*tar)->next();
    AERODB_ASSERT(member.has_value());
    if (!*member) return members;
    Bytes content((*member)->bytes);
    auto count = (*tar)->read(content);
    AERODB_ASSERT(count && *count == content.size());
    members.push_back({(*member)->name, std::move(content)});
  }
}

Bytes tar_of(Origin& origin, const std::vector<Member>& members, bool with_list) {
  const std::string path = "/tar_of";
  origin.put(path, {});
  auto file = origin.disk().open(path, runtime::OpenMode::kReadWrite);
  AERODB_ASSERT(file.has_value());
  archive::TarWriter tar(**file);
  std::vector<ListEntry> entries;
  auto add = [&](const std::string& name, ByteSpan content) {
    AERODB_ASSERT(tar.begin(name, content.size()) && tar.add(content));
    entries.push_back({name, content.size(), sha256(content)});
  };
  for (const auto& member : members) add(member.name, member.content);
  if (with_list) {
    const auto list = encode_list(entries);
    add(std::string(kListMember), as_bytes(list));
  }
  AERODB_ASSERT(tar.finish().has_value());
  return origin.content(path);
}

}  // namespace aerodb::engine::testing
