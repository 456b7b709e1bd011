// Every view once: its address, its name, and the question it answers. src/paths.json lists the same addresses for the
// server; main.tsx refuses to start where the two differ.
import type { ComponentType } from 'preact';
import { Audit } from '../views/audit';
import { Authority } from '../views/authority';
import { Checkpoint } from '../views/checkpoint';
import { Cluster } from '../views/cluster';
import { Command } from '../views/command';
import { Document } from '../views/document';
import { Events } from '../views/events';
import { Halt } from '../views/halt';
import { Log } from '../views/log';
import { Query } from '../views/query';
import { Recovery } from '../views/recovery';
import { Replica } from '../views/replica';
import type { ViewProps } from './view';

export interface View {
  path: string;
  name: string;
  question: string;
  of_node: boolean;      // speaks of one node
  prefers?: string;      // the role it is about, where the address names no node
  show: ComponentType<ViewProps>;
}

export const VIEWS: View[] = [
  { path: '/cluster', name: 'Cluster', question: 'Who is there, and how far is each?', of_node: false, show: Cluster },
  { path: '/log', name: 'Log', question: 'How far does this log reach?', of_node: true, show: Log },
  { path: '/document', name: 'Document', question: 'Why does this read see this version?', of_node: true, show: Document },
  { path: '/query', name: 'Query', question: 'How is this query answered?', of_node: true, show: Query },
  { path: '/recovery', name: 'Recovery', question: 'What did the last recovery do, and why?', of_node: true, show: Recovery },
  { path: '/checkpoint', name: 'Checkpoint', question: 'Is this checkpoint safe?', of_node: true, show: Checkpoint },
  { path: '/replica', name: 'Replica', question: 'May this replica serve?', of_node: true, prefers: 'replica', show: Replica },
  { path: '/halt', name: 'Halt', question: 'Is this node halted, and why?', of_node: true, show: Halt },
  { path: '/authority', name: 'Authority', question: 'Why was that promotion granted?', of_node: true, show: Authority },
  { path: '/command', name: 'Command', question: 'What would this command do?', of_node: true, show: Command },
  { path: '/events', name: 'Events', question: 'What happened on this node?', of_node: true, show: Events },
  { path: '/audit', name: 'Audit', question: 'Who commanded what?', of_node: false, show: Audit },
];

export const view_at = (path: string): View | undefined => VIEWS.find((view) => view.path === (path === '/' ? '/cluster' : path));
