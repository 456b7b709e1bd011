// Checks an audit log: a function of its bytes and of heads known from elsewhere, used by the daemon at its start, by
// audit.verify, and by `aerodb audit verify --file` without any daemon.
//
// What is found, and where `first_broken` points (records are counted by their place in the file, from 1):
//   edited        the record itself; if its hash was made anew, the one after it
//   deleted       the place where another number stands than expected
//   reordered     the first place that holds another number
//   cut at the end, or written anew   only with a head: no record has it; the place after the last one
//   torn          the last line ends without newline, or has zero bytes: what a crash leaves of a record being written
//
// Heads are the hashes of `dispatched` records: nodes keep them with what they executed (audit_head).
#pragma once

#include <span>
#include <string>
#include <vector>

#include "common/base/bytes.h"
#include "common/wire/messages_controlplane.h"

namespace aerodb::controlplane {

struct AuditFindings {
  wire::AuditVerifyResponse response;  // `head` is of the last record that follows
  bool torn = false;                   // nothing is wrong but what a crash can leave at the end
  uint64_t bytes = 0;                  // read
  uint64_t whole_bytes = 0;            // up to the end of the last record that follows
  std::vector<uint64_t> line_ends;     // offset after each line, newline included; broken ones too
};

// The check over bytes that come in pieces. Holds one line at most.
class AuditVerifier {
 public:
  explicit AuditVerifier(std::vector<Sha256> known_heads = {}) : unseen_heads_(std::move(known_heads)) {}
  void feed(ByteSpan piece);
  // Once, after the last piece.
  [[nodiscard]] AuditFindings finish();

 private:
  void take_in(std::string_view text);
  void end_line();
  void break_here(std::string why);

  std::vector<Sha256> unseen_heads_;
  AuditFindings found_;
  std::string line_;
  bool overlong_ = false;
};

[[nodiscard]] wire::AuditVerifyResponse verify_audit(ByteSpan file, std::vector<Sha256> known_heads = {});

}  // namespace aerodb::controlplane
