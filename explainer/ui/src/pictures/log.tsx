// The ring's segments to scale in bytes, and positions of the log to scale in LSN.
import type { Wal } from '../app/answers';
import { Defs } from './defs';
import { grouped, linear } from './scale';

// Segment sequence s lies in slot (s - 1) mod slots (docs/spec/WAL_FORMAT.md).
function newest_in_slot(slot: number, wal: Wal): number {
  const active_slot = (wal.active_segment_sequence - 1) % wal.segments;
  return wal.active_segment_sequence - ((active_slot - slot + wal.segments) % wal.segments);
}

export function Ring({ wal, width }: { wal: Wal; width: number }) {
  const columns = Math.min(wal.segments, Math.max(1, Math.floor(width / 86)));
  const rows = Math.ceil(wal.segments / columns);
  const slot_width = width / columns;
  const held = wal.used_bytes / wal.segment_bytes;
  return (
    <svg class="picture ring" width={width} height={rows * 84} role="img"
      aria-label={`${wal.segments} segments of ${wal.segment_bytes} bytes; active is sequence ${wal.active_segment_sequence} at offset ${wal.active_offset_bytes}`}>
      <Defs id="ring" />
      {Array.from({ length: wal.segments }, (_, slot) => {
        const sequence = newest_in_slot(slot, wal);
        const active = sequence === wal.active_segment_sequence;
        const unreleased = sequence > wal.active_segment_sequence - held && sequence > 0;
        const inner = slot_width - 8;
        const filled = active ? (wal.active_offset_bytes / wal.segment_bytes) * inner : inner;
        return (
          <g key={slot} class={`segment ${active ? 'active' : unreleased ? 'held' : sequence > 0 ? 'released' : 'unused'}`}
            transform={`translate(${(slot % columns) * slot_width + 4} ${Math.floor(slot / columns) * 84})`}>
            <rect class="frame" x="0.5" y="0.5" width={inner} height="44" rx="4" />
            {sequence > 0 ? <rect class="fill" x="0.5" y="0.5" width={Math.max(filled, 1.5)} height="44" rx={active ? 1 : 4}
              fill={active || unreleased ? undefined : 'url(#ring-hatch)'} /> : null}
            {active ? <path class="head" d={`M${filled + 0.5} -2v49`} /> : null}
            <text class="mono small strong" x="1" y="61">{sequence > 0 ? sequence : 'unused'}</text>
            <text class="dim small" x="1" y="75">{active ? `+${grouped(wal.active_offset_bytes)}` : sequence <= 0 ? '' : unreleased ? 'held' : 'released'}</text>
          </g>
        );
      })}
    </svg>
  );
}

export interface Lane { name: string; of: string; value: number | null; why?: string | null; tone: string }

// One lane a position, all on one scale: what is longer is further.
export function Lanes({ lanes, first, width }: { lanes: Lane[]; first: number; width: number }) {
  const last = Math.max(first + 1, ...lanes.map((lane) => lane.value ?? 0));
  const narrow = width < 620;
  const left = narrow ? 0 : 190, right = 84, row = narrow ? 46 : 34;
  const scale = linear(Math.max(0, first - 1), last, left, width - right);
  const height = lanes.length * row + 34;
  const ticks = [first, last];
  return (
    <svg class="picture lanes" width={width} height={height} role="img"
      aria-label={lanes.map((lane) => `${lane.name} ${lane.of}: ${lane.value ?? 'unknown'}`).join('; ')}>
      <Defs id="lanes" />
      {ticks.map((tick) => <path key={tick} class="tick" d={`M${scale(tick)} 0V${height - 24}`} />)}
      {lanes.map((lane, i) => {
        const y = i * row + (narrow ? 18 : 0);
        return (
          <g key={`${lane.name} ${lane.of}`} class={`lane ${lane.tone}`} data-lane={`${lane.name} ${lane.of}`}>
            <text class="label" x={narrow ? 0 : left - 14} y={narrow ? y + 2 : y + 20} text-anchor={narrow ? 'start' : 'end'}>
              {lane.name} <tspan class="dim">{lane.of}</tspan>
            </text>
            <rect class="track" x={left} y={y + 8} width={width - right - left} height="16" rx="3" />
            {lane.value === null ? (
              <>
                <rect x={left} y={y + 8} width={width - right - left} height="16" rx="3" fill="url(#lanes-dots)" />
                <text class="unknown" x={width - right + 10} y={y + 20}>unknown</text>
              </>
            ) : (
              <>
                <rect class="fill" x={left} y={y + 8} width={Math.max(scale(lane.value) - left, lane.value > 0 ? 2 : 0)} height="16" rx="3" />
                <text class="mono strong" x={width - right + 10} y={y + 20}>{lane.value}</text>
              </>
            )}
          </g>
        );
      })}
      <text class="mono small dim" x={scale(first)} y={height - 8} text-anchor={narrow || first <= 1 ? 'start' : 'middle'}>{first}</text>
      <text class="mono small dim" x={scale(last)} y={height - 8} text-anchor="end">LSN {last}</text>
    </svg>
  );
}
