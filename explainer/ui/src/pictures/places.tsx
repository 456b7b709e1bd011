// Where entries lie: one line a collection or index, its parts in memory and in each run side by side, to scale in entries.
import type { RunPart } from '../app/answers';
import { linear } from './scale';

export interface PlacesLine { name: string; memory: number; runs: RunPart[] }

export function Places({ lines, width }: { lines: PlacesLine[]; width: number }) {
  if (lines.length === 0) return <p class="none">none</p>;
  const narrow = width < 620;
  const left = narrow ? 0 : 230, row = narrow ? 50 : 36;
  const total = (line: PlacesLine): number => line.memory + line.runs.reduce((sum, part) => sum + part.entries, 0);
  const scale = linear(0, Math.max(1, ...lines.map(total)), 0, width - left - 4);
  return (
    <svg class="picture places" width={width} height={lines.length * row + 4} role="img" aria-label={lines.map((line) => line.name).join(', ')}>
      {lines.map((line, i) => {
        const y = i * row + (narrow ? 18 : 4);
        let at = 0;
        const parts = [...line.runs.map((part) => ({ kind: 'run', label: `run ${part.run}: ${part.entries}`, entries: part.entries })),
          { kind: 'memory', label: `memory: ${line.memory}`, entries: line.memory }];
        return (
          <g key={line.name} class="place">
            <text class="label" x={narrow ? 0 : left - 14} y={narrow ? y - 4 : y + 18} text-anchor={narrow ? 'start' : 'end'}>{line.name}</text>
            <path class="base" d={`M${left} ${y + 25}H${width}`} />
            {parts.map((part) => {
              const x = left + scale(at), wide = scale(at + part.entries) - scale(at);
              at += part.entries;
              if (part.entries === 0) return null;
              return (
                <g key={part.label} class={part.kind}>
                  <rect x={x} y={y + 2} width={Math.max(2, wide - 2)} height="22" rx="3"><title>{part.label}</title></rect>
                  {wide > part.label.length * 7.4 + 12 ? <text class="mono small" x={x + 7} y={y + 17}>{part.label}</text> : null}
                </g>
              );
            })}
          </g>
        );
      })}
    </svg>
  );
}
