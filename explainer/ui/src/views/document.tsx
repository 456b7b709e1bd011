// A read of one document, at any commit: the chain of its versions, a slider whose every position is an answer of the
// API, and the rules beside it.
import { useState } from 'preact/hooks';
import type { Evidence, Explained, Mvcc } from '../app/answers';
import { evidence_of, number_of } from '../app/answers';
import { useAnswer } from '../app/answer';
import { go, to } from '../app/address';
import type { ViewProps } from '../app/view';
import { Explanation } from '../parts/explanation';
import { Figure, Show } from '../parts/figure';
import { AddressForm, Field } from '../parts/form';
import { VersionsPicture } from '../pictures/versions';

const versions_of = (said: Explained | undefined): Evidence[] => {
  const versions = said ? evidence_of(said.explanation).versions : null;
  return Array.isArray(versions) ? (versions as Evidence[]) : [];
};

interface SliderProps { bound: number; first: number; last: number; pass: (commit: number) => void; choose: (commit: number) => void }

// `pass`: on the way, while it is dragged; `choose`: where it came to rest.
function Slider({ bound, first, last, pass, choose }: SliderProps) {
  return (
    <div class="slider">
      <label for="at_commit">at_commit <output>{bound}</output></label>
      <button type="button" aria-label="one commit earlier" disabled={bound <= first} onClick={() => choose(bound - 1)}>−</button>
      <input id="at_commit" type="range" min={first} max={last} step={1} value={bound}
        onInput={(event) => pass(Number(event.currentTarget.value))} onChange={(event) => choose(Number(event.currentTarget.value))} />
      <button type="button" aria-label="one commit later" disabled={bound >= last} onClick={() => choose(bound + 1)}>+</button>
    </div>
  );
}

export function Document({ node, view, query }: ViewProps) {
  const collection = query.get('collection'), id = query.get('id');
  const [passed, set_passed] = useState<string | null>(null);
  const at = passed ?? query.get('at_commit');
  const asked_of = node && collection && id ? { node, collection, id } : null;
  const newest = useAnswer<Explained>(asked_of && to('/v1/explain/read', asked_of));
  const bounded = useAnswer<Explained>(asked_of && at !== null ? to('/v1/explain/read', { ...asked_of, at_commit: at }) : null, true);
  const collections = useAnswer<Mvcc>(asked_of || !node ? null : to('/v1/mvcc', { node }));
  const shown = at === null ? newest : bounded;
  const last = newest?.envelope?.observed_at.commit_id ?? view?.status?.commit_id ?? 0;
  const bound = at === null ? last : Number(at);
  const choose = (commit: number) => {
    set_passed(null);
    go(to('/document', { ...asked_of, at_commit: commit }), query.has('at_commit'));
  };
  const names = collections?.data?.collections.map((row) => row.collection) ?? [];
  return (
    <>
      <AddressForm path="/document" keep={{ node }} label="document">
        <Field name="collection" value={collection} required list={names} />
        <Field name="id" label="_id" value={id} required />
        <Field name="at_commit" value={at} hint="newest" pattern="[0-9]*" />
      </AddressForm>
      {asked_of ? (
        <div class="beside">
          <div class="pinned">
            <Show answer={newest}>
              {(said) => {
                const chain = versions_of(said);
                const answer = shown?.data;
                const seen = new Set(versions_of(answer).map((version) => number_of(version.commit)!));
                const visible = number_of((answer?.explanation.conclusion.visible_version as Evidence | undefined)?.commit_id);
                const floor = number_of(evidence_of(said.explanation).floor) ?? 0;
                return (
                  <Figure title={`Versions of ${collection}/${id}`} from={at === null ? [newest] : [newest, bounded]} rows={chain}
                    note="Boxes in order, newest first; the line at their left is the commits to scale."
                    draw={(width) => (
                      <>
                        <Slider bound={bound} first={Math.min(floor, last)} last={last} pass={(commit) => set_passed(String(commit))} choose={choose} />
                        <VersionsPicture width={width} chain={chain} seen={seen} visible={visible} bound={bound} floor={floor} newest={last} choose={choose} />
                      </>
                    )} />
                );
              }}
            </Show>
          </div>
          <div><Explanation answer={shown} /></div>
        </div>
      ) : <p class="note">Name a collection and the <code>_id</code> of a document in it.</p>}
    </>
  );
}
