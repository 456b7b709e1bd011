// Any explanation, of whatever type: conclusion first, then what the witness says, then every rule in the order applied
// with its evidence. Rules are neither evaluated nor reordered nor shortened here (P4-9).
import type { ComponentChildren } from 'preact';
import type { Answer } from '../app/answer';
import type { Evidence, Explained, RuleEntry, Value } from '../app/answers';
import { JsonLink, Show } from './figure';
import { Hash, Id, Pairs, Unknown } from './value';

export const word_of = (evaluation: boolean | null): string => (evaluation === null ? 'unknown' : String(evaluation));

// A rule's outcome as a shape, never as a colour alone: whole, struck through, or open.
export function Mark({ evaluation, size = 18 }: { evaluation: boolean | null; size?: number }) {
  const word = word_of(evaluation);
  return (
    <svg class={`mark ${word}`} width={size} height={size} viewBox="0 0 18 18" role="img" aria-label={word}>
      <rect x="1.5" y="1.5" width="15" height="15" rx="4" />
      {evaluation === false ? <path d="M4 14 14 4" /> : null}
      {evaluation === null ? <circle cx="9" cy="9" r="1.6" /> : null}
    </svg>
  );
}

const rule_anchor = (rule: RuleEntry): string => `rule-${rule.rule_id}`;

// All rules at one look, each leading to its place below.
export function ProofStrip({ rules }: { rules: RuleEntry[] }) {
  const jump = (event: MouseEvent, rule: RuleEntry) => {
    event.preventDefault();
    const place = document.getElementById(rule_anchor(rule));
    place?.scrollIntoView({ block: 'start' });
    place?.focus();
  };
  return (
    <ol class="proof" aria-label="rules in the order applied">
      {rules.map((rule) => (
        <li key={rule.rule_id}>
          <a href={`#${rule_anchor(rule)}`} onClick={(event) => jump(event, rule)}>
            <Mark evaluation={rule.evaluation} />
            <span>{rule.rule_id}</span>
          </a>
        </li>
      ))}
    </ol>
  );
}

function Headline({ conclusion }: { conclusion: Evidence }) {
  const [name, value] = Object.entries(conclusion)[0] ?? ['conclusion', null];
  const rest = Object.fromEntries(Object.entries(conclusion).slice(1));
  return (
    <>
      <p class="headline">
        <span class="of">{name}</span>
        {value !== null && typeof value === 'object' && !Array.isArray(value) ? <HeadlineParts of={value} /> : <strong>{String(value)}</strong>}
      </p>
      {Object.keys(rest).length > 0 ? <Pairs of={rest} /> : null}
    </>
  );
}

const HeadlineParts = ({ of }: { of: { [key: string]: Value } }) => (
  <span class="parts">
    {Object.entries(of).map(([name, value]) => (
      <span key={name}><span class="of">{name}</span><strong>{String(value)}</strong></span>
    ))}
  </span>
);

interface VerdictProps { name: string; value: string; firm: boolean; why: string | null; meaning: string }

function Verdict({ name, value, firm, why, meaning }: VerdictProps) {
  return (
    <div class={`verdict ${firm ? 'confirms' : value === 'false' ? 'contradicts' : 'open'}`} role={firm ? undefined : 'alert'}>
      <p class="said"><span class="of">{name}</span> <strong>{value}</strong></p>
      <p class="meaning">{meaning}</p>
      {why ? <p class="why">{why}</p> : null}
    </div>
  );
}

const COMPARED: Record<string, string> = {
  none: ', compared with nothing', log: ', compared with log records fetched from the node', peer: ', compared with another node',
  status: ', compared with the status of the node before and after',
};

// Both verdicts, always; loud where one does not confirm.
function Witness({ said }: { said: Explained }) {
  const follow = said.rules_follow === 'true';
  const agrees = said.evidence_agrees === 'true';
  return (
    <section class="witness" aria-label="the witness">
      <Verdict name="rules_follow" value={said.rules_follow} firm={follow} why={said.rules_follow_why}
        meaning={follow ? 'the same rules over the same evidence give this very object' : 'the rules applied again do not give this object'} />
      <Verdict name="evidence_agrees" value={said.evidence_agrees} firm={agrees} why={said.evidence_why}
        meaning={`evidence_checked: ${said.evidence_checked}${COMPARED[said.evidence_checked] ?? ''}`} />
    </section>
  );
}

function Rule({ rule, number, hash }: { rule: RuleEntry; number: number; hash: string | undefined }) {
  const missing = Array.isArray(rule.evidence.missing) ? rule.evidence.missing.map(String) : [];
  const { missing: _, ...evidence } = rule.evidence;
  const statement = rule.description.replace(/^INVARIANTS\.md#[A-Z]+-\d+: /, '');
  return (
    <li class={`rule ${word_of(rule.evaluation)}`} id={rule_anchor(rule)} tabIndex={-1}>
      <div class="claim">
        <header>
          <span class="number" aria-hidden="true">{number}</span>
          <Mark evaluation={rule.evaluation} size={22} />
          <h3>{rule.rule_id}</h3>
          <span class="outcome">{rule.evaluation === null ? <Unknown /> : String(rule.evaluation)}</span>
        </header>
        <blockquote>{statement}</blockquote>
        {rule.evaluation === null ? (
          <p class="missing">missing: {missing.map((name) => <Id key={name}>{name}</Id>)}</p>
        ) : null}
      </div>
      <div class="evidence">
        {Object.keys(evidence).length > 0 ? <Pairs of={evidence} missing={missing} /> : <p class="none">no evidence</p>}
        {hash ? <p class="seal" title="SHA-256 of this rule entry"><Hash hex={hash} /></p> : null}
      </div>
    </li>
  );
}

interface ExplanationProps { answer: Answer<Explained> | null; children?: ComponentChildren }

// `children`: pictures that stand between the verdicts and the rules, and also where there is no explanation to show.
export function Explanation({ answer, children }: ExplanationProps) {
  if (!answer?.data) return <><Show answer={answer}>{() => null}</Show>{children}</>;
  return (
    <Show answer={answer}>
      {(said) => {
        const { explanation } = said;
        return (
          <article class={`explanation ${answer!.state}`} aria-busy={answer!.state === 'asking'}>
            <header class="conclusion">
              <p class="type"><Id>{explanation.explanation_type}</Id> as <b>{said.node}</b> explains it
                <JsonLink url={answer!.url} /></p>
              <Headline conclusion={explanation.conclusion} />
              <ProofStrip rules={explanation.rules_applied} />
            </header>
            <Witness said={said} />
            {children}
            <ol class="rules">
              {explanation.rules_applied.map((rule, i) => (
                <Rule key={rule.rule_id} rule={rule} number={i + 1} hash={said.rule_sha256[i]} />
              ))}
            </ol>
            <section class="foot">
              <h3>inputs</h3>
              <Pairs of={explanation.inputs} />
              <h3>observed_snapshot</h3>
              <Pairs of={explanation.observed_snapshot} />
              <h3>sha256</h3>
              <Hash hex={said.sha256} />
            </section>
          </article>
        );
      }}
    </Show>
  );
}
