// mvcc.read_visibility
#include "common/rules/read_visibility.h"

#include "tests/golden/explanations.h"

namespace aerodb::rules::golden {
namespace {

ReadVisibilityEvidence visibility(uint64_t commit, uint64_t floor = 0) {
  ReadVisibilityEvidence e;
  e.collection = "countries";
  e.id = "AW";
  e.commit = CommitId(commit);
  e.floor = CommitId(floor);
  const VersionEvidence all[] = {
      {CommitId(9), Lsn(12), "tombstone", 0, DocumentHash{}, CommitId(7)},
      {CommitId(7), Lsn(10), "document", 2, id_of<DocumentHash>(0xd7), CommitId(4)},
      {CommitId(4), Lsn(6), "document", 1, id_of<DocumentHash>(0xd4), CommitId(0)},
  };
  for (const auto& version : all) {
    if (version.commit <= e.commit) e.versions.push_back(version);
  }
  return e;
}

}  // namespace

std::vector<Golden> read_explanations() {
  std::vector<Golden> list;
  list.push_back({"read-visible", explain_visibility(visibility(8), kLineage)});
  list.push_back({"read-tombstone", explain_visibility(visibility(10), kLineage)});
  list.push_back({"read-none", explain_visibility(visibility(3), kLineage)});
  list.push_back({"read-below-floor", explain_visibility(visibility(5, 6), kLineage)});
  return list;
}

}  // namespace aerodb::rules::golden
