// The real cluster and a real browser for the tests beside this file. Everything started is ended by its process id.
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { chromium } from '../../explainer/ui/node_modules/playwright-core/index.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const ROOT = join(here, '../..');
export const SCREENSHOTS = join(ROOT, 'build/ui-screenshots');
const PYTHON = process.env.PYTHON ?? '/usr/bin/python3';
const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium';
const FLAGS = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync'];

// cluster.py, line by line. `base` is the explainer's HTTP address.
export class Cluster {
  static async start() {
    const cluster = new Cluster();
    cluster.process = spawn(PYTHON, [join(here, 'cluster.py')], { stdio: ['pipe', 'pipe', 'inherit'] });
    cluster.lines = createInterface({ input: cluster.process.stdout })[Symbol.asyncIterator]();
    cluster.base = (await cluster.heard()).http;
    return cluster;
  }

  async heard() {
    const { value, done } = await this.lines.next();
    if (done) throw new Error('cluster.py ended; what it said stands above');
    return JSON.parse(value);
  }

  async tell(what, more = {}) {
    this.process.stdin.write(`${JSON.stringify({ do: what, ...more })}\n`);
    await this.heard();
  }

  // The answer of the API itself, for comparison.
  async ask(path) {
    const response = await fetch(this.base + path);
    return response.json();
  }

  async close() {
    const ended = new Promise((resolve) => this.process.once('exit', resolve));
    this.process.stdin.end();
    await ended;
  }
}

// A browser that records every request and everything that went wrong.
export class Browser {
  static async start(base) {
    const browser = new Browser();
    browser.base = base;
    browser.requests = [];
    browser.troubles = [];
    browser.profile = mkdtempSync(join(tmpdir(), 'aerodb-ui-'));
    browser.context = await chromium.launchPersistentContext(browser.profile, {
      executablePath: CHROMIUM, args: FLAGS, viewport: { width: 1600, height: 900 }, colorScheme: 'light', reducedMotion: 'reduce',
    });
    browser.context.on('request', (request) => browser.requests.push({ method: request.method(), url: request.url() }));
    browser.page = await browser.context.newPage();
    browser.page.on('pageerror', (error) => browser.troubles.push(`${browser.page.url()}: ${error.message}`));
    browser.page.on('console', (message) => {
      if (!['error', 'warning'].includes(message.type())) return;
      // An answer that refuses is content of the page; Chromium reports its status here all the same.
      if (message.text().startsWith('Failed to load resource') && message.location().url.includes('/v1/')) return;
      browser.troubles.push(`${browser.page.url()}: ${message.text()}`);
    });
    mkdirSync(SCREENSHOTS, { recursive: true });
    return browser;
  }

  // Opens an address of the page and waits until every question it asked is answered.
  async open(path) {
    await this.page.goto(this.base + path);
    await this.settled();
  }

  async settled() {
    await this.page.waitForFunction(() => document.querySelector('.when')?.textContent.startsWith('answered') && !document.querySelector('[aria-busy=true]'));
  }

  text(selector) {
    return this.page.locator(selector).first().innerText();
  }

  async screenshot(name) {
    await this.page.screenshot({ path: join(SCREENSHOTS, `${name}.png`), fullPage: true });
  }

  async close() {
    await this.context.close();
    rmSync(this.profile, { recursive: true, force: true });
  }
}
