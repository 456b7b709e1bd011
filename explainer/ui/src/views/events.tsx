import type { Evidence, NodeEvent } from '../app/answers';
import { useAnswer } from '../app/answer';
import { to } from '../app/address';
import type { ViewProps } from '../app/view';
import { Figure, Show } from '../parts/figure';
import { AddressForm, Field } from '../parts/form';
import { Spine } from '../pictures/spine';

const PAGE = 100;

export function Events({ node, query }: ViewProps) {
  const after = query.get('after_number') ?? '0';
  const limit = query.get('limit') ?? String(PAGE);
  const answer = useAnswer<{ events: NodeEvent[] }>(node && to('/v1/events', { node, after_number: after, limit }));
  return (
    <>
      <AddressForm path="/events" keep={{ node }} label="events">
        <Field name="after_number" value={after} pattern="[0-9]*" />
        <Field name="limit" value={limit} pattern="[0-9]*" />
      </AddressForm>
      <Show answer={answer}>
        {({ events }) => (
          <>
            <Figure title={`Events of ${node}`} from={[answer]} rows={events as unknown as Evidence[]}
              note="In order of their numbers. The clock is the node's, for people; it orders nothing."
              draw={() => (
                <Spine items={events.map((event) => ({ number: event.number, name: event.name, when: new Date(event.wall_us / 1000).toISOString(), facts: event.fields }))} />
              )} />
            <Pages path="/events" keep={{ node, limit }} after={after} next={answer!.envelope!.next} />
          </>
        )}
      </Show>
    </>
  );
}

type Next = Record<string, string | number> | null | undefined;

// Forward by what the answer itself says; back to the first page, or by the browser's own way back.
export function Pages({ path, keep, after, next }: { path: string; keep: Record<string, string | null>; after: string; next: Next }) {
  return (
    <nav class="pages" aria-label="pages">
      {after === '0' ? <span /> : <a href={to(path, keep)}>from the first</a>}
      {next ? <a href={to(path, { ...keep, ...next })}>later, after {String(next.after_number)}</a> : <span />}
    </nav>
  );
}
