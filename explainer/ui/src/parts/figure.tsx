// A picture, the answers it was drawn from, and the same values as a table for those who can't see it.
import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Answer, ApiError } from '../app/answer';
import type { Evidence } from '../app/answers';
import { Pairs, Rows } from './value';

interface FigureProps {
  title: string;
  from: (Answer<unknown> | null | undefined)[];
  rows: Evidence[];
  note?: ComponentChildren;
  // Draws at this width in pixels.
  draw: (width: number) => ComponentChildren;
}

export function Figure({ title, from, rows, note, draw }: FigureProps) {
  const box = useRef<HTMLDivElement>(null);
  const [width, set_width] = useState(0);
  useEffect(() => {
    const observer = new ResizeObserver(([entry]) => set_width(Math.floor(entry.contentRect.width)));
    observer.observe(box.current!);
    return () => observer.disconnect();
  }, []);
  const asking = from.some((answer) => answer?.state === 'asking');
  return (
    <figure class={asking ? 'asking' : ''} aria-busy={asking || width === 0}>
      <figcaption>
        <h2>{title}</h2>
        <span class="sources">
          {from.map((answer) => (answer ? <JsonLink key={answer.url} url={answer.url} /> : null))}
        </span>
      </figcaption>
      <div class="drawing" ref={box}>{width > 0 ? draw(width) : null}</div>
      {note ? <p class="note">{note}</p> : null}
      <details class="as_table">
        <summary>{title} as a table</summary>
        <Rows rows={rows} caption={title} />
      </details>
    </figure>
  );
}

export const JsonLink = ({ url }: { url: string }) => (
  <a class="json" href={url} title={`GET ${url}`}>{url.split('?')[0]}<span class="hidden"> as JSON</span></a>
);

// Of a paged answer: that others follow, and where.
export function More({ answer }: { answer: Answer<unknown> | null }) {
  const next = answer?.envelope?.next;
  if (!next) return null;
  const url = new URL(answer!.url, location.origin);
  for (const [name, value] of Object.entries(next)) url.searchParams.set(name, String(value));
  return <span> Others follow: <JsonLink url={url.pathname + url.search} /></span>;
}

// An answer that was refused is content: its code, its words, its details.
export function Refused({ url, error }: { url: string; error: ApiError }) {
  return (
    <section class="refused" role="alert">
      <h2><code>{error.code}</code>{error.rule ? <span class="rule_tag">{error.rule}</span> : null}</h2>
      <p>{error.message}</p>
      {error.details && Object.keys(error.details).length > 0 ? <Pairs of={error.details} /> : null}
      <JsonLink url={url} />
    </section>
  );
}

// What came back, or that it was refused, or that it is on its way.
export function Show<T>({ answer, children }: { answer: Answer<T> | null; children: (data: T) => ComponentChildren }) {
  if (!answer) return null;
  if (answer.error) return <Refused url={answer.url} error={answer.error} />;
  if (answer.data === undefined) return <p class="waiting">asking <code>{answer.url}</code></p>;
  return (
    <>
      {children(answer.data)}
      {answer.envelope!.notes.length > 0 ? (
        <p class="notes">could not be seen on the way: {answer.envelope!.notes.map((note) => <code key={note}>{note}</code>)}</p>
      ) : null}
    </>
  );
}
