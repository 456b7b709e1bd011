// What happened, by number, along one line.
import type { ComponentChildren } from 'preact';

export interface Bead { number: number; name: string; when?: string; facts: string[]; mark?: ComponentChildren; raw?: string }

function Fact({ text }: { text: string }) {
  const at = text.indexOf('=');
  return at < 0 ? <code>{text}</code> : <span class="fact"><span class="of">{text.slice(0, at)}</span>{at + 1 < text.length ? <code class="id">{text.slice(at + 1)}</code> : <span class="null">""</span>}</span>;
}

export function Spine({ items }: { items: Bead[] }) {
  if (items.length === 0) return <p class="none">none in this range</p>;
  return (
    <ol class="spine">
      {items.map((item) => (
        <li key={item.number}>
          <span class="number">{item.number}</span>
          <div>
            <h3>{item.name} {item.when ? <time dateTime={item.when}>{item.when.slice(0, 19).replace('T', ' ')}</time> : null}</h3>
            {item.facts.length > 0 ? <p class="facts">{item.facts.map((fact, i) => <Fact key={i} text={fact} />)}</p> : null}
            {item.mark}
            {item.raw ? <details><summary>the record, verbatim</summary><pre>{item.raw}</pre></details> : null}
          </div>
        </li>
      ))}
    </ol>
  );
}
