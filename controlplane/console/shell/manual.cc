#include "controlplane/console/shell/manual.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace aerodb::console {
namespace {

// Text as roff shows it: no line begins a request, and a hyphen that is typed stays one.
std::string roff(std::string_view text) {
  std::string out;
  bool line_start = true;
  for (const char c : text) {
    if (line_start && (c == '.' || c == '\'')) out += "\\&";
    if (c == '\\')
      out += "\\e";
    else if (c == '-')
      out += "\\-";
    else
      out += c;
    line_start = c == '\n';
  }
  return out;
}

std::string page_name(std::string_view path) {
  std::string name = "aerodb";
  if (!path.empty()) name += "-" + std::string(path);
  std::ranges::replace(name, ' ', '-');
  return name;
}

std::string head(std::string_view name, std::string_view summary, std::string_view version) {
  return fmt::format(".TH {} 1 \"\" \"AeroDB {}\" \"AeroDB\"\n.SH NAME\n{} \\- {}\n", roff(name), version, roff(name),
                     roff(summary));
}

std::string synopsis(const VerbOutline& verb) {
  std::string line = fmt::format(".SH SYNOPSIS\n.B aerodb {}\n", roff(verb.text.path));
  for (const auto& option : verb.options) {
    if (option.positional)
      line +=
          fmt::format(".I {}\n", option.required ? option.names.front() : fmt::format("[{}]", option.names.front()));
  }
  return line + "[options]\n";
}

std::string option_entry(const OptionOutline& option) {
  std::string names;
  for (const auto& name : option.names) {
    names += fmt::format("{}\\f{}{}\\fR", names.empty() ? "" : ", ", option.positional ? 'I' : 'B', roff(name));
  }
  if (!option.type.empty()) names += fmt::format(" \\fI{}\\fR", roff(option.type));
  return fmt::format(".TP\n{}\n{}\n", names, roff(option.help));
}

std::string example(std::string_view text) { return fmt::format(".SH EXAMPLE\n.nf\n{}\n.fi\n", roff(text)); }

ManualPage page_of(const VerbOutline& verb, std::string_view version) {
  const std::string name = page_name(verb.text.path);
  std::string text = head(name, verb.text.summary, version) + synopsis(verb);
  if (!verb.text.notes.empty()) text += fmt::format(".SH DESCRIPTION\n{}\n", roff(verb.text.notes));
  text += ".SH OPTIONS\n";
  for (const auto& option : verb.options) text += option_entry(option);
  text += example(verb.text.example) + ".SH SEE ALSO\n.BR aerodb (1)\n";
  return {name + ".1", std::move(text)};
}

}  // namespace

std::vector<ManualPage> manual_pages(const std::vector<VerbOutline>& verbs, std::string_view version) {
  std::string text = head("aerodb", "the command line of AeroDB", version);
  text +=
      ".SH SYNOPSIS\n.B aerodb\n.I VERB\n[options]\n"
      ".SH DESCRIPTION\nData, one node, the control plane, a local cluster. Each verb has a page of its own.\n.SH "
      "VERBS\n";
  std::vector<ManualPage> pages;
  for (const auto& verb : verbs) {
    text += fmt::format(".TP\n.BR {} (1)\n{}\n", roff(page_name(verb.text.path)), roff(verb.text.summary));
    pages.push_back(page_of(verb, version));
  }
  text +=
      ".SH ENVIRONMENT\n"
      ".TP\nAERODB_CONFIG\nThe TOML of a process, or a directory that holds one.\n"
      ".TP\nAERODB_CONTROL_PLANE\nAddress of the control plane.\n"
      ".TP\nAERODB_EXPLAINER\nAddress of the explainer.\n"
      ".TP\nNO_COLOR\nNo colours, also on a terminal.\n";
  pages.insert(pages.begin(), {"aerodb.1", std::move(text)});
  return pages;
}

}  // namespace aerodb::console
