// Every type once.
#include <algorithm>
#include <iterator>

#include "tests/golden/explanations.h"

namespace aerodb::rules::golden {

std::vector<Golden> all() {
  std::vector<Golden> list;
  for (auto* of_a_type : {read_explanations, replication_explanations, command_explanations, checkpoint_explanations,
                          halt_explanations, promotion_explanations, query_explanations, recovery_explanations}) {
    std::ranges::move(of_a_type(), std::back_inserter(list));
  }
  return list;
}

}  // namespace aerodb::rules::golden
