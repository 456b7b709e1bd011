#include <gtest/gtest.h>

#include <map>
#include <regex>
#include <set>

#include "common/observe/events.h"
#include "common/observe/metrics.h"

namespace aerodb::observe {
namespace {

TEST(MetricTable, NamesAreUniqueAndEndWithTheirUnit) {
  std::set<std::string> names;
  for (const MetricRow& row : metric_table()) {
    const std::string name(row.name);
    EXPECT_TRUE(names.insert(name).second) << name;
    EXPECT_TRUE(std::regex_match(name, std::regex("[a-z][a-z0-9]*(_[a-z0-9]+)*"))) << name;
    const std::string unit(unit_name(row.unit));
    const bool fits = name.ends_with("_" + unit) || (row.unit == Unit::kBytes && name.ends_with("_total"));
    EXPECT_TRUE(fits) << name << " is in " << unit;
    EXPECT_FALSE(row.help.empty());
    EXPECT_NE(row.processes, 0);
  }
}

TEST(Metrics, ShowsEveryMetricOfItsProcessInTableOrder) {
  Metrics metrics(Process::kShipper);
  metrics.add(MetricId::kShipperBytesSentTotal, 5);
  metrics.add(MetricId::kShipperBytesSentTotal, 6);
  metrics.set(MetricId::kShipperTargetsCount, 9);
  metrics.set(MetricId::kShipperTargetsCount, 2);
  std::vector<std::string> shown;
  std::map<std::string, uint64_t> values;
  metrics.visit([&](const MetricView& view) {
    shown.emplace_back(view.name);
    values[std::string(view.name)] = view.value;
  });
  EXPECT_EQ(values.size(), shown.size()) << "a name twice";
  EXPECT_EQ(values.at("shipper_bytes_sent_total"), 11u);
  EXPECT_EQ(values.at("shipper_targets_count"), 2u);
  EXPECT_EQ(metrics.get(MetricId::kShipperTargetsCount), 2u);
  size_t at = 0;
  for (const MetricRow& row : metric_table()) {
    if ((row.processes & static_cast<uint8_t>(Process::kShipper)) != 0) {
      EXPECT_EQ(shown.at(at++), row.name);
    }
  }
  EXPECT_EQ(values.count("wal_durable_lsn"), 0u);
}

TEST(Metrics, OneOfAnotherProcessIsABug) {
  Metrics metrics(Process::kExplainer);
  EXPECT_DEATH(metrics.add(MetricId::kWalRecordsCount), "processes");
  EXPECT_DEATH(metrics.observe(HistogramId::kWalSync, 1), "processes");
}

TEST(Histogram, CountsExactlyAtPowersOfTwo) {
  Metrics metrics(Process::kNode);
  for (uint64_t value : {uint64_t{0}, uint64_t{511}, uint64_t{512}, uint64_t{513}, uint64_t{1024}, uint64_t{1} << 63}) {
    metrics.observe(HistogramId::kWalFrame, value);
  }
  std::map<std::string, uint64_t> values;
  metrics.visit([&](const MetricView& view) { values[std::string(view.name)] = view.value; });
  EXPECT_EQ(values.at("wal_frame_count"), 6u);
  EXPECT_EQ(values.at("wal_frame_bytes_total"), 511u + 512 + 513 + 1024 + (uint64_t{1} << 63));
  EXPECT_EQ(values.at("wal_frame_bytes_max"), uint64_t{1} << 63);
  EXPECT_EQ(values.at("wal_frame_bytes_le_512"), 3u);
  EXPECT_EQ(values.at("wal_frame_bytes_le_1024"), 5u);
  EXPECT_EQ(values.at("wal_frame_bytes_le_16777216"), 5u);
  EXPECT_EQ(values.count("wal_frame_bytes_le_256"), 0u);
  EXPECT_EQ(values.at("wal_sync_count"), 0u);
}

TEST(EventTable, NamesAndFieldsAreUniqueWords) {
  std::set<std::string_view> names;
  const std::regex word("[a-z][a-z0-9]*(_[a-z0-9]+)*");
  for (const EventRow& row : event_table()) {
    EXPECT_TRUE(names.insert(row.name).second) << row.name;
    EXPECT_TRUE(std::regex_match(std::string(row.name), word)) << row.name;
    EXPECT_FALSE(row.help.empty());
    const auto fields = event_fields(row);
    EXPECT_FALSE(fields.empty()) << row.name;
    EXPECT_EQ(std::set(fields.begin(), fields.end()).size(), fields.size()) << row.name;
    for (std::string_view field : fields) EXPECT_TRUE(std::regex_match(std::string(field), word)) << row.name;
  }
}

}  // namespace
}  // namespace aerodb::observe
