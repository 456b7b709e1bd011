// The questions that the explainer answers with a verdict, one a type of explanation. Each is a chain of requests, one
// after the other, to the node asked and to those whose records its explanation can be compared with. Thread: the
// loop's.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "common/base/log.h"
#include "explainer/peers.h"
#include "explainer/query_request.h"
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

// explain.query: another configured node of the same lineage is asked the same at the commit of the answer.
struct QueryQuestion {
  std::string node;
  std::shared_ptr<const QueryRequest> query;
};
void ask_about_query(WitnessParts parts, QueryQuestion question, WitnessDone done);

// explain.recovery: the end that was recovered is compared with the node's record there.
void ask_about_recovery(WitnessParts parts, std::string node, WitnessDone done);
// explain.checkpoint: the position of the manifest is compared with the node's record there, where the ring has it.
void ask_about_checkpoint(WitnessParts parts, std::string node, WitnessDone done);
// explain.halt: compared with the node's status before and after.
void ask_about_halt(WitnessParts parts, std::string node, WitnessDone done);

// explain.promotion: the records that it names are looked up in the node's log; where the log has them no more, another
// configured node explains the same epoch.
struct PromotionQuestion {
  std::string node;
  std::optional<Epoch> epoch;
};
void ask_about_promotion(WitnessParts parts, PromotionQuestion question, WitnessDone done);

// explain.command: compared with the node's status before and after.
struct CommandQuestion {
  std::string node;
  std::string command;
  std::optional<std::string> successor;
  std::optional<InstanceId> successor_instance;
};
void ask_about_command(WitnessParts parts, CommandQuestion question, WitnessDone done);

// Counts the verdicts, and shows a mismatch in the log. Every report passes through here.
void record_verdicts(WitnessParts parts, std::string_view method, const WitnessReport& report);

}  // namespace aerodb::explainer
