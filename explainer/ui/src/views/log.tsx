import type { Checkpoints, Evidence, Nodes, Wal } from '../app/answers';
import { useAnswer } from '../app/answer';
import { to } from '../app/address';
import type { ViewProps } from '../app/view';
import { Figure, Show } from '../parts/figure';
import type { Lane } from '../pictures/log';
import { Lanes, Ring } from '../pictures/log';

function lanes_of(wal: Wal, checkpoints: Checkpoints | undefined, { nodes, view, node }: ViewProps): Lane[] {
  const lanes: Lane[] = [
    { name: 'appended', of: node!, value: wal.appended_lsn, tone: 'appended' },
    { name: 'durable', of: node!, value: wal.durable_lsn, tone: 'durable' },
    { name: 'applied', of: node!, value: view?.status?.applied_lsn ?? null, tone: 'applied' },
    { name: 'covered', of: 'by the manifest', value: checkpoints?.manifest_lsn ?? null, tone: 'covered' },
  ];
  for (const shipper of (nodes?.data as Nodes | undefined)?.shippers ?? []) {
    if (!shipper.status || shipper.status.source !== node) continue;
    for (const target of shipper.status.targets) lanes.push({ name: 'shipped', of: `to ${target.target}`, value: target.durable_lsn, tone: 'shipped' });
  }
  return lanes;
}

export function Log(props: ViewProps) {
  const { node, nodes } = props;
  const wal = useAnswer<Wal>(node && to('/v1/wal', { node }));
  const checkpoints = useAnswer<Checkpoints>(node && to('/v1/checkpoints', { node }));
  return (
    <Show answer={wal}>
      {(data) => {
        const lanes = lanes_of(data, checkpoints?.data, props);
        return (
          <>
            <Figure title="Positions of the log" from={[wal, checkpoints, nodes]} rows={lanes.map(({ name, of, value }): Evidence => ({ position: name, of, lsn: value }))}
              note={<>The log held here begins with LSN <code>{data.first_lsn}</code>. Each lane is one answer; they are different moments.</>}
              draw={(width) => <Lanes lanes={lanes} first={data.first_lsn} width={width} />} />
            <Figure title="The ring" from={[wal]} rows={[data as unknown as Evidence]}
              note={<>Slots in order, each named by the sequence of the segment in it; <code>{data.segments}</code> of <code>{data.segment_bytes}</code> bytes. A released segment lies below the manifest and may be written over.</>}
              draw={(width) => <Ring wal={data} width={width} />} />
          </>
        );
      }}
    </Show>
  );
}
