// What `timeline` and `reconstruct` have in common: the range, the nodes asked, and the report of them.
#pragma once

#include <string>
#include <vector>

#include "controlplane/console/target.h"
#include "controlplane/console/timeline/report.h"

namespace aerodb::console {

class TimelineOptions {
 public:
  void declare(Options& options);
  [[nodiscard]] bool has_both_ends() const { return !from_.empty() && !to_.empty(); }
  // USAGE for ends that are none, before anybody is asked.
  [[nodiscard]] Result<timeline::Report> report() const;

 private:
  ServiceTarget desk_{ServiceTarget::Kind::kControlPlane, 60'000};
  std::vector<std::string> from_;
  std::vector<std::string> to_;
  std::vector<std::string> nodes_;
};

}  // namespace aerodb::console
