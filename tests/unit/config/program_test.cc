#include "common/config/program.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace aerodb::config {
namespace {

struct Tiny {
  std::string name;
  template <class Self, class Visit>
  static void keys(Self& self, Visit&& visit) {
    visit("tiny.name", self.name, {.required = true}, "name");
  }
};

class Program : public testing::Test {
 protected:
  void SetUp() override {
    directory_ =
        testing::TempDir() + "/aerodb_program_" + testing::UnitTest::GetInstance()->current_test_info()->name();
    std::filesystem::create_directories(directory_);
    std::ofstream(good()) << "tiny.name = \"x\"\n";
    std::ofstream(bad()) << "tiny.name = 1\nother = 2\n";
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }
  std::string good() const { return directory_ + "/good.toml"; }
  std::string bad() const { return directory_ + "/bad.toml"; }

  // Exit code; what was printed goes to out_ and err_.
  int run(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "tiny");
    std::vector<const char*> argv;
    for (const auto& argument : arguments) argv.push_back(argument.c_str());
    const Alternative alternative{"--data-dir",
                                  "DIR",
                                  "instead",
                                  "--what",
                                  {"all", "some"},
                                  "how much",
                                  [&](const std::string& value, const std::string& choice) {
                                    alternative_ = value + ' ' + choice;
                                    return 7;
                                  }};
    const ProgramInfo info{"tiny", "Does little.", alternative};
    testing::internal::CaptureStdout();
    testing::internal::CaptureStderr();
    const int code = run_program<Tiny>(static_cast<int>(argv.size()), argv.data(), info,
                                       [&](const Tiny& config, const ProgramOptions& options) {
                                         ran_ = config.name;
                                         options_ = options;
                                         return 5;
                                       });
    out_ = testing::internal::GetCapturedStdout();
    err_ = testing::internal::GetCapturedStderr();
    return code;
  }

  std::string directory_;
  std::string ran_;
  std::string alternative_;
  ProgramOptions options_;
  std::string out_;
  std::string err_;
};

TEST_F(Program, RunsMainAndAnswersItsCode) {
  EXPECT_EQ(run({"--config", good(), "--exit-with-stdin"}), 5);
  EXPECT_EQ(ran_, "x");
  EXPECT_TRUE(options_.exit_with_stdin);
  EXPECT_EQ(options_.config_path, good());
  EXPECT_NE(options_.effective_config.find("name = \"x\""), std::string::npos);
}

TEST_F(Program, CheckAndPrintDoNotRun) {
  EXPECT_EQ(run({"--config", good(), "--check-config"}), 0);
  EXPECT_EQ(out_, good() + ": valid\n");
  EXPECT_EQ(run({"--config", good(), "--print-config"}), 0);
  EXPECT_EQ(parse<Tiny>(out_, "printed").value().name, "x");
  EXPECT_EQ(ran_, "");
}

TEST_F(Program, RefusedConfigurationIs78WithALinePerProblem) {
  for (const char* option : {"--check-config", "--print-config", "--exit-with-stdin"}) {
    EXPECT_EQ(run({"--config", bad(), option}), 78);
    EXPECT_EQ(err_, "tiny: CONFIG_INVALID: " + bad() + ":1:13: tiny.name: found 1; expected string, not empty\n" +
                        "tiny: problem: " + bad() + ":2:1: other: found an unknown key; expected one of tiny\n");
  }
  EXPECT_EQ(run({"--config", directory_ + "/none.toml"}), 78);
  EXPECT_EQ(ran_, "");
}

TEST_F(Program, UnknownCommandLineIs64) {
  EXPECT_EQ(run({}), 64);
  EXPECT_EQ(run({"--config"}), 64);
  EXPECT_EQ(run({"--wat"}), 64);
  EXPECT_EQ(run({"--config", good(), "extra"}), 64);
  EXPECT_TRUE(err_.starts_with("tiny: USAGE: ")) << err_;
  EXPECT_EQ(out_, "");
}

TEST_F(Program, VersionAndHelp) {
  EXPECT_EQ(run({"--version"}), 0);
  EXPECT_EQ(out_, "tiny " + std::string(version()) + "\n");
  EXPECT_NE(version(), "");
  EXPECT_EQ(run({"--help"}), 0);
  for (const char* option :
       {"--config", "--check-config", "--print-config", "--exit-with-stdin", "--version", "--data-dir", "--what"}) {
    EXPECT_NE(out_.find(option), std::string::npos) << option;
  }
}

TEST_F(Program, AlternativeStandsInPlaceOfAConfiguration) {
  EXPECT_EQ(run({"--data-dir", "d"}), 7);
  EXPECT_EQ(alternative_, "d all");
  EXPECT_EQ(run({"--data-dir", "d", "--what", "some"}), 7);
  EXPECT_EQ(alternative_, "d some");
  EXPECT_EQ(run({"--data-dir", "d", "--what", "none"}), 64);
  EXPECT_NE(err_.find("--what"), std::string::npos) << err_;
  EXPECT_EQ(run({"--config", good(), "--what", "some"}), 64);
  EXPECT_EQ(run({"--data-dir", "d", "--config", good()}), 64);
}

}  // namespace
}  // namespace aerodb::config
