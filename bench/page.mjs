// @ts-check
/// <reference lib="dom" />
/**
 * The dashboard in a real browser: the time until the overview has its first row, and until a search has its result, with 1, 1,000 and
 * 100,000 hosts; then pages that stay open while hosts are updated, for a time: the memory of the pages and of the server at each
 * quarter, and the time of DNS answers with and without them.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { chromium } from 'playwright-core';
import { BENCHMARKS } from './commands.mjs';
import { percentile, queryDns } from './dns-waits.mjs';
import {
  freePort,
  IS_SMOKE_RUN,
  makeDirectory,
  measureHttp,
  memory,
  numbersFor,
  originalClients,
  Report,
  say,
  serve,
  stop,
  UNIT_FLAGS,
  ZONE,
} from './lab.mjs';

const BATCH = 2_000;
const CONNECTIONS = 32;
const KEY = `dyn_${'page'.padEnd(32, 'x')}`;
const DAYS_90_MS = 90 * 86_400_000;
const PART_SECONDS = 30;

/** @typedef {{server: Awaited<ReturnType<typeof serve>>, dnsPort: number, hosts: number, cookie: {name: string, value: string}}} Lab */
/** @typedef {Parameters<typeof measureHttp>[0]} Load */

if (isMainThread) await measure();
else parentPort?.postMessage(measureHttp(workerData));

async function measure() {
  const [SECONDS = 0, RATE = 0, ROUNDS = 0] = numbersFor(BENCHMARKS.page, [
    [3_600, 4],
    [5_000, 500],
    [5, 1],
  ]);
  const report = new Report();
  const browser = await chromium.launch({ executablePath: browserPath(), args: ['--no-sandbox'] });
  say(`node ${process.version} ${UNIT_FLAGS.join(' ')}, chromium ${browser.version()}`);
  try {
    for (const hosts of IS_SMOKE_RUN ? [1, 500] : [1, 1_000, 100_000]) {
      const lab = await serveHosts(hosts);
      await measureList(browser, lab, ROUNDS, report);
      await stop(lab.server.child);
    }
    await measureOpenPages(browser, await serveHosts(1_000), SECONDS, RATE, report);
  } finally {
    await browser.close();
  }
}

function browserPath() {
  return spawnSync('sh', ['-c', 'command -v chromium-headless-shell'], { encoding: 'utf8' }).stdout.trim();
}

/** A server with so many hosts, each with an address, and an admin who is signed in. @param {number} hosts @returns {Promise<Lab>} */
async function serveHosts(hosts) {
  const { openStore } = await import('#dist/store/open-store.js');
  const directory = makeDirectory();
  const url = `sqlite:${join(directory, 'dyndns.db')}`;
  const store = await openStore(url);
  const quotas = { hosts: 0, tokens: 0, changesPerMinute: 0 };
  await store.users.create({ id: 'admin', name: 'admin', role: 'admin', quotas, createdMs: 1 });
  const sha256 = createHash('sha256').update(KEY).digest('hex');
  await store.users.createKey({ id: 'key', userId: 'admin', name: 'bench', sha256, createdMs: 1 });
  await fillHistory(store, hosts);
  await store.close();
  const dnsPort = await freePort();
  const server = await serve(
    {
      admin: { enabled: true },
      store: url,
      dns: { listen: [`127.0.0.1:${dnsPort}`], database: join(directory, 'zones.db') },
      zones: [{ name: ZONE, nameserver: 'embedded', ns: ['ns.example.net'] }],
    },
    { directory },
  );
  const key = { Authorization: `Bearer ${KEY}`, 'Content-Type': 'application/json' };
  for (let first = 0; first < hosts; first += BATCH) {
    const batch = Array.from({ length: Math.min(BATCH, hosts - first) }, (_, n) => ({ host: `h${first + n}.${ZONE}` }));
    await post(`${server.url}/v1/hosts:batch`, { hosts: batch }, key);
  }
  const { url: link } = await post(`${server.url}/v1/users/admin/link`, {}, key);
  const page = { Origin: server.url, 'Sec-Fetch-Site': 'same-origin', 'Content-Type': 'application/json' };
  const response = await fetch(`${server.url}/v1/sign-in`, {
    method: 'POST',
    headers: page,
    body: JSON.stringify({ link: String(link).split('=').at(-1) }),
  });
  const [pair = ''] = response.headers.getSetCookie()[0]?.split(';') ?? [];
  const [name = '', value = ''] = pair.split('=');
  return { server, dnsPort, hosts, cookie: { name, value } };
}

/** An address for each of so many hosts, of the last 90 days, and one refused update in ten. @param {import('#dist/core/store.js').Store} store @param {number} hosts */
async function fillHistory(store, hosts) {
  const { DomainName } = await import('#dist/dns/name.js');
  const { eventId } = await import('#dist/core/history/history.js');
  const nowMs = Date.now();
  for (let first = 0; first < hosts; first += BATCH) {
    const events = Array.from({ length: Math.min(BATCH, hosts - first) }, (_, n) => {
      const host = first + n;
      const timeMs = nowMs - ((host * 7_919_000) % DAYS_90_MS);
      const octets = [10, (host >> 16) & 255, (host >> 8) & 255, host & 255];
      const base = {
        id: eventId(timeMs, host, Buffer.alloc(10)),
        ownerName: DomainName.parse(`h${host}.${ZONE}`),
        timeMs,
        protocol: /** @type {const} */ ('dyndns2'),
        actor: 'router',
        source: '203.0.113.7',
        userAgent: 'bench',
      };
      if (host % 10 === 9)
        return { ...base, outcome: /** @type {const} */ ('refused'), code: /** @type {const} */ ('not-permitted') };
      return { ...base, outcome: /** @type {const} */ ('changed'), A: { before: [], after: [octets.join('.')] } };
    });
    await store.history.append(events);
    await store.history.countRepeats(
      events.map(({ ownerName, timeMs }) => ({ ownerName, repeats: 1, lastSeenMs: timeMs })),
    );
  }
}

/** @param {string} url @param {object} body @param {Record<string, string>} headers @returns {Promise<Record<string, unknown>>} */
async function post(url, body, headers) {
  const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) });
  if (!response.ok) throw new Error(`${url}: ${response.status} ${await response.text()}`);
  return /** @type {Record<string, unknown>} */ (await response.json());
}

/**
 * Updates all hosts in turn, in a thread: measureHttp blocks.
 * @param {Lab} lab @param {number} connections @param {number} seconds @param {number} [rate] a second, at most
 * @returns {Promise<ReturnType<typeof measureHttp>>}
 */
function update({ server: { directory, url }, hosts }, connections, seconds, rate) {
  const clients = originalClients(hosts);
  /** @type {Load} */
  const load = { directory, url, clients, kind: 'changed', connections, seconds };
  const worker = new Worker(new URL(import.meta.url), { workerData: { ...load, ...(rate !== undefined && { rate }) } });
  return new Promise((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
  });
}

/** @typedef {import('playwright-core').Browser} Browser */
/** @typedef {import('playwright-core').Page} Page */

/** A page of a browser that has nothing of the server stored. @param {Browser} browser @param {Lab} lab */
async function newContext(browser, { server, cookie }) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
  context.setDefaultTimeout(60_000);
  await context.addCookies([{ ...cookie, url: server.url, httpOnly: true, sameSite: 'Strict' }]);
  return context;
}

/** @param {Browser} browser @param {Lab} lab @param {number} rounds @param {Report} report */
async function measureList(browser, lab, rounds, report) {
  const { server, hosts } = lab;
  const note = (/** @type {string} */ what, /** @type {{ms: number, apiMs: number}} */ { ms, apiMs }) => {
    report.note(`${what} ${hosts}`, ms);
    report.note(`${what} ${hosts} API`, apiMs);
  };
  for (let round = 0; round < rounds; round++) {
    const context = await newContext(browser, lab);
    const page = await context.newPage();
    await page.addInitScript(noteFirstRow);
    await page.goto(`${server.url}/ui/`);
    note('list', await page.evaluate(() => /** @type {any} */ (window).firstRow));
    // One host, or a page of them.
    for (const query of [`h${hosts - 1}.`, 'bench']) note('search', await page.evaluate(searchFor, query));
    await context.close();
  }
  const shown = (/** @type {string} */ what) => `${report.middle(`${what} ${hosts} API`).toFixed(0)} ms`;
  say(
    `  ${hosts} hosts: of these, the requests of the list took ${shown('list')}, those of a search ${shown('search')}`,
  );
  const list = report.middle(`list ${hosts}`);
  const search = report.middle(`search ${hosts}`);
  report.atMost(`${hosts} hosts: ms until the first row of the overview is painted`, list, 1_000);
  report.atMost(`${hosts} hosts: ms from the last key of a search until its result is painted`, search, 200);
}

/** In the page: a promise of the time from the navigation until the first row was painted, and that of the request, in ms. */
function noteFirstRow() {
  Object.assign(window, {
    firstRow: new Promise((resolve) => {
      const observer = new MutationObserver(() => {
        if (document.querySelector('.name-link') === null) return;
        observer.disconnect();
        // The first callback is before the frame is painted.
        requestAnimationFrame(() =>
          setTimeout(() => {
            const ms = performance.now();
            const requests = performance.getEntriesByType('resource');
            resolve({ ms, apiMs: requests.find(({ name }) => name.includes('/v1/overview?'))?.duration ?? Number.NaN });
          }),
        );
      });
      observer.observe(document, { childList: true, subtree: true });
    }),
  });
}

/**
 * In the page: enters a search.
 * @param {string} query @returns {Promise<{ms: number, apiMs: number}>} until its result was painted, and the time of the request
 */
function searchFor(query) {
  const input = /** @type {HTMLInputElement} */ (document.querySelector('input[type=search]'));
  // As a framework sees it: by the setter of the class.
  Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value')?.set?.call(input, query);
  const startMs = performance.now();
  input.dispatchEvent(new Event('input', { bubbles: true }));
  return new Promise((resolve) => {
    const watch = new PerformanceObserver((list) => {
      const wanted = `search=${encodeURIComponent(query)}`;
      const request = list.getEntries().find(({ name }) => name.includes(wanted));
      if (request === undefined) return;
      watch.disconnect();
      requestAnimationFrame(() =>
        setTimeout(() => resolve({ ms: performance.now() - startMs, apiMs: request.duration })),
      );
    });
    watch.observe({ type: 'resource' });
  });
}

/** @param {Browser} browser @param {Lab} lab @param {number} seconds @param {number} rate @param {Report} report */
async function measureOpenPages(browser, lab, seconds, rate, report) {
  const { server, dnsPort } = lab;
  const aloneSeconds = Math.max(1, Math.min(60, Math.round(seconds / 10)));
  say(`pages under updates for ${seconds} s, at most ${rate} a second to ${lab.hosts} hosts`);
  const phase = async (/** @type {number} */ length) => {
    const answers = queryDns(dnsPort);
    let [requests, p99] = [0, 0];
    // In parts: one that runs is not ended with this program.
    for (let left = length; left > 0; left -= PART_SECONDS) {
      const part = await update(lab, CONNECTIONS, Math.min(left, PART_SECONDS), rate);
      requests += part.requests;
      p99 = Math.max(p99, part.p99);
    }
    return { times: answers.end(), rate: requests / length, p99 };
  };
  await phase(aloneSeconds);
  const before = await phase(aloneSeconds);
  const context = await newContext(browser, lab);
  const pages = await Promise.all(['/', '/live'].map((path) => openPage(context, `${server.url}/ui/#${path}`)));
  await phase(aloneSeconds);
  /** @type {number[][]} */
  const heaps = [];
  /** @type {number[]} */
  const residents = [];
  /** @type {number[]} */
  const times = [];
  const sample = async (/** @type {string} */ when) => {
    residents.push(memory(server.child).residentMiB);
    heaps.push(await Promise.all(pages.map((page) => page.heapMiB())));
    const nodes = await Promise.all(pages.map((page) => page.nodes()));
    const shown = heaps.at(-1)?.map((heap, at) => `${heap.toFixed(1)} MiB and ${nodes[at]} nodes`);
    say(`  ${when}: overview ${shown?.[0]}, live ${shown?.[1]}; server ${residents.at(-1)?.toFixed(0)} MiB`);
  };
  await sample('start');
  for (let quarter = 1; quarter <= 4; quarter++) {
    const part = await phase(Math.max(1, Math.round(seconds / 4)));
    times.push(...part.times);
    await sample(
      `${quarter}/4, ${part.rate.toFixed(0)} updates/s, 99 % in ${part.p99.toFixed(0)} ms, DNS p95 ${percentile(part.times, 95).toFixed(2)} ms`,
    );
  }
  const problems = pages.flatMap((page) => page.problems);
  await context.close();
  const after = await phase(aloneSeconds);
  const alone = percentile([...before.times, ...after.times], 95);
  const withPages = percentile(times, 95);
  say(
    `  without pages: ${before.rate.toFixed(0)} and ${after.rate.toFixed(0)} updates/s, DNS p95 ${alone.toFixed(2)} ms; with them ${withPages.toFixed(2)} ms`,
  );
  if (problems.length > 0) throw new Error(`problems in the pages: ${problems.slice(0, 5).join('; ')}`);
  await stop(server.child);
  // The live screen shows up to 200 events, and none of them at a high rate: how much it has varies.
  const [overview = Number.NaN, live = Number.NaN] = [0, 1].map(
    (page) => (heaps[4]?.[page] ?? 0) - (heaps[1]?.[page] ?? 0),
  );
  report.atMost('heap of the overview: MiB more than after the first quarter', overview, 2);
  report.atMost('heap of the live screen: MiB more than after the first quarter', live, 8);
  report.atMost('memory of the server, last quarter / first', (residents[4] ?? 0) / (residents[1] ?? 0), 1.2);
  report.atMost('p95 of DNS answers with pages / without', withPages / alone, 1.25);
}

/** @param {import('playwright-core').BrowserContext} context @param {string} url */
async function openPage(context, url) {
  const page = await context.newPage();
  /** @type {string[]} */
  const problems = [];
  page.on('pageerror', ({ message }) => problems.push(message));
  page.on('console', (message) => message.type() === 'error' && problems.push(message.text()));
  await page.goto(url);
  await page.locator('.name-link').first().waitFor();
  const session = await context.newCDPSession(page);
  await session.send('Performance.enable');
  const metric = async (/** @type {string} */ wanted) =>
    (await session.send('Performance.getMetrics')).metrics.find(({ name }) => name === wanted)?.value ?? Number.NaN;
  return {
    problems,
    /** What is used after a garbage collection. */
    async heapMiB() {
      await session.send('HeapProfiler.collectGarbage');
      return (await metric('JSHeapUsedSize')) / 1_048_576;
    },
    nodes: () => metric('Nodes'),
  };
}
