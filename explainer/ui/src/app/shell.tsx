// The frame around a view: where one can go, which node is asked, and the one thing a person can do: ask again.
import { useEffect } from 'preact/hooks';
import { address, go, to } from './address';
import { ask_again, last_answer, useAnswer, waiting } from './answer';
import type { NodeView, Nodes } from './answers';
import { theme, type Theme } from './theme';
import { VIEWS, view_at, type View } from './views';

const NEXT: Record<Theme, Theme> = { system: 'light', light: 'dark', dark: 'system' };

// The node that an address without one is about.
function first_node(view: View, nodes: NodeView[]): string | null {
  const reached = nodes.filter((node) => node.status);
  const found = reached.find((node) => node.status!.role === (view.prefers ?? 'primary')) ?? reached[0] ?? nodes[0];
  return found?.node ?? null;
}

function Rail({ current, node }: { current: View | undefined; node: string | null }) {
  return (
    <nav class="rail" aria-label="views">
      <a class="brand" href="/cluster" aria-label="AeroDB, cluster">
        <svg width="26" height="26" viewBox="0 0 32 32" aria-hidden="true">
          <path d="M16 3 28 9.5v13L16 29 4 22.5v-13zM4 9.5 16 16l12-6.5M16 16v13" />
          <path class="behind" d="M16 3v13M4 22.5 16 16l12 6.5" />
        </svg>
        <span>AeroDB</span>
      </a>
      <ul>
        {VIEWS.map((view) => (
          <li key={view.path}>
            <a href={to(view.path, view.of_node ? { node } : {})} aria-current={view === current ? 'page' : undefined}>{view.name}</a>
          </li>
        ))}
      </ul>
    </nav>
  );
}

function NodeChips({ nodes, node }: { nodes: NodeView[]; node: string | null }) {
  const { path, query } = address.value;
  const others = Object.fromEntries([...query].filter(([name]) => name !== 'node'));
  return (
    <nav class="chips" aria-label="nodes">
      {nodes.map((view) => (
        <a key={view.node} class={view.reached ? '' : 'unreached'} href={to(path, { node: view.node, ...others })}
          aria-current={view.node === node ? 'true' : undefined} title={view.reached ? view.status?.role : view.why ?? undefined}>{view.node}</a>
      ))}
    </nav>
  );
}

function Tools() {
  const when = last_answer.value;
  return (
    <div class="tools">
      <span class="when" role="status">{waiting.value > 0 ? 'asking' : when ? `answered ${when.toTimeString().slice(0, 8)}` : ''}</span>
      <button type="button" onClick={ask_again}>ask again <kbd>r</kbd></button>
      <button type="button" onClick={() => (theme.value = NEXT[theme.value])} aria-label={`theme: ${theme.value}`}><span aria-hidden="true">◐ </span>{theme.value}</button>
    </div>
  );
}

function ask_by_key(event: KeyboardEvent): void {
  const typing = (event.target as Element).matches?.('input:not([type=range]), textarea, select');
  if (event.key === 'r' && !typing && !event.metaKey && !event.ctrlKey && !event.altKey) ask_again();
}

export function Shell() {
  const { path, query } = address.value;
  const current = view_at(path);
  const nodes = useAnswer<Nodes>('/v1/nodes', true, path);
  const known = nodes?.data?.nodes ?? [];
  const named = query.get('node');
  const node = named ?? (current ? first_node(current, known) : null);

  useEffect(() => {
    addEventListener('keydown', ask_by_key);
    return () => removeEventListener('keydown', ask_by_key);
  }, []);
  useEffect(() => {
    document.title = current ? `${current.name}${current.of_node && node ? ` of ${node}` : ''}, AeroDB` : 'AeroDB';
  }, [current, node]);
  // An address always says which node it asks.
  useEffect(() => {
    if (current?.of_node && !named && node) go(to(path, { node, ...Object.fromEntries(query) }), true);
  }, [current, named, node]);

  const Body = current?.show;
  return (
    <>
      <a class="skip" href="#main" onClick={(event) => (event.preventDefault(), document.getElementById('main')!.focus())}>to the content</a>
      <Rail current={current} node={named} />
      <div class="stage">
        <header class="bar">
          {current?.of_node ? <NodeChips nodes={known} node={node} /> : <span />}
          <Tools />
        </header>
        <main id="main" tabIndex={-1}>
          <h1>{current ? current.question : 'There is no such view'}</h1>
          {Body && (nodes?.state !== 'asking' || nodes.data) ? (
            <Body key={path} nodes={nodes} node={node} query={query} view={known.find((view) => view.node === node) ?? null} />
          ) : Body ? <p class="waiting">asking <code>/v1/nodes</code></p> : null}
        </main>
      </div>
    </>
  );
}
