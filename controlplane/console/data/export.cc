// aerodb export.
#include <fmt/format.h>

#include "common/document/canonical.h"
#include "common/uv/posix_disk.h"
#include "controlplane/console/data/data_options.h"
#include "controlplane/console/data/progress.h"
#include "controlplane/console/verbs.h"

namespace aerodb::console {
namespace {

constexpr uint64_t kMaxPage = 10'000;

struct ExportReport {
  std::string collection;
  std::string file;
  CommitId at_commit;
  uint64_t documents = 0;
  uint64_t bytes = 0;
  double seconds = 0;
  double documents_per_second = 0;
  wire::Receipt receipt;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("collection", self.collection, "collection");
    visit("file", self.file, "where they are");
    visit("at_commit", self.at_commit, "commit that all of them are of");
    visit("documents", self.documents, "documents written");
    visit("bytes", self.bytes, "size of the file");
    visit("seconds", self.seconds, "from the first question to the last line");
    visit("documents_per_second", self.documents_per_second, "documents / seconds");
    visit("receipt", self.receipt, "position of the last answer");
  }
};

// Lines to a new file, whole or not at all; or to standard output.
class Lines {
 public:
  Lines(std::string file, Output& output) : file_(std::move(file)), output_(output) {}
  ~Lines() {
    if (partial_ == nullptr) return;
    [[maybe_unused]] const auto removed = disk_.remove(partial_name());  // what could be said of it is said already
  }
  Lines(const Lines&) = delete;
  Lines& operator=(const Lines&) = delete;

  Result<void> open() {
    if (to_output()) return {};
    auto exists = disk_.exists(file_);
    if (!exists) return fail(std::move(exists.error()));
    if (*exists) return fail(ErrorCode::kUsage, fmt::format("export: {} exists", file_));
    auto opened = disk_.open(partial_name(), runtime::OpenMode::kCreate);
    if (!opened) return fail(std::move(opened.error()));
    partial_ = std::move(*opened);
    return {};
  }
  Result<void> write(std::string_view text) {
    if (to_output()) {
      output_.text(text);
    } else if (auto written = partial_->write(bytes_, as_bytes(text)); !written) {
      return written;
    }
    bytes_ += text.size();
    return {};
  }
  Result<void> finish() {
    if (to_output()) return {};
    if (auto synced = partial_->sync(); !synced) return synced;
    if (auto renamed = disk_.rename(partial_name(), file_); !renamed) return renamed;
    partial_.reset();
    return disk_.sync_directory(runtime::parent_directory(file_));
  }
  [[nodiscard]] bool to_output() const { return file_ == "-"; }
  [[nodiscard]] uint64_t bytes() const { return bytes_; }

 private:
  [[nodiscard]] std::string partial_name() const { return file_ + ".partial"; }
  std::string file_;
  Output& output_;
  uv::PosixDisk disk_;
  std::unique_ptr<runtime::File> partial_;
  uint64_t bytes_ = 0;
};

class Export final : public Verb {
 public:
  [[nodiscard]] VerbText text() const override {
    return {.path = "export",
            .summary = "Writes every document of a collection, as of one commit, to a file of JSON lines.",
            .example = "aerodb export countries countries.jsonl --at-commit 300 --node r1 --config configs/local",
            .notes =
                "In order of _id, page by page at one commit, which a pin keeps readable. Writes go on meanwhile,\n"
                "and nothing of them is in the file. `aerodb import` reads it.",
            .json = {shape_of<ExportReport>}};
  }
  void declare(Options& options) override {
    options.argument("COLLECTION", collection_, "the collection");
    options.argument("FILE", file_, "a new file; - for standard output");
    declare_at_commit(options, at_commit_);
    options.number("--page", page_, 1, kMaxPage, "documents of one answer");
    declare_version_read(options, schema_version_);
    data_.declare(options);
  }
  Result<ExitCode> run(Output& output) override {
    auto reading = data_.begin_read(output, collection_, schema_version_);
    if (!reading) return fail(std::move(reading.error()));
    auto pin = reading->session->ask(wire::kPinTake, {number_of<CommitId>(at_commit_)});
    if (!pin) return fail(std::move(pin.error()));
    Lines lines(file_, output);
    if (auto opened = lines.open(); !opened) return fail(std::move(opened.error()));
    Progress progress(output, 0);
    ExportReport report{collection_, file_, pin->commit, 0, 0, 0, 0, {}};
    bool more = true;
    while (more) {
      auto read = next_page(*reading, report, lines);
      if (!read) return fail(std::move(read.error()));
      more = *read;
      progress.show(report.documents);
    }
    if (auto finished = lines.finish(); !finished) return fail(std::move(finished.error()));
    if (auto saved = data_.receipt.save(report.receipt); !saved) return fail(std::move(saved.error()));
    report.seconds = progress.seconds();
    progress.finish();
    show(report, lines, output);
    return ExitCode::kOk;
  }

 private:
  // False: that was the last one.
  Result<bool> next_page(const Reading& reading, ExportReport& report, Lines& lines) {
    wire::DocQueryRequest request;
    request.collection = collection_;
    request.schema_version = reading.schema.version;
    request.sort = "_id";
    request.limit = static_cast<uint32_t>(page_);
    request.at_commit = report.at_commit;
    request.receipt = reading.receipt;
    if (!last_id_.empty()) request.after = wire::QueryPageEnd{std::nullopt, last_id_};
    uint64_t documents = 0;
    Result<void> written;
    auto called = reading.session->call(wire::kDocQuery, request, [&](const wire::DocQueryResponse& answer) {
      documents = answer.data.versions.size();
      report.receipt = answer.receipt;
      written = write(answer.data.versions, lines);
    });
    // Smaller pages hold larger documents.
    if (!called && called.error().code == ErrorCode::kMessageTooLarge && page_ > 1) {
      page_ = page_ / 2;
      return true;
    }
    if (called) called = std::move(written);
    if (!called) return fail(std::move(called.error()));
    report.documents += documents;
    report.bytes = lines.bytes();
    return documents == page_;
  }

  Result<void> write(const std::vector<wire::DocVersion>& versions, Lines& lines) {
    std::string text;
    for (const auto& version : versions) {
      auto json = document::to_json(version.document.bytes);
      if (!json) return fail(std::move(json.error()));
      text += *json + '\n';
      last_id_ = document::document_id(version.document.bytes);
    }
    return lines.write(text);
  }

  void show(ExportReport& report, const Lines& lines, Output& output) const {
    if (report.seconds > 0) report.documents_per_second = static_cast<double>(report.documents) / report.seconds;
    if (lines.to_output()) return;  // it has the documents
    if (!output.is_table()) return output.message(report);
    output.line(fmt::format("{} documents at commit {}, {} bytes, {:.3f} s, {:.0f} documents/s", report.documents,
                            report.at_commit.value(), report.bytes, report.seconds, report.documents_per_second));
  }

  std::string collection_;
  std::string file_;
  std::optional<uint64_t> at_commit_;
  uint64_t page_ = 1000;
  std::optional<uint64_t> schema_version_;
  std::string last_id_;
  DataOptions data_;
};

}  // namespace

std::unique_ptr<Verb> make_export() { return std::make_unique<Export>(); }

}  // namespace aerodb::console
