// Raw values as they came: ids and hashes whole, null never as zero, tables where there are rows.
import type { ComponentChildren } from 'preact';
import type { Evidence, Value } from '../app/answers';

const is_hash = (text: string): boolean => /^([0-9a-f]{32}|[0-9a-f]{64})$/.test(text);
const is_sentence = (text: string): boolean => text.includes(' ') && text.length > 20;
const is_rows = (value: Value[]): value is Evidence[] =>
  value.length > 0 && value.every((row) => row !== null && typeof row === 'object' && !Array.isArray(row));

// The bytes of a hash as bars, one a byte, so that equal ones are seen to be equal.
function hash_path(hex: string, width: number, height: number): string {
  const bytes = hex.match(/../g) ?? [];
  const step = width / bytes.length;
  return bytes
    .map((byte, i) => {
      const bar = 1 + (parseInt(byte, 16) / 255) * (height - 1);
      const x = (i + 0.5) * step;
      return `M${x.toFixed(2)} ${((height - bar) / 2).toFixed(2)}v${bar.toFixed(2)}`;
    })
    .join('');
}

interface BarsProps { hex: string; width: number; height: number; x?: number; y?: number }

// The same inside a picture.
export const Bars = ({ hex, width, height, x = 0, y = 0 }: BarsProps) => (
  <path class="bars" d={hash_path(hex, width, height)} transform={`translate(${x} ${y})`} stroke-width={(width * 1.36) / hex.length} />
);

export function HashBars({ hex, width = 64, height = 14 }: { hex: string; width?: number; height?: number }) {
  return (
    <svg class="bars" width={width} height={height} viewBox={`0 0 ${width} ${height}`} aria-hidden="true">
      <Bars hex={hex} width={width} height={height} />
    </svg>
  );
}

export const Id = ({ children }: { children: ComponentChildren }) => <code class="id">{children}</code>;

export function Hash({ hex }: { hex: string }) {
  return (
    <span class="hash">
      <HashBars hex={hex} width={hex.length > 32 ? 96 : 48} />
      <Id>{hex}</Id>
    </span>
  );
}

export const Unknown = ({ why }: { why?: string | null }) => (
  <span class="unknown">unknown{why ? <span class="why"> {why}</span> : null}</span>
);

// `missing`: the value is null because it could not be had, not because there is none.
export function Shown({ value, missing = false }: { value: Value; missing?: boolean }) {
  if (value === null) return missing ? <Unknown /> : <span class="null">null</span>;
  if (typeof value === 'string') {
    if (is_hash(value)) return <Hash hex={value} />;
    if (value === '') return <span class="null">""</span>;
    return is_sentence(value) ? <span class="sentence">{value}</span> : <Id>{value}</Id>;
  }
  if (typeof value !== 'object') return <Id>{String(value)}</Id>;
  if (!Array.isArray(value)) return <Pairs of={value} />;
  if (value.length === 0) return <span class="null">[]</span>;
  if (is_rows(value)) return <Rows rows={value} />;
  return (
    <ul class="values">
      {value.map((item, i) => (
        <li key={i}><Shown value={item} /></li>
      ))}
    </ul>
  );
}

const room_for = (value: Value): string =>
  value !== null && typeof value === 'object' ? 'wide' : typeof value !== 'string' ? '' : value.length > 40 ? 'longer' : value.length > 20 ? 'long' : '';

export function Pairs({ of, missing = [] }: { of: Evidence; missing?: string[] }) {
  return (
    <dl class="pairs">
      {Object.entries(of).map(([name, value]) => (
        <div key={name} class={room_for(value)}>
          <dt>{name}</dt>
          <dd><Shown value={value} missing={missing.includes(name)} /></dd>
        </div>
      ))}
    </dl>
  );
}

// Rows of equal shape as a table that scrolls on its own where it is too wide.
export function Rows({ rows, caption }: { rows: Evidence[]; caption?: string }) {
  const names = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  return (
    <div class="scroll" role="region" tabIndex={0} aria-label={caption ?? names.join(', ')}>
      <table>
        {caption ? <caption>{caption}</caption> : null}
        <thead>
          <tr>{names.map((name) => <th key={name} scope="col">{name}</th>)}</tr>
        </thead>
        <tbody>
          {rows.map((row, i) => (
            <tr key={i}>
              {names.map((name) => <td key={name}>{name in row ? <Shown value={row[name]} /> : null}</td>)}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
