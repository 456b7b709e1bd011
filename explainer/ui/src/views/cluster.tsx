import type { ViewProps } from '../app/view';
import type { Evidence, Nodes } from '../app/answers';
import { Figure, Show } from '../parts/figure';
import { ClusterPicture } from '../pictures/cluster';
import { Questions } from './questions';

function rows_of({ nodes, shippers }: Nodes): Evidence[] {
  const of_nodes = nodes.map((view): Evidence => ({
    name: view.node, reached: view.reached, why: view.why, role: view.status?.role ?? null, state: view.status?.state ?? null,
    lineage: view.status?.lineage ?? null, epoch: view.status?.epoch ?? null, durable_lsn: view.status?.durable_lsn ?? null,
    applied_lsn: view.status?.applied_lsn ?? null, commit_id: view.status?.commit_id ?? null, fenced: view.status?.fenced ?? null,
    halt_rule: view.status?.halt_rule ?? null, halt_reason: view.status?.halt_reason ?? null,
  }));
  return of_nodes.concat(shippers.map((view): Evidence => ({ name: view.shipper, reached: view.reached, why: view.why, role: 'shipper', state: view.status?.source_state ?? null })));
}

function edges_of({ shippers }: Nodes): Evidence[] {
  return shippers.flatMap((view) => (view.status?.targets ?? []).map((target): Evidence => ({
    shipper: view.shipper, source: view.status!.source, source_durable_lsn: view.status!.source_durable?.lsn ?? null,
    source_heard_us_ago: view.status!.source_heard_us_ago, target: target.target, session: target.state,
    durable_lsn: target.durable_lsn, applied_lsn: target.applied_lsn, heard_us_ago: target.heard_us_ago, stopped_by: target.stopped_by,
  })));
}

export function Cluster(props: ViewProps) {
  return (
    <>
      <Show answer={props.nodes}>
        {(data) => (
          <Figure title="Nodes and what is shipped between them" from={[props.nodes]} rows={rows_of(data).concat(edges_of(data))}
            note="A position at an edge is what its shipper last heard from that end; a position in a node is what the node itself answers. They are different moments."
            draw={(width) => <ClusterPicture data={data} width={width} />} />
        )}
      </Show>
      <Questions {...props} />
    </>
  );
}
