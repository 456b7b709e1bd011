// aerodb-primary: the only writer of a cluster; when sealed it serves log and reads.
#include "common/node/run_node.h"
#include "primary/no_intake.h"

int main(int argc, char** argv) {
  using namespace aerodb;
  return node::run_node(
      argc, argv, node::Binary::kPrimary,
      {"aerodb-primary",
       "Admits writes, assigns commit ids, logs, answers reads. When sealed, serves log and reads only."},
      [](node::Node& node) {
        primary::refuse_records(node);
        return std::shared_ptr<void>();
      });
}
