// The five questions that this page is for, each an address of its own.
import type { ViewProps } from '../app/view';
import { to } from '../app/address';

export function Questions({ nodes }: ViewProps) {
  const reached = nodes?.data?.nodes.filter((view) => view.status) ?? [];
  const primary = reached.find((view) => view.status!.role === 'primary')?.node ?? reached[0]?.node ?? null;
  const replica = reached.find((view) => view.status!.role === 'replica')?.node ?? primary;
  const questions: [string, string, string][] = [
    ['Why does this read see this version?', to('/document', { node: replica }), 'mvcc.read_visibility'],
    ['What did the last recovery do, and why?', to('/recovery', { node: primary }), 'recovery.process'],
    ['Is this checkpoint safe?', to('/checkpoint', { node: primary }), 'checkpoint.safety'],
    ['May this replica serve?', to('/replica', { node: replica }), 'replication.safety'],
    ['Why was that promotion granted?', to('/authority', { node: primary }), 'promotion.decision'],
  ];
  return (
    <nav class="questions" aria-label="questions">
      {questions.map(([text, href, type]) => (
        <a key={type} href={href}><span>{text}</span><code>{type}</code></a>
      ))}
    </nav>
  );
}
