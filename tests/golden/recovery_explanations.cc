// recovery.process
#include "common/rules/recovery_rules.h"

#include "tests/golden/explanations.h"

namespace aerodb::rules::golden {
namespace {

RecoveryRun run(uint64_t number, uint64_t first, uint64_t last) {
  RecoveryRun run{number, CommitId(first), CommitId(last), 4096 * number, last - first + 1, {}, true};
  run.sha256.fill(static_cast<uint8_t>(0x50 + number));
  return run;
}

// NODE was read, nothing behind it.
RecoveryEvidence claimed() {
  RecoveryEvidence e;
  e.carried_out = true;
  e.segments = 4;
  e.segment_bytes = 64 << 20;
  e.initial_lsn = Lsn(1);
  e.node = e.configured_node = "p1";
  e.cluster = id_of<ClusterId>(0xc1);
  e.instance = id_of<InstanceId>(0x11);
  e.held_by_another = false;
  return e;
}

RecoveryEvidence with_manifest() {
  auto e = claimed();
  e.manifest_number = 3;
  e.manifest_cluster = e.cluster;
  e.manifest_commit = CommitId(90);
  e.manifest_digest = id_of<Digest>(0xd3);
  e.manifest_next_run = e.next_run = 6;
  e.runs = {run(4, 1, 60), run(5, 61, 90)};
  e.tail.manifest_lsn = Lsn(93);
  e.tail.manifest_chain = id_of<Chain>(0xc9);
  return e;
}

// The log was read to its end, and it is a good one.
RecoveryEvidence replayed() {
  auto e = with_manifest();
  e.tail.first_replayed_lsn = Lsn(94);
  e.tail.first_replayed_chain_before = e.tail.manifest_chain;
  e.tail.end_lsn = Lsn(113);
  e.tail.end_segment = 7;
  e.tail.end_offset = 20480;
  e.tail.bytes_at_end = false;
  e.tail.bound_lsn = Lsn(93);
  e.tail.bound_name = "the manifest";
  e.log_segments = {{6, Lsn(88), Lsn(101), 9}, {7, Lsn(102), Lsn(113), 11}};
  e.records = {{"schema", 1}, {"commit", 19}};
  e.final_lsn = Lsn(113);
  e.final_commit = CommitId(109);
  e.replayed_digest = e.stated_digest = id_of<Digest>(0xd4);
  e.live_documents = 80;
  e.index_entries = 38;
  return e;
}

RecoveryEvidence recovered() {
  auto e = replayed();
  e.syncs = syncs_needed(e);
  e.last_frame_segment = 7;
  e.last_frame_offset = 16384;
  e.last_frame_bytes = 4096;
  e.rewrites_last_frame = true;
  return e;
}

RecoveryEvidence torn() {
  auto e = recovered();
  e.tail.bytes_at_end = true;
  e.tail.torn_segment = 7;
  e.tail.torn_offset = 20480;
  e.tail.torn_bytes = 1536;
  return e;
}

RecoveryEvidence empty() {
  auto e = claimed();
  e.initial_lsn = Lsn(0);
  e.manifest_number = 0;
  e.next_run = 1;
  e.tail.end_lsn = Lsn(0);
  e.tail.end_segment = e.tail.end_offset = 0;
  e.tail.bytes_at_end = false;
  e.final_lsn = Lsn(0);
  e.final_commit = CommitId(0);
  e.replayed_digest = e.stated_digest = Digest{};
  e.syncs.emplace();
  e.rewrites_last_frame = false;
  return e;
}

RecoveryEvidence broken_by(RecoveryEvidence e, std::string code, std::string message) {
  e.error_code = std::move(code);
  e.error_message = std::move(message);
  return e;
}

// One log that is refused by each of its rules.
void add_refused_logs(std::vector<Golden>& list) {
  auto hole = replayed();
  hole.tail.later_segment = 7;
  hole.tail.later_offset = 24576;
  list.push_back({"recovery-hole", explain_recovery(hole, kLineage)});
  auto lost = replayed();
  lost.clean_stop_lsn = lost.tail.bound_lsn = Lsn(120);
  lost.clean_stop_chain = id_of<Chain>(0xce);
  lost.tail.bound_name = "the last clean stop";
  list.push_back({"recovery-bound-lost", explain_recovery(lost, kLineage)});
  auto gap = replayed();
  gap.tail.discontinuity = "expected LSN 114, found 116";
  gap.tail.bytes_at_end = true;
  list.push_back({"recovery-discontinuity", explain_recovery(gap, kLineage)});
  auto departed = replayed();
  departed.tail.first_replayed_chain_before = id_of<Chain>(0xcf);
  list.push_back({"recovery-other-chain", explain_recovery(departed, kLineage)});
  auto record = replayed();
  record.tail.discontinuity = "apply record: c/x stands twice in one commit (MVCC-9)";
  list.push_back(
      {"recovery-bad-record", explain_recovery(broken_by(record, "BAD_RECORD", *record.tail.discontinuity), kLineage)});
}

}  // namespace

std::vector<Golden> recovery_explanations() {
  std::vector<Golden> list;
  list.push_back({"recovery-recovered", explain_recovery(recovered(), kLineage)});
  list.push_back({"recovery-torn-frame", explain_recovery(torn(), kLineage)});
  auto at_rest = torn();
  at_rest.carried_out = false;
  at_rest.configured_node.reset();
  list.push_back({"recovery-at-rest", explain_recovery(at_rest, kLineage)});
  list.push_back({"recovery-empty", explain_recovery(empty(), LineageId{})});
  add_refused_logs(list);

  RecoveryEvidence no_node;
  list.push_back({"recovery-not-initialized",
                  explain_recovery(broken_by(no_node, "NOT_INITIALIZED", "open DIR: it holds no NODE file"), {})});
  auto other = claimed();
  other.configured_node = "p2";
  list.push_back({"recovery-wrong-node", explain_recovery(broken_by(other, "WRONG_NODE", "the directory is p1"), {})});
  auto held = claimed();
  held.held_by_another = true;
  list.push_back({"recovery-held", explain_recovery(held, {})});
  list.push_back({"recovery-manifest-damaged",
                  explain_recovery(broken_by(claimed(), "MANIFEST_DAMAGED", "manifest DIR/MANIFEST: at byte 16"), {})});
  auto run_damaged = with_manifest();
  run_damaged.runs[0].verified = false;
  run_damaged.runs[1].verified.reset();
  list.push_back({"recovery-run-damaged",
                  explain_recovery(broken_by(run_damaged, "RUN_DAMAGED", "run DIR/runs/00000004.run: footer"), {})});
  auto apart = recovered();
  apart.runs[1].first_commit = CommitId(62);
  list.push_back({"recovery-runs-apart", explain_recovery(apart, kLineage)});
  list.push_back(
      {"recovery-segment-missing",
       explain_recovery(broken_by(with_manifest(), "WAL_SEGMENT_MISSING", "DIR/wal/0002.seg is missing"), kLineage)});
  auto differs = with_manifest();
  differs.tail.first_replayed_lsn = Lsn(94);
  differs.tail.first_replayed_chain_before = differs.tail.manifest_chain;
  differs.final_lsn = Lsn(99);
  differs.final_commit = CommitId(95);
  differs.replayed_digest = id_of<Digest>(0xd5);
  differs.stated_digest = id_of<Digest>(0xd6);
  list.push_back(
      {"recovery-digest-mismatch",
       explain_recovery(broken_by(differs, "DIGEST_MISMATCH", "LSN 100: the state digest differs"), kLineage)});
  auto not_durable = replayed();
  not_durable.syncs = {{"runs/00000004.run"}};
  list.push_back(
      {"recovery-incomplete",
       explain_recovery(broken_by(not_durable, "IO", "sync DIR/runs/00000005.run: Input/output error"), kLineage)});
  list.push_back({"recovery-undetermined", explain_recovery(replayed(), kLineage)});
  return list;
}

}  // namespace aerodb::rules::golden
