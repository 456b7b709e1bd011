#include "common/rules/read_visibility.h"

namespace aerodb::rules {
namespace {

// A handle over the evidence, so that the recording path runs the very walk of the hot path.
struct EvidenceVersion {
  const VersionEvidence* version = nullptr;
  const VersionEvidence* end = nullptr;
  explicit operator bool() const { return version != nullptr; }
};
CommitId commit_of(EvidenceVersion v) { return v.version->commit; }
EvidenceVersion older_than(EvidenceVersion v) {
  return v.version + 1 == v.end ? EvidenceVersion{} : EvidenceVersion{v.version + 1, v.end};
}
bool is_tombstone(EvidenceVersion v) { return v.version->kind == "tombstone"; }

bool strictly_descends(const std::vector<VersionEvidence>& versions) {
  for (size_t i = 0; i + 1 < versions.size(); ++i) {
    if (versions[i].commit <= versions[i + 1].commit || versions[i].prev_commit != versions[i + 1].commit) return false;
  }
  return true;
}

}  // namespace

Visibility decide_visibility(ReadVisibilityEvidence& evidence, RecordingTrace& trace) {
  const bool above_floor = evidence.commit >= evidence.floor;
  trace.apply(RuleId::kMvcc4, evaluation(above_floor), evidence, "commit", "floor");
  trace.apply(RuleId::kMvcc5, evaluation(strictly_descends(evidence.versions)), evidence, "versions");

  const VersionEvidence* candidate = nullptr;
  for (const auto& version : evidence.versions) {
    if (version.commit <= evidence.commit) {
      candidate = &version;
      break;
    }
  }
  evidence.candidate_commit.reset();
  evidence.candidate_kind.reset();
  if (candidate != nullptr) {
    evidence.candidate_commit = candidate->commit;
    evidence.candidate_kind = candidate->kind;
  }
  trace.apply(RuleId::kMvcc1, evaluation(candidate != nullptr), evidence, "candidate_commit", "commit", "versions");

  const auto* begin = evidence.versions.data();
  auto newest =
      evidence.versions.empty() ? EvidenceVersion{} : EvidenceVersion{begin, begin + evidence.versions.size()};
  const bool visible = static_cast<bool>(visible_version(newest, evidence.commit));
  trace.apply(RuleId::kMvcc3, evaluation(visible), evidence, "candidate_kind");
  if (!above_floor) return Visibility::kBelowFloor;
  return visible ? Visibility::kVisible : Visibility::kNoVisibleVersion;
}

Explanation explain_visibility(ReadVisibilityEvidence evidence, LineageId lineage) {
  RecordingTrace trace;
  const Visibility visibility = decide_visibility(evidence, trace);
  return render_explanation(
      ExplanationType::kReadVisibility, {lineage, evidence.commit},
      [&](document::PackWriter& out) {
        out.map(3);
        out.field("_id", evidence.id);
        out.field("collection", evidence.collection);
        out.field("commit", evidence.commit);
      },
      trace.entries(),
      [&](document::PackWriter& out) {
        out.map(1);
        switch (visibility) {
          case Visibility::kVisible:
            out.text("visible_version");
            out.map(3);
            out.field("_id", evidence.id);
            out.field("collection", evidence.collection);
            out.field("commit_id", *evidence.candidate_commit);
            return;
          case Visibility::kNoVisibleVersion:
            out.field("result", "no visible version");
            return;
          case Visibility::kBelowFloor:
            out.field("result", "refused: BELOW_FLOOR");
            return;
        }
      });
}

}  // namespace aerodb::rules
