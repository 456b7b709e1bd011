// Which version of a document a read sees (rules MVCC-4, MVCC-5, MVCC-1, MVCC-3, applied in this order).
//
// The hot path ends its walk at the first version with commit <= bound, which is right because chains strictly descend
// (MVCC-5); the recording path checks the whole chain. A test shows that both agree.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/rules/explanation.h"

namespace aerodb::rules {

struct VersionEvidence {
  CommitId commit;
  Lsn lsn;
  std::string kind;  // "document" or "tombstone"
  uint32_t schema_version = 0;
  DocumentHash hash;
  CommitId prev_commit;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("commit", self.commit);
    visit("hash", self.hash);
    visit("kind", self.kind);
    visit("lsn", self.lsn);
    visit("prev_commit", self.prev_commit);
    visit("schema_version", self.schema_version);
  }
};

// Logical evidence only: equal on every node at a commit. `versions` holds those with floor < commit <= commit asked
// and the newest one at or below the floor, newest first.
struct ReadVisibilityEvidence {
  std::string collection;
  std::string id;
  CommitId commit;  // bound of the read
  CommitId floor;
  std::vector<VersionEvidence> versions;
  // Set by the decision.
  std::optional<CommitId> candidate_commit;
  std::optional<std::string> candidate_kind;

  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("_id", self.id);
    visit("collection", self.collection);
    visit("commit", self.commit);
    visit("floor", self.floor);
    visit("versions", self.versions);
    visit("candidate_commit", self.candidate_commit);
    visit("candidate_kind", self.candidate_kind);
  }
};

enum class Visibility : uint8_t { kVisible, kNoVisibleVersion, kBelowFloor };

// The hot path. `Version` is a pointer-like handle: null at the end of the chain; `commit_of`, `older_than` and
// `is_tombstone` are found for it by argument. Answers the version seen, or null.
template <class Version>
[[nodiscard]] Version visible_version(Version newest, CommitId bound) {
  Version version = newest;
  while (version && commit_of(version) > bound) version = older_than(version);
  return version && !is_tombstone(version) ? version : Version{};
}

// The same decision over evidence, recording every rule.
[[nodiscard]] Visibility decide_visibility(ReadVisibilityEvidence& evidence, RecordingTrace& trace);

[[nodiscard]] Explanation explain_visibility(ReadVisibilityEvidence evidence, LineageId lineage);

}  // namespace aerodb::rules
