// Bytes as a backup. And, deeper than a fuzzer gets through checksums: the members found in them, put into a tar that
// is in order, with a manifest, BACKUP and LIST that fit the members' sizes and hashes.
//
// Holds: verification ends, with success or one of three codes; what is proven once is proven again.
#include "common/archive/tar.h"
#include "common/base/assert.h"
#include "common/base/checksum.h"
#include "common/engine/verify.h"
#include "tests/fuzz/memory_disk.h"

namespace aerodb::engine {
namespace {

struct Member {
  std::string name;
  Bytes content;
};

void verify(const Bytes& bytes) {
  fuzz::MemoryDisk disk;
  disk.files["b"] = bytes;
  VerifyOptions options;
  options.max_memory_bytes = 64 << 20;
  for (const auto level : {VerifyLevel::kChain, VerifyLevel::kReplay}) {
    options.level = level;
    const auto report = verify_backup(disk, "b", options);
    if (!report) {
      const ErrorCode code = report.error().code;
      AERODB_ASSERT(code == ErrorCode::kBackupDamaged || code == ErrorCode::kNewerFormat ||
                    code == ErrorCode::kMemoryFull);
      return;
    }
    AERODB_ASSERT(report->end.lsn > Lsn());
  }
  AERODB_ASSERT(verify_backup(disk, "b", options).has_value());
}

std::vector<Member> members_of(const Bytes& bytes) {
  Bytes copy = bytes;
  fuzz::MemoryFile file(copy);
  std::vector<Member> members;
  auto tar = archive::TarReader::open(file, "b");
  while (tar && members.size() < 64) {
    auto member = (*tar)->next();
    if (!member || !*member || (*member)->bytes > bytes.size()) break;
    Bytes content((*member)->bytes);
    auto count = content.empty() ? Result<size_t>(0) : (*tar)->read(content);
    if (!count) break;
    content.resize(*count);
    members.push_back({(*member)->name, std::move(content)});
  }
  return members;
}

Member* find(std::vector<Member>& members, std::string_view name) {
  const auto found = std::ranges::find(members, name, &Member::name);
  return found == members.end() ? nullptr : &*found;
}

// A manifest of the right checksum that names the runs as they are, and BACKUP with its position.
void mend(std::vector<Member>& members) {
  Member* file = find(members, kManifestMember);
  Member* backup = find(members, kBackupMember);
  if (file == nullptr || backup == nullptr || file->content.size() < 32) return;
  const auto checksum = xxh3_128(ByteSpan(file->content).subspan(32));
  std::ranges::copy(checksum, file->content.begin() + 16);
  auto manifest = store::decode_manifest(file->content, "m");
  auto info = decode_backup_info(as_text(backup->content));
  if (!manifest || !info) return;
  for (auto& run : manifest->runs) {
    const Member* content = find(members, run_member(run.number));
    if (content == nullptr) continue;
    run.bytes = content->content.size();
    run.sha256 = sha256(content->content);
  }
  file->content = store::encode_manifest(*manifest);
  info->cluster = manifest->cluster;
  info->manifest_lsn = manifest->lsn;
  info->manifest_commit = manifest->commit;
  const auto text = encode_backup_info(*info);
  backup->content.assign(text.begin(), text.end());
}

Bytes tar_of(const std::vector<Member>& members) {
  Bytes bytes;
  fuzz::MemoryFile file(bytes);
  archive::TarWriter tar(file);
  std::vector<ListEntry> entries;
  auto add = [&](const std::string& name, ByteSpan content) {
    if (!tar.begin(name, content.size())) return false;
    AERODB_ASSERT(tar.add(content).has_value());
    entries.push_back({name, content.size(), sha256(content)});
    return true;
  };
  for (const auto& member : members) {
    if (member.name != kListMember && !add(member.name, member.content)) return bytes;
  }
  const auto list = encode_list(entries);
  if (add(std::string(kListMember), as_bytes(list))) AERODB_ASSERT(tar.finish().has_value());
  return bytes;
}

}  // namespace
}  // namespace aerodb::engine

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace aerodb::engine;
  const aerodb::Bytes bytes(data, data + size);
  verify(bytes);
  auto members = members_of(bytes);
  if (members.empty()) return 0;
  verify(tar_of(members));
  mend(members);
  verify(tar_of(members));
  return 0;
}
