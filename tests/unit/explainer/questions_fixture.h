// Questions asked of a fake cluster.
#pragma once

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "explainer/questions.h"
#include "tests/unit/explainer/fake_cluster.h"

namespace aerodb::explainer::testing {

struct RecordingLog final : LogSink {
  void write(LogLevel level, std::string_view event, std::initializer_list<LogField>) override {
    lines.emplace_back(level, event);
  }
  std::vector<std::pair<LogLevel, std::string>> lines;
};

class Questions : public ::testing::Test {
 protected:
  Result<WitnessReport> about_read(std::string node, std::optional<CommitId> at_commit = std::nullopt) {
    return run([&](WitnessDone done) {
      ask_about_read(parts(), {std::move(node), "countries", "AW", at_commit}, std::move(done));
    });
  }
  Result<WitnessReport> about_replication(std::string node, std::optional<CommitId> at_commit = std::nullopt) {
    return run(
        [&](WitnessDone done) { ask_about_replication(parts(), {std::move(node), at_commit}, std::move(done)); });
  }
  template <class Ask>
  Result<WitnessReport> run(Ask ask) {
    std::optional<Result<WitnessReport>> answer;
    ask([&](Result<WitnessReport> report) { answer = std::move(report); });
    cluster.runtime.run();
    if (!answer) cluster.runtime.pass_ms(20'000);
    AERODB_ASSERT(answer.has_value());
    return std::move(*answer);
  }
  WitnessParts parts() { return {peers, metrics, log}; }

  FakeCluster cluster;
  FakeNode& p1 = cluster.p1;
  FakeNode& r1 = cluster.r1;
  observe::Metrics metrics{observe::Process::kExplainer};
  RecordingLog log;
  Peers peers{cluster.runtime, FakeCluster::config(), metrics};
};

}  // namespace aerodb::explainer::testing
