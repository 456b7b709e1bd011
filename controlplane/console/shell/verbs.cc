// aerodb completion, manual, shell: the command line about itself.
#include <fmt/format.h>

#include <cstdlib>
#include <filesystem>
#include <iostream>

#include "common/config/program.h"
#include "controlplane/console/data/data_options.h"
#include "controlplane/console/shell/completion.h"
#include "controlplane/console/shell/line_editor.h"
#include "controlplane/console/shell/manual.h"
#include "controlplane/console/shell/names.h"
#include "controlplane/console/verbs.h"

namespace aerodb::console {
namespace {

class Completion final : public Verb {
 public:
  [[nodiscard]] VerbText text() const override {
    return {.path = "completion",
            .summary = "Prints a completion script for a shell.",
            .example =
                "aerodb completion bash > /etc/bash_completion.d/aerodb\n"
                "aerodb completion fish > ~/.config/fish/completions/aerodb.fish"};
  }
  void declare(Options& options) override { options.argument("SHELL", shell_, "bash, zsh or fish"); }
  Result<ExitCode> run(Output& output) override {
    constexpr std::pair<std::string_view, UserShell> kShells[] = {
        {"bash", UserShell::kBash}, {"zsh", UserShell::kZsh}, {"fish", UserShell::kFish}};
    for (const auto& [name, shell] : kShells) {
      if (name != shell_) continue;
      output.text(completion_script(shell, make_command_line()->outline()));
      return ExitCode::kOk;
    }
    return fail(ErrorCode::kUsage, fmt::format("completion: \"{}\" is none of bash, zsh, fish", printable(shell_)));
  }

 private:
  std::string shell_;
};

class Manual final : public Verb {
 public:
  [[nodiscard]] VerbText text() const override {
    return {.path = "manual",
            .summary = "Writes the manual pages into a directory, one for each verb.",
            .example = "aerodb manual /usr/local/share/man/man1"};
  }
  void declare(Options& options) override { options.argument("DIR", directory_, "a directory that is there"); }
  Result<ExitCode> run(Output& output) override {
    const auto pages = manual_pages(make_command_line()->outline(), config::version());
    for (const auto& page : pages) {
      if (auto saved = save_text(directory_ + "/" + page.file, page.text); !saved)
        return fail(std::move(saved.error()));
    }
    output.line(fmt::format("{} pages", pages.size()));
    return ExitCode::kOk;
  }

 private:
  std::string directory_;
};

std::string history_file() {
  const char* state = std::getenv("XDG_STATE_HOME");
  const char* home = std::getenv("HOME");
  std::filesystem::path directory;
  if (state != nullptr && *state != '\0')
    directory = state;
  else if (home != nullptr && *home != '\0')
    directory = std::filesystem::path(home) / ".local/state";
  else
    return "";
  directory /= "aerodb";
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  return error ? "" : (directory / "history").string();
}

class Shell final : public Verb {
 public:
  [[nodiscard]] VerbText text() const override {
    return {.path = "shell",
            .summary = "Takes verbs line by line, with editing, history and completion.",
            .example =
                "aerodb shell --node p1 --config configs/local\n"
                "echo 'get countries AW' | aerodb shell --node 127.0.0.1:7301",
            .notes =
                "Lines are verbs as on the command line, without `aerodb`; `exit` or end of input ends it. --node and\n"
                "--config count for every verb that takes them and is not given others. Without a terminal there is\n"
                "no prompt, and the first verb that fails ends it with that verb's exit code."};
  }
  void declare(Options& options) override {
    options.text("--node", "NODE", node_, "for every verb that takes it");
    options.text("--config", "PATH", config_, "for every verb that takes it");
  }
  Result<ExitCode> run(Output& output) override {
    verbs_ = make_command_line()->outline();
    return output.screen().terminal_in ? converse(output) : read_lines(output);
  }

 private:
  Result<ExitCode> converse(Output& output) {
    LineEditor editor(history_file(), [this](const std::vector<std::string>& words) {
      auto candidates = next_words(verbs_, words);
      const auto names = known_names(verbs_, words, node_, config_);
      candidates.insert(candidates.end(), names.begin(), names.end());
      return candidates;
    });
    while (auto line = editor.read("aerodb> ")) {
      if (*line == "exit" || *line == "quit") break;
      (void)run_line(*line, output);
      (void)output.flush();
    }
    return ExitCode::kOk;
  }

  Result<ExitCode> read_lines(Output& output) {
    std::string line;
    while (std::getline(std::cin, line)) {
      if (const auto code = run_line(line, output); code != ExitCode::kOk) return code;
    }
    return ExitCode::kOk;
  }

  ExitCode run_line(const std::string& line, Output& output) {
    auto words = split_words(line);
    if (!words) {
      const Error error{ErrorCode::kUsage, "a quote is left open", {}};
      return static_cast<ExitCode>(output.error("aerodb shell", error, Advice::kNone));
    }
    if (words->empty() || words->front().starts_with('#')) return ExitCode::kOk;
    add_default("--node", node_, *words);
    add_default("--config", config_, *words);
    std::vector<const char*> argv = {"aerodb"};
    for (const auto& word : *words) argv.push_back(word.c_str());
    output.set_format(Format::kTable);  // each verb chooses anew
    return static_cast<ExitCode>(make_command_line()->run(static_cast<int>(argv.size()), argv.data(), output));
  }

  // Where the verb has the option and the line does not give it.
  void add_default(const std::string& option, const std::string& value, std::vector<std::string>& words) const {
    if (value.empty()) return;
    auto typed = words;
    typed.emplace_back();
    const auto* verb = place_of_last(verbs_, typed).verb;
    if (verb == nullptr) return;
    for (const auto& word : words) {
      if (word == option || word.starts_with(option + "=") || word == "--help") return;
    }
    for (const auto& known : verb->options) {
      if (std::ranges::find(known.names, option) == known.names.end()) continue;
      words.push_back(option);
      words.push_back(value);
      return;
    }
  }

  std::string node_;
  std::string config_;
  std::vector<VerbOutline> verbs_;
};

}  // namespace

std::unique_ptr<Verb> make_completion() { return std::make_unique<Completion>(); }
std::unique_ptr<Verb> make_manual() { return std::make_unique<Manual>(); }
std::unique_ptr<Verb> make_shell() { return std::make_unique<Shell>(); }

}  // namespace aerodb::console
