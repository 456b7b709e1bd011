// What can be done to an audit file behind the control plane's back, and what verification names.
#include "controlplane/daemon/audit_verify.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "common/base/checksum.h"
#include "controlplane/daemon/audit_record.h"

namespace aerodb::controlplane {
namespace {

AuditEntry entry_of(int i) {
  AuditEntry entry;
  entry.stage = AuditStage::kDispatched;
  entry.uid = 1000;
  entry.operator_name = "ada";
  entry.request_id = "r" + std::to_string(i);
  entry.command = "demote";
  entry.node = "p1";
  entry.reason = "reason \"" + std::to_string(i) + "\" \n with a line end";
  entry.details = AuditDetails().number("i", static_cast<uint64_t>(i)).finish();
  return entry;
}

Sha256 hash_of(std::string_view line) { return sha256(as_bytes(line)); }

// Six records, well chained.
std::vector<std::string> six_lines() {
  std::vector<std::string> lines;
  Sha256 head{};
  for (int i = 1; i <= 6; ++i) {
    lines.push_back(*render_audit_record(static_cast<uint64_t>(i), 5, head, entry_of(i)));
    head = hash_of(lines.back());
  }
  return lines;
}

std::string file_of(const std::vector<std::string>& lines) {
  std::string file;
  for (const auto& line : lines) file += line + "\n";
  return file;
}

wire::AuditVerifyResponse verify(std::string_view file, std::vector<Sha256> heads = {}) {
  return verify_audit(as_bytes(file), std::move(heads));
}
wire::AuditVerifyResponse verify(const std::vector<std::string>& lines, std::vector<Sha256> heads = {}) {
  return verify(file_of(lines), std::move(heads));
}

// The line with another text in it and its own hash made anew, as a careful forger would.
std::string forged(std::string line, std::string_view from, std::string_view to) {
  line.replace(line.find(from), from.size(), to);
  const auto seal = line.rfind(",\"hash\":\"");
  const std::string body = line.substr(0, seal);
  return body + ",\"hash\":\"" + to_hex(hash_of(body)) + "\"}";
}

TEST(AuditVerify, AcceptsTheWholeLog) {
  const auto lines = six_lines();
  const auto found = verify(lines);
  EXPECT_TRUE(found.whole);
  EXPECT_EQ(found.records, 6u);
  EXPECT_EQ(found.head, hash_of(lines.back()));
  EXPECT_EQ(found.first_broken, std::nullopt);
  EXPECT_TRUE(verify("").whole);
}

TEST(AuditVerify, ResultDoesNotDependOnHowBytesArrive) {
  const std::string file = file_of(six_lines());
  AuditVerifier verifier;
  for (char c : file) verifier.feed(as_bytes(std::string_view(&c, 1)));
  const auto found = verifier.finish();
  EXPECT_TRUE(found.response.whole);
  EXPECT_EQ(found.whole_bytes, file.size());
  EXPECT_EQ(found.line_ends.size(), 6u);
  EXPECT_EQ(found.line_ends.back(), file.size());
}

TEST(AuditVerify, NamesTheRecordThatWasEdited) {
  for (size_t i = 0; i < 6; ++i) {
    auto lines = six_lines();
    lines[i].replace(lines[i].find("\"ada\""), 5, "\"eve\"");
    const auto found = verify(lines);
    EXPECT_FALSE(found.whole);
    EXPECT_EQ(found.first_broken, i + 1);
  }
}

TEST(AuditVerify, FindsAnyFlippedByte) {
  const std::string file = file_of(six_lines());
  for (size_t at = 0; at < file.size(); at += 7) {
    std::string damaged = file;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x11);
    EXPECT_FALSE(verify(damaged).whole) << at;
  }
}

TEST(AuditVerify, NamesTheRecordAfterAForgedOne) {
  auto lines = six_lines();
  lines[2] = forged(lines[2], "\"ada\"", "\"eve\"");
  const auto found = verify(lines);
  EXPECT_EQ(found.first_broken, 4u);
  EXPECT_NE(found.why->find("prev"), std::string::npos);
}

TEST(AuditVerify, NamesThePlaceOfADeletedRecord) {
  for (size_t i = 0; i < 5; ++i) {
    auto lines = six_lines();
    lines.erase(lines.begin() + static_cast<ptrdiff_t>(i));
    EXPECT_EQ(verify(lines).first_broken, i + 1);
  }
}

TEST(AuditVerify, NamesTheFirstPlaceOfTwoSwappedRecords) {
  auto lines = six_lines();
  std::swap(lines[1], lines[4]);
  EXPECT_EQ(verify(lines).first_broken, 2u);
}

TEST(AuditVerify, NamesThePlaceOfADoubledRecord) {
  auto lines = six_lines();
  lines.insert(lines.begin() + 3, lines[2]);
  EXPECT_EQ(verify(lines).first_broken, 4u);
}

TEST(AuditVerify, FindsACutEndByAKnownHeadOnly) {
  auto lines = six_lines();
  const auto head_of_fifth = hash_of(lines[4]);
  lines.resize(4);
  EXPECT_TRUE(verify(lines).whole);
  const auto found = verify(lines, {head_of_fifth});
  EXPECT_FALSE(found.whole);
  EXPECT_EQ(found.first_broken, 5u);
}

TEST(AuditVerify, AcceptsHeadsOfEarlierRecords) {
  const auto lines = six_lines();
  EXPECT_TRUE(verify(lines, {hash_of(lines[1]), hash_of(lines[5])}).whole);
}

TEST(AuditVerify, FindsALogWrittenAnewByAKnownHead) {
  const auto head = hash_of(six_lines()[3]);
  std::vector<std::string> lines;
  Sha256 prev{};
  for (int i = 1; i <= 6; ++i) {
    auto entry = entry_of(i);
    entry.operator_name = "eve";
    lines.push_back(*render_audit_record(static_cast<uint64_t>(i), 5, prev, entry));
    prev = hash_of(lines.back());
  }
  EXPECT_TRUE(verify(lines).whole);
  EXPECT_FALSE(verify(lines, {head}).whole);
}

TEST(AuditVerify, EveryCutWithinTheLastLineIsTorn) {
  const auto lines = six_lines();
  const std::string file = file_of(lines);
  const size_t begin = file.size() - lines.back().size() - 1;
  for (size_t size = begin + 1; size < file.size(); ++size) {
    AuditVerifier verifier;
    verifier.feed(as_bytes(std::string_view(file).substr(0, size)));
    const auto found = verifier.finish();
    ASSERT_TRUE(found.torn) << size;
    ASSERT_FALSE(found.response.whole);
    ASSERT_EQ(found.response.first_broken, 6u);
    ASSERT_EQ(found.whole_bytes, begin);
  }
}

TEST(AuditVerify, ZeroBytesAreTornAtTheEndAndBrokenBeforeIt) {
  auto lines = six_lines();
  lines[5][40] = '\0';
  AuditVerifier at_end;
  at_end.feed(as_bytes(file_of(lines)));
  EXPECT_TRUE(at_end.finish().torn);
  lines = six_lines();
  lines[4][40] = '\0';
  AuditVerifier before;
  before.feed(as_bytes(file_of(lines)));
  const auto found = before.finish();
  EXPECT_FALSE(found.torn);
  EXPECT_EQ(found.response.first_broken, 5u);
}

TEST(AuditVerify, EditedLastLineIsNotTakenForTorn) {
  auto lines = six_lines();
  lines[5].replace(lines[5].find("\"ada\""), 5, "\"eve\"");
  AuditVerifier verifier;
  verifier.feed(as_bytes(file_of(lines)));
  EXPECT_FALSE(verifier.finish().torn);
}

TEST(AuditVerify, AnEndlessLineIsRefusedWithoutBeingHeld) {
  AuditVerifier verifier;
  const std::string piece(1 << 16, 'x');
  for (int i = 0; i < 64; ++i) verifier.feed(as_bytes(piece));
  const auto found = verifier.finish();
  EXPECT_EQ(found.response.first_broken, 1u);
  EXPECT_FALSE(found.torn);
}

TEST(AuditRecord, RefusesDetailsThatItCouldNotReadBack) {
  Bytes twice;
  document::PackWriter out(twice);
  out.map(2);
  out.field("key", 1);
  out.field("key", 2);
  AuditEntry entry = entry_of(1);
  entry.details = AuditDetails().packed("answer", twice).finish();
  EXPECT_FALSE(render_audit_record(1, 0, {}, entry));
}

TEST(AuditRecord, CutsLongTexts) {
  AuditEntry entry = entry_of(1);
  entry.details = AuditDetails().text("error_message", std::string(2 << 20, 'a')).finish();
  const auto line = render_audit_record(1, 0, {}, entry);
  ASSERT_TRUE(line);
  EXPECT_LT(line->size(), 10'000u);
}

TEST(AuditRecord, HasEveryKeyInItsOrder) {
  AuditEntry entry;
  entry.stage = AuditStage::kTornTail;
  const auto line = *render_audit_record(1, 7, {}, entry);
  EXPECT_TRUE(line.starts_with(
      R"({"number":1,"stage":"torn_tail","wall_us":7,"uid":null,"operator":null,"request_id":null,"command":null,)"
      R"("node":null,"reason":null,"interactive":null,"details":{},"prev":"0000)"))
      << line;
  EXPECT_EQ(audit_stage_of(line), "torn_tail");
}

}  // namespace
}  // namespace aerodb::controlplane
