#include "common/rules/saved.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <vector>

#include "common/base/checksum.h"
#include "common/document/json.h"
#include "common/rules/rederive.h"

namespace aerodb::rules {
namespace {

constexpr std::string_view kHead = R"({"saved_explanation":1,)";
constexpr std::string_view kExplanation = R"("explanation":{)";
constexpr std::string_view kRulesOpen = R"("rules_applied":[)";
constexpr std::string_view kRulesClose = "],";
constexpr std::string_view kEndOfExplanation = "},";
constexpr std::string_view kHashes = R"("sha256":{)";
constexpr std::string_view kEnd = "}}";
constexpr std::string_view kRules = "rules_applied";
constexpr std::string_view kConclusion = "conclusion";
// Top-level keys before and behind the rules, each one line.
constexpr std::array<std::string_view, 3> kBeforeRules = {"explanation_type", "observed_snapshot", "inputs"};

std::string sha_of(std::string_view json) { return to_hex(sha256(as_bytes(json))); }

// The parts of an explanation as compact JSON.
struct Parts {
  std::array<std::string, kBeforeRules.size()> before;
  std::vector<std::string> rules;
  std::string conclusion;

  [[nodiscard]] std::string whole() const {
    std::string json = "{";
    for (size_t i = 0; i < before.size(); ++i) json += fmt::format(R"("{}":{},)", kBeforeRules[i], before[i]);
    return json + fmt::format(R"({}{}],"{}":{}}})", kRulesOpen, fmt::join(rules, ","), kConclusion, conclusion);
  }
};

// The SHA-256 of each, and of the whole, as hex.
struct Hashes {
  std::string whole;
  Parts of;
};

void write_line(std::string& text, std::string_view line) { text.append(line).push_back('\n'); }

// Both halves of the file have this shape; `quoted` values stand as JSON strings.
void write_parts(std::string& text, const Parts& parts, bool quoted) {
  const auto value = [quoted](const std::string& part) { return quoted ? fmt::format("\"{}\"", part) : part; };
  for (size_t i = 0; i < parts.before.size(); ++i) {
    write_line(text, fmt::format(R"("{}":{},)", kBeforeRules[i], value(parts.before[i])));
  }
  write_line(text, kRulesOpen);
  for (size_t i = 0; i < parts.rules.size(); ++i) {
    write_line(text, value(parts.rules[i]) + (i + 1 < parts.rules.size() ? "," : ""));
  }
  write_line(text, kRulesClose);
  write_line(text, fmt::format(R"("{}":{})", kConclusion, value(parts.conclusion)));
}

// What stands in `line` between `prefix` and `suffix`.
std::optional<std::string_view> between(std::string_view line, std::string_view prefix, std::string_view suffix) {
  if (line.size() < prefix.size() + suffix.size() || !line.starts_with(prefix) || !line.ends_with(suffix))
    return std::nullopt;
  return line.substr(prefix.size(), line.size() - prefix.size() - suffix.size());
}

std::optional<std::string> hash_between(std::string_view line, std::string_view prefix, std::string_view suffix) {
  const auto hex = between(line, prefix, suffix);
  constexpr std::string_view kHex = "0123456789abcdef";
  if (!hex || hex->size() != 64 || hex->find_first_not_of(kHex) != std::string_view::npos) return std::nullopt;
  return std::string(*hex);
}

// Lines in order; each is asked for once.
class Lines {
 public:
  explicit Lines(std::string_view text) : rest_(text) {}
  // nullopt at the end. What is left behind the last newline is a line that take() never gives.
  std::optional<std::string_view> take() {
    const size_t end = rest_.find('\n');
    if (end == std::string_view::npos) return std::nullopt;
    const auto line = rest_.substr(0, end);
    rest_.remove_prefix(end + 1);
    return line;
  }
  [[nodiscard]] bool take_equal(std::string_view expected) { return take() == expected; }
  [[nodiscard]] bool at_end() const { return rest_.empty(); }

 private:
  std::string_view rest_;
};

// The half behind `"sha256":{`; nullopt where it does not have its layout.
std::optional<Hashes> read_hashes(std::string_view text) {
  Lines lines(text);
  Hashes hashes;
  auto next = [&lines](std::string_view key, std::string_view suffix) -> std::optional<std::string> {
    const auto line = lines.take();
    return line ? hash_between(*line, fmt::format(R"("{}":")", key), suffix) : std::nullopt;
  };
  auto take = [](std::optional<std::string> hash, std::string& into) {
    if (hash) into = std::move(*hash);
    return hash.has_value();
  };
  if (!take(next("whole", "\","), hashes.whole)) return std::nullopt;
  for (size_t i = 0; i < kBeforeRules.size(); ++i) {
    if (!take(next(kBeforeRules[i], "\","), hashes.of.before[i])) return std::nullopt;
  }
  if (!lines.take_equal(kRulesOpen)) return std::nullopt;
  bool more = true;
  for (auto line = lines.take(); line != kRulesClose; line = lines.take()) {
    if (!line || !more) return std::nullopt;
    more = line->ends_with(',');
    const auto hash = hash_between(*line, "\"", more ? "\"," : "\"");
    if (!hash) return std::nullopt;
    hashes.of.rules.push_back(*hash);
  }
  if (more && !hashes.of.rules.empty()) return std::nullopt;
  if (!take(next(kConclusion, "\""), hashes.of.conclusion)) return std::nullopt;
  if (!lines.take_equal(kEnd) || !lines.at_end()) return std::nullopt;
  return hashes;
}

SavedCheck changed(std::string part, std::string why) { return {false, std::move(part), std::move(why), {}, {}, {}}; }

// Reads the half before `"sha256":{` line by line, each compared with its hash. The first one that differs is in
// `failed`.
struct ContentReader {
  Lines lines;
  Parts parts{};
  std::optional<SavedCheck> failed{};

  void punctuation(std::string_view expected, std::string_view part) {
    if (!failed && !lines.take_equal(expected))
      failed = changed(std::string(part), "the line is not as it was written");
  }
  void value(std::string_view prefix, std::string_view suffix, const std::string& hash, std::string_view part,
             std::string& into) {
    if (failed) return;
    const auto line = lines.take();
    const auto json = line ? between(*line, prefix, suffix) : std::nullopt;
    if (!json) {
      failed = changed(std::string(part), "the line is not as it was written");
    } else if (sha_of(*json) != hash) {
      failed = changed(std::string(part), "its SHA-256 is not the one kept beside it");
    } else {
      into = *json;
    }
  }
};

// "MVCC-1, rule 3": the id where the line still shows it in both its places.
std::string rule_part(std::string_view text, size_t index) {
  constexpr std::string_view kId = R"({"rule_id":")";
  const std::string place = fmt::format("rule {}", index + 1);
  Lines lines(text);
  auto line = lines.take();
  for (size_t skipped = 0; line && skipped < 2 + kBeforeRules.size() + 1 + index; ++skipped) line = lines.take();
  if (!line || !line->starts_with(kId)) return place;
  const auto id = line->substr(kId.size(), line->substr(kId.size()).find('"'));
  const bool twice = line->find(fmt::format(R"(","description":"INVARIANTS.md#{}: )", id)) != std::string_view::npos;
  return rule_from_name(id) && twice ? fmt::format("{}, {}", id, place) : place;
}

SavedCheck check_rules(const Parts& parts, const Hashes& hashes) {
  const std::string json = parts.whole();
  if (sha_of(json) != hashes.whole) return changed("sha256", "the hash of the whole is not the one kept");
  Bytes packed;
  if (auto read = document::from_json(json, packed); !read) return changed(std::string(kRules), read.error().message);
  document::Tape tape;
  if (auto parsed = tape.parse(packed); !parsed) return changed(std::string(kRules), parsed.error().message);
  const auto derived = rederive(tape.root());
  if (!derived) return changed(std::string(kRules), derived.error().message);
  SavedCheck check{derived->follows, derived->why, "", "", parts.conclusion, hashes.whole};
  if (!check.holds) check.why = "the rules, applied to the evidence shown, do not give it";
  if (const auto type = tape.root().find(kBeforeRules[0])) check.type = type->text().value_or("");
  return check;
}

}  // namespace

Result<std::string> saved_explanation(ByteSpan explanation, const Sha256& sha256, std::span<const Sha256> rule_sha256) {
  document::Tape tape;
  if (auto parsed = tape.parse(explanation); !parsed) return fail(std::move(parsed.error()));
  const auto object = tape.root();
  if (auto reader = ExplanationReader::open(object); !reader) return fail(std::move(reader.error()));
  Parts parts;
  Hashes hashes;
  hashes.whole = to_hex(sha256);
  for (size_t i = 0; i < kBeforeRules.size(); ++i) {
    parts.before[i] = document::to_json(*object.find(kBeforeRules[i]));
    hashes.of.before[i] = sha_of(parts.before[i]);
  }
  const auto rules = *object.find(kRules);
  if (rules.token().size != rule_sha256.size())
    return fail(ErrorCode::kBadRequest, "explanation: it has another number of rules than of hashes");
  auto rule = rules.first();
  for (const auto& hash : rule_sha256) {
    parts.rules.push_back(document::to_json(rule));
    hashes.of.rules.push_back(to_hex(hash));
    rule = rule.skip();
  }
  parts.conclusion = document::to_json(*object.find(kConclusion));
  hashes.of.conclusion = sha_of(parts.conclusion);

  std::string text;
  write_line(text, kHead);
  write_line(text, kExplanation);
  write_parts(text, parts, false);
  write_line(text, kEndOfExplanation);
  write_line(text, kHashes);
  write_line(text, fmt::format(R"("whole":"{}",)", hashes.whole));
  write_parts(text, hashes.of, true);
  write_line(text, kEnd);
  return text;
}

SavedCheck check_saved_explanation(std::string_view text) {
  const std::string hashes_begin = fmt::format("\n{}\n", kHashes);
  const size_t middle = text.find(hashes_begin);
  if (middle == std::string_view::npos) return changed("sha256", "there is no line that begins the hashes");
  const auto hashes = read_hashes(text.substr(middle + hashes_begin.size()));
  if (!hashes) return changed("sha256", "the hashes are not as they were written");

  const auto content_text = text.substr(0, middle + 1);
  ContentReader reader{Lines(content_text)};
  reader.punctuation(kHead, "saved_explanation");
  reader.punctuation(kExplanation, "explanation");
  for (size_t i = 0; i < kBeforeRules.size(); ++i) {
    reader.value(fmt::format(R"("{}":)", kBeforeRules[i]), ",", hashes->of.before[i], kBeforeRules[i],
                 reader.parts.before[i]);
  }
  reader.punctuation(kRulesOpen, kRules);
  const size_t rules = hashes->of.rules.size();
  for (size_t i = 0; i < rules; ++i) {
    reader.value("", i + 1 < rules ? "," : "", hashes->of.rules[i], rule_part(content_text, i),
                 reader.parts.rules.emplace_back());
  }
  reader.punctuation(kRulesClose, kRules);
  reader.value(fmt::format(R"("{}":)", kConclusion), "", hashes->of.conclusion, kConclusion, reader.parts.conclusion);
  reader.punctuation(kEndOfExplanation, "explanation");
  if (reader.failed) return std::move(*reader.failed);
  if (!reader.lines.at_end()) return changed("explanation", "there is more than was written");
  return check_rules(reader.parts, *hashes);
}

}  // namespace aerodb::rules
