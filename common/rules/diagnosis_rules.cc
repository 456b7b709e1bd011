#include "common/rules/diagnosis_rules.h"

#include "common/rules/command_conclusion.h"

namespace aerodb::rules {

Explanation explain_diagnosis(const DiagnosisEvidence& evidence) {
  RecordingTrace trace;
  CommandConclusion conclusion;
  conclusion.command = kDiagnose;
  conclusion.effect =
      "reads and proves the manifest's runs and the log behind it, as one storage operation; writes nothing";
  conclusion.cannot_be_undone = "nothing: no state changes";
  conclusion.refusal = decide_diagnosis(evidence, trace);
  conclusion.cost = [&](document::PackWriter& out) {
    out.map(3);
    out.field("run_bytes", evidence.run_bytes);
    out.field("log_records", evidence.durable_lsn > evidence.manifest_lsn
                                 ? evidence.durable_lsn.value() - evidence.manifest_lsn.value()
                                 : 0);
    out.field("memory_bytes", evidence.memory_bytes);
  };
  // The inputs repeat the whole evidence, the cost's among it.
  return render_explanation(
      ExplanationType::kControlCommand, {evidence.lineage.value_or(LineageId{}), evidence.commit},
      [&](document::PackWriter& out) { detail::pack_struct(evidence, out); }, trace.entries(),
      [&](document::PackWriter& out) { pack_command_conclusion(conclusion, trace.entries(), out); });
}

}  // namespace aerodb::rules
