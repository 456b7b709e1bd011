// Every lineage and epoch of a node's log, in order, as the beads of one string. Each leads to why it could begin.
import type { Status } from '../app/answers';
import { to } from '../app/address';
import { Bars } from '../parts/value';
import { Defs } from './defs';

const BEAD = 216, GAP = 40, ROW = 132;

export function Ancestry({ status, epoch, width }: { status: Status; epoch: number | null; width: number }) {
  const columns = Math.max(1, Math.floor((width + GAP) / (BEAD + GAP)));
  const bead = columns === 1 ? width - 2 : BEAD;
  const rows = Math.ceil(status.ancestry.length / columns);
  const seal = status.seal_lsn !== null;
  return (
    <svg class="picture ancestry" width={width} height={rows * ROW + (seal ? 30 : 0)} role="group" aria-label="lineages and epochs">
      <Defs id="ancestry" />
      {status.ancestry.map((entry, i) => {
        const x = (i % columns) * (bead + GAP) + 1, y = Math.floor(i / columns) * ROW + 1;
        const last = i + 1 === status.ancestry.length;
        const other = i > 0 && status.ancestry[i - 1].lineage !== entry.lineage;
        const turn = (i + 1) % columns === 0;
        return (
          <g key={`${entry.lineage} ${entry.epoch}`}>
            {last ? null : turn ? <path class="string" d={`M${x + bead / 2} ${y + 104}v10H${bead / 2}v14`} marker-end="url(#ancestry-arrow)" />
              : <path class="string" d={`M${x + bead} ${y + 52}h${GAP - 3}`} marker-end="url(#ancestry-arrow)" />}
            <a class={`bead ${entry.epoch === epoch ? 'chosen' : ''} ${other ? 'fork' : ''}`} data-epoch={entry.epoch}
              href={to('/authority', { node: status.node, epoch: entry.epoch })} aria-current={entry.epoch === epoch ? 'true' : undefined}
              aria-label={`epoch ${entry.epoch}, ${entry.reason}, authority ${entry.node}, from LSN ${entry.first_lsn}`}>
              <g transform={`translate(${x} ${y})`}>
                <rect class="body" width={bead} height="104" rx="10" />
                <text class="name" x="14" y="28">epoch {entry.epoch}</text>
                <text class="role" x={bead - 14} y="27" text-anchor="end">{entry.reason}</text>
                <text class="dim" x="14" y="50">authority <tspan class="mono strong">{entry.node}</tspan></text>
                <text class="dim" x="14" y="69">from LSN <tspan class="mono strong">{entry.first_lsn}</tspan></text>
                <Bars hex={entry.lineage} width={bead - 28} height={14} x={14} y={80} />
              </g>
            </a>
          </g>
        );
      })}
      {seal ? (
        <g class="band" transform={`translate(1 ${rows * ROW - 8})`}>
          <rect width={Math.min(width - 2, 380)} height="26" rx="5" />
          <text class="mono" x="12" y="18">sealed at LSN {status.seal_lsn} for {status.seal_successor}</text>
        </g>
      ) : null}
    </svg>
  );
}
