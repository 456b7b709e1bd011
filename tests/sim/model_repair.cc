// What an operator's repairs answer and leave behind, against the histories.
#include <fmt/format.h>

#include <algorithm>
#include <ranges>

#include "common/base/bytes.h"
#include "common/base/checksum.h"
#include "common/document/json.h"
#include "tests/sim/model.h"

namespace aerodb::sim {
namespace {

// Text of a field, or the number in it.
std::string field(document::Cursor line, std::string_view name) {
  const auto value = line.find(name);
  if (!value) return {};
  if (const auto text = value->text()) return std::string(*text);
  if (const auto number = value->unsigned_integer()) return std::to_string(*number);
  return {};
}

}  // namespace

void Model::check_lineage_ended(const Asked& asked, const wire::EndLineageRequest& request,
                                const wire::EndLineageResponse& answer) {
  on_each_stay(asked, [&](const View& view) {
    check_receipt("end-lineage", view, std::nullopt, answer.receipt);
    if (failed()) return;
    const auto what = [&](std::string_view text) {
      return fmt::format("end-lineage on {}: {}", name(asked.node), text);
    };
    const Lsn first = answer.fork_lsn.next();
    if (first > view.history.last_lsn() || view.history.at(first).lineage != answer.lineage ||
        view.history.at(first).epoch != answer.epoch || view.history.at(answer.fork_lsn).lineage != answer.parent)
      return fail(what("the lineage answered does not start there"));
    if (answer.repeated) return;
    for (const auto& peer : answer.peers) {
      const bool absent = std::ranges::find(request.absent, peer.name) != request.absent.end();
      if (!peer.answered && !absent)
        return fail(what(peer.name + " did not answer, and was not named absent (AUTH-13)"));
      const auto node = std::ranges::find(nodes_, peer.name, &NodeFacts::name);
      if (!peer.answered || peer.name == request.lost || node == nodes_.end()) continue;
      // Further on the lineage that was ended: records that nobody needed to lose.
      if (peer.durable_lsn > answer.fork_lsn && lies_on(branches_[view.history.parent], node->durable()))
        return fail(what(fmt::format("{} has LSN {} of it (AUTH-14)", peer.name, peer.durable_lsn->value())));
    }
  });
}

void Model::check_exported(NodeIndex index, const wire::RepairStatusResponse& status, const std::string& file,
                           const SimDisk& disk) {
  const auto what = [&](std::string_view text) { return fmt::format("export of {}: {}", name(index), text); };
  const auto content = disk.peek(file);
  if (!content || status.sha256 != sha256(*content)) return fail(what("its file is another than it answered"));
  count(Counter::kOrphansExported);
  const auto exported = read_export(index, *content);
  if (failed()) return;
  if (!exported) return fail(what("no summary, or an untrue one"));
  if (status.fork_lsn != exported->fork || status.orphans != exported->versions)
    fail(what("it answers another fork or count than its file"));
}

bool Model::is_exported(NodeIndex index, const engine::Position& end, const SimDisk& disk) {
  for (const auto& file : nodes_[index].export_files) {
    const auto content = disk.peek(file);
    const auto exported = content ? read_export(index, *content) : std::nullopt;
    // A halted node may have more on its disk than it ever called durable.
    if (exported && exported->fork <= end.lsn && exported->end >= end.lsn) return true;
  }
  return false;
}

std::optional<Model::Exported> Model::read_export(NodeIndex index, const Bytes& file) {
  const NodeFacts& facts = nodes_[index];
  const auto wrong = [&](std::string_view text) {
    fail(fmt::format("export of {}: {}", facts.name, text));
    return std::nullopt;
  };
  Exported exported;
  std::set<std::string> found;
  std::string_view text(reinterpret_cast<const char*>(file.data()), file.size());
  bool whole = false;
  while (!text.empty()) {
    const auto line_end = text.find('\n');
    Bytes packed;
    document::Tape tape;
    if (line_end == std::string_view::npos || !document::from_json(text.substr(0, line_end), packed) ||
        !tape.parse(packed))
      return std::nullopt;
    text.remove_prefix(line_end + 1);
    const auto line = tape.root();
    if (field(line, "line") == "orphans") {
      exported.fork = Lsn(line.find("fork_lsn")->unsigned_integer().value_or(0));
      exported.end = Lsn(line.find("end_lsn")->unsigned_integer().value_or(0));
    }
    whole = field(line, "line") == "summary" && field(line, "versions") == std::to_string(found.size());
    if (field(line, "line") != "version") continue;
    const auto key = fmt::format("{} {} {} {}", field(line, "commit"), field(line, "lsn"), field(line, "collection"),
                                 field(line, "_id"));
    const auto document = line.find("document");
    found.insert(fmt::format("{} {}", key, document ? to_hex(document->raw()) : ""));
  }
  if (!whole) return std::nullopt;
  const History& history = branches_[facts.stay().branch];
  if (exported.fork > exported.end) return wrong("it ends before its fork");
  const Lsn known = std::min(exported.end, facts.durable().lsn);
  exported.versions = found.size();
  const CommitId fork = history.at(std::min(exported.fork, known)).commit;
  const CommitId end = history.at(known).commit;
  std::set<std::string> all;
  std::set<std::string> needed;
  const CommitId floor = history.floor_at(known);
  for (uint32_t c = 0; c < kCollections; ++c) {
    for (uint32_t id = 0; id < ids_; ++id) {
      auto add = [&](std::set<std::string>& to, const Version& v) {
        if (v.commit <= fork || v.commit > end) return;
        to.insert(fmt::format("{} {} {} {} {}", v.commit.value(), history.commit_lsn[v.commit.value()].value(),
                              collection_name(c), id_name(id), to_hex(v.document)));
      };
      for (const auto& version : history.versions(c, id)) add(all, version);
      for (const auto& version : history.logical_chain(c, id, end, floor)) add(needed, version);
    }
  }
  for (const auto& version : found) {
    if (known == exported.end && !all.contains(version)) return wrong("a version that is not there: " + version);
  }
  for (const auto& version : needed) {
    if (!found.contains(version)) return wrong("a version is missing: " + version);
  }
  return exported;
}

}  // namespace aerodb::sim
