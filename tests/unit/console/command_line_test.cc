#include "controlplane/console/command_line.h"

#include <gtest/gtest.h>

#include "controlplane/console/control/command.h"
#include "tests/unit/console/console_kit.h"

namespace aerodb::console {
namespace {

// Answers with what it was told, and keeps what it was given.
class Probe final : public Verb {
 public:
  struct Seen {
    std::string word;
    std::vector<std::string> many;
    uint64_t number = 7;
    bool ran = false;
  };
  Probe(Seen& seen, Result<ExitCode> answer, Advice advice)
      : seen_(seen), answer_(std::move(answer)), advice_(advice) {}
  [[nodiscard]] VerbText text() const override {
    return {.path = "probe deep", .summary = "Probes.", .example = "aerodb probe deep WORD", .advice = advice_};
  }
  void declare(Options& options) override {
    options.argument("WORD", seen_.word, "a word");
    options.texts("--many", "TEXT", seen_.many, "several");
    options.number("--number", seen_.number, 1, 10, "a number");
  }
  Result<ExitCode> run(Output&) override {
    seen_.ran = true;
    return answer_;
  }

 private:
  Seen& seen_;
  Result<ExitCode> answer_;
  Advice advice_;
};

class Invocation {
 public:
  explicit Invocation(const std::vector<const char*>& words, Result<ExitCode> answer = ExitCode::kOk,
                      Advice advice = Advice::kShown) {
    std::vector<std::unique_ptr<Verb>> verbs;
    verbs.push_back(std::make_unique<Probe>(seen, std::move(answer), advice));
    CommandLine program({{"probe", "A group."}}, std::move(verbs));
    std::vector<const char*> argv = {"aerodb"};
    argv.insert(argv.end(), words.begin(), words.end());
    code = program.run(static_cast<int>(argv.size()), argv.data(), collected.output);
  }
  Probe::Seen seen;
  Collected collected;
  int code = -1;
};

TEST(CommandLine, RunsTheVerbWithItsOptions) {
  const Invocation run({"probe", "deep", "-", "--many", "a=[1]", "--many", "b", "--number", "10"});
  EXPECT_EQ(run.code, 0);
  EXPECT_TRUE(run.seen.ran);
  EXPECT_EQ(run.seen.word, "-");
  EXPECT_EQ(run.seen.many, (std::vector<std::string>{"a=[1]", "b"}));
  EXPECT_EQ(run.seen.number, 10u);
}

TEST(CommandLine, KeepsAWordThatLooksLikeAListOrAVerb) {
  const Invocation list({"probe", "deep", "[1]"});
  EXPECT_EQ(list.seen.word, "[1]");
  const Invocation verb({"probe", "deep", "probe"});
  EXPECT_EQ(verb.seen.word, "probe");
}

TEST(CommandLine, RefusesWhatItDoesNotKnow) {
  const std::vector<std::vector<const char*>> lines = {{},
                                                       {"probe"},
                                                       {"nothing"},
                                                       {"probe", "deep"},
                                                       {"probe", "deep", "a", "b"},
                                                       {"probe", "deep", "a", "--many"},
                                                       {"probe", "deep", "a", "--number", "11"},
                                                       {"probe", "deep", "a", "--number", "0"},
                                                       {"probe", "deep", "a", "--number", "1x"},
                                                       {"probe", "deep", "a", "--number=-1"}};
  for (const auto& line : lines) {
    Invocation run(line);
    EXPECT_EQ(run.code, 64) << testing::PrintToString(line);
    EXPECT_FALSE(run.seen.ran) << testing::PrintToString(line);
    EXPECT_TRUE(run.collected.err().starts_with("aerodb: USAGE: ")) << run.collected.err();
    EXPECT_EQ(run.collected.out(), "");
  }
}

TEST(CommandLine, MapsAnErrorToTheExitCodeOfItsRow) {
  for (const auto& row : error_table()) {
    Invocation run({"probe", "deep", "a"}, fail(row.code, "why"));
    EXPECT_EQ(run.code, static_cast<int>(row.exit_code)) << row.name;
  }
}

TEST(CommandLine, PrintsRuleDetailsAndWhatChangesThem) {
  const Error error = Error{ErrorCode::kNotPrimary, "write on r1: no", {}}.with("epoch", uint64_t{3});
  Invocation run({"probe", "deep", "a"}, fail(error));
  EXPECT_EQ(run.collected.err(),
            "aerodb probe deep: NOT_PRIMARY: write on r1: no\n  rule: AUTH-1\n  epoch: 3\n"
            "  evidence changes by: demote; promote\n");
}

TEST(CommandLine, GivesNoAdviceWhereTheVerbSaysSo) {
  Invocation run({"probe", "deep", "a"}, fail(ErrorCode::kNotPrimary, "no"), Advice::kNone);
  EXPECT_EQ(run.collected.err(), "aerodb probe deep: NOT_PRIMARY: no\n  rule: AUTH-1\n");
}

TEST(CommandLine, PassesOnAnExitCodeThatIsNoError) {
  EXPECT_EQ(Invocation({"probe", "deep", "a"}, ExitCode::kUndetermined).code, 81);
}

TEST(CommandLine, HelpOfAnUnknownVerbIsUsage) {
  EXPECT_EQ(Invocation({"help", "nothing"}).code, 64);
  Invocation known({"help", "probe", "deep"});
  EXPECT_EQ(known.code, 0);
  EXPECT_NE(known.collected.out().find("aerodb probe deep WORD"), std::string::npos);
}

TEST(Confirmation, ExitCodeIsThatOfTheKernelsAnswer) {
  wire::CommandConfirmResponse answer;
  answer.outcome = "answered";
  EXPECT_EQ(exit_code_of(answer), ExitCode::kOk);
  answer.outcome = "rejected";
  answer.error_code = "PROMOTION_UNDETERMINED";
  EXPECT_EQ(exit_code_of(answer), ExitCode::kUndetermined);
  answer.error_code = "A_CODE_OF_TOMORROW";
  EXPECT_EQ(exit_code_of(answer), ExitCode::kRejected);
  answer.outcome = "unknown";
  answer.error_code = "PROMOTION_DENIED";
  EXPECT_EQ(exit_code_of(answer), ExitCode::kOutcomeUnknown);
}

}  // namespace
}  // namespace aerodb::console
