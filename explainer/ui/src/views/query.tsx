import type { Explained, Indexes } from '../app/answers';
import { evidence_of, rows_of } from '../app/answers';
import { useAnswer } from '../app/answer';
import { go, to } from '../app/address';
import type { ViewProps } from '../app/view';
import { Explanation } from '../parts/explanation';
import { Figure, JsonLink } from '../parts/figure';
import { Candidates, Funnel, count_rows } from '../pictures/query';

const EXAMPLE = { collection: '', schema_version: 1, where: [{ field: '', op: 'eq', value: '' }], limit: 10 };

// The query as people write it. An address holds it as it was written.
function QueryForm({ node, text, indexes }: { node: string | null; text: string | null; indexes: Indexes | undefined }) {
  const first = indexes?.collections.find((row) => row.indexes.length > 0);
  const example = first ? { ...EXAMPLE, collection: first.collection, schema_version: first.schema_version,
    where: [{ field: first.indexes[0].path, op: 'eq', value: '' }] } : EXAMPLE;
  const shown = text ?? JSON.stringify(example, null, 1);
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    go(to('/query', { node, query: String(new FormData(event.currentTarget as HTMLFormElement).get('query')) }));
  };
  return (
    <form class="query" onSubmit={submit} aria-label="query">
      <label class="field">
        <span>query, the fields of <code>doc.query</code> as a JSON object</span>
        <textarea name="query" rows={Math.min(14, shown.split('\n').length + 1)} defaultValue={shown} key={shown} spellcheck={false} />
      </label>
      <button type="submit">ask</button>
    </form>
  );
}

export function Query({ node, query }: ViewProps) {
  const text = query.get('query');
  const indexes = useAnswer<Indexes>(text === null && node ? to('/v1/indexes', { node }) : null);
  const answer = useAnswer<Explained>(node && text ? to('/v1/explain/query', { node, query: text }) : null);
  return (
    <>
      <QueryForm node={node} text={text} indexes={indexes?.data} />
      {indexes?.data ? (
        <p class="note">Indexed: {indexes.data.collections.flatMap((row) => row.indexes.map((index) => (
          <code key={`${row.collection}.${index.path}`}>{row.collection}.{index.path}</code>)))} <JsonLink url={indexes.url} /></p>
      ) : null}
      <Explanation answer={answer}>
        {answer?.data ? (
          <>
            <Figure title="Indexes looked at" from={[answer]} rows={rows_of(evidence_of(answer.data.explanation).candidates)}
              draw={() => <Candidates explanation={answer.data!.explanation} />} />
            <Figure title="What became of the entries" from={[answer]} rows={count_rows(answer.data.explanation)}
              draw={(width) => <Funnel explanation={answer.data!.explanation} width={width} />} />
          </>
        ) : null}
      </Explanation>
    </>
  );
}
