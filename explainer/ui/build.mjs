// Bundles the inspection page and writes it twice: as files, to look at, and as the C++ table of explainer/ui_files.h.
//   node build.mjs OUT_DIR        -> OUT_DIR/{index.html,app.js,app.css,favicon.svg,ui_files.cc}
// Equal sources give equal bytes. Ends with an error where the script would be larger than its bound.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

const MAX_SCRIPT_GZIP_BYTES = 60_000;
const here = dirname(fileURLToPath(import.meta.url));
const out = process.argv[2];
if (!out) throw new Error('usage: node build.mjs OUT_DIR');

const { build } = await import('esbuild').catch(() => {
  console.error('the inspection page needs its node modules: run `make deps`, or configure with -DAERODB_UI=OFF');
  process.exit(1);
});

async function bundle(entry, options = {}) {
  const done = await build({
    entryPoints: [join(here, entry)], bundle: true, minify: true, write: false, charset: 'utf8', legalComments: 'none',
    target: ['chrome109', 'firefox115', 'safari16.4'], jsx: 'automatic', jsxImportSource: 'preact', logLevel: 'warning',
    ...options,
  });
  return Buffer.from(done.outputFiles[0].contents);
}

const script = await bundle('src/main.tsx', { format: 'esm' });
const gzip_bytes = gzipSync(script, { level: 9 }).length;
if (gzip_bytes > MAX_SCRIPT_GZIP_BYTES) {
  console.error(`the page's script is ${gzip_bytes} bytes gzipped; its bound is ${MAX_SCRIPT_GZIP_BYTES}`);
  process.exit(1);
}

const page = readFileSync(join(here, 'index.html'));
const files = new Map([
  ['/', ['text/html; charset=utf-8', page]],
  ['/app.css', ['text/css; charset=utf-8', await bundle('src/style/main.css')]],
  ['/app.js', ['text/javascript; charset=utf-8', script]],
  ['/favicon.svg', ['image/svg+xml', readFileSync(join(here, 'favicon.svg'))]],
]);
// Every view is an address of its own.
for (const path of JSON.parse(readFileSync(join(here, 'src/paths.json'), 'utf8'))) files.set(path, files.get('/'));

function table() {
  const bytes = [...new Set([...files.values()].map(([, content]) => content))];
  const arrays = bytes.map((content, i) => `constexpr uint8_t kBytes${i}[] = {${[...content].join(',')}};\n`);
  const rows = [...files.keys()].sort().map((path) => {
    const [type, content] = files.get(path);
    return `      {"${path}", "${type}", std::as_bytes(std::span(kBytes${bytes.indexOf(content)}))},\n`;
  });
  return `// Made by explainer/ui/build.mjs.
#include "explainer/ui_files.h"

#include <cstdint>

namespace aerodb::explainer {
namespace {

${arrays.join('')}
}  // namespace

std::span<const UiFile> ui_files() {
  static const UiFile kFiles[] = {
${rows.join('')}  };
  return kFiles;
}

}  // namespace aerodb::explainer
`;
}

mkdirSync(out, { recursive: true });
for (const name of ['/app.css', '/app.js', '/favicon.svg']) writeFileSync(join(out, name), files.get(name)[1]);
writeFileSync(join(out, 'index.html'), page);
writeFileSync(join(out, 'ui_files.cc'), table());
writeFileSync(join(out, 'script_gzip_bytes'), `${gzip_bytes}\n`);
