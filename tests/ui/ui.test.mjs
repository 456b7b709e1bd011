// The inspection page in a real browser over a real cluster: what it shows is what the API says, and looking changes
// nothing. The tests run in order: the cluster is whole, then has a new primary, then a halted and a dead node.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Browser, Cluster } from './browser.mjs';

let cluster, browser, page;

before(async () => {
  cluster = await Cluster.start();
  browser = await Browser.start(cluster.base);
  page = browser.page;
  page.setDefaultTimeout(20_000);
});

after(async () => {
  await browser?.close();
  await cluster?.close();
});

const QUERY = JSON.stringify({ collection: 'notes', schema_version: 1, where: [{ field: 'rank', op: 'ge', value: 3 }], sort: 'rank', limit: 5 });
const VIEWS = ['/cluster', '/log?node=p1', '/document?node=r1&collection=notes&id=n1&at_commit=42', `/query?node=r1&query=${encodeURIComponent(QUERY)}`,
  '/recovery?node=p1', '/checkpoint?node=p1', '/replica?node=r1', '/halt?node=r1', '/authority?node=p1',
  '/command?node=p1&command=demote&successor=r1', '/events?node=p1', '/audit'];
const name_of = (path) => path.split('?')[0].slice(1);
const explain_of = async (path) => (await cluster.ask(path)).data.explanation;

test('the cluster picture shows every node with what it answers', async () => {
  await browser.open('/');
  const { data } = await cluster.ask('/v1/nodes');
  assert.equal(data.nodes.length, 3);
  for (const view of data.nodes) {
    const card = await page.locator(`[data-node=${view.node}]`).textContent();
    for (const shown of [view.node, view.status.role, view.status.state, view.status.lineage, String(view.status.durable_lsn)]) assert.ok(card.includes(shown), `${card} lacks ${shown}`);
  }
  assert.equal(await page.locator('.edge').count(), 3);
});

test('the log strip shows each position that the API tells', async () => {
  await browser.open('/log?node=p1');
  const wal = (await cluster.ask('/v1/wal?node=p1')).data, checkpoints = (await cluster.ask('/v1/checkpoints?node=p1')).data;
  const lane = (name) => page.locator(`[data-lane="${name}"]`).textContent();
  assert.ok((await lane('durable p1')).endsWith(String(wal.durable_lsn)));
  assert.ok((await lane('covered by the manifest')).endsWith(String(checkpoints.manifest_lsn)));
  for (const target of ['r1', 'r2']) assert.ok((await lane(`shipped to ${target}`)).endsWith(String(wal.durable_lsn)));
  assert.equal(await page.locator('.segment').count(), wal.segments);
});

test('every position of the commit slider is the answer of the API', async () => {
  const question = 'node=r1&collection=notes&id=n1';
  const commits = Array.from({ length: 8 }, (_, i) => 40 + i);
  await browser.open(`/document?${question}&at_commit=${commits[0]}`);
  for (const commit of commits) {
    if (commit !== commits[0]) await page.locator('#at_commit').press('ArrowRight');
    await page.waitForFunction((at) => document.querySelector('.foot')?.textContent.includes(`:${at}`) && !document.querySelector('[aria-busy=true]'), commit);
    assert.equal(new URL(page.url()).searchParams.get('at_commit'), String(commit));
    const { conclusion } = await explain_of(`/v1/explain/read?${question}&at_commit=${commit}`);
    const visible = conclusion.visible_version?.commit_id ?? null;
    const drawn = page.locator('.version.visible');
    assert.equal(await drawn.count(), visible === null ? 0 : 1, `at commit ${commit}`);
    if (visible !== null) assert.equal(await drawn.getAttribute('data-commit'), String(visible));
    else assert.ok((await browser.text('.headline')).includes(conclusion.result));
  }
});

test('a query shows its index, bound and counts', async () => {
  await browser.open(`/query?node=r1&query=${encodeURIComponent(QUERY)}`);
  const explanation = await explain_of(`/v1/explain/query?node=r1&query=${encodeURIComponent(QUERY)}`);
  assert.ok((await browser.text('.headline')).includes(explanation.conclusion.status));
  assert.ok((await browser.text('.candidates .chosen')).includes(explanation.conclusion.plan.index));
  const shown = await page.locator('.funnel').textContent();
  const counted = explanation.rules_applied.find((rule) => rule.rule_id === 'QRY-5').evidence;
  assert.ok(shown.includes(`documents_taken${counted.documents_taken}`), shown);
  assert.deepEqual(await page.locator('.rules h3').allInnerTexts(), explanation.rules_applied.map((rule) => rule.rule_id));
});

test('the five questions are addresses, each with its answer', async () => {
  await cluster.tell('switchover');
  const { commit_id } = (await cluster.ask('/v1/status?node=r1')).data;
  for (const [address, route, field, expected] of [
    [`/document?node=r1&collection=notes&id=n2&at_commit=${commit_id}`, `/v1/explain/read?node=r1&collection=notes&id=n2&at_commit=${commit_id}`, (c) => String(c.visible_version.commit_id), '3'],
    ['/recovery?node=p1', '/v1/explain/recovery?node=p1', (c) => c.status, 'recovered'],
    ['/checkpoint?node=p1', '/v1/explain/checkpoint?node=p1', (c) => c.status, 'accepted'],
    ['/replica?node=r2', '/v1/explain/replication?node=r2', (c) => c.status, 'read-safe'],
    ['/authority?node=r1&epoch=2', '/v1/explain/promotion?node=r1&epoch=2', (c) => c.status, 'granted'],
  ]) {
    await browser.open(address);
    const explanation = await explain_of(route);
    assert.equal(field(explanation.conclusion), expected, address);
    assert.ok((await browser.text('.headline')).includes(expected), address);
    assert.deepEqual(await page.locator('.rules h3').allInnerTexts(), explanation.rules_applied.map((rule) => rule.rule_id));
    assert.ok((await page.locator(`.explanation a.json[href="${route}"]`).count()) > 0, `${address} leads to its JSON`);
    await browser.screenshot(`question-${name_of(address)}`);
  }
  assert.ok((await page.locator('.handover').textContent()).includes('seal_successor r1'));
});

test('a change of authority is drawn as epochs, and a command only explained', async () => {
  await browser.open('/authority?node=r1');
  assert.equal(await page.locator('.bead').count(), 2);
  await browser.open('/command?node=r1&command=demote&successor=p1');
  const { conclusion } = await explain_of(`/v1/explain/command?${new URL(await page.locator('.explanation a.json').getAttribute('href'), cluster.base).searchParams}`);
  assert.ok((await browser.text('.headline')).includes(conclusion.status));
  assert.equal(await page.locator('main button:not([type=submit])').count(), 0);
});

test('events are paged by their numbers, and the audit log is shown', async () => {
  await browser.open('/events?node=r1&limit=3');
  assert.deepEqual(await page.locator('.spine .number').allInnerTexts(), ['1', '2', '3']);
  await page.getByRole('link', { name: /^later/ }).click();
  await page.waitForFunction(() => document.querySelector('.spine .number')?.textContent === '4');
  await browser.open('/audit');
  const { records } = (await cluster.ask('/v1/audit?after_number=0&limit=100')).data;
  assert.ok(records.length > 0);
  assert.deepEqual(await page.locator('.spine pre').allTextContents(), records.map((record) => record.line));
});

test('every picture leads to its JSON and has a table', async () => {
  for (const path of VIEWS) {
    await browser.open(path);
    for (const figure of await page.locator('figure').all()) {
      const title = await figure.locator('h2').innerText();
      assert.ok((await figure.locator('a.json').count()) > 0, `${path}: ${title} has no JSON`);
      assert.ok((await figure.locator('details.as_table table').count()) > 0, `${path}: ${title} has no table`);
      const href = await figure.locator('a.json').first().getAttribute('href');
      assert.equal((await cluster.ask(href)).api_version, 1);
    }
  }
});

test('no view is wider than the window, in light and in dark', async () => {
  for (const scheme of ['light', 'dark']) {
    await page.emulateMedia({ colorScheme: scheme });
    for (const width of [400, 900, 1600]) {
      await page.setViewportSize({ width, height: 900 });
      for (const path of VIEWS) {
        await browser.open(path);
        const beyond = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        assert.ok(beyond <= 0, `${path} at ${width}: ${beyond} beyond the window`);
        await browser.screenshot(`${name_of(path)}-${width}-${scheme}`);
      }
    }
  }
  await page.emulateMedia({ colorScheme: 'light' });
  await page.setViewportSize({ width: 1600, height: 900 });
});

test('it asks when a person asks, and never by itself', async () => {
  await page.clock.install();
  await browser.open('/cluster');
  const asked = () => browser.requests.filter((request) => request.url.includes('/v1/')).length;
  const before_waiting = asked();
  await page.clock.fastForward('10:00:00');
  assert.equal(asked(), before_waiting);
  await page.keyboard.press('r');
  await page.waitForFunction(() => document.querySelector('.when').textContent.startsWith('answered'));
  await browser.settled();
  assert.equal(asked(), before_waiting + 1);
});

test('the keyboard reaches everything, and the theme can be chosen', async () => {
  await browser.open('/cluster');
  await page.keyboard.press('Tab');
  assert.equal(await page.evaluate(() => document.activeElement.className), 'skip');
  await page.keyboard.press('Enter');
  assert.equal(await page.evaluate(() => document.activeElement.id), 'main');
  await page.keyboard.press('Tab');
  assert.equal(await page.evaluate(() => document.activeElement.tagName.toLowerCase()), 'a');
  assert.notEqual(await page.evaluate(() => getComputedStyle(document.querySelector('main')).outlineStyle), 'solid');
  const paper = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const light = await paper();
  const button = page.getByRole('button', { name: /^theme/ });
  await button.click();
  await button.click();
  assert.equal(await page.evaluate(() => document.documentElement.dataset.theme), 'dark');
  assert.notEqual(await paper(), light);
});

test('a verdict that does not confirm is loud', async () => {
  await page.route('**/v1/explain/replication**', async (route) => {
    const response = await route.fetch();
    const body = await response.json();
    Object.assign(body.data, { rules_follow: 'false', rules_follow_why: 'REPL-5: evaluation', evidence_agrees: 'unknown', evidence_why: 'records were released' });
    await route.fulfill({ response, json: body });
  });
  await browser.open('/replica?node=r2');
  assert.ok((await browser.text('.verdict.contradicts')).includes('REPL-5: evaluation'));
  assert.ok((await browser.text('.verdict.open')).includes('records were released'));
  assert.equal(await page.locator('.verdict[role=alert]').count(), 2);
  await browser.screenshot('verdict-not-confirmed');
  await page.unroute('**/v1/explain/replication**');
});

test('a halted replica is drawn as halted, with the rule', async () => {
  await cluster.tell('halt', { node: 'r2' });
  await browser.open('/cluster');
  assert.ok((await page.locator('[data-node=r2]').textContent()).includes('HALTED by REPL-1'));
  await browser.screenshot('cluster-halted');
  await browser.open('/halt?node=r2');
  const { conclusion } = await explain_of('/v1/explain/halt?node=r2');
  assert.ok((await browser.text('.headline')).includes(conclusion.status));
  assert.equal(conclusion.rule, 'REPL-1');
  await browser.screenshot('halt-halted');
  await browser.open('/replica?node=r2');
  assert.ok((await browser.text('.headline')).includes('not read-safe'));
});

test('a dead node is drawn as unreached, and what depends on it is unknown', async () => {
  await cluster.tell('kill', { node: 'r1' });
  await browser.open('/cluster');
  const card = await page.locator('[data-node=r1]').textContent();
  assert.ok(card.includes('UNREACHABLE') && card.includes('unknown'), card);
  await browser.screenshot('cluster-dead');
  await page.setViewportSize({ width: 400, height: 900 });
  await browser.open('/cluster');
  await browser.screenshot('cluster-dead-400');
  await page.setViewportSize({ width: 1600, height: 900 });
  await browser.open('/log?node=r1');
  assert.ok((await browser.text('.refused')).includes('UNREACHABLE'));
  await browser.open('/replica?node=p1');
  assert.ok((await browser.text('.headline')).includes('undetermined'));
  assert.ok((await page.locator('.rule.unknown').count()) > 0);
  assert.ok((await browser.text('.rule.unknown .missing')).includes('source_lsn'));
  await browser.screenshot('replica-undetermined');
});

test('nothing but GET was sent, to nobody else, and nothing went wrong', () => {
  assert.ok(browser.requests.length > 100);
  for (const { method, url } of browser.requests) {
    assert.equal(method, 'GET', url);
    assert.ok(url.startsWith(`${cluster.base}/`), url);
  }
  assert.deepEqual(browser.troubles, []);
});
