// Query parameters of the HTTP API: each has one name, one type and one meaning on every route that takes it.
#pragma once

#include <optional>
#include <string>

#include "common/base/ids.h"
#include "common/uv/http/parameters.h"

namespace aerodb::explainer {

struct Parameters {
  std::optional<std::string> node;
  std::optional<std::string> collection;
  std::optional<std::string> id;
  std::optional<CommitId> at_commit;
  std::optional<CommitId> before_commit;
  std::optional<CommitId> after_commit;
  std::optional<std::string> after_collection;
  std::optional<std::string> after_name;
  std::optional<uint64_t> after_number;
  std::optional<uint32_t> limit;
  std::optional<std::string> query;
  std::optional<Epoch> epoch;
  std::optional<std::string> command;
  std::optional<std::string> successor;
  std::optional<InstanceId> successor_instance;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("node", self.node, "configured name of the node to ask");
    visit("collection", self.collection, "collection");
    visit("id", self.id, "_id of the document");
    visit("at_commit", self.at_commit, "commit of the read; absent: the newest visible one");
    visit("before_commit", self.before_commit, "next page: versions older than this commit");
    visit("after_commit", self.after_commit, "next page: runs whose last commit is greater");
    visit("after_collection", self.after_collection, "next page: collections with a greater name");
    visit("after_name", self.after_name, "next page: snapshots with a greater name");
    visit("after_number", self.after_number, "next page: entries with a greater number");
    visit("limit", self.limit, "at most so many entries, 1 to 1000; absent: 100");
    visit("query", self.query, "the fields of doc.query as a JSON object");
    visit("epoch", self.epoch, "epoch whose beginning is explained; absent: the newest");
    visit("command", self.command, "demote, promote, decline or diagnose");
    visit("successor", self.successor, "demote: node that shall take over");
    visit("successor_instance", self.successor_instance, "demote: its instance, as its status shows it");
  }
};

using http::kDefaultLimit;
using http::kMaxLimit;
using http::parameter_error;
using http::ParameterUse;

}  // namespace aerodb::explainer
