import type { Evidence, Explained } from '../app/answers';
import { evidence_of } from '../app/answers';
import { useAnswer } from '../app/answer';
import { to } from '../app/address';
import type { ViewProps } from '../app/view';
import { Explanation } from '../parts/explanation';
import { Figure } from '../parts/figure';
import { AddressForm, Field } from '../parts/form';
import { TwoSides } from '../pictures/two_sides';

export function Replica({ node, query }: ViewProps) {
  const at = query.get('at_commit');
  const answer = useAnswer<Explained>(node && to('/v1/explain/replication', { node, at_commit: at }));
  return (
    <>
      <AddressForm path="/replica" keep={{ node }} label="replica">
        <Field name="at_commit" value={at} hint="applied" pattern="[0-9]*" />
      </AddressForm>
      <Explanation answer={answer}>
        {answer?.data ? (
          <Figure title="Both sides" from={[answer]} rows={[evidence_of(answer.data.explanation) as Evidence]}
            draw={(width) => <TwoSides node={answer.data!.node} explanation={answer.data!.explanation} width={width} />} />
        ) : null}
      </Explanation>
    </>
  );
}
