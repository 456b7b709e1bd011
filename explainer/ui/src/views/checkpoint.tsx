import type { Checkpoints, Evidence, Explained, Indexes, Mvcc, Snapshots } from '../app/answers';
import { evidence_of, rows_of } from '../app/answers';
import { useAnswer } from '../app/answer';
import { to } from '../app/address';
import type { ViewProps } from '../app/view';
import { Explanation } from '../parts/explanation';
import { Figure, More, Show } from '../parts/figure';
import { Chain } from '../pictures/chain';
import { Coverage } from '../pictures/coverage';
import { Places } from '../pictures/places';

const rows = (of: unknown[]): Evidence[] => of as Evidence[];

export function Checkpoint({ node, view }: ViewProps) {
  const ask = (route: string) => node && to(`/v1/${route}`, { node });
  const explained = useAnswer<Explained>(ask('explain/checkpoint'));
  const checkpoints = useAnswer<Checkpoints>(ask('checkpoints'));
  const steps = explained?.data ? rows_of(evidence_of(explained.data.explanation).sync_steps) : [];
  const mvcc = useAnswer<Mvcc>(ask('mvcc'));
  const snapshots = useAnswer<Snapshots>(ask('snapshots'));
  const indexes = useAnswer<Indexes>(ask('indexes'));
  return (
    <>
      <Explanation answer={explained}>
        <Show answer={checkpoints}>
          {(data) => (
            <Figure title="Runs, and what they cover" from={[checkpoints, mvcc]} rows={rows(data.runs)} note={<More answer={checkpoints} />}
              draw={(width) => (
                <Coverage width={width} data={data} commit={mvcc?.data?.visible_commit ?? view?.status?.commit_id ?? null} floor={view?.status?.floor ?? null} />
              )} />
          )}
        </Show>
        {steps.length > 0 ? (
          <Figure title="How the manifest became durable" from={[explained]} rows={steps} draw={() => <Chain steps={steps} label="steps in order" />} />
        ) : null}
      </Explanation>
      <Show answer={mvcc}>
        {(data) => (
          <Figure title="Where versions are" from={[mvcc]} rows={rows(data.collections)}
            note={<>Entries in memory and in each run. Live documents: <code>{data.live_documents}</code>; pins: <code>{data.pins}</code><More answer={mvcc} /></>}
            draw={(width) => <Places width={width} lines={data.collections.map((c) => ({ name: c.collection, memory: c.active_ids + c.frozen_ids, runs: c.runs }))} />} />
        )}
      </Show>
      <Show answer={indexes}>
        {(data) => (
          <Figure title="Indexes" from={[indexes]} rows={rows(data.collections)} note={<More answer={indexes} />}
            draw={(width) => (
              <Places width={width} lines={data.collections.flatMap((c) => c.indexes.map((i) => (
                { name: `${c.collection}.${i.path}`, memory: i.active_entries + i.frozen_entries, runs: i.runs })))} />
            )} />
        )}
      </Show>
      <Show answer={snapshots}>
        {(data) => (
          <Figure title="Snapshots" from={[snapshots]} rows={rows(data.snapshots)} note={<More answer={snapshots} />}
            draw={() => (
              <ul class="tiles">
                {data.snapshots.length === 0 ? <li class="none">no snapshot</li> : null}
                {data.snapshots.map((snapshot) => (
                  <li key={snapshot.name} class={snapshot.complete ? '' : 'partial'}><code class="id">{snapshot.name}</code><span>complete: {String(snapshot.complete)}</span></li>
                ))}
              </ul>
            )} />
        )}
      </Show>
      {checkpoints?.data && checkpoints.data.operations.length > 0 ? (
        <Figure title="Storage operations of this process" from={[checkpoints]} rows={rows(checkpoints.data.operations)}
          draw={() => (
            <ol class="tiles">
              {checkpoints.data!.operations.map((operation) => (
                <li key={operation.number} class={operation.error_code ? 'partial' : ''}>
                  <b>{operation.number} {operation.kind}</b><span>{operation.stage}{operation.error_code ? `: ${operation.error_code}` : ''}</span>
                  <span>LSN <code>{operation.lsn}</code> commit <code>{operation.commit}</code> manifest <code>{operation.manifest}</code></span>
                </li>
              ))}
            </ol>
          )} />
      ) : null}
    </>
  );
}
