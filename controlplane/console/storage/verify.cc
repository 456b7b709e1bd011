// aerodb verify.
#include <fmt/format.h>

#include <filesystem>

#include "common/engine/verify.h"
#include "common/uv/posix_disk.h"
#include "controlplane/console/data/data_options.h"
#include "controlplane/console/storage/byte_progress.h"
#include "controlplane/console/verbs.h"

namespace aerodb::console {
namespace {

// One thing found good, or worth a note.
struct CheckedLine {
  std::string line = "checked";
  engine::Checked checked;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("line", self.line, "checked");
    visit("object", self.checked.object, "file, member or part");
    visit("check", self.checked.check, "what of it");
    visit("bytes", self.checked.bytes, "its size");
    visit("items", self.checked.items, "versions, records or documents in it");
    visit("note", self.checked.note, "worth knowing, and no trouble");
  }
};

struct VerifiedLine {
  std::string line = "verified";
  std::string target;
  std::string kind;
  std::string level;
  std::string tail;
  engine::VerifyReport report;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("line", self.line, "verified");
    visit("target", self.target, "what was verified");
    visit("kind", self.kind, "node, snapshot or backup");
    visit("level", self.level, "how deep");
    visit("node", self.report.node, "name of the node; empty: a snapshot");
    visit("cluster", self.report.cluster, "its cluster id");
    visit("manifest", self.report.manifest_number, "number of the manifest; 0: none");
    visit("runs", self.report.runs, "runs it names");
    visit("records", self.report.records, "log records behind it");
    visit("documents", self.report.live_documents, "live documents; level replay");
    visit("tail", self.tail, "label of the log's end; from level chain on, of a node");
    visit("lsn", self.report.end.lsn, "end, as far as the level looked");
    visit("commit", self.report.end.commit, "last commit there");
    visit("epoch", self.report.end.epoch, "epoch there");
    visit("lineage", self.report.end.lineage, "lineage there");
    visit("chain", self.report.end.chain, "chain after lsn");
    visit("digest", self.report.end.digest, "state digest after lsn");
  }
};

std::string_view kind_name(engine::VerifiedKind kind) {
  switch (kind) {
    case engine::VerifiedKind::kNode:
      return "node";
    case engine::VerifiedKind::kSnapshot:
      return "snapshot";
    case engine::VerifiedKind::kBackup:
      return "backup";
  }
  return "";
}

// "LSN:CHAIN", or a receipt.
Result<engine::KnownPosition> position_of(const std::string& word) {
  auto text = text_of_word(word);
  if (!text) return fail(std::move(text.error()));
  if (text->starts_with('{')) {
    auto receipt = receipt_from_json(*text);
    if (!receipt) return fail(ErrorCode::kUsage, "--against: " + receipt.error().message);
    return engine::KnownPosition{receipt->lsn, receipt->chain};
  }
  const size_t colon = text->find(':');
  const auto lsn = from_decimal(std::string_view(*text).substr(0, colon));
  const auto chain =
      colon == std::string::npos ? std::nullopt : id_from_hex<Chain>(std::string_view(*text).substr(colon + 1));
  if (!lsn || *lsn > kMaxNumber || !chain) {
    return fail(ErrorCode::kUsage,
                fmt::format("--against \"{}\": expected LSN:CHAIN, the chain as 32 hex digits, or a receipt", word));
  }
  return engine::KnownPosition{Lsn(*lsn), *chain};
}

class Verify final : public Verb {
 public:
  [[nodiscard]] VerbText text() const override {
    return {.path = "verify",
            .summary = "Proves that a node's directory, a snapshot or a backup holds what it should, as JSON lines.",
            .example =
                "aerodb verify backup.tar\n"
                "aerodb verify data/p1 --level chain --against "
                "42:00112233445566778899aabbccddeeff",
            .notes =
                "Reads only; a node must not run meanwhile. Level manifest proves that every byte of runs or archive\n"
                "is the one that was written; chain also proves the log; replay also every document, index and\n"
                "digest. The first trouble ends it with exit code 65.",
            .json = {shape_of<CheckedLine>, shape_of<VerifiedLine>}};
  }
  void declare(Options& options) override {
    options.argument("TARGET", target_, "a data directory, a snapshot's directory, or a backup");
    options.choice("--level", {"manifest", "chain", "replay"}, level_, "how deep");
    options.text("--against", "POSITION", against_, "LSN:CHAIN or a receipt (as JSON, @FILE or -) that must be in it");
    options.number("--max-memory-bytes", max_memory_bytes_, 1 << 20, kMaxNumber,
                   "refuse a log that takes more to replay");
  }
  Result<ExitCode> run(Output& output) override {
    engine::VerifyOptions options;
    options.level = level_ == "manifest" ? engine::VerifyLevel::kManifest
                    : level_ == "chain"  ? engine::VerifyLevel::kChain
                                         : engine::VerifyLevel::kReplay;
    options.max_memory_bytes = max_memory_bytes_;
    if (against_) {
      if (options.level == engine::VerifyLevel::kManifest)
        return fail(ErrorCode::kUsage, "verify: --against needs --level chain or replay");
      auto position = position_of(*against_);
      if (!position) return fail(std::move(position.error()));
      options.against = *position;
    }
    ByteProgress progress(output);
    options.progress = [&](uint64_t done, uint64_t total) { progress.show(done, total); };
    options.checked = [&](const engine::Checked& checked) {
      progress.finish();
      output.line(json_of(CheckedLine{.checked = checked}));
    };
    auto report = verify(options);
    progress.finish();
    if (!report) return fail(std::move(report.error()));
    output.line(json_of(VerifiedLine{.target = target_,
                                     .kind = std::string(kind_name(report->kind)),
                                     .level = level_,
                                     .tail = report->label ? std::string(wal::tail_label_name(*report->label)) : "",
                                     .report = *report}));
    return ExitCode::kOk;
  }

 private:
  [[nodiscard]] Result<engine::VerifyReport> verify(const engine::VerifyOptions& options) const {
    uv::PosixDisk disk;
    std::error_code ignored;
    return std::filesystem::is_directory(target_, ignored) ? engine::verify_directory(disk, target_, options)
                                                           : engine::verify_backup(disk, target_, options);
  }

  std::string target_;
  std::string level_ = "replay";
  std::optional<std::string> against_;
  uint64_t max_memory_bytes_ = uint64_t{1} << 30;
};

}  // namespace

std::unique_ptr<Verb> make_verify() { return std::make_unique<Verify>(); }

}  // namespace aerodb::console
