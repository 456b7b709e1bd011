#include "controlplane/console/explain/explain.h"

#include "common/rules/saved.h"

namespace aerodb::console {
namespace {

std::string indented(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    out.append(end == 0 ? "" : "    ").append(text.substr(0, end)).push_back('\n');
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

std::string text_at(document::Cursor map, std::string_view key) {
  const auto value = map.find(key);
  return value ? printable(cell_of(*value)) : "";
}

std::string render_part(document::Cursor object, std::string_view key, const Screen& screen) {
  const auto part = object.find(key);
  if (!part || part->type() != document::Type::kMap) return "";
  return fmt::format("{}\n{}", key, indented(render_map(*part, screen)));
}

// "MVCC-4  true  <statement>", then its evidence.
std::string render_rule(document::Cursor rule, const Screen& screen) {
  const auto value = rule.find("evaluation");
  const bool unknown = !value || value->is_nil();
  const std::string description = text_at(rule, "description");
  const size_t statement = description.find(": ");
  std::string text = fmt::format("  {}  {}  {}\n", text_at(rule, "rule_id"), unknown ? "unknown" : cell_of(*value),
                                 statement == std::string::npos ? description : description.substr(statement + 2));
  const auto evidence = rule.find("evidence");
  if (evidence && evidence->type() == document::Type::kMap) text += indented(render_map(*evidence, screen));
  return text;
}

}  // namespace

std::string render_explanation(ByteSpan explanation, const Screen& screen) {
  document::Tape tape;
  if (auto parsed = tape.parse(explanation); !parsed) return parsed.error().message + "\n";
  const auto object = tape.root();
  const auto observed = object.find("observed_snapshot");
  std::string text =
      fmt::format("{}  {}\n", text_at(object, "explanation_type"), observed ? text_at(*observed, "snapshot_id") : "");
  text += render_part(object, "inputs", screen);
  text += "rules_applied\n";
  if (const auto rules = object.find("rules_applied"); rules && rules->type() == document::Type::kArray) {
    auto rule = rules->first();
    for (uint32_t i = 0; i < rules->token().size; ++i, rule = rule.skip()) text += render_rule(rule, screen);
  }
  return text + render_part(object, "conclusion", screen);
}

void ExplainVerb::declare_target(Options& options) {
  options.text("--node", "NODE", node_, "name of the node to explain; with --direct HOST:PORT or unix:PATH as well");
  options.flag("--direct", direct_, "ask the node itself; no verdicts");
  options.text("--save", "FILE", save_, "keep it, with its hashes, for `aerodb explain verify`");
  explainer_.declare(options);
  format_.declare(options);
}

Result<std::unique_ptr<Session>> ExplainVerb::connect_node() const {
  return NodeTarget(node_, explainer_.config(), explainer_.timeout_ms()).connect();
}

Result<void> ExplainVerb::save(ByteSpan explanation, const Sha256& sha256,
                               const std::vector<Sha256>& rule_sha256) const {
  if (!save_) return {};
  auto text = rules::saved_explanation(explanation, sha256, rule_sha256);
  if (!text) return fail(std::move(text.error()));
  return save_text(*save_, *text);
}

void ExplainVerb::show(const wire::WitnessResponse& answer, Output& output) {
  if (!output.is_table()) return output.message(answer);
  output.text(render_explanation(answer.explanation.bytes, output.screen()));
  auto verdict = [&output](std::string_view name, const std::string& value, const std::optional<std::string>& why) {
    output.line(fmt::format("{:<16}  {}{}{}", name, printable(value), why ? ": " : "", printable(why.value_or(""))));
  };
  output.line("");
  verdict("node", answer.node, std::nullopt);
  verdict("sha256", to_hex(answer.sha256), std::nullopt);
  verdict("rules_follow", answer.rules_follow, answer.rules_follow_why);
  verdict("evidence_checked", answer.evidence_checked, std::nullopt);
  verdict("evidence_agrees", answer.evidence_agrees, answer.evidence_why);
}

void ExplainVerb::show(const wire::ExplanationResponse& answer, Output& output) {
  if (!output.is_table()) return output.message(answer);
  output.text(render_explanation(answer.explanation.bytes, output.screen()));
  output.line(fmt::format("\nsha256  {}", to_hex(answer.sha256)));
}

}  // namespace aerodb::console
