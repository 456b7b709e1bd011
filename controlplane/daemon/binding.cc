#include "controlplane/daemon/binding.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <string_view>

#include "common/base/checksum.h"
#include "common/document/msgpack.h"

namespace aerodb::controlplane {
namespace {

std::unexpected<Error> malformed(std::string_view what) {
  return fail(ErrorCode::kBadMessage, fmt::format("explanation of the node: {}", what));
}

Result<std::set<std::string_view>> binding_names(document::Cursor root) {
  const auto conclusion = root.find("conclusion");
  const auto list =
      conclusion && conclusion->type() == document::Type::kMap ? conclusion->find("binding") : std::nullopt;
  if (!list || list->type() != document::Type::kArray) return malformed("its conclusion names no binding evidence");
  std::set<std::string_view> names;
  auto name = list->first();
  for (uint32_t i = 0; i < list->token().size; ++i, name = name.skip()) {
    if (!name.text()) return malformed("a name of binding evidence is not a string");
    names.insert(*name.text());
  }
  return names;
}

Bytes copy_of(document::Cursor value) {
  const auto raw = value.raw();
  return {raw.begin(), raw.end()};
}

// One entry of rules_applied; the names found are taken out of `unseen`.
Result<void> add_rule(document::Cursor entry, const std::set<std::string_view>& names,
                      std::set<std::string_view>& unseen, Binding& binding) {
  if (entry.type() != document::Type::kMap) return malformed("a rule entry is not a map");
  const auto id = entry.find("rule_id");
  const auto evaluation = entry.find("evaluation");
  const auto evidence = entry.find("evidence");
  if (!id || !id->text() || !evaluation || !evidence || evidence->type() != document::Type::kMap) {
    return malformed("a rule entry lacks rule_id, evaluation or evidence");
  }
  binding.values.emplace_back(*id->text(), copy_of(*evaluation));
  auto key = evidence->first();
  for (uint32_t i = 0; i < evidence->token().size; ++i) {
    const auto value = key.skip();
    if (key.text() && names.contains(*key.text())) {
      binding.values.emplace_back(fmt::format("{}.{}", *id->text(), *key.text()), copy_of(value));
      unseen.erase(*key.text());
    }
    key = value.skip();
  }
  return {};
}

}  // namespace

Result<Binding> binding_of(ByteSpan explanation) {
  document::Tape tape;
  if (auto parsed = tape.parse(explanation); !parsed) return fail(std::move(parsed.error()));
  const auto root = tape.root();
  if (root.type() != document::Type::kMap) return malformed("not a map");
  auto names = binding_names(root);
  if (!names) return fail(std::move(names.error()));
  const auto rules = root.find("rules_applied");
  if (!rules || rules->type() != document::Type::kArray || rules->token().size == 0) {
    return malformed("it applies no rule");
  }
  Binding binding;
  auto unseen = *names;
  auto entry = rules->first();
  for (uint32_t i = 0; i < rules->token().size; ++i, entry = entry.skip()) {
    if (auto added = add_rule(entry, *names, unseen, binding); !added) return fail(std::move(added.error()));
  }
  if (!unseen.empty()) return malformed(fmt::format("no rule shows the binding evidence \"{}\"", *unseen.begin()));

  Bytes all;
  ByteWriter out(all);
  for (const auto& [name, value] : binding.values) {
    out.string(name);
    out.blob(value);
  }
  binding.sha256 = aerodb::sha256(all);
  return binding;
}

std::string changed_names(const Binding& before, const Binding& now) {
  std::set<std::string> names;
  auto add_missing = [&names](const Binding& from, const Binding& in) {
    for (const auto& value : from.values) {
      if (std::ranges::find(in.values, value) == in.values.end()) names.insert(value.first);
    }
  };
  add_missing(before, now);
  add_missing(now, before);
  return fmt::format("{}", fmt::join(names, ", "));
}

}  // namespace aerodb::controlplane
