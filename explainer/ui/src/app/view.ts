// What every view gets: the cluster as /v1/nodes showed it when this address was opened, and the node asked about.
import type { Answer } from './answer';
import type { NodeView, Nodes } from './answers';

export interface ViewProps {
  nodes: Answer<Nodes> | null;
  node: string | null;      // name in the address, or of the first node that fits the view
  view: NodeView | null;    // what that node said
  query: URLSearchParams;
}
