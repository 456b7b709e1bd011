import type { Evidence, Explained } from '../app/answers';
import { useAnswer } from '../app/answer';
import { to } from '../app/address';
import type { ViewProps } from '../app/view';
import { Explanation } from '../parts/explanation';
import { Figure } from '../parts/figure';
import { Ancestry } from '../pictures/ancestry';
import { Handover } from '../pictures/handover';

export function Authority({ node, nodes, view, query }: ViewProps) {
  const epoch = query.get('epoch');
  const answer = useAnswer<Explained>(node && to('/v1/explain/promotion', { node, epoch }));
  const status = view?.status;
  return (
    <>
      {status ? (
        <Figure title="Lineages and epochs of this log" from={[nodes]} rows={status.ancestry as unknown as Evidence[]}
          note="The bars are the bytes of the lineage. Choose an epoch to see why it could begin."
          draw={(width) => <Ancestry status={status} epoch={epoch === null ? status.epoch : Number(epoch)} width={width} />} />
      ) : null}
      <Explanation answer={answer}>
        {answer?.data ? (
          <Figure title="How this epoch could begin" from={[answer]} rows={[answer.data.explanation.inputs]}
            draw={(width) => <Handover explanation={answer.data!.explanation} width={width} />} />
        ) : null}
      </Explanation>
    </>
  );
}
