#include "controlplane/daemon/audit_verify.h"

#include <fmt/format.h>

#include "common/base/checksum.h"
#include "controlplane/daemon/audit_record.h"

namespace aerodb::controlplane {

void AuditVerifier::feed(ByteSpan piece) {
  auto text = as_text(piece);
  while (!text.empty()) {
    const auto newline = text.find('\n');
    take_in(text.substr(0, newline));
    if (newline == std::string_view::npos) return;
    ++found_.bytes;
    end_line();
    text.remove_prefix(newline + 1);
  }
}

void AuditVerifier::take_in(std::string_view text) {
  found_.bytes += text.size();
  overlong_ = overlong_ || line_.size() + text.size() > kMaxAuditLineBytes;
  if (!overlong_) line_ += text;
}

void AuditVerifier::end_line() {
  auto& response = found_.response;
  ++response.records;
  found_.line_ends.push_back(found_.bytes);
  // Torn is only what stands at the very end.
  found_.torn = false;
  if (!response.first_broken) {
    auto problem = overlong_ ? fmt::format("longer than {} bytes", kMaxAuditLineBytes)
                             : audit_record_problem(line_, response.records, response.head);
    if (problem) {
      break_here(std::move(*problem));
      found_.torn = !overlong_ && line_.find('\0') != std::string::npos;
    } else {
      response.head = sha256(as_bytes(line_));
      found_.whole_bytes = found_.bytes;
      std::erase(unseen_heads_, response.head);
    }
  }
  line_.clear();
  overlong_ = false;
}

void AuditVerifier::break_here(std::string why) {
  found_.response.first_broken = found_.response.records;
  found_.response.why = std::move(why);
}

AuditFindings AuditVerifier::finish() {
  auto& response = found_.response;
  if (!line_.empty() || overlong_) {
    ++response.records;
    found_.line_ends.push_back(found_.bytes);
    found_.torn = !response.first_broken && !overlong_;
    if (!response.first_broken) break_here("the last line is not whole");
  }
  if (found_.torn) response.why = "torn: " + *response.why;
  std::erase(unseen_heads_, Sha256{});  // the head of an empty log
  if (!response.first_broken && !unseen_heads_.empty()) {
    response.first_broken = response.records + 1;
    response.why = fmt::format("no record has the hash {}, which is known as a head: records were cut off or replaced",
                               to_hex(unseen_heads_.front()));
  }
  response.whole = !response.first_broken;
  return std::move(found_);
}

wire::AuditVerifyResponse verify_audit(ByteSpan file, std::vector<Sha256> known_heads) {
  AuditVerifier verifier(std::move(known_heads));
  verifier.feed(file);
  return verifier.finish().response;
}

}  // namespace aerodb::controlplane
