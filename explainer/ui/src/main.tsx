import { render } from 'preact';
import { follow_links } from './app/address';
import { Shell } from './app/shell';
import { VIEWS } from './app/views';
import paths from './paths.json';

if (VIEWS.map((view) => view.path).sort().join() !== [...paths].sort().join()) throw new Error('src/paths.json and app/views.ts name different views');

const root = document.getElementById('app')!;
root.replaceChildren();
follow_links();
render(<Shell />, root);
