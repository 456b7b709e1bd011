// How an epoch could begin: the authority before it, the seal that the log ended with, and the record that answers it.
import type { ExplanationObject } from '../app/answers';
import { evidence_of, number_of, text_of } from '../app/answers';
import { Defs } from './defs';

interface Station { title: string; lines: [string, string | number | null][]; kind: string; role?: string | null }

export function Handover({ explanation, width }: { explanation: ExplanationObject; width: number }) {
  const e = evidence_of(explanation);
  const stations: Station[] = [];
  if (number_of(e.previous_epoch) !== null) {
    stations.push({ title: `epoch ${number_of(e.previous_epoch)}`, kind: 'before', lines: [['previous_node', text_of(e.previous_node)]] });
    stations.push({ title: number_of(e.seal_lsn) === null ? 'no seal' : 'seal', kind: number_of(e.seal_lsn) === null ? 'absent' : 'sealed',
      lines: [['seal_lsn', number_of(e.seal_lsn)], ['seal_successor', text_of(e.seal_successor)]] });
  }
  stations.push({ title: `epoch ${number_of(e.epoch) ?? 'unknown'}`, kind: 'begun', role: text_of(e.started_by),
    lines: [['node', text_of(e.node)], ['start_lsn', number_of(e.start_lsn)]] });
  const stacked = width < 560;
  const gap = stacked ? 26 : 56, high = 92;
  const wide = stacked ? width - 2 : Math.min(250, (width - 2 - gap * (stations.length - 1)) / stations.length);
  return (
    <svg class="picture handover" width={width} height={stacked ? stations.length * (high + gap) - gap + 2 : high + 2} role="img"
      aria-label={stations.map((station) => `${station.title}: ${station.lines.map(([name, value]) => `${name} ${value}`).join(', ')}`).join('; ')}>
      <Defs id="handover" />
      {stations.map((station, i) => {
        const x = stacked ? 1 : 1 + i * (wide + gap), y = stacked ? 1 + i * (high + gap) : 1;
        return (
          <g key={station.title} class={`station ${station.kind}`}>
            {i + 1 < stations.length ? <path class="string" d={stacked ? `M${x + 30} ${y + high}v${gap - 3}` : `M${x + wide} ${y + high / 2}h${gap - 3}`} marker-end="url(#handover-arrow)" /> : null}
            <rect class="body" x={x} y={y} width={wide} height={high} rx="10" />
            <text class="name" x={x + 16} y={y + 30}>{station.title}</text>
            {station.role ? <text class="small dim" x={x + wide - 16} y={y + 29} text-anchor="end">{station.role}</text> : null}
            {station.lines.map(([name, value], line) => (
              <text key={name} class="small" x={x + 16} y={y + 53 + line * 20}><tspan class="dim">{name} </tspan><tspan class="mono strong">{value === null ? 'null' : value}</tspan></text>
            ))}
          </g>
        );
      })}
    </svg>
  );
}
