import type { Explained } from '../app/answers';
import { useAnswer } from '../app/answer';
import { to } from '../app/address';
import type { ViewProps } from '../app/view';
import { Explanation } from '../parts/explanation';
import { Figure } from '../parts/figure';
import { Pairs } from '../parts/value';

export function Halt({ node, nodes, view }: ViewProps) {
  const answer = useAnswer<Explained>(node && to('/v1/explain/halt', { node }));
  const status = view?.status;
  const { state, fenced, fenced_by_lineage, fork_lsn, halt_rule, halt_reason } = status ?? {};
  return (
    <Explanation answer={answer}>
      {status ? (
        <Figure title={`${status.node} says of itself`} from={[nodes]} rows={[{ state: state!, fenced: fenced!, halt_rule: halt_rule!, halt_reason: halt_reason! }]}
          draw={() => (
            <div class={`plate ${state === 'READY' ? '' : 'stopped'}`}>
              <strong>{state}</strong>
              <Pairs of={{ halt_rule: halt_rule!, halt_reason: halt_reason!, fenced: fenced!, fenced_by_lineage: fenced_by_lineage!, fork_lsn: fork_lsn! }} />
            </div>
          )} />
      ) : null}
    </Explanation>
  );
}
