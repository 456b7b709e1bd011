// What /v1 answers, by the names of docs/spec/PROTOCOL.md. Only what the page draws is listed; the rest is in the JSON.

export interface AncestryEntry {
  lineage: string; epoch: number; first_lsn: number; first_commit: number; chain: string; node: string; instance: string;
  reason: string; parent: string | null;
}

export interface Status {
  node: string; cluster: string; instance: string; role: string; state: string; fenced: boolean;
  fenced_by_lineage: string | null; fork_lsn: number | null; lineage: string | null; epoch: number; authority_node: string;
  appended_lsn: number; durable_lsn: number; applied_lsn: number; commit_id: number; floor: number; chain: string;
  digest: string; seal_lsn: number | null; seal_successor: string | null; seal_successor_instance: string | null;
  halt_rule: string | null; halt_reason: string | null; ancestry: AncestryEntry[];
}

export interface NodeView { node: string; address: string; reached: boolean; why: string | null; status: Status | null }
export interface Statuses { nodes: NodeView[] }

export interface Receipt { lineage: string; epoch: number; commit_id: number; lsn: number; chain: string }

export interface Target {
  target: string; address: string; state: string; stopped_by: string | null; stopped_message: string | null;
  durable_lsn: number | null; applied_lsn: number | null; applied_commit: number | null; heard_us_ago: number | null;
  records_sent: number; in_flight_bytes: number;
}

export interface ShipperStatus {
  shipper: string; instance: string; source: string; source_address: string; source_state: string;
  source_stopped_by: string | null; source_stopped_message: string | null; source_durable: Receipt | null;
  source_heard_us_ago: number | null; targets: Target[];
}

export interface Replication {
  role: string; state: string; durable_lsn: number; applied_lsn: number; applied_commit: number; session: number | null;
  shipper: string | null; source_node: string | null; source_durable_lsn: number | null; source_commit: number | null;
  source_heard_us_ago: number | null;
}

export interface ReplicationView {
  node: string; address: string; reached: boolean; why: string | null; replication: Replication | null;
}
export interface ShipperView {
  shipper: string; address: string; reached: boolean; why: string | null; status: ShipperStatus | null;
}
export interface Replications { nodes: ReplicationView[]; shippers: ShipperView[] }

export interface Wal {
  segments: number; segment_bytes: number; max_wal_bytes: number; used_bytes: number; free_bytes: number;
  active_segment_sequence: number; active_offset_bytes: number; first_lsn: number; durable_lsn: number;
  appended_lsn: number; chain: string;
}

export type Value = null | boolean | number | string | Value[] | { [key: string]: Value };
export type Evidence = { [key: string]: Value };

export interface RuleEntry { rule_id: string; description: string; evaluation: boolean | null; evidence: Evidence }

export interface ExplanationObject {
  explanation_type: string;
  observed_snapshot: { snapshot_id: string; commit_id: number };
  inputs: Evidence;
  rules_applied: RuleEntry[];
  conclusion: Evidence;
}

export interface Explained {
  node: string; explanation: ExplanationObject; sha256: string; rule_sha256: string[]; rules_follow: string;
  rules_follow_why: string | null; evidence_checked: string; evidence_agrees: string; evidence_why: string | null;
}

// A name has one value everywhere in an explanation, so that it can be looked up by name alone.
export function evidence_of(explanation: ExplanationObject): Evidence {
  const all: Evidence = { ...explanation.inputs };
  for (const rule of explanation.rules_applied) {
    for (const [name, value] of Object.entries(rule.evidence)) if (name !== 'missing') all[name] = value;
  }
  return all;
}

// Names of what could not be had.
export const missing_of = (explanation: ExplanationObject): Set<string> =>
  new Set(explanation.rules_applied.flatMap((rule) => (Array.isArray(rule.evidence.missing) ? rule.evidence.missing.map(String) : [])));

export const rows_of = (value: Value | undefined): Evidence[] => (Array.isArray(value) ? (value as Evidence[]) : []);
export const number_of = (value: Value | undefined): number | null => (typeof value === 'number' ? value : null);
export const text_of = (value: Value | undefined): string | null => (typeof value === 'string' ? value : null);

export interface Nodes { nodes: NodeView[]; shippers: ShipperView[] }

export interface Run {
  number: number; first_commit: number; last_commit: number; bytes: number; versions: number; tombstones: number;
  index_entries: number; sha256: string;
}
export interface Operation {
  number: number; kind: string; stage: string; done_bytes: number; total_bytes: number; lsn: number; commit: number;
  manifest: number; runs_merged: number; snapshot: string | null; error_code: string | null;
  error_message: string | null; elapsed_us: number;
}
export interface Checkpoints {
  manifest_number: number; manifest_lsn: number; manifest_commit: number; manifest_digest: string;
  memory_active_bytes: number; memory_frozen_bytes: number; runs: Run[]; operations: Operation[];
}
export interface Snapshots {
  floor: number; pins: number; lowest_pin: number | null; holds: number; snapshots: { name: string; complete: boolean }[];
}
export interface RunPart { run: number; entries: number; bytes: number; height: number }
export interface Mvcc {
  visible_commit: number; floor: number; pins: number; lowest_pin: number | null; live_documents: number;
  active_versions: number; frozen_versions: number; run_versions: number; more: boolean;
  collections: { collection: string; schema_version: number; schema_lsn: number; active_ids: number; frozen_ids: number;
    runs: RunPart[] }[];
}
export interface Indexes {
  visible_commit: number; more: boolean;
  collections: { collection: string; schema_version: number; indexes: { path: string; active_entries: number;
    frozen_entries: number; runs: RunPart[] }[] }[];
}
export interface NodeEvent { number: number; wall_us: number; name: string; fields: string[] }
export interface AuditRecord { number: number; stage: string; line: string }
