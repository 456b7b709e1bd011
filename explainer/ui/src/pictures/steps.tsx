// The rules of an explanation as the steps of one way, each with the plain values it went by.
import type { Evidence, ExplanationObject, Value } from '../app/answers';
import { Mark, word_of } from '../parts/explanation';
import { HashBars } from '../parts/value';

const plain = (value: Value): boolean => value === null || typeof value !== 'object';
const is_hash = (value: Value): value is string => typeof value === 'string' && /^[0-9a-f]{32}$|^[0-9a-f]{64}$/.test(value);

export const step_rows = (explanation: ExplanationObject): Evidence[] =>
  explanation.rules_applied.map((rule) => ({ rule_id: rule.rule_id, evaluation: rule.evaluation, evidence: rule.evidence }));

function Brief({ name, value, missing }: { name: string; value: Value; missing: boolean }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>
        {is_hash(value) ? <HashBars hex={value} width={72} />
          : value === null ? <span class={missing ? 'unknown' : 'null'}>{missing ? 'unknown' : 'null'}</span>
          : plain(value) ? <code>{String(value)}</code>
          : <code>{Array.isArray(value) ? `${value.length} rows` : '…'}</code>}
      </dd>
    </div>
  );
}

export function Steps({ explanation }: { explanation: ExplanationObject }) {
  return (
    <ol class="steps" tabIndex={0} aria-label="rules in the order applied, with the values they went by">
      {explanation.rules_applied.map((rule) => {
        const missing = Array.isArray(rule.evidence.missing) ? rule.evidence.missing.map(String) : [];
        return (
          <li key={rule.rule_id} class={word_of(rule.evaluation)}>
            <h3><Mark evaluation={rule.evaluation} /> {rule.rule_id}</h3>
            <dl>
              {Object.entries(rule.evidence).map(([name, value]) => (
                name === 'missing' ? null : <Brief key={name} name={name} value={value} missing={missing.includes(name)} />
              ))}
            </dl>
          </li>
        );
      })}
    </ol>
  );
}
