// The two questions that the explainer answers with a verdict. Each is a chain of requests, one after the other, to the
// node asked and to those whose records its explanation can be compared with. Thread: the loop's.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "common/base/log.h"
#include "explainer/peers.h"
#include "explainer/witness.h"

namespace aerodb::explainer {

// What a question works with; all of it must outlive the question.
struct WitnessParts {
  Peers& peers;
  observe::Metrics& metrics;
  LogSink& log;
};

// Runs once, perhaps before the call returns. An error where the node gave no explanation; whatever
// could not be compared afterwards is part of the report.
using WitnessDone = std::move_only_function<void(Result<WitnessReport>)>;

// explain.read: each version shown is looked up in the node's log; where the log can't be read, another configured
// node's versions are asked for.
struct ReadQuestion {
  std::string node;
  std::string collection;
  std::string id;
  std::optional<CommitId> at_commit;
};
void ask_about_read(WitnessParts parts, ReadQuestion question, WitnessDone done);

// explain.replication: the node gets its source's position, fetched at the end of its own log, as evidence. Its end of
// log is then compared with its own records.
struct ReplicationQuestion {
  std::string node;
  std::optional<CommitId> at_commit;
};
void ask_about_replication(WitnessParts parts, ReplicationQuestion question, WitnessDone done);

// Counts the verdicts, and shows a mismatch in the log. Every report passes through here.
void record_verdicts(WitnessParts parts, std::string_view method, const WitnessReport& report);

}  // namespace aerodb::explainer
