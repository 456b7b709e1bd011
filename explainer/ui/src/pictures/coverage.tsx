// What each run covers, in commits to scale: runs below, the memory table after them, the floor across.
import type { Checkpoints } from '../app/answers';
import { Defs } from './defs';
import { grouped, linear } from './scale';

interface Props { width: number; data: Checkpoints; commit: number | null; floor: number | null }

export function Coverage({ width, data, commit, floor }: Props) {
  const last = Math.max(1, commit ?? 0, data.manifest_commit);
  const scale = linear(0, last, 8, width - 8);
  const row = 44, top = 30;
  const rows = data.runs.length + 1;
  const height = top + rows * row + 26;
  const memory_bytes = data.memory_active_bytes + data.memory_frozen_bytes;
  const anchor = (x: number): string => (x < 90 ? 'start' : x > width - 90 ? 'end' : 'middle');
  return (
    <svg class="picture coverage" width={width} height={height} role="img"
      aria-label={`${data.runs.length} runs cover commits up to ${data.manifest_commit}; memory holds the rest`}>
      <Defs id="coverage" />
      {floor ? <rect class="below" x={scale(0)} y={top} width={scale(floor) - scale(0)} height={rows * row} fill="url(#coverage-hatch)" /> : null}
      <path class="tick" d={`M${scale(data.manifest_commit)} ${top - 6}V${top + rows * row}`} />
      <text class="small" x={scale(data.manifest_commit)} y={top - 12} text-anchor={anchor(scale(data.manifest_commit))}>
        <tspan class="dim">manifest </tspan><tspan class="mono strong">{data.manifest_number}</tspan>
        <tspan class="dim"> up to commit </tspan><tspan class="mono strong">{data.manifest_commit}</tspan>
      </text>
      {data.runs.map((run, i) => {
        const x0 = scale(Math.max(0, run.first_commit - 1)), x1 = scale(run.last_commit);
        return (
          <g key={run.number} class="run" data-run={run.number}>
            <rect class="fill" x={x0} y={top + i * row + 4} width={Math.max(2, x1 - x0)} height="14" rx="3" />
            <text class="small" x={Math.min(x0, width - 240)} y={top + i * row + 32}>
              <tspan class="strong">run {run.number}</tspan>
              <tspan class="dim mono"> {run.first_commit}–{run.last_commit}  {grouped(run.bytes)} bytes</tspan>
            </text>
          </g>
        );
      })}
      <g class="memory">
        <rect class="body" x={scale(data.manifest_commit)} y={top + data.runs.length * row + 4}
          width={Math.max(2, scale(last) - scale(data.manifest_commit))} height="14" rx="3" />
        <text class="small" x={scale(data.manifest_commit) > width - 210 ? width - 8 : scale(data.manifest_commit)} y={top + data.runs.length * row + 32}
          text-anchor={scale(data.manifest_commit) > width - 210 ? 'end' : 'start'}>
          <tspan class="strong">memory</tspan><tspan class="dim mono"> {grouped(memory_bytes)} bytes</tspan>
        </text>
      </g>
      <text class="mono small dim" x="8" y={height - 4}>0</text>
      <text class="mono small dim" x={width - 8} y={height - 4} text-anchor="end">commit {last}</text>
    </svg>
  );
}
