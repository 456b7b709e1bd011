// record() asserts that an event has the fields of its row. Some events are rare, so the calls are compared here as
// text: a mismatch fails this test instead of a node at its worst moment.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <sstream>

#include "common/observe/events.h"

namespace aerodb::observe {
namespace {

std::string without_underscores(std::string text) {
  std::erase(text, '_');
  return text;
}

// By the lower-case letters of the enumerator: kLastFrameRewritten and last_frame_rewritten are both
// lastframerewritten.
std::map<std::string, std::string> fields_by_enumerator() {
  std::map<std::string, std::string> fields;
  for (const EventRow& row : event_table()) fields[without_underscores(std::string(row.name))] = row.fields;
  return fields;
}

// The text of the balanced braces that begin at `open`.
std::string braces(const std::string& text, size_t open) {
  int depth = 0;
  for (size_t at = open; at < text.size(); ++at) {
    if (text[at] == '{') ++depth;
    if (text[at] == '}' && --depth == 0) return text.substr(open, at - open + 1);
  }
  return "";
}

// Names in {"name", value} pairs, separated by spaces.
std::string names_in(const std::string& list) {
  static const std::regex pair(R"re(\{\s*"([a-z0-9_]+)"\s*,)re");
  std::string names;
  for (std::sregex_iterator match(list.begin(), list.end(), pair), none; match != none; ++match) {
    names += (names.empty() ? "" : " ") + (*match)[1].str();
  }
  return names;
}

size_t check_calls(const std::string& path, const std::string& text) {
  static const std::regex call(R"(EventId::k(\w+)\s*,\s*\{)");
  static const auto expected = fields_by_enumerator();
  size_t count = 0;
  for (std::sregex_iterator match(text.begin(), text.end(), call), none; match != none; ++match) {
    std::string event = (*match)[1];
    for (char& c : event) c = static_cast<char>(std::tolower(c));
    const auto row = expected.find(event);
    if (row == expected.end()) {
      ADD_FAILURE() << path << ": " << event;
      continue;
    }
    const auto open = static_cast<size_t>(match->position() + match->length() - 1);
    EXPECT_EQ(names_in(braces(text, open)), row->second) << path << ": record(" << event << ")";
    ++count;
  }
  return count;
}

TEST(EventCalls, HaveTheFieldsOfTheTable) {
  size_t count = 0;
  for (const char* folder : {"common", "primary", "replica", "shipper", "explainer", "controlplane"}) {
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
      if (entry.path().extension() != ".cc" && entry.path().extension() != ".h") continue;
      std::ifstream file(entry.path());
      std::stringstream text;
      text << file.rdbuf();
      count += check_calls(entry.path().string(), text.str());
    }
  }
  EXPECT_GT(count, 1u);
}

TEST(EventCalls, ScanReadsTheNamesOfACall) {
  const std::string right = R"(log.record(EventId::kStopped, {{"reason", why()}, {"durable_lsn", uint64_t{1}}});)";
  EXPECT_EQ(check_calls("here", right), 1u);
  EXPECT_EQ(names_in(braces(right, right.find('{'))), "reason durable_lsn");
}

}  // namespace
}  // namespace aerodb::observe
