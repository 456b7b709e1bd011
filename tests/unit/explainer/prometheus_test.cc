#include "explainer/prometheus.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>
#include <set>
#include <sstream>

#include "common/observe/metrics.h"

namespace aerodb::explainer {
namespace {

using ::testing::HasSubstr;

wire::StatsResponse stats_of(const observe::Metrics& metrics) {
  wire::StatsResponse stats;
  metrics.visit([&](const observe::MetricView& view) {
    stats.metrics.push_back({std::string(view.name), view.value, std::string(observe::unit_name(view.unit))});
  });
  return stats;
}

constexpr observe::Process kProcesses[] = {observe::Process::kNode, observe::Process::kShipper,
                                           observe::Process::kExplainer, observe::Process::kControlplane};

TEST(Prometheus, CountersGaugesAndMicroseconds) {
  EXPECT_EQ(prometheus_text({{{"requests_count", 3, "count"}}}),
            "# HELP aerodb_requests_total requests taken in, all listeners\n# TYPE aerodb_requests_total counter\n"
            "aerodb_requests_total 3\n");
  EXPECT_THAT(prometheus_text({{{"runs_count", 2, "count"}}}), HasSubstr("# TYPE aerodb_runs gauge\naerodb_runs 2\n"));
  EXPECT_THAT(prometheus_text({{{"wal_record_bytes", 9, "bytes"}}}), HasSubstr("\naerodb_wal_record_bytes_total 9\n"));
  EXPECT_THAT(prometheus_text({{{"start_wall_us", 9007199254740991, "us"}}}),
              HasSubstr("\naerodb_start_wall_seconds 9007199254.740991\n"));
}

TEST(Prometheus, AHistogramIsOne) {
  observe::Metrics metrics(observe::Process::kNode);
  metrics.observe(observe::HistogramId::kWalSync, 20);
  metrics.observe(observe::HistogramId::kWalSync, 1u << 30);
  const auto text = prometheus_text(stats_of(metrics));
  EXPECT_THAT(text, HasSubstr("# TYPE aerodb_wal_sync_seconds histogram\n"
                              "aerodb_wal_sync_seconds_bucket{le=\"0.000016\"} 0\n"
                              "aerodb_wal_sync_seconds_bucket{le=\"0.000032\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("aerodb_wal_sync_seconds_bucket{le=\"+Inf\"} 2\n"
                              "aerodb_wal_sync_seconds_sum 1073.741844\naerodb_wal_sync_seconds_count 2\n"));
  EXPECT_THAT(text, HasSubstr("\naerodb_wal_sync_seconds_max 1073.741824\n"));
}

TEST(Prometheus, APeersUnknownMetricIsUntypedAndNoOtherTextGetsThrough) {
  EXPECT_THAT(prometheus_text({{{"of_tomorrow_bytes", 1, "bytes"}}}),
              HasSubstr("# TYPE aerodb_of_tomorrow_bytes untyped\naerodb_of_tomorrow_bytes 1\n"));
  EXPECT_EQ(prometheus_text({{{"", 1, "count"}, {"a\nb 1", 1, "count"}, {"a{b=\"c\"}", 1, "count"}}}), "");
}

TEST(Prometheus, EveryValueOfEveryProcessIsShownOnce) {
  for (const auto process : kProcesses) {
    const auto text = prometheus_text(stats_of(observe::Metrics(process)));
    std::set<std::string> names;
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
      if (line.starts_with("# TYPE ")) {
        EXPECT_TRUE(names.insert(line.substr(7, line.rfind(' ') - 7)).second) << line;
      }
    }
    size_t expected = 0;
    for (const auto& row : observe::metric_table()) expected += (row.processes & static_cast<uint8_t>(process)) != 0;
    for (const auto& row : observe::histogram_table())
      expected += (row.processes & static_cast<uint8_t>(process)) != 0 ? 2 : 0;
    EXPECT_EQ(names.size(), expected);
  }
}

// Its linter knows the conventions: names, suffixes, units, HELP and TYPE.
TEST(Prometheus, PromtoolFindsNothing) {
  for (const auto process : kProcesses) {
    const std::string file = ::testing::TempDir() + "aerodb_metrics.txt";
    std::ofstream(file) << prometheus_text(stats_of(observe::Metrics(process)));
    const std::string command = fmt::format("promtool check metrics < '{}' 2>&1", file);
    std::FILE* pipe = popen(command.c_str(), "r");
    ASSERT_NE(pipe, nullptr);
    std::string said;
    char piece[4096];
    for (size_t size = 0; (size = std::fread(piece, 1, sizeof piece, pipe)) > 0;) said.append(piece, size);
    EXPECT_EQ(pclose(pipe), 0) << said;
    std::remove(file.c_str());
  }
}

}  // namespace
}  // namespace aerodb::explainer
