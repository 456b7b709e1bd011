// What a control command would do, shown and never carried out: this page has no way to send one.
import type { Explained } from '../app/answers';
import { useAnswer } from '../app/answer';
import { to } from '../app/address';
import type { ViewProps } from '../app/view';
import { Explanation } from '../parts/explanation';
import { AddressForm, Choice, Field } from '../parts/form';

export function Command({ node, nodes, query }: ViewProps) {
  const command = query.get('command'), successor = query.get('successor');
  const others = nodes?.data?.nodes.filter((view) => view.node !== node).map((view) => view.node) ?? [];
  const instances = nodes?.data?.nodes.flatMap((view) => (view.status && view.node === successor ? [view.status.instance] : [])) ?? [];
  const successor_instance = query.get('successor_instance') ?? instances[0] ?? null;
  const url = node && command ? to('/v1/explain/command', { node, command, successor, successor_instance: successor ? successor_instance : null }) : null;
  const answer = useAnswer<Explained>(nodes?.state === 'asking' ? null : url);
  return (
    <>
      <AddressForm path="/command" keep={{ node }} label="command">
        <Choice name="command" value={command} options={['demote', 'promote', 'decline', 'diagnose']} />
        <Field name="successor" value={successor} hint="demote only" list={others} />
        <Field name="successor_instance" value={query.get('successor_instance')} hint="as its status shows" />
      </AddressForm>
      <p class="note">A preview. Commands are given at the operator's desk, with <code>aerodb</code>; nothing can be sent from here.</p>
      <Explanation answer={answer} />
    </>
  );
}
