// The decision tables of common/rules/authority_rules.h: from evidence that grants, each rule alone flips the outcome.
#include "common/rules/authority_rules.h"

#include <gtest/gtest.h>

#include <functional>

#include "common/base/build.h"
#include "tests/unit/rules/rules_kit.h"

namespace aerodb::rules {
namespace {

using testing::id_of;
using testing::Names;
using testing::not_holding;

const InstanceId kSelf = id_of<InstanceId>(1);
const InstanceId kOther = id_of<InstanceId>(2);

AuthorityEvidence ready_node(AuthorityCommand command, Role role) {
  AuthorityEvidence e;
  e.command = command;
  e.node = "a";
  e.instance = kSelf;
  e.state = NodeState::kReady;
  e.log_validated = true;
  e.role = role;
  e.lineage = id_of<LineageId>(7);
  e.epoch = Epoch(1);
  e.authority_node = role == Role::kReplica ? "b" : "a";
  e.durable_lsn = Lsn(10);
  e.commit = CommitId(8);
  return e;
}
AuthorityEvidence demotable() {
  AuthorityEvidence e = ready_node(AuthorityCommand::kDemote, Role::kPrimary);
  e.successor = "b";
  e.successor_instance = kOther;
  return e;
}
void seal(AuthorityEvidence& e, std::string successor, InstanceId instance) {
  e.seal_lsn = Lsn(10);
  e.seal_successor = std::move(successor);
  e.seal_successor_instance = instance;
}
void unseal(AuthorityEvidence& e) {
  e.seal_lsn.reset();
  e.seal_successor.reset();
  e.seal_successor_instance.reset();
}
void decline_of_seal(AuthorityEvidence& e) {
  e.decline_seal_lsn = e.seal_lsn;
  e.decline_node = e.seal_successor;
  e.decline_instance = e.seal_successor_instance;
}
void forget_decline(AuthorityEvidence& e) {
  e.decline_seal_lsn.reset();
  e.decline_node.reset();
  e.decline_instance.reset();
}
AuthorityEvidence promotable() {
  AuthorityEvidence e = ready_node(AuthorityCommand::kPromote, Role::kReplica);
  seal(e, "a", kSelf);
  return e;
}
AuthorityEvidence declinable() {
  AuthorityEvidence e = promotable();
  e.command = AuthorityCommand::kDecline;
  return e;
}
// A sealed node with its successor's decline at hand.
AuthorityEvidence passing_on() {
  AuthorityEvidence e = demotable();
  e.role = Role::kSealed;
  seal(e, "b", kOther);
  decline_of_seal(e);
  e.successor = "c";
  e.successor_instance = id_of<InstanceId>(3);
  return e;
}
AuthorityEvidence taking_back() {
  AuthorityEvidence e = passing_on();
  e.command = AuthorityCommand::kPromote;
  return e;
}

struct AuthorityOutcome {
  AuthorityDecision decision;
  Names failing;
};
AuthorityOutcome decide(const AuthorityEvidence& e) {
  NoTrace silent;
  RecordingTrace recording;
  const auto decision = decide_authority(e, recording);
  EXPECT_EQ(decide_authority(e, silent), decision);
  return {decision, not_holding(recording)};
}

struct AuthorityCase {
  std::string_view what;
  std::function<void(AuthorityEvidence&)> spoil;
  Names failing;
  AuthorityDecision decision = AuthorityDecision::kDenied;
};
void expect_flips(const AuthorityEvidence& granted, const std::vector<AuthorityCase>& cases) {
  EXPECT_EQ(decide(granted).decision, AuthorityDecision::kGranted);
  for (const auto& row : cases) {
    AuthorityEvidence e = granted;
    row.spoil(e);
    const auto outcome = decide(e);
    EXPECT_EQ(outcome.decision, row.decision) << row.what;
    EXPECT_EQ(outcome.failing, row.failing) << row.what;
  }
}

TEST(AuthorityRules, Demote) {
  expect_flips(demotable(),
               {
                   {"halted", [](AuthorityEvidence& e) { e.state = NodeState::kHalted; }, {"AUTH-7"}},
                   {"recovering", [](AuthorityEvidence& e) { e.state = NodeState::kRecovering; }, {"AUTH-7"}},
                   {"fenced", [](AuthorityEvidence& e) { e.fenced = true; }, {"AUTH-3"}},
                   {"replica", [](AuthorityEvidence& e) { e.role = Role::kReplica; }, {"AUTH-9"}},
                   {"no successor", [](AuthorityEvidence& e) { e.successor.reset(); }, {"AUTH-10"}},
                   {"no instance", [](AuthorityEvidence& e) { e.successor_instance.reset(); }, {"AUTH-10"}},
                   {"itself", [](AuthorityEvidence& e) { e.successor_instance = kSelf; }, {"AUTH-10"}},
                   {"sealed already",
                    [](AuthorityEvidence& e) {
                      e.role = Role::kSealed;
                      seal(e, "b", kOther);
                    },
                    {"AUTH-9", "AUTH-11"}},
               });
}

TEST(AuthorityRules, PassingASealOnNeedsTheDeclineOfThatVerySeal) {
  expect_flips(passing_on(),
               {
                   {"none", forget_decline, {"AUTH-9", "AUTH-11"}},
                   {"another seal", [](AuthorityEvidence& e) { e.decline_seal_lsn = Lsn(9); }, {"AUTH-9", "AUTH-11"}},
                   {"another node", [](AuthorityEvidence& e) { e.decline_node = "c"; }, {"AUTH-9", "AUTH-11"}},
                   {"another instance",
                    [](AuthorityEvidence& e) { e.decline_instance = id_of<InstanceId>(3); },
                    {"AUTH-9", "AUTH-11"}},
                   {"to itself", [](AuthorityEvidence& e) { e.successor_instance = kSelf; }, {"AUTH-10"}},
               });
}

TEST(AuthorityRules, Promote) {
  // AUTH-11 is the other way in: it does not hold for a replica, and need not.
  EXPECT_EQ(decide(promotable()).failing, Names{"AUTH-11"});
  expect_flips(
      promotable(),
      {
          {"not ready", [](AuthorityEvidence& e) { e.state = NodeState::kRecovering; }, {"AUTH-7", "AUTH-11"}},
          {"not validated", [](AuthorityEvidence& e) { e.log_validated = false; }, {"AUTH-8", "AUTH-11"}},
          {"another node", [](AuthorityEvidence& e) { e.seal_successor = "c"; }, {"AUTH-5", "AUTH-11"}},
          {"another instance", [](AuthorityEvidence& e) { e.seal_successor_instance = kOther; }, {"AUTH-5", "AUTH-11"}},
          {"declined", [](AuthorityEvidence& e) { e.declined_here = true; }, {"AUTH-6", "AUTH-11"}},
          {"no seal here", unseal, {"AUTH-4", "AUTH-5", "AUTH-11"}, AuthorityDecision::kUndetermined},
          {"primary already",
           [](AuthorityEvidence& e) {
             e.role = Role::kPrimary;
             unseal(e);
           },
           {"AUTH-4", "AUTH-5", "AUTH-11"}},
          {"no seal and not ready",
           [](AuthorityEvidence& e) {
             e.state = NodeState::kHalted;
             unseal(e);
           },
           {"AUTH-7", "AUTH-4", "AUTH-5", "AUTH-11"}},
      });
}

TEST(AuthorityRules, MissingSealIsUndeterminedAndSaysWhatIsMissing) {
  AuthorityEvidence e = promotable();
  unseal(e);
  RecordingTrace trace;
  (void)decide_authority(e, trace);
  const auto& entry = trace.entries()[2];
  EXPECT_EQ(entry.rule, RuleId::kAuth4);
  EXPECT_EQ(entry.evaluation, Evaluation::kUndetermined);
  EXPECT_EQ(entry.missing, std::vector<std::string>{"seal_lsn"});
}

TEST(AuthorityRules, SealedNodeTakesBackOnlyWithItsSuccessorsDecline) {
  expect_flips(
      taking_back(),
      {
          {"none", [](AuthorityEvidence& e) { e.decline_seal_lsn.reset(); }, {"AUTH-5", "AUTH-11"}},
          {"another seal", [](AuthorityEvidence& e) { e.decline_seal_lsn = Lsn(9); }, {"AUTH-5", "AUTH-11"}},
          {"another node", [](AuthorityEvidence& e) { e.decline_node = "c"; }, {"AUTH-5", "AUTH-11"}},
          {"another instance", [](AuthorityEvidence& e) { e.decline_instance = kSelf; }, {"AUTH-5", "AUTH-11"}},
          {"a replica has it", [](AuthorityEvidence& e) { e.role = Role::kReplica; }, {"AUTH-5", "AUTH-11"}},
      });
}

TEST(AuthorityRules, DeclineOfNothingAnswersNoSeal) {
  AuthorityEvidence e = taking_back();
  unseal(e);
  forget_decline(e);
  EXPECT_NE(decide(e).decision, AuthorityDecision::kGranted);
}

TEST(AuthorityRules, Decline) {
  expect_flips(declinable(),
               {
                   {"not ready", [](AuthorityEvidence& e) { e.state = NodeState::kHalted; }, {"AUTH-7"}},
                   {"not validated", [](AuthorityEvidence& e) { e.log_validated = false; }, {"AUTH-8"}},
                   {"another node", [](AuthorityEvidence& e) { e.seal_successor = "c"; }, {"AUTH-12"}},
                   {"another instance", [](AuthorityEvidence& e) { e.seal_successor_instance = kOther; }, {"AUTH-12"}},
                   {"no seal", unseal, {"AUTH-12"}},
               });
}

TEST(AuthorityRules, RefusalCodesTellDeniedAndUndeterminedApart) {
  EXPECT_EQ(refusal_code(AuthorityCommand::kDemote, AuthorityDecision::kDenied), ErrorCode::kDemotionDenied);
  EXPECT_EQ(refusal_code(AuthorityCommand::kPromote, AuthorityDecision::kDenied), ErrorCode::kPromotionDenied);
  EXPECT_EQ(refusal_code(AuthorityCommand::kPromote, AuthorityDecision::kUndetermined),
            ErrorCode::kPromotionUndetermined);
  EXPECT_EQ(refusal_code(AuthorityCommand::kDecline, AuthorityDecision::kDenied), ErrorCode::kDeclineDenied);
}

TEST(AuthorityRules, WriteAdmissionRefusesInItsOrder) {
  auto refusal = [](NodeState state, bool fenced, Role role) {
    RecordingTrace trace;
    NoTrace silent;
    const WriteAdmissionEvidence e{state, fenced, role};
    const auto code = decide_write_admission(e, trace);
    EXPECT_EQ(decide_write_admission(e, silent), code);
    EXPECT_EQ(trace.entries().size(), 5u);
    return code;
  };
  EXPECT_EQ(refusal(NodeState::kReady, false, Role::kPrimary), std::nullopt);
  EXPECT_EQ(refusal(NodeState::kReady, false, Role::kReplica), ErrorCode::kNotPrimary);
  EXPECT_EQ(refusal(NodeState::kReady, false, Role::kSealed), ErrorCode::kSealed);
  EXPECT_EQ(refusal(NodeState::kRecovering, false, Role::kSealed), ErrorCode::kNotReady);
  EXPECT_EQ(refusal(NodeState::kRecovering, true, Role::kPrimary), ErrorCode::kFenced);
  EXPECT_EQ(refusal(NodeState::kHalted, true, Role::kReplica), ErrorCode::kHalted);
}

#if AERODB_FAULTS
AuthorityDecision decide_planted(Fault fault, const AuthorityEvidence& e) {
  EXPECT_NE(decide(e).decision, AuthorityDecision::kGranted);
  const testing::Planted planted_fault(fault);
  NoTrace trace;
  return decide_authority(e, trace);
}
std::optional<ErrorCode> admission_planted(Fault fault, Role role) {
  const testing::Planted planted_fault(fault);
  NoTrace trace;
  return decide_write_admission({NodeState::kReady, false, role}, trace);
}
constexpr auto kGranted = AuthorityDecision::kGranted;

TEST(AuthorityRules, PlantedForeignSealIsAccepted) {
  AuthorityEvidence e = promotable();
  e.seal_successor = "c";
  EXPECT_EQ(decide_planted(Fault::kForeignSealAccepted, e), kGranted);
}
TEST(AuthorityRules, PlantedRoleIsIgnored) {
  EXPECT_EQ(admission_planted(Fault::kRoleIgnored, Role::kReplica), std::nullopt);
  EXPECT_EQ(admission_planted(Fault::kRoleIgnored, Role::kSealed), ErrorCode::kSealed);
}
TEST(AuthorityRules, PlantedWritesFollowASeal) {
  EXPECT_EQ(admission_planted(Fault::kWritesAfterSeal, Role::kSealed), std::nullopt);
  EXPECT_EQ(admission_planted(Fault::kWritesAfterSeal, Role::kReplica), ErrorCode::kNotPrimary);
}
TEST(AuthorityRules, PlantedPromotionNeedsNoSeal) {
  AuthorityEvidence e = promotable();
  unseal(e);
  EXPECT_EQ(decide_planted(Fault::kPromotedWithoutSeal, e), kGranted);
}
TEST(AuthorityRules, PlantedDeclineIsForgotten) {
  AuthorityEvidence e = promotable();
  e.declined_here = true;
  EXPECT_EQ(decide_planted(Fault::kDeclineForgotten, e), kGranted);
}
TEST(AuthorityRules, PlantedHaltedNodeIsPromoted) {
  AuthorityEvidence e = promotable();
  e.state = NodeState::kHalted;
  EXPECT_EQ(decide_planted(Fault::kPromotedWhenHalted, e), kGranted);
}
TEST(AuthorityRules, PlantedUnvalidatedNodeIsPromoted) {
  AuthorityEvidence e = promotable();
  e.log_validated = false;
  EXPECT_EQ(decide_planted(Fault::kPromotedUnvalidated, e), kGranted);
}
TEST(AuthorityRules, PlantedAnyNodeIsDemoted) {
  AuthorityEvidence e = demotable();
  e.role = Role::kReplica;
  EXPECT_EQ(decide_planted(Fault::kDemotedWithoutAuthority, e), kGranted);
}
TEST(AuthorityRules, PlantedNodeIsSealedForItself) {
  AuthorityEvidence e = demotable();
  e.successor_instance = kSelf;
  EXPECT_EQ(decide_planted(Fault::kSealedForItself, e), kGranted);
}
TEST(AuthorityRules, PlantedForeignDeclineIsAccepted) {
  AuthorityEvidence e = passing_on();
  e.decline_node = "c";
  EXPECT_EQ(decide_planted(Fault::kForeignDeclineAccepted, e), kGranted);
}
TEST(AuthorityRules, PlantedAnySealIsDeclined) {
  AuthorityEvidence e = declinable();
  e.seal_successor = "c";
  EXPECT_EQ(decide_planted(Fault::kAnySealDeclined, e), kGranted);
}
#endif

TEST(States, NamesRoundTrip) {
  for (auto state : {NodeState::kInitializing, NodeState::kRecovering, NodeState::kReady, NodeState::kHalted}) {
    NodeState read{};
    EXPECT_TRUE(enum_from_name(enum_name(state), read));
    EXPECT_EQ(read, state);
  }
  for (auto role : {Role::kPrimary, Role::kSealed, Role::kReplica}) {
    Role read{};
    EXPECT_TRUE(enum_from_name(enum_name(role), read));
    EXPECT_EQ(read, role);
  }
  for (auto command : {AuthorityCommand::kDemote, AuthorityCommand::kPromote, AuthorityCommand::kDecline}) {
    AuthorityCommand read{};
    EXPECT_TRUE(enum_from_name(enum_name(command), read));
    EXPECT_EQ(read, command);
  }
  Role role{};
  EXPECT_FALSE(enum_from_name("PRIMARY", role));
}

}  // namespace
}  // namespace aerodb::rules
