// What a start found, in LSN to scale: what the manifest's runs hold, the segments it walked through, where the log ended.
import type { ExplanationObject } from '../app/answers';
import { evidence_of, missing_of, number_of, rows_of } from '../app/answers';
import { Defs } from './defs';
import { grouped, linear } from './scale';

const ROW = 40;

export function RecoveryPicture({ explanation, width }: { explanation: ExplanationObject; width: number }) {
  const e = evidence_of(explanation);
  const segments = rows_of(e.log_segments);
  const manifest = number_of(e.manifest_lsn), end = number_of(e.end_lsn), final = number_of(e.final_lsn);
  const last = Math.max(1, manifest ?? 0, end ?? 0, final ?? 0, ...segments.map((segment) => number_of(segment.last_lsn) ?? 0));
  const scale = linear(0, last, 1, width - 1);
  const bars = [
    { name: 'runs of the manifest', from: 0, until: manifest ?? 0, known: manifest !== null || !missing_of(explanation).has('manifest_lsn'),
      what: number_of(e.manifest_number) ? `manifest ${number_of(e.manifest_number)}, up to LSN ${manifest}` : 'no manifest', kind: 'runs' },
    ...segments.map((segment) => ({
      name: `segment ${String(segment.sequence)}`, from: (number_of(segment.first_lsn) ?? 1) - 1, until: number_of(segment.last_lsn) ?? 0, known: true,
      what: `LSN ${String(segment.first_lsn)} to ${String(segment.last_lsn)} in ${String(segment.frames)} frames`, kind: 'walked' })),
  ];
  const bottom = bars.length * ROW;
  const torn = number_of(e.torn_bytes);
  return (
    <svg class="picture recovery" width={width} height={bottom + 34} role="img" aria-label={bars.map((bar) => `${bar.name}: ${bar.what}`).join('; ')}>
      <Defs id="recovery" />
      {bars.map((bar, i) => (
        <g key={bar.name} class={bar.kind}>
          <text class="small" x={1} y={i * ROW + 12}><tspan class="strong">{bar.name}</tspan><tspan class="dim">  {bar.known ? bar.what : ''}</tspan>{bar.known ? null : <tspan class="unknown"> unknown</tspan>}</text>
          <rect class="track" x={1} y={i * ROW + 18} width={width - 2} height="13" rx="3" />
          {bar.known ? <rect class="fill" x={scale(bar.from)} y={i * ROW + 18} width={Math.max(bar.until > bar.from ? 2 : 0, scale(bar.until) - scale(bar.from))} height="13" rx="3" />
            : <rect x={1} y={i * ROW + 18} width={width - 2} height="13" rx="3" fill="url(#recovery-dots)" />}
        </g>
      ))}
      {end === null ? <text class="unknown small" x={width - 1} y={bottom + 22} text-anchor="end">the end of the log is unknown</text> : (
        <g class="bound">
          <path d={`M${scale(end)} 14V${bottom + 6}`} />
          <text class="small" x={scale(end)} y={bottom + 22} text-anchor={scale(end) > width / 2 ? 'end' : 'start'}>
            <tspan class="dim">end_lsn </tspan><tspan class="mono strong">{end}</tspan>
            <tspan class="dim">  segment </tspan><tspan class="mono">{String(e.end_segment)}</tspan><tspan class="dim"> +</tspan><tspan class="mono">{grouped(number_of(e.end_offset) ?? 0)}</tspan>
            {torn ? <><tspan class="dim">  torn bytes </tspan><tspan class="mono">{torn}</tspan></> : null}
          </text>
        </g>
      )}
    </svg>
  );
}
