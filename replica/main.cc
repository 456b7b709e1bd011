// aerodb-replica: receives the log, validates and applies it, answers reads; goes on as primary after a promotion.
#include "common/node/run_node.h"
#include "replica/intake.h"

int main(int argc, char** argv) {
  using namespace aerodb;
  return node::run_node(
      argc, argv, node::Binary::kReplica,
      {.name = "aerodb-replica",
       .summary = "Receives the log, validates, applies, answers reads only when provably safe. Goes on as primary "
                  "after a promotion.",
       .has_repair = true},
      [](node::Node& node) -> std::shared_ptr<void> { return std::make_shared<replica::Intake>(node); });
}
