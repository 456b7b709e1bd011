// A query: which index was taken and why the others were not, and what became of the entries that it proposed.
import type { Evidence, ExplanationObject } from '../app/answers';
import { evidence_of, number_of, rows_of, text_of } from '../app/answers';
import { Defs } from './defs';
import { grouped, linear } from './scale';

export function Candidates({ explanation }: { explanation: ExplanationObject }) {
  const candidates = rows_of(evidence_of(explanation).candidates);
  if (candidates.length === 0) return <p class="none">candidates: null; it was not planned</p>;
  return (
    <ol class="candidates" aria-label="indexes looked at, in the order declared">
      {candidates.map((candidate) => (
        <li key={String(candidate.path)} class={candidate.outcome === 'chosen' ? 'chosen' : ''}>
          <b>{String(candidate.path)}</b>
          <span class="outcome">{String(candidate.outcome)}</span>
          <span class="of">fits {String(candidate.fits)}, row {candidate.row === null ? 'null' : String(candidate.row)}</span>
          <Range of={candidate} />
        </li>
      ))}
    </ol>
  );
}

// A range of keys as written: brackets say whether its ends are inside.
function Range({ of }: { of: Evidence }) {
  const low = text_of(of.low), high = text_of(of.high);
  return (
    <code class="range">{of.low_open || low === null ? '(' : '['}{low ?? '…'}, {high ?? '…'}{of.high_open || high === null ? ')' : ']'}</code>
  );
}

const COUNTS = ['entries_proposed', 'dropped_no_document', 'dropped_other_value', 'entries_visited', 'dropped_by_predicates', 'documents_taken'];

export const count_rows = (explanation: ExplanationObject): Evidence[] => {
  const e = evidence_of(explanation);
  return [...COUNTS, 'bound_entries', 'limit'].map((name) => ({ count: name, value: e[name] ?? null }));
};

// What was proposed on top, what was taken below, drops hatched; bound and limit as marks where they lie in sight.
export function Funnel({ explanation, width }: { explanation: ExplanationObject; width: number }) {
  const e = evidence_of(explanation);
  const counts = COUNTS.map((name): [string, number | null] => [name, number_of(e[name])]);
  const most = Math.max(1, ...counts.map(([, value]) => value ?? 0));
  const bound = number_of(e.bound_entries);
  const sight = bound !== null && bound <= most * 4 ? Math.max(most, bound) : most;
  const narrow = width < 560;
  const left = narrow ? 0 : 190, right = 76, row = narrow ? 44 : 32;
  const scale = linear(0, sight, left, width - right);
  return (
    <svg class="picture funnel" width={width} height={counts.length * row + 34} role="img"
      aria-label={counts.map(([name, value]) => `${name} ${value ?? 'unknown'}`).join(', ')}>
      <Defs id="funnel" />
      {counts.map(([name, value], i) => {
        const y = i * row + (narrow ? 16 : 0);
        const dropped = name.startsWith('dropped');
        return (
          <g key={name} class={dropped ? 'dropped' : 'kept'}>
            <text class="label" x={narrow ? 0 : left - 14} y={narrow ? y + 2 : y + 19} text-anchor={narrow ? 'start' : 'end'}>{name}</text>
            <rect class="track" x={left} y={y + 7} width={width - right - left} height="16" rx="3" />
            {value ? <rect class="fill" x={left} y={y + 7} width={Math.max(2, scale(value) - left)} height="16" rx="3" fill={dropped ? 'url(#funnel-hatch)' : undefined} /> : null}
            <text class={value === null ? 'unknown' : 'mono strong'} x={width - right + 10} y={y + 20}>{value === null ? 'unknown' : grouped(value)}</text>
          </g>
        );
      })}
      {bound === null ? null : bound <= sight ? (
        <g class="bound"><path d={`M${scale(bound)} 0V${counts.length * row + 8}`} />
          <text class="small" x={scale(bound)} y={counts.length * row + 24} text-anchor={scale(bound) > width - 200 ? 'end' : 'middle'}>
            <tspan class="dim">bound_entries </tspan><tspan class="mono strong">{grouped(bound)}</tspan>
          </text></g>
      ) : (
        <text class="small" x={width - right} y={counts.length * row + 24} text-anchor="end">
          <tspan class="dim">bound_entries, out of sight </tspan><tspan class="mono strong">{grouped(bound)} ⟶</tspan>
        </text>
      )}
    </svg>
  );
}
