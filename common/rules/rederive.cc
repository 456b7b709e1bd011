#include "common/rules/rederive.h"

#include <fmt/format.h>

#include "common/document/json.h"
#include "common/rules/authority_rules.h"
#include "common/rules/checkpoint_rules.h"
#include "common/rules/diagnosis_rules.h"
#include "common/rules/halt_rules.h"
#include "common/rules/promotion_rules.h"
#include "common/rules/query_rules.h"
#include "common/rules/read_gate.h"
#include "common/rules/read_visibility.h"
#include "common/rules/recovery_rules.h"

namespace aerodb::rules {
namespace {

Result<Explanation> derive(const ExplanationReader& reader) {
  auto incomplete = [](std::string_view name) {
    return fail(ErrorCode::kBadRequest,
                fmt::format("explanation: evidence {} is absent, malformed or contradicts itself", name));
  };
  switch (reader.type()) {
    case ExplanationType::kReadVisibility: {
      ReadVisibilityEvidence evidence;
      if (auto name = reader.first_unreadable(evidence); !name.empty()) return incomplete(name);
      return explain_visibility(std::move(evidence), reader.observed().lineage);
    }
    case ExplanationType::kReplicationSafety: {
      ReplicationSafetyEvidence evidence;
      if (auto name = reader.first_unreadable(evidence); !name.empty()) return incomplete(name);
      return explain_replication_safety(evidence, reader.observed().lineage);
    }
    case ExplanationType::kControlCommand: {
      if (const auto command = reader.inputs().find("command"); command && command->text() == kDiagnose) {
        DiagnosisEvidence evidence;
        if (auto name = reader.first_unreadable(evidence); !name.empty()) return incomplete(name);
        return explain_diagnosis(evidence);
      }
      AuthorityEvidence evidence;
      if (auto name = reader.first_unreadable(evidence); !name.empty()) return incomplete(name);
      return explain_authority_command(evidence);
    }
    case ExplanationType::kQueryExecution: {
      QueryEvidence evidence;
      if (auto name = reader.first_unreadable(evidence); !name.empty()) return incomplete(name);
      return explain_query(std::move(evidence), reader.observed().lineage);
    }
    case ExplanationType::kRecovery: {
      RecoveryEvidence evidence;
      if (auto name = reader.first_unreadable(evidence); !name.empty()) return incomplete(name);
      return explain_recovery(evidence, reader.observed().lineage);
    }
    case ExplanationType::kCheckpointSafety: {
      CheckpointEvidence evidence;
      if (auto name = reader.first_unreadable(evidence); !name.empty()) return incomplete(name);
      return explain_checkpoint(evidence, reader.observed().lineage);
    }
    case ExplanationType::kHalt: {
      HaltEvidence evidence;
      if (auto name = reader.first_unreadable(evidence); !name.empty()) return incomplete(name);
      return explain_halt(std::move(evidence), reader.observed().lineage);
    }
    case ExplanationType::kPromotionDecision: {
      PromotionEvidence evidence;
      if (auto name = reader.first_unreadable(evidence); !name.empty()) return incomplete(name);
      return explain_promotion(evidence);
    }
  }
  return incomplete(explanation_type_name(reader.type()));
}

// Names the first rule or top-level key in which two objects of the same form differ.
std::string first_difference(document::Cursor given, document::Cursor derived) {
  auto a = given.first();
  auto b = derived.first();
  for (uint32_t i = 0; i < given.token().size && i < derived.token().size; ++i) {
    auto key = a.text();
    if (key != b.text()) return fmt::format("top-level key {} is out of place", i + 1);
    auto value = a.skip();
    auto expected = b.skip();
    if (document::to_json(value) != document::to_json(expected)) {
      if (key != "rules_applied" || value.type() != document::Type::kArray) return std::string(*key);
      auto rule_given = value.first();
      auto rule_derived = expected.first();
      for (uint32_t j = 0; j < std::min(value.token().size, expected.token().size); ++j) {
        if (document::to_json(rule_given) != document::to_json(rule_derived)) {
          auto id = rule_derived.find("rule_id");
          return fmt::format("rules_applied[{}] {}", j, id ? id->text().value_or("") : "");
        }
        rule_given = rule_given.skip();
        rule_derived = rule_derived.skip();
      }
      return "rules_applied: another number of rules";
    }
    a = value.skip();
    b = expected.skip();
  }
  return "";
}

}  // namespace

Result<Rederivation> rederive(document::Cursor object) {
  auto reader = ExplanationReader::open(object);
  if (!reader) return fail(std::move(reader.error()));
  auto derived = derive(*reader);
  if (!derived) return fail(std::move(derived.error()));
  Rederivation result;
  result.json = std::move(derived->json);
  result.follows = document::to_json(object) == result.json;
  if (!result.follows) {
    document::Tape tape;
    auto parsed = tape.parse(derived->packed);
    AERODB_ASSERT(parsed.has_value());
    result.why = first_difference(object, tape.root());
  }
  return result;
}

}  // namespace aerodb::rules
