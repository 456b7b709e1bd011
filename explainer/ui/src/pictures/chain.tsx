// Steps that must come one after another, as they were noted.
import type { Evidence } from '../app/answers';

export function Chain({ steps, label }: { steps: Evidence[]; label: string }) {
  return (
    <ol class="chain" aria-label={label}>
      {steps.map((step, i) => (
        <li key={i}>
          <b>{String(step.step)}</b>
          <span>{Object.entries(step).filter(([name, value]) => name !== 'step' && value !== null).map(([name, value]) => `${name} ${String(value)}`).join(', ')}</span>
        </li>
      ))}
    </ol>
  );
}
