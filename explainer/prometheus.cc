#include "explainer/prometheus.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/observe/metrics.h"

namespace aerodb::explainer {
namespace {

using observe::HistogramRow;
using observe::MetricKind;
using observe::MetricRow;
using observe::Unit;

constexpr std::string_view kUsSuffix = "_us";
constexpr std::string_view kCountSuffix = "_count";
constexpr std::string_view kTotalSuffix = "_total";

std::string value_text(uint64_t value, bool of_us) {
  return of_us ? fmt::format("{}.{:06}", value / 1'000'000, value % 1'000'000) : std::to_string(value);
}

bool remove_suffix(std::string& name, std::string_view suffix) {
  if (!name.ends_with(suffix)) return false;
  name.resize(name.size() - suffix.size());
  return true;
}

std::string exposed_name(std::string_view table_name, bool counter) {
  std::string name = fmt::format("aerodb_{}", table_name);
  remove_suffix(name, kTotalSuffix);
  remove_suffix(name, kCountSuffix);
  if (remove_suffix(name, kUsSuffix)) name += "_seconds";
  if (counter) name += kTotalSuffix;
  return name;
}

void begin(std::string& text, std::string_view name, std::string_view help, std::string_view type) {
  text += fmt::format("# HELP {} {}\n# TYPE {} {}\n", name, help, name, type);
}

void write_metric(std::string& text, const wire::MetricValue& metric) {
  const auto rows = observe::metric_table();
  const auto row = std::ranges::find(rows, metric.name, &MetricRow::name);
  const bool known = row != rows.end();
  const bool counter = known && row->kind == MetricKind::kCounter;
  const std::string name = exposed_name(metric.name, counter);
  begin(text, name, known ? row->help : "not in this program's table",
        counter ? "counter"
        : known ? "gauge"
                : "untyped");
  text += fmt::format("{} {}\n", name, value_text(metric.value, metric.unit == observe::unit_name(Unit::kUs)));
}

// The values of one histogram, under the names that Metrics gives them.
class HistogramText {
 public:
  explicit HistogramText(const HistogramRow& row)
      : row_(row),
        of_us_(row.unit == Unit::kUs),
        count_(fmt::format("{}_count", row.name)),
        in_unit_(fmt::format("{}_{}", row.name, observe::unit_name(row.unit))),
        exposed_(fmt::format("aerodb_{}_{}", row.name, of_us_ ? "seconds" : observe::unit_name(row.unit))) {}

  bool take(const wire::MetricValue& metric) {
    const std::string bucket = in_unit_ + "_le_";
    if (metric.name == count_) {
      events_ = metric.value;
    } else if (metric.name == in_unit_ + "_total") {
      sum_ = metric.value;
    } else if (metric.name == in_unit_ + "_max") {
      max_ = metric.value;
    } else if (metric.name.starts_with(bucket)) {
      const auto bound = from_decimal(std::string_view(metric.name).substr(bucket.size()));
      if (!bound) return false;
      buckets_ += fmt::format("{}_bucket{{le=\"{}\"}} {}\n", exposed_, value_text(*bound, of_us_), metric.value);
    } else {
      return false;
    }
    found_ = true;
    return true;
  }
  void write(std::string& text) const {
    if (!found_) return;
    begin(text, exposed_, row_.help, "histogram");
    text += buckets_;
    text += fmt::format("{}_bucket{{le=\"+Inf\"}} {}\n", exposed_, events_);
    text += fmt::format("{}_sum {}\n{}_count {}\n", exposed_, value_text(sum_, of_us_), exposed_, events_);
    begin(text, exposed_ + "_max", fmt::format("{}: the largest", row_.help), "gauge");
    text += fmt::format("{}_max {}\n", exposed_, value_text(max_, of_us_));
  }

 private:
  const HistogramRow& row_;
  bool of_us_;
  std::string count_;
  std::string in_unit_;
  std::string exposed_;
  std::string buckets_;
  uint64_t events_ = 0;
  uint64_t sum_ = 0;
  uint64_t max_ = 0;
  bool found_ = false;
};

// A peer's text goes into ours: nothing but names as the table has them.
bool is_name(std::string_view name) {
  return !name.empty() &&
         std::ranges::all_of(name, [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'; });
}

}  // namespace

std::string prometheus_text(const wire::StatsResponse& stats) {
  std::vector<HistogramText> histograms;
  for (const auto& row : observe::histogram_table()) histograms.emplace_back(row);
  std::string text;
  for (const auto& metric : stats.metrics) {
    if (!is_name(metric.name)) continue;
    const bool of_histogram =
        std::ranges::any_of(histograms, [&](HistogramText& histogram) { return histogram.take(metric); });
    if (!of_histogram) write_metric(text, metric);
  }
  for (const auto& histogram : histograms) histogram.write(text);
  return text;
}

}  // namespace aerodb::explainer
