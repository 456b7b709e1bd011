#include "controlplane/console/command_line.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "common/base/assert.h"
#include "common/config/program.h"

namespace aerodb::console {
namespace {

constexpr std::string_view kProgram = "aerodb";

// A description that CLI11 breaks by itself would depend on its width; lines of ours are kept.
std::string footer_of(const VerbText& text) {
  std::string footer;
  if (!text.notes.empty()) footer += text.notes + "\n\n";
  footer += "Example:\n";
  size_t begin = 0;
  while (begin < text.example.size()) {
    const size_t end = std::min(text.example.find('\n', begin), text.example.size());
    footer += "  " + text.example.substr(begin, end - begin) + "\n";
    begin = end + 1;
  }
  footer.pop_back();
  return footer;
}

uint64_t read_number(const std::string& text, uint64_t min, uint64_t max) {
  const auto number = from_decimal(text);
  if (!number || *number < min || *number > max) {
    throw CLI::ValidationError(fmt::format("\"{}\" is not a number from {} to {}", printable(text), min, max));
  }
  return *number;
}

// `help` needs the tree it stands in, so it is made here.
class Help final : public Verb {
 public:
  explicit Help(const CommandLine& program) : program_(program) {}
  [[nodiscard]] VerbText text() const override {
    return {.path = "help", .summary = "Prints what --help prints.", .example = "aerodb help schema register"};
  }
  void declare(Options& options) override { options.arguments("VERB", words_, "words of a verb; none: the program"); }
  Result<ExitCode> run(Output& output) override {
    auto help = program_.help_of(fmt::format("{}", fmt::join(words_, " ")));
    if (!help) return fail(std::move(help.error()));
    output.text(*help);
    return ExitCode::kOk;
  }

 private:
  const CommandLine& program_;
  std::vector<std::string> words_;
};

// The words of a choice stand in its type, "table|json|jsonl".
std::vector<std::string> words_of(const std::string& type) {
  std::vector<std::string> words;
  if (type.find('|') != std::string::npos) words = CLI::detail::split(type, '|');
  return words;
}

OptionOutline outline_of(const CLI::Option& option) {
  OptionOutline outline;
  outline.positional = option.get_positional();
  outline.required = option.get_required();
  outline.help = option.get_description();
  if (outline.positional) {
    outline.names.push_back(option.get_name(true));
    return outline;
  }
  for (const auto& name : option.get_snames()) outline.names.push_back("-" + name);
  for (const auto& name : option.get_lnames()) outline.names.push_back("--" + name);
  if (option.get_expected_max() > 0) outline.type = option.get_type_name();
  outline.words = words_of(outline.type);
  return outline;
}

}  // namespace

// --- options of one verb

void Options::argument(const std::string& name, std::string& value, const std::string& help) {
  app_.add_option(name, value, help)->type_name("")->required();
}

void Options::optional_argument(const std::string& name, std::string& value, const std::string& help) {
  app_.add_option(name, value, help)->type_name("");
}

void Options::arguments(const std::string& name, std::vector<std::string>& values, const std::string& help) {
  app_.add_option(name, values, help)->type_name("");
}

void Options::text(const std::string& name, const std::string& type, std::string& value, const std::string& help) {
  app_.add_option(name, value, help)->type_name(type);
}

void Options::text(const std::string& name, const std::string& type, std::optional<std::string>& value,
                   const std::string& help) {
  app_.add_option_function<std::string>(
          name, [&value](const std::string& given) { value = given; }, help)
      ->type_name(type);
}

void Options::required_text(const std::string& name, const std::string& type, std::string& value,
                            const std::string& help) {
  app_.add_option(name, value, help)->type_name(type)->required();
}

void Options::texts(const std::string& name, const std::string& type, std::vector<std::string>& values,
                    const std::string& help) {
  app_.add_option(name, values, help)->type_name(type)->allow_extra_args(false);
}

void Options::choice(const std::string& name, const std::vector<std::string>& words, std::string& value,
                     const std::string& help) {
  auto check = [words](const std::string& given) -> std::string {
    if (std::ranges::find(words, given) != words.end()) return {};
    return fmt::format("\"{}\" is none of {}", printable(given), fmt::join(words, ", "));
  };
  auto* option = app_.add_option(name, value, help)->type_name(fmt::format("{}", fmt::join(words, "|")));
  option->check(CLI::Validator(check, ""));
}

void Options::number(const std::string& name, uint64_t& value, uint64_t min, uint64_t max, const std::string& help) {
  auto take = [&value, min, max](const std::string& given) { value = read_number(given, min, max); };
  app_.add_option_function<std::string>(name, take, fmt::format("{} (default {})", help, value))->type_name("N");
}

void Options::number(const std::string& name, std::optional<uint64_t>& value, uint64_t min, uint64_t max,
                     const std::string& help) {
  auto take = [&value, min, max](const std::string& given) { value = read_number(given, min, max); };
  app_.add_option_function<std::string>(name, take, help)->type_name("N");
}

void Options::flag(const std::string& name, bool& value, const std::string& help) { app_.add_flag(name, value, help); }

// --- the program

CommandLine::CommandLine(std::vector<Group> groups, std::vector<std::unique_ptr<Verb>> verbs)
    : verbs_(std::move(verbs)),
      app_(std::make_unique<CLI::App>("The command line of AeroDB: data, one node, the control plane, a local cluster.",
                                      std::string(kProgram))) {
  app_->set_version_flag("--version", fmt::format("{} {}", kProgram, config::version()));
  app_->require_subcommand(0, 1);
  verbs_.push_back(std::make_unique<Help>(*this));
  for (const Group& group : groups) child_of_path(group.path, group.summary).require_subcommand(0, 1);
  for (const auto& verb : verbs_) {
    const VerbText text = verb->text();
    CLI::App& app = child_of_path(text.path, text.summary);
    app.footer(footer_of(text));
    Options options(app);
    verb->declare(options);
    runs_.emplace_back(&app, verb.get());
  }
}

CommandLine::~CommandLine() = default;

CLI::App* CommandLine::find(std::string_view path) const {
  CLI::App* app = app_.get();
  while (!path.empty()) {
    const size_t end = std::min(path.find(' '), path.size());
    const std::string word(path.substr(0, end));
    path.remove_prefix(std::min(end + 1, path.size()));
    const auto named = app->get_subcommands([&word](const CLI::App* child) { return child->get_name() == word; });
    if (named.empty()) return nullptr;
    app = named.front();
  }
  return app;
}

CLI::App& CommandLine::child_of_path(const std::string& path, const std::string& summary) {
  const size_t last = path.rfind(' ');
  CLI::App* parent = last == std::string::npos ? app_.get() : find(path.substr(0, last));
  AERODB_ASSERT(parent != nullptr);
  return *parent->add_subcommand(last == std::string::npos ? path : path.substr(last + 1), summary);
}

int CommandLine::usage_error(std::string message, Output& output) const {
  return output.error(kProgram, {ErrorCode::kUsage, std::move(message), {}}, Advice::kNone);
}

int CommandLine::run(int argc, const char* const* argv, Output& output) {
  try {
    app_->parse(argc, argv);
  } catch (const CLI::Success& asked) {  // --help and --version
    return app_->exit(asked);
  } catch (const CLI::ParseError& error) {
    return usage_error(fmt::format("{}; --help shows what there is", error.what()), output);
  }
  CLI::App* app = app_.get();
  while (!app->get_subcommands().empty()) app = app->get_subcommands().front();
  for (const auto& [own, verb] : runs_) {
    if (own != app) continue;
    const VerbText text = verb->text();
    auto ended = verb->run(output);
    if (!ended) return output.error(fmt::format("{} {}", kProgram, text.path), ended.error(), text.advice);
    if (!output.flush()) return static_cast<int>(ExitCode::kIo);
    return static_cast<int>(*ended);
  }
  return usage_error("a verb is missing; --help shows what there is", output);
}

// --- help as text

Result<std::string> CommandLine::help_of(std::string_view path) const {
  const CLI::App* app = find(path);
  if (app == nullptr) {
    return fail(ErrorCode::kUsage, fmt::format("help: there is no verb \"{}\"", printable(path)));
  }
  const size_t last = path.rfind(' ');
  std::string before(kProgram);
  if (last != std::string_view::npos) before += fmt::format(" {}", path.substr(0, last));
  return app->help(path.empty() ? "" : before);
}

std::vector<VerbOutline> CommandLine::outline() const {
  std::vector<VerbOutline> verbs;
  for (const auto& [app, verb] : runs_) {
    VerbOutline outline{verb->text(), {}};
    for (const CLI::Option* option : std::as_const(*app).get_options()) outline.options.push_back(outline_of(*option));
    verbs.push_back(std::move(outline));
  }
  return verbs;
}

std::string CommandLine::reference() const {
  std::string text;
  auto add = [&](const std::string& title, const std::string& path) {
    auto help = help_of(path);
    AERODB_ASSERT(help.has_value());
    const size_t begin = help->find_first_not_of('\n');
    const size_t end = help->find_last_not_of('\n');
    text += fmt::format("\n## {}\n\n```text\n{}\n```\n", title, help->substr(begin, end + 1 - begin));
  };
  add(std::string(kProgram), "");
  for (const auto& verb : verbs_) {
    const std::string path = verb->text().path;
    add(fmt::format("{} {}", kProgram, path), path);
  }
  return text + "\n";
}

}  // namespace aerodb::console
