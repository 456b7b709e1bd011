import type { Explained } from '../app/answers';
import { evidence_of, rows_of } from '../app/answers';
import { useAnswer } from '../app/answer';
import { to } from '../app/address';
import type { ViewProps } from '../app/view';
import { Explanation } from '../parts/explanation';
import { Figure } from '../parts/figure';
import { RecoveryPicture } from '../pictures/recovery';
import { Steps, step_rows } from '../pictures/steps';

export function Recovery({ node }: ViewProps) {
  const answer = useAnswer<Explained>(node && to('/v1/explain/recovery', { node }));
  return (
    <Explanation answer={answer}>
      {answer?.data ? (
        <>
          <Figure title="What the start found" from={[answer]} rows={rows_of(evidence_of(answer.data.explanation).log_segments)}
            draw={(width) => <RecoveryPicture explanation={answer.data!.explanation} width={width} />} />
          <Figure title="Step by step" from={[answer]} rows={step_rows(answer.data.explanation)}
            draw={() => <Steps explanation={answer.data!.explanation} />} />
        </>
      ) : null}
    </Explanation>
  );
}
