#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "tests/tidy/rules.h"

namespace aerodb::tidy {
namespace {

// The layers of common/: a folder may include only itself and those before it.
constexpr std::array<std::string_view, 13> kLayers = {"base",     "runtime", "observe", "config",  "uv",
                                                      "document", "rules",   "wal",     "archive", "store",
                                                      "engine",   "wire",    "node"};
constexpr std::array<std::string_view, 6> kRoles = {
    "primary", "replica", "shipper", "explainer", "controlplane/daemon", "controlplane/console"};

bool is_role(std::string_view unit) { return std::ranges::find(kRoles, unit) != kRoles.end(); }

// What one role may take of another all the same: the console reads the configuration files and the audit file of
// others, and does so by the structs and functions that define them.
bool is_shared_definition(std::string_view unit, std::string_view header) {
  return unit == "controlplane/console" &&
         (header.ends_with("_config.h") || header == "controlplane/daemon/audit_record.h" ||
          header == "controlplane/daemon/audit_verify.h");
}

// Where a heavy header may be included: in its wrapper alone.
struct HeavyHeader {
  std::string_view prefix;
  std::vector<std::string_view> wrappers;
};
const std::vector<HeavyHeader>& heavy_headers() {
  static const std::vector<HeavyHeader> kHeaders = {
      {"uv.h", {"common/uv/uv_internal.h"}},
      {"nlohmann/", {"common/base/log.cc", "common/document/json.cc", "common/observe/event_json.cc"}},
      {"toml++/", {"common/config/read.cc"}},
      {"CLI/", {"common/config/program.cc", "controlplane/console/command_line.cc"}},
      {"spdlog/", {"common/base/log.cc"}},
      {"msgpack", {"common/document/msgpack.cc", "tests/unit/document/msgpack_test.cc"}},
      {"microhttpd", {"common/uv/http/http_server.cc"}},
      {"openssl/", {"common/base/checksum.cc"}},
      {"archive", {"common/archive/tar.cc"}},
      {"xxhash", {"common/base/checksum.cc"}},
      {"zstd", {"common/store/stored_block.cc"}},
  };
  return kHeaders;
}

// Calls visit(file, unit, include) for every include of sources outside of tests.
template <class Visit>
void for_each_include(const Tree& tree, Visit visit) {
  for (const auto& file : tree.files) {
    if (!is_source(file.path) || is_test(file.path)) continue;
    const auto unit = unit_of(file.path);
    for (const auto& include : includes_of(file)) visit(file, unit, include);
  }
}

std::string place(const File& file, const Include& include) {
  return fmt::format("{}:{}: includes {}", file.path, include.line, include.path);
}

// Directories at rest are read by the half of the engine that reads.
bool is_reading_half(const File& file, std::string_view header) {
  return file.path.starts_with("explainer/offline") &&
         (header == "common/engine/inspect.h" || header.ends_with("_evidence.h"));
}

}  // namespace

Problems check_common_arrows(const Tree& tree) {
  Problems problems;
  for_each_include(tree, [&](const File& file, const std::string& unit, const Include& include) {
    if (include.angled || !unit.starts_with("common/")) return;
    const auto target = unit_of(include.path);
    const auto own = std::ranges::find(kLayers, std::string_view(unit).substr(7));
    if (own == kLayers.end()) {
      problems.push_back(
          fmt::format("{}: folder {} has no place in the layers; give it one in tests/tidy, common/CMakeLists.txt and "
                      "docs/architecture.md",
                      file.path, unit));
    } else if (!target.starts_with("common/")) {
      problems.push_back(fmt::format("{}; common names no role: move what is shared down", place(file, include)));
    } else if (std::find(kLayers.begin(), own + 1, std::string_view(target).substr(7)) == own + 1) {
      problems.push_back(fmt::format("{}, which lies above {}; arrows go down only: move the type down or the code up",
                                     place(file, include), unit));
    }
  });
  return problems;
}

Problems check_uv_is_glue(const Tree& tree) {
  Problems problems;
  for_each_include(tree, [&](const File& file, const std::string& unit, const Include& include) {
    if (!include.path.starts_with("common/uv/") || unit == "common/uv" || unit == "controlplane/console") return;
    const bool main_file = is_role(unit) && file.path == unit + "/main.cc";
    if (main_file || file.path == "common/node/run_node.cc") return;
    // Plain types; handlers are pure functions of them.
    if (include.path == "common/uv/http/http_types.h" || include.path == "common/uv/http/parameters.h") return;
    problems.push_back(fmt::format(
        "{}; only main.cc and process glue know the real runtime: write against common/runtime", place(file, include)));
  });
  return problems;
}

Problems check_roles_apart(const Tree& tree) {
  Problems problems;
  for_each_include(tree, [&](const File& file, const std::string& unit, const Include& include) {
    const auto target = unit_of(include.path);
    if (include.angled || !is_role(unit) || target == unit || !is_role(target)) return;
    if (is_shared_definition(unit, include.path)) return;
    problems.push_back(
        fmt::format("{}; a role never includes a role: what two need belongs to common", place(file, include)));
  });
  return problems;
}

Problems check_witnesses_without_engine(const Tree& tree) {
  struct Ban {
    std::string_view unit;
    std::vector<std::string_view> folders;
  };
  static const std::vector<Ban> kBans = {
      {"explainer", {"common/engine", "common/store", "common/node"}},
      {"controlplane/daemon", {"common/engine", "common/store", "common/node", "common/rules", "common/wal"}},
      {"shipper", {"common/engine", "common/store", "common/node", "common/rules"}},
  };
  Problems problems;
  for_each_include(tree, [&](const File& file, const std::string& unit, const Include& include) {
    for (const auto& ban : kBans) {
      if (ban.unit != unit || std::ranges::find(ban.folders, unit_of(include.path)) == ban.folders.end()) continue;
      if (is_reading_half(file, include.path)) continue;
      problems.push_back(
          fmt::format("{}; {} decides nothing of a node: ask the node over the wire", place(file, include), unit));
    }
  });
  return problems;
}

Problems check_heavy_headers(const Tree& tree) {
  Problems problems;
  for (const auto& file : tree.files) {
    if (!is_source(file.path)) continue;
    for (const auto& include : includes_of(file)) {
      for (const auto& heavy : heavy_headers()) {
        if (!include.path.starts_with(heavy.prefix) ||
            std::ranges::find(heavy.wrappers, file.path) != heavy.wrappers.end())
          continue;
        problems.push_back(fmt::format("{}; this header is for {} alone: go through its interface",
                                       place(file, include), fmt::join(heavy.wrappers, ", ")));
      }
    }
  }
  return problems;
}

Problems check_headers_open_with_their_contract(const Tree& tree) {
  Problems problems;
  for (const auto& file : tree.files) {
    if (!file.path.ends_with(".h")) continue;
    if (!file.text.starts_with("//"))
      problems.push_back(fmt::format("{}: say first what this header is for", file.path));
    if (file.text.find("#pragma once") == std::string::npos)
      problems.push_back(fmt::format("{}: add #pragma once", file.path));
  }
  return problems;
}

Problems check_kernel_adapter_alone(const Tree& tree) {
  constexpr std::string_view kAdapter = "controlplane/daemon/kernel_adapter.cc";
  const auto* table = tree.find("common/wire/methods.h");
  if (table == nullptr) return {"common/wire/methods.h: the method table is gone; tell this rule where it is"};
  std::vector<std::string> methods;
  for (const auto& line : lines_of(*table)) {
    constexpr std::string_view kMark = "{ListenerKind::kControl, \"control.";
    const auto mark = line.text.find(kMark);
    if (mark == std::string_view::npos) continue;
    const auto head = line.text.substr(0, mark);
    methods.emplace_back(head.substr(head.rfind(' ') + 1));
  }
  Problems problems;
  if (methods.empty())
    problems.push_back(
        "common/wire/methods.h: no method of the control listener found; tell this rule how they look now");
  for (const auto& method : methods) {
    const auto name = "wire::" + method;
    for (const auto& file : tree.files) {
      const auto unit = unit_of(file.path);
      if (!is_source(file.path) || !is_role(unit) || file.text.find(name) == std::string::npos) continue;
      if (file.path == kAdapter) continue;
      problems.push_back(
          fmt::format("{}: names {}; only {} calls a node's control listener", file.path, name, kAdapter));
    }
  }
  return problems;
}

Problems check_repair_stays_in_kernel(const Tree& tree) {
  Problems problems;
  for (const auto& file : tree.files) {
    if (!is_source(file.path) || is_test(file.path)) continue;
    const auto unit = unit_of(file.path);
    if (unit == "common/wal" || unit == "common/engine" || file.text.find("repair_tail") == std::string::npos) continue;
    problems.push_back(fmt::format(
        "{}: calls repair_tail; only a node that owns the directory changes files after a crash", file.path));
  }
  return problems;
}

}  // namespace aerodb::tidy
