// A replica and its source side by side: how far each log reaches, and the chain of both at one position. Equal bars
// are equal bytes; whether they are equal is what the rule between them says.
import type { Evidence, ExplanationObject } from '../app/answers';
import { evidence_of, missing_of, number_of, text_of } from '../app/answers';
import { word_of } from '../parts/explanation';
import { Bars } from '../parts/value';
import { Defs } from './defs';
import { linear } from './scale';

interface Side { name: string; marks: [string, number | null][]; missing: Set<string> }

function Lane({ side, y, left, scale, width }: { side: Side; y: number; left: number; scale: (v: number) => number; width: number }) {
  const known = side.marks.filter((mark): mark is [string, number] => mark[1] !== null);
  const end = Math.max(0, ...known.map(([, value]) => value));
  return (
    <g class="side">
      <text class="name" x="0" y={y - 12}>{side.name}</text>
      <rect class="track" x={left} y={y} width={width - left} height="20" rx="4" />
      {known.length === 0 ? <rect x={left} y={y} width={width - left} height="20" rx="4" fill="url(#sides-dots)" /> : null}
      {known.length > 0 ? <rect class="fill" x={left} y={y} width={Math.max(2, scale(end) - left)} height="20" rx="4" /> : null}
      {side.marks.map(([name, value], i) => (
        <g key={name} class="at">
          {value === null ? null : <path class="tick" d={`M${scale(value)} ${y - 3}v26`} />}
          <text class="small" x={left + i * Math.min(190, (width - left) / side.marks.length)} y={y + 38}>
            <tspan class="dim">{name} </tspan>
            <tspan class={value !== null ? 'mono strong' : side.missing.has(name) ? 'unknown' : 'mono dim'}>{value ?? (side.missing.has(name) ? 'unknown' : 'null')}</tspan>
          </text>
        </g>
      ))}
    </g>
  );
}

interface Pair { evidence: Evidence; own: string; other: string; rule: { id: string; evaluation: boolean | null }; y: number; width: number }

function ChainEnd({ name, hex, x, y, size, anchor, whole }: {
  name: string; hex: string | null; x: number; y: number; size: number; anchor: 'start' | 'end'; whole: boolean;
}) {
  return (
    <>
      <text class="small dim" x={x} y={y} text-anchor={anchor}>{name}</text>
      {hex ? <Bars hex={hex} width={size} height={22} x={anchor === 'end' ? x - size : x} y={y + 9} />
        : <text class="unknown small" x={x} y={y + 25} text-anchor={anchor}>unknown</text>}
      {hex && whole ? <text class="mono small" x={x} y={y + 48} text-anchor={anchor}>{hex}</text> : null}
    </>
  );
}

const stacked = (width: number): boolean => width < 560;

// Both chains, and between them the rule that compares them: side by side, or one above the other where it is narrow.
function ChainPair({ evidence, own, other, rule, y, width }: Pair) {
  const narrow = stacked(width);
  const size = Math.min(narrow ? width : (width - 120) / 2, 256);
  const far = y + (narrow ? 118 : 0);
  const knot = narrow ? { x: size / 2 - 52, y: y + 55 } : { x: width / 2 - 52, y: y - 2 };
  return (
    <g class={`pair ${word_of(rule.evaluation)}`}>
      <ChainEnd name={own} hex={text_of(evidence[own])} x={0} y={y} size={size} anchor="start" whole={size >= 230 && !narrow} />
      <ChainEnd name={other} hex={text_of(evidence[other])} x={narrow ? 0 : width} y={far} size={size} anchor={narrow ? 'start' : 'end'} whole={size >= 230} />
      <path class="tie" d={narrow ? `M${size / 2} ${y + 36}V${far - 16}` : `M${size + 8} ${y + 20}H${width - size - 8}`} />
      <rect class="knot" x={knot.x} y={knot.y} width="104" height="44" rx="8" />
      <text class="strong" x={knot.x + 52} y={knot.y + 18} text-anchor="middle">{rule.id}</text>
      <text class="mono" x={knot.x + 52} y={knot.y + 35} text-anchor="middle">{word_of(rule.evaluation)}</text>
    </g>
  );
}

export function TwoSides({ node, explanation, width }: { node: string; explanation: ExplanationObject; width: number }) {
  const e = evidence_of(explanation);
  const missing = missing_of(explanation);
  const sides: Side[] = [
    { name: text_of(e.source_node) ?? 'source', marks: [['source_lsn', number_of(e.source_lsn)]], missing },
    { name: node, marks: [['own_lsn', number_of(e.own_lsn)], ['applied_lsn', number_of(e.applied_lsn)], ['receipt_lsn', number_of(e.receipt_lsn)]], missing },
  ];
  const values = sides.flatMap((side) => side.marks.map((mark) => mark[1] ?? 0));
  const scale = linear(0, Math.max(1, ...values), 0, width);
  const of = (id: string) => ({ id, evaluation: explanation.rules_applied.find((rule) => rule.rule_id === id)?.evaluation ?? null });
  return (
    <svg class="picture sides" width={width} height={stacked(width) ? 372 : 250} role="group" aria-label="positions and chains of both sides">
      <Defs id="sides" />
      <Lane side={sides[0]} y={26} left={0} scale={scale} width={width} />
      <Lane side={sides[1]} y={116} left={0} scale={scale} width={width} />
      <ChainPair evidence={e} own="own_chain_at_source_lsn" other="source_chain" rule={of('REPL-1')} y={192} width={width} />
    </svg>
  );
}
