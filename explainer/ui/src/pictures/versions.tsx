// The versions of one document, newest on top, beside the commits to scale, with the bound of the read across them.
import type { Evidence } from '../app/answers';
import { number_of, text_of } from '../app/answers';
import { Bars } from '../parts/value';
import { Defs } from './defs';
import { linear } from './scale';

interface Props {
  width: number;
  chain: Evidence[];          // every version that the newest read shows
  seen: Set<number>;          // commits of those that the answer at the bound shows
  visible: number | null;     // commit of the version that it sees
  bound: number | null;
  floor: number;
  newest: number;
  choose: (commit: number) => void;
}

const ROW = 86, TOP = 20;

export function VersionsPicture({ width, chain, seen, visible, bound, floor, newest, choose }: Props) {
  const axis = width < 520 ? 50 : 76;
  const left = axis + (width < 520 ? 40 : 92);
  const rows = Math.max(chain.length, 2);
  const height = TOP * 2 + rows * ROW;
  const scale = linear(newest, 0, TOP + 4, height - TOP - 4);
  const box = width - left - 1;
  const row_of = (i: number): number => TOP + i * ROW + (rows - chain.length) * (ROW / 2);
  return (
    <svg class="picture versions" width={width} height={height} role="group" aria-label="versions of the document, newest first">
      <Defs id="versions" />
      <path class="axis" d={`M${axis} ${scale(newest)}V${scale(0)}`} />
      {floor > 0 ? <rect class="below" x={axis - 5} y={scale(floor)} width="10" height={scale(0) - scale(floor)} fill="url(#versions-hatch)" /> : null}
      {bound === newest ? null : <text class="mono small dim" x={axis} y={scale(newest) - 9} text-anchor="middle">{newest}</text>}
      <text class="mono small dim" x={axis} y={scale(0) + 16} text-anchor="middle">{floor > 0 ? `floor ${floor}` : '0'}</text>
      {chain.map((version, i) => {
        const commit = number_of(version.commit)!;
        const y = row_of(i), mid = y + (ROW - 18) / 2;
        const kind = commit === visible ? 'visible' : seen.has(commit) ? 'seen' : 'beyond';
        const tombstone = version.kind === 'tombstone';
        const hash = text_of(version.hash) ?? '';
        return (
          <g key={commit} class={`version ${kind} ${tombstone ? 'tombstone' : ''}`} data-commit={commit}>
            <path class="leader" d={`M${axis} ${scale(commit)}C${axis + 34} ${scale(commit)} ${left - 40} ${mid} ${left} ${mid}`} />
            <circle class="point" cx={axis} cy={scale(commit)} r="4" />
            {i + 1 < chain.length ? <path class="prev" d={`M${left + 26} ${y + ROW - 18}v16`} marker-end="url(#versions-arrow)" /> : null}
            <g class="pick" role="button" tabIndex={0} transform={`translate(${left} ${y})`} aria-label={`read at commit ${commit}`}
              onClick={() => choose(commit)} onKeyDown={(event) => (event.key === 'Enter' || event.key === ' ') && (event.preventDefault(), choose(commit))}>
              <rect class="body" width={box} height={ROW - 18} rx="8" />
              {tombstone ? <rect width={box} height={ROW - 18} rx="8" fill="url(#versions-hatch)" /> : null}
              <text class="name" x="14" y="25">commit {commit}</text>
              <text class="tag" x={box - 14} y="24" text-anchor="end">{kind === 'visible' ? 'visible_version' : kind === 'beyond' ? 'beyond the bound' : String(version.kind)}</text>
              <text class="small dim" x="14" y="43">
                LSN <tspan class="mono">{String(version.lsn)}</tspan> · prev <tspan class="mono">{String(version.prev_commit)}</tspan> · schema <tspan class="mono">{String(version.schema_version)}</tspan>
              </text>
              {tombstone ? null : <Bars hex={hash} width={box > 330 ? 48 : Math.min(box - 28, 160)} height={12} x={14} y={50} />}
              {box > 330 && !tombstone ? <text class="mono small dim" x="72" y="60">{hash}</text> : null}
            </g>
          </g>
        );
      })}
      {bound === null ? null : (
        <g class="bound" transform={`translate(0 ${scale(bound)})`}>
          <path d={`M2 0H${axis + 12}`} />
          <path class="flag" d={`M${axis + 12} 0l-9 -6v12z`} />
          <text class="mono small strong" x="2" y="-6">{bound}</text>
        </g>
      )}
    </svg>
  );
}
