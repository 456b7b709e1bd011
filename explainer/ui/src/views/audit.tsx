import type { AuditRecord, Evidence } from '../app/answers';
import { useAnswer } from '../app/answer';
import { to } from '../app/address';
import type { ViewProps } from '../app/view';
import { Figure, Show } from '../parts/figure';
import { HashBars } from '../parts/value';
import { Spine, type Bead } from '../pictures/spine';
import { Pages } from './events';

const PAGE = 100;

// What a record says on its first level; all of it stands below, verbatim.
function bead_of(record: AuditRecord): Bead {
  const bead: Bead = { number: record.number, name: record.stage, facts: [], raw: record.line };
  try {
    const { number: _number, stage: _stage, wall_us, prev, hash, ...rest } = JSON.parse(record.line) as Evidence;
    if (typeof wall_us === 'number') bead.when = new Date(wall_us / 1000).toISOString();
    bead.facts = Object.entries(rest).filter(([, value]) => value === null || typeof value !== 'object').map(([name, value]) => `${name}=${String(value)}`);
    if (typeof prev === 'string' && typeof hash === 'string') bead.mark = <span class="link"><HashBars hex={prev} width={128} /> <span aria-hidden="true">⟶</span> <HashBars hex={hash} width={128} /></span>;
  } catch {
    // A line that is no JSON is shown as it is.
  }
  return bead;
}

export function Audit({ query }: ViewProps) {
  const after = query.get('after_number') ?? '0';
  const answer = useAnswer<{ records: AuditRecord[] }>(to('/v1/audit', { after_number: after, limit: PAGE }));
  return (
    <Show answer={answer}>
      {({ records }) => (
        <>
          <Figure title="Audit records of the control plane" from={[answer]} rows={records as unknown as Evidence[]}
            note={<>The bars are the hash of the record before and the record's own: each left one repeats the right one above it. <code>aerodb audit verify</code> checks that.</>}
            draw={() => <Spine items={records.map(bead_of)} />} />
          <Pages path="/audit" keep={{}} after={after} next={answer!.envelope!.next} />
        </>
      )}
    </Show>
  );
}
