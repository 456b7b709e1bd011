// The explanations of which golden files are kept: every type with every kind of conclusion. Those of a type stand in a
// file of their own.
#pragma once

#include <string>
#include <vector>

#include "common/rules/explanation.h"

namespace aerodb::rules::golden {

struct Golden {
  std::string name;  // of the file
  Explanation explanation;
};

[[nodiscard]] std::vector<Golden> read_explanations();
[[nodiscard]] std::vector<Golden> replication_explanations();
[[nodiscard]] std::vector<Golden> command_explanations();
[[nodiscard]] std::vector<Golden> checkpoint_explanations();
[[nodiscard]] std::vector<Golden> halt_explanations();
[[nodiscard]] std::vector<Golden> promotion_explanations();
[[nodiscard]] std::vector<Golden> query_explanations();
[[nodiscard]] std::vector<Golden> recovery_explanations();
// All of them.
[[nodiscard]] std::vector<Golden> all();

template <class Id>
Id id_of(uint8_t value) {
  Id id;
  id.bytes.fill(value);
  return id;
}
inline const LineageId kLineage = id_of<LineageId>(0x1e);

}  // namespace aerodb::rules::golden
