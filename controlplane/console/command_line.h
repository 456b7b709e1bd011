// The command line of `aerodb` as a tree of verbs, each of which is one object of one file. CLI11 stays behind this.
//
// A verb declares its options on members of its own, then runs once. What it can't do it answers as an Error; where and
// how that is printed, and the exit code, are decided here alone.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/error.h"
#include "controlplane/console/json_shape.h"
#include "controlplane/console/output.h"

namespace CLI {
class App;
}

namespace aerodb::console {

// What a verb takes. The members bound must outlive the parse. Names are as typed: "--limit", or "-o,--format".
class Options {
 public:
  explicit Options(CLI::App& app) : app_(app) {}

  // Words in order of declaration. An optional one comes after all required ones.
  void argument(const std::string& name, std::string& value, const std::string& help);
  void optional_argument(const std::string& name, std::string& value, const std::string& help);
  void arguments(const std::string& name, std::vector<std::string>& values, const std::string& help);

  void text(const std::string& name, const std::string& type, std::string& value, const std::string& help);
  void text(const std::string& name, const std::string& type, std::optional<std::string>& value,
            const std::string& help);
  void required_text(const std::string& name, const std::string& type, std::string& value, const std::string& help);
  // May be given several times.
  void texts(const std::string& name, const std::string& type, std::vector<std::string>& values,
             const std::string& help);
  // One of `words`.
  void choice(const std::string& name, const std::vector<std::string>& words, std::string& value,
              const std::string& help);
  // A decimal number of the range, both ends included. The help shows the default.
  void number(const std::string& name, uint64_t& value, uint64_t min, uint64_t max, const std::string& help);
  void number(const std::string& name, std::optional<uint64_t>& value, uint64_t min, uint64_t max,
              const std::string& help);
  void flag(const std::string& name, bool& value, const std::string& help);

 private:
  CLI::App& app_;
};

struct VerbText {
  std::string path;     // "schema register"
  std::string summary;  // one sentence
  std::string example;  // whole lines, as typed
  std::string notes{};  // what else must be known; may be empty
  Advice advice = Advice::kShown;
  JsonShapes json{};  // what it prints with -o json or jsonl, or as JSON lines; empty: no JSON
};

class Verb {
 public:
  virtual ~Verb() = default;
  [[nodiscard]] virtual VerbText text() const = 0;
  virtual void declare(Options& /*options*/) {}
  // Blocks until done. A verb that printed an answer that is not a success says so by the exit code.
  [[nodiscard]] virtual Result<ExitCode> run(Output& output) = 0;
};

// What a verb takes, read off its declarations: for completion, manual pages and the shell.
struct OptionOutline {
  std::vector<std::string> names;  // "-o", "--format"; a positional one has the single name "COLLECTION"
  std::string type;                // empty: a flag, or a positional one
  std::vector<std::string> words;  // the only ones allowed; empty: any
  std::string help;
  bool positional = false;
  bool required = false;
  [[nodiscard]] bool takes_value() const { return positional || !type.empty(); }
};
struct VerbOutline {
  VerbText text;
  std::vector<OptionOutline> options;  // in order of declaration
};

// A word that only stands before others, such as `schema`.
struct Group {
  std::string path;
  std::string summary;
};

class CommandLine {
 public:
  // Adds `help` to these verbs.
  CommandLine(std::vector<Group> groups, std::vector<std::unique_ptr<Verb>> verbs);
  ~CommandLine();
  CommandLine(const CommandLine&) = delete;
  CommandLine& operator=(const CommandLine&) = delete;

  // Parses, runs one verb, prints its error. Answers the exit code. Once.
  [[nodiscard]] int run(int argc, const char* const* argv, Output& output);

  // What `aerodb PATH --help` prints; an empty path is the program itself. USAGE for an unknown one.
  [[nodiscard]] Result<std::string> help_of(std::string_view path) const;
  // Markdown: help of the program and of every verb, as docs/command-reference.md shows it.
  [[nodiscard]] std::string reference() const;
  [[nodiscard]] const std::vector<std::unique_ptr<Verb>>& verbs() const { return verbs_; }
  // In the order of --help.
  [[nodiscard]] std::vector<VerbOutline> outline() const;

 private:
  [[nodiscard]] CLI::App* find(std::string_view path) const;
  CLI::App& child_of_path(const std::string& path, const std::string& summary);
  int usage_error(std::string message, Output& output) const;

  std::vector<std::unique_ptr<Verb>> verbs_;
  std::unique_ptr<CLI::App> app_;
  std::vector<std::pair<CLI::App*, Verb*>> runs_;
};

}  // namespace aerodb::console
