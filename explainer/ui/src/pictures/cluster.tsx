// Nodes, shippers, and the edges between them with the position at either end. Who did not answer is drawn as such.
import type { Nodes, NodeView, ShipperView, Target } from '../app/answers';
import { to } from '../app/address';
import { Bars } from '../parts/value';
import { Defs } from './defs';
import { grouped } from './scale';

// States of a session in which nobody is at the other end.
const APART = ['DISCONNECTED', 'CONNECTING', 'STOPPED'];
const CARD = 268, GAP = 22;

interface Place { x: number; y: number; width: number; height: number }

export const node_height = (view: NodeView): number => (view.status ? 146 + bands_of(view).length * 24 : 84);

// What makes a node other than serving, in its own words.
function bands_of(view: NodeView): string[] {
  const status = view.status!;
  const bands: string[] = [];
  if (status.state !== 'READY') bands.push(status.halt_rule ? `${status.state} by ${status.halt_rule}` : status.state);
  if (status.fenced) bands.push(`fenced, fork_lsn ${status.fork_lsn ?? 'unknown'}`);
  if (status.seal_lsn !== null) bands.push(`sealed at ${status.seal_lsn} for ${status.seal_successor}`);
  return bands;
}

function label_of(view: NodeView): string {
  if (!view.reached || !view.status) return `${view.node}: not reached, ${view.why}`;
  const s = view.status;
  return `${view.node}: ${s.role}, ${s.state}, epoch ${s.epoch}, durable LSN ${s.durable_lsn}, applied LSN ${s.applied_lsn}, ${bands_of(view).join(', ')}`;
}

function NodeCard({ view, place }: { view: NodeView; place: Place }) {
  const { x, y, width, height } = place;
  const s = view.status;
  const kind = !view.reached || !s ? 'unreached' : s.state !== 'READY' ? 'stopped' : s.fenced ? 'fenced' : s.role;
  return (
    <a class={`card node ${kind}`} href={to('/log', { node: view.node })} aria-label={label_of(view)} data-node={view.node}>
      <g transform={`translate(${x} ${y})`}>
        <rect class="body" width={width} height={height} rx="10" />
        {kind === 'fenced' ? <rect class="inner" x="4" y="4" width={width - 8} height={height - 8} rx="7" /> : null}
        <text class="name" x="16" y="31">{view.node}</text>
        {s ? <NodeFacts view={view} width={width} /> : (
          <>
            <text class="mono strong" x={width - 16} y="30" text-anchor="end">{view.why}</text>
            <text class="dim" x="16" y="54">not reached; its state is unknown</text>
            <text class="mono small" x="16" y="72">{view.address}</text>
          </>
        )}
      </g>
    </a>
  );
}

function NodeFacts({ view, width }: { view: NodeView; width: number }) {
  const s = view.status!;
  const numbers: [string, number][] = [['durable', s.durable_lsn], ['applied', s.applied_lsn], ['commit', s.commit_id]];
  const hash_width = Math.min(width - 32, 250);
  const column = hash_width / 3;
  return (
    <>
      <text class="role" x={width - 16} y="30" text-anchor="end">{s.role}</text>
      <text class="dim" x="16" y="55">{s.state}</text>
      <text class="dim" x={width - 16} y="55" text-anchor="end">epoch <tspan class="mono strong">{s.epoch}</tspan></text>
      <text class="dim small" x="16" y="77">lineage</text>
      {s.lineage ? <Bars hex={s.lineage} width={hash_width - 60} height={12} x={76} y={67} /> : null}
      <text class="mono small" x="16" y="94" textLength={s.lineage ? hash_width : undefined} lengthAdjust="spacingAndGlyphs">{s.lineage ?? 'none yet'}</text>
      {numbers.map(([name, value], i) => (
        <g key={name} transform={`translate(${16 + i * column} 0)`}>
          <text class="dim small" y="116">{name}</text>
          <text class="mono strong" y="133">{value}</text>
        </g>
      ))}
      {bands_of(view).map((band, i) => (
        <g key={band} class="band" transform={`translate(0 ${146 + i * 24})`}>
          <rect x="8" width={width - 16} height="19" rx="4" />
          <text class="mono" x={width / 2} y="13.5" text-anchor="middle">{band}</text>
        </g>
      ))}
    </>
  );
}

function ShipperCard({ view, place }: { view: ShipperView; place: Place }) {
  const { x, y, width, height } = place;
  const s = view.status;
  return (
    <g class={`card shipper ${s ? '' : 'unreached'}`} transform={`translate(${x} ${y})`} data-shipper={view.shipper}>
      <rect class="body" width={width} height={height} rx={height / 2} />
      <text class="name" x={width / 2} y="27" text-anchor="middle">{view.shipper}</text>
      {s ? (
        <text class="dim small" x={width / 2} y="45" text-anchor="middle">{s.source_stopped_by ? `stopped by ${s.source_stopped_by}` : s.source_state}</text>
      ) : (
        <text class="mono small" x={width / 2} y="45" text-anchor="middle">{view.why}</text>
      )}
    </g>
  );
}

const say = (value: number | null): string => (value === null ? 'unknown' : String(value));

// An edge's two labels: what its near end and its far end said last.
function Edge({ path, stopped, apart, lines, x, y, anchor }: {
  path: string; stopped: boolean; apart: boolean; lines: [string, string][]; x: number; y: number; anchor: string;
}) {
  const words = lines.map(([name, value], i) => (
    <tspan key={name} x={x} y={y + i * 15}>
      <tspan class="dim">{name} </tspan><tspan class="mono strong">{value}</tspan>
    </tspan>
  ));
  return (
    <g class={`edge ${stopped ? 'stopped' : apart ? 'apart' : ''}`}>
      <path d={path} marker-end="url(#cluster-arrow)" />
      <text class="small" x={x} y={y} text-anchor={anchor}>{words}</text>
    </g>
  );
}

const ago = (what: string, heard_us_ago: number | null): [string, string] => [what, heard_us_ago === null ? 'never' : `${grouped(heard_us_ago)} µs ago`];
const source_lines = (view: ShipperView): [string, string][] =>
  [['durable', say(view.status?.source_durable?.lsn ?? null)], ago('heard', view.status?.source_heard_us_ago ?? null)];
const target_lines = (target: Target): [string, string][] =>
  target.stopped_by ? [['stopped by', target.stopped_by], ['durable', say(target.durable_lsn)], ago(target.state, target.heard_us_ago)]
    : [['durable', say(target.durable_lsn)], ['applied', say(target.applied_lsn)], ago(target.state, target.heard_us_ago)];

// Sources, shippers and the others, each in the order of the configuration.
function columns_of({ nodes, shippers }: Nodes): [NodeView[], NodeView[]] {
  const sources = new Set(shippers.map((shipper) => shipper.status?.source));
  const left = nodes.filter((view) => sources.has(view.node));
  return [left, nodes.filter((view) => !left.includes(view))];
}

function stack(views: NodeView[], x: number, top: number, width: number, places: Map<string, Place>): number {
  let y = top;
  for (const view of views) {
    places.set(view.node, { x, y, width, height: node_height(view) });
    y += node_height(view) + GAP;
  }
  return y - (views.length > 0 ? GAP : 0);
}

function center(views: NodeView[], places: Map<string, Place>, shift: number): void {
  for (const view of views) places.get(view.node)!.y += shift;
}

export function ClusterPicture({ data, width }: { data: Nodes; width: number }) {
  return width >= 760 ? <Wide data={data} width={width} /> : <Narrow data={data} width={width} />;
}

function Wide({ data, width }: { data: Nodes; width: number }) {
  const [left, right] = columns_of(data);
  const places = new Map<string, Place>();
  const shipper_width = 150;
  const card = Math.min(CARD, Math.floor((width - shipper_width - 210) / 2) - 2);
  const right_x = width - card - 1;
  const left_end = stack(left, 1, 1, card, places);
  const right_end = stack(right, right_x, 1, card, places);
  const height = Math.max(left_end, right_end, data.shippers.length * 90) + 2;
  center(left, places, (height - left_end) / 2);
  center(right, places, (height - right_end) / 2);
  const middle = (width - shipper_width) / 2;
  const spots = data.shippers.map((view, i): [ShipperView, Place] =>
    [view, { x: middle, y: (height / (data.shippers.length + 1)) * (i + 1) - 31, width: shipper_width, height: 62 }]);
  return (
    <svg class="picture" width={width} height={height} role="group" aria-label="nodes and shippers">
      <Defs id="cluster" />
      {spots.flatMap(([view, spot]) => {
        if (!view.status) return [];
        const cy = spot.y + spot.height / 2;
        const from = places.get(view.status.source);
        const edges = from ? [(
          <Edge key={view.shipper} path={`M${from.x + from.width} ${cy}H${spot.x - 2}`} stopped={view.status.source_stopped_by !== null} apart={APART.includes(view.status.source_state)}
            lines={source_lines(view)} x={(from.x + from.width + spot.x) / 2} y={cy - 24} anchor="middle" />
        )] : [];
        for (const target of view.status.targets) {
          const place = places.get(target.target);
          if (!place) continue;
          const ty = place.y + Math.min(place.height / 2, 71);
          const x0 = spot.x + spot.width, far = place.x - x0;
          edges.push(<Edge key={`${view.shipper} ${target.target}`} path={`M${x0} ${cy}C${x0 + far * 0.24} ${cy} ${x0 + far * 0.06} ${ty} ${x0 + far * 0.32} ${ty}H${place.x - 2}`}
            stopped={target.stopped_by !== null} apart={APART.includes(target.state)} lines={target_lines(target)} x={place.x - 12} y={ty - 39} anchor="end" />);
        }
        return edges;
      })}
      {spots.map(([view, spot]) => <ShipperCard key={view.shipper} view={view} place={spot} />)}
      {data.nodes.map((view) => <NodeCard key={view.node} view={view} place={places.get(view.node)!} />)}
    </svg>
  );
}

// One column: each source, its shipper, and what it ships to, hanging on a line.
function Narrow({ data, width }: { data: Nodes; width: number }) {
  const [left, right] = columns_of(data);
  const places = new Map<string, Place>();
  const indent = 34, card = Math.min(width - indent - 1, 430);
  let y = stack(left, 1, 1, Math.min(width - 2, card + indent), places);
  const spots = data.shippers.map((view): [ShipperView, Place] => {
    const place = { x: 1, y: y + 50, width: Math.min(180, width - 2), height: 62 };
    y = place.y + place.height;
    return [view, place];
  });
  let end = y - 4;
  for (const view of right) {
    end += 62;
    places.set(view.node, { x: indent, y: end, width: card, height: node_height(view) });
    end += node_height(view);
  }
  return (
    <svg class="picture" width={width} height={end + 2} role="group" aria-label="nodes and shippers">
      <Defs id="cluster" />
      {spots.flatMap(([view, spot]) => {
        if (!view.status) return [];
        const from = places.get(view.status.source);
        const edges = from ? [(
          <Edge key={view.shipper} path={`M17 ${from.y + from.height}V${spot.y - 2}`} stopped={view.status.source_stopped_by !== null} apart={APART.includes(view.status.source_state)}
            lines={source_lines(view)} x={30} y={from.y + from.height + 20} anchor="start" />
        )] : [];
        for (const target of view.status.targets) {
          const place = places.get(target.target);
          if (!place) continue;
          const ty = place.y + 26;
          edges.push(<Edge key={`${view.shipper} ${target.target}`} path={`M17 ${spot.y + spot.height}V${ty - 8}Q17 ${ty} 25 ${ty}H${place.x - 2}`}
            stopped={target.stopped_by !== null} apart={APART.includes(target.state)} lines={target_lines(target)} x={place.x + 2} y={place.y - 39} anchor="start" />);
        }
        return edges;
      })}
      {spots.map(([view, spot]) => <ShipperCard key={view.shipper} view={view} place={spot} />)}
      {data.nodes.map((view) => <NodeCard key={view.node} view={view} place={places.get(view.node)!} />)}
    </svg>
  );
}
