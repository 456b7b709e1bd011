// Reports from fixed logs, byte for byte, and that nothing of the logs is missing in them.
#include <gmock/gmock.h>

#include <algorithm>

#include "common/document/json.h"
#include "controlplane/console/output.h"
#include "tests/documents.h"
#include "tests/unit/console/timeline_kit.h"

namespace aerodb::console::timeline {
namespace {

using namespace testing;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr uint64_t kNoonUs = 1'795'262'400'000'000;

Bytes packed_json(const std::string& text) {
  Bytes packed;
  EXPECT_TRUE(document::from_json(text, packed).has_value());
  return packed;
}

controlplane::AuditDetails explained() {
  controlplane::AuditDetails details;
  details.bytes("sha256", Bytes(32, 0xab)).bytes("binding_sha256", Bytes(32, 0xcd)).text("unreached", "r2");
  const auto explanation = packed_json(documents::read_text("tests/golden/explanations/demote-granted.json"));
  details.packed("explanation", explanation);
  return details;
}
controlplane::AuditDetails answered() {
  controlplane::AuditDetails details;
  details.text("outcome", "answered").nil("error_code").nil("error_message");
  details.packed("answer", packed_json(R"({"seal_lsn": 42, "successor": "r1"})"));
  return details;
}
controlplane::AuditDetails rejected() {
  controlplane::AuditDetails details;
  details.text("outcome", "rejected").text("error_code", "PROMOTION_DENIED").text("error_message", "promote r1: <no>");
  return details.nil("answer");
}

// A demotion, a promotion that was refused, and a node that nobody reached.
Logs switchover() {
  const std::string q(32, '1');
  const std::string s(32, '2');
  AuditLines audit;
  audit.add_command(q, "demote", "p1", explained(), answered());
  audit.add_command(s, "promote", "r1", {}, rejected());
  auto denied = event(8, "command_denied", {"command=promote", "request_id=" + s, "code=PROMOTION_DENIED"}, kNoonUs);
  auto seal = sealed(2, 42, kLineageA, q);
  seal.wall_us = kNoonUs + 5'000'000;  // a clock that is ahead
  wire::NodeEvents r2{"r2", "127.0.0.1:3", false, "UNREACHABLE", {}};
  Logs logs{audit.verified(), audit.records, {}};
  logs.nodes.push_back(node("p1", {event(1, "start", {"node=p1"}, kNoonUs), seal}));
  logs.nodes.push_back(node("r1", {event(7, "start", {"node=r1", "detail=\"<b>&\n"}, kNoonUs), denied}));
  logs.nodes.push_back(r2);
  return logs;
}

Report whole_report(const Logs& logs) { return *report_of(logs, {}); }

void expect_kept(const std::string& name, const std::string& text) {
  documents::expect_file("tests/unit/console/reports/" + name, text);
}

TEST(TimelineReport, IsAsKeptInEveryForm) {
  const auto report = *report_of(switchover(), *range_of({"1"}, {"10"}));
  expect_kept("switchover.txt", text_of(report));
  expect_kept("switchover.json", json_text_of(report));
  expect_kept("switchover.html", html_of(report));
}

TEST(TimelineReport, IsTheSameHoweverTheLogsCame) {
  auto logs = switchover();
  const auto expected = json_text_of(whole_report(logs));
  std::ranges::reverse(logs.nodes);
  std::ranges::reverse(logs.records);
  for (auto& each : logs.nodes) std::ranges::reverse(each.events);
  EXPECT_EQ(json_text_of(whole_report(logs)), expected);
}

std::string unescaped(std::string text) {
  const std::pair<std::string_view, std::string_view> kNames[] = {
      {"&lt;", "<"}, {"&gt;", ">"}, {"&quot;", "\""}, {"&#39;", "'"}, {"&amp;", "&"}};
  for (const auto& [name, sign] : kNames) {
    for (size_t at = 0; (at = text.find(name, at)) != text.npos; at += sign.size()) text.replace(at, name.size(), sign);
  }
  return text;
}

TEST(TimelineReport, HoldsEveryRecordAndEveryEventWordForWord) {
  const auto logs = switchover();
  const auto report = whole_report(logs);
  EXPECT_EQ(report.audit_records, 10u);
  EXPECT_EQ(report.events, 4u);
  EXPECT_EQ(report.entries.size(), 14u);
  std::vector<std::string> words;
  for (const auto& record : logs.records) words.push_back(record.line);
  for (const auto& each : logs.nodes) {
    for (const auto& one : each.events) words.push_back(json_of(one));
  }
  ASSERT_EQ(words.size(), 14u);
  const auto text = text_of(report);
  const auto html = unescaped(html_of(report));
  for (const auto& word : words) {
    EXPECT_THAT(text, HasSubstr(word));
    EXPECT_THAT(html, HasSubstr(word));
    EXPECT_EQ(std::ranges::count(report.entries, word, &ReportEntry::verbatim), 1);
  }
}

TEST(TimelineReport, SaysWhoAskedOnWhichEvidenceAndWhatTheKernelAnswered) {
  const auto report = whole_report(switchover());
  ASSERT_EQ(report.commands.size(), 2u);
  const auto& demote = report.commands[0];
  EXPECT_EQ(demote.operator_name, "ada");
  EXPECT_EQ(demote.uid, 1000u);
  EXPECT_EQ(demote.reason, "a <drill> & more");
  EXPECT_EQ(demote.stages.size(), 5u);
  EXPECT_THAT(demote.conclusion.value_or(""), HasSubstr("would be accepted"));
  EXPECT_FALSE(demote.rules.empty());
  EXPECT_EQ(demote.unreached, "r2");
  EXPECT_EQ(demote.noted, (std::vector<std::string>{"p1:2 sealed"}));
  EXPECT_EQ(demote.outcome, "answered");
  EXPECT_EQ(demote.answer, R"({"seal_lsn":42,"successor":"r1"})");
  const auto& promote = report.commands[1];
  EXPECT_EQ(promote.outcome, "rejected");
  EXPECT_EQ(promote.error_message, "promote r1: <no>");
}

TEST(TimelineReport, ShowsAnUnreachedNodeAndEventsNoLongerShown) {
  const auto text = text_of(whole_report(switchover()));
  EXPECT_THAT(text, HasSubstr("r2 (127.0.0.1:3): unreached, UNREACHABLE; no events shown"));
  EXPECT_THAT(text, HasSubstr("r1 (127.0.0.1:1): events 7 to 8 shown, older ones no longer; 2 in the range"));
}

TEST(TimelineReport, HtmlNeedsNothingFromElsewhereAndRunsNothingFromOutside) {
  auto logs = switchover();
  logs.nodes[0].events.push_back(event(3, "<script>alert(1)</script>", {"a='\"><img src=x onerror=alert(1)>"}));
  const auto html = html_of(whole_report(logs));
  for (const auto* foreign : {"<script", "<img", "http:", "https:", "url(", "<link", "<iframe"})
    EXPECT_THAT(html, Not(HasSubstr(foreign))) << foreign;
  EXPECT_THAT(html, HasSubstr("&lt;script&gt;"));
  EXPECT_THAT(html, HasSubstr("prefers-color-scheme: dark"));
  EXPECT_THAT(html, HasSubstr("@media print"));
}

TEST(TimelineReport, RecordsBehindABreakOfTheChainProveNothing) {
  auto logs = switchover();
  const auto known = [](const Report& report) {
    const auto at = std::ranges::find(report.entries, "p1:2", &ReportEntry::entry);
    return std::ranges::any_of(at->proven_before, [](const ReportPlace& place) { return !place.node; });
  };
  EXPECT_TRUE(known(whole_report(logs)));
  logs.audit.whole = false;
  logs.audit.first_broken = 4;
  logs.audit.why = "edited";
  const auto report = whole_report(logs);
  EXPECT_FALSE(known(report));
  EXPECT_EQ(report.audit_records, 10u);
  EXPECT_THAT(text_of(report), HasSubstr("BROKEN at record 4: edited"));
}

TEST(TimelineReport, ALineThatIsNoRecordIsShownAsItIs) {
  Logs logs;
  logs.audit = {false, 1, {}, 1, "not a record"};
  logs.records = {{1, "", "{\"half\":"}};
  const auto report = whole_report(logs);
  ASSERT_EQ(report.entries.size(), 1u);
  EXPECT_EQ(report.entries[0].verbatim, "{\"half\":");
}

}  // namespace
}  // namespace aerodb::console::timeline
