// aerodb audit, audit verify.
#include <fmt/format.h>

#include "controlplane/console/data/data_options.h"
#include "controlplane/console/verbs.h"
#include "controlplane/daemon/audit_verify.h"

namespace aerodb::console {
namespace {

constexpr uint64_t kMaxAuditBytes = uint64_t{1} << 30;

class Audit : public Verb {
 public:
  void declare(Options& options) override {
    desk_.declare(options);
    format_.declare(options);
  }

 protected:
  ServiceTarget desk_{ServiceTarget::Kind::kControlPlane, 60'000};
  FormatOption format_;
};

class AuditRead final : public Audit {
 public:
  [[nodiscard]] VerbText text() const override {
    return {.path = "audit",
            .summary = "Shows records of the audit log, word for word.",
            .example = "aerodb audit --after 12 --config configs/local",
            .advice = Advice::kNone,
            .json = {shape_of<wire::AuditReadResponse>, shape_of<wire::AuditRecordView>}};
  }
  void declare(Options& options) override {
    options.number("--after", after_, 0, kMaxNumber, "records with a greater number");
    options.number("--limit", limit_, 1, 1000, "at most so many");
    Audit::declare(options);
  }
  Result<ExitCode> run(Output& output) override {
    format_.apply(output);
    auto session = desk_.connect();
    if (!session) return fail(std::move(session.error()));
    auto answer = (*session)->ask(wire::kAuditRead, {after_, static_cast<uint32_t>(limit_)});
    if (!answer) return fail(std::move(answer.error()));
    if (!output.is_table()) {
      output.list(*answer, answer->records);
      return ExitCode::kOk;
    }
    for (const auto& record : answer->records) output.line(printable(record.line));
    return ExitCode::kOk;
  }

 private:
  uint64_t after_ = 0;
  uint64_t limit_ = 1000;
};

class AuditVerify final : public Audit {
 public:
  [[nodiscard]] VerbText text() const override {
    return {.path = "audit verify",
            .summary = "Checks the chain of the audit log.",
            .example =
                "aerodb audit verify --config configs/local\n"
                "aerodb audit verify --file audit.jsonl --head \"$AUDIT_HEAD\"",
            .notes =
                "The control plane knows the heads that it dispatched. With --file no process is asked, and only a\n"
                "head known from elsewhere, such as a node's record, shows that the end was cut.",
            .advice = Advice::kNone,
            .json = {shape_of<wire::AuditVerifyResponse>}};
  }
  void declare(Options& options) override {
    options.text("--file", "PATH", file_, "check this file instead of asking the control plane");
    options.texts("--head", "HEX", heads_, "with --file: hash that a record must have; may be repeated");
    Audit::declare(options);
  }
  Result<ExitCode> run(Output& output) override {
    format_.apply(output);
    auto found = file_.empty() ? ask() : check_file();
    if (!found) return fail(std::move(found.error()));
    output.message(*found);
    return found->whole ? ExitCode::kOk : error_row(ErrorCode::kAuditBroken).exit_code;
  }

 private:
  [[nodiscard]] Result<wire::AuditVerifyResponse> ask() const {
    if (!heads_.empty()) return fail(ErrorCode::kUsage, "--head goes with --file");
    auto session = desk_.connect();
    if (!session) return fail(std::move(session.error()));
    return (*session)->ask(wire::kAuditVerify, wire::Empty{});
  }
  [[nodiscard]] Result<wire::AuditVerifyResponse> check_file() const {
    std::vector<Sha256> heads;
    for (const std::string& text : heads_) {
      const auto bytes = from_hex(text);
      Sha256 head{};
      if (!bytes || bytes->size() != head.size()) {
        return fail(ErrorCode::kUsage, fmt::format("--head \"{}\": expected 64 hex digits", text));
      }
      std::ranges::copy(*bytes, head.begin());
      heads.push_back(head);
    }
    auto text = text_of_file(file_, kMaxAuditBytes);
    if (!text) return fail(std::move(text.error()));
    return controlplane::verify_audit(as_bytes(*text), std::move(heads));
  }

  std::string file_;
  std::vector<std::string> heads_;
};

}  // namespace

std::unique_ptr<Verb> make_audit() { return std::make_unique<AuditRead>(); }
std::unique_ptr<Verb> make_audit_verify() { return std::make_unique<AuditVerify>(); }

}  // namespace aerodb::console
