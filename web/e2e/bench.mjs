// How fast the client feels, measured in a real browser against a running server with many customers; prints JSON.
//   CELEK_URL=… node e2e/bench.mjs
import { launch } from './lib.mjs';

const browser = await launch();
const client = await browser.open();
const { page } = client;
const cdp = await page.context().newCDPSession(page);
await cdp.send('Network.enable');
let bytes = 0;
cdp.on('Network.loadingFinished', (event) => { bytes += event.encodedDataLength; });
const round = (value) => Math.round(value * 10) / 10;
const at = (values, share) => [...values].sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * share))];

await page.addInitScript(() => {
  window.shift = 0;
  window.keys = [];
  new PerformanceObserver((list) => { for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.shift += entry.value; }).observe({ type: 'layout-shift', buffered: true });
  new PerformanceObserver((list) => { for (const entry of list.getEntries()) if (entry.name === 'keydown') window.keys.push(entry.duration); }).observe({ type: 'event', buffered: true, durationThreshold: 16 });
});

// The first visit: nothing is in the cache.
const started = Date.now();
await page.goto(`${client.url}/signin`);
await page.getByLabel('User', { exact: true }).waitFor();
const usable = Date.now() - started;
const first = bytes;
await client.signIn('admin');
await client.settled();
const home = bytes;

/** From the click until nothing changes any more and nothing is under way. */
const navigate = async (click, arrived) => {
  await page.evaluate(() => {
    window.still = 0;
    window.watcher?.disconnect();
    window.watcher = new MutationObserver(() => { window.still = performance.now(); });
    window.watcher.observe(document.querySelector('main'), { childList: true, subtree: true, characterData: true });
    document.addEventListener('click', () => { window.clicked = performance.now(); }, { capture: true, once: true });
  });
  await click();
  await arrived();
  await client.settled();
  return page.evaluate(() => Math.max(0, window.still - window.clicked));
};
const link = (name) => page.getByRole('navigation', { name: 'Main navigation' }).getByRole('link', { name, exact: true });
const times = [];
const lists = ['party.party', 'sales.order', 'product.product', 'finance.invoice', 'inventory.delivery'];
for (let turn = 0; turn < 2; turn += 1) {
  for (const name of lists) {
    const { plural } = await client.entity(name);
    times.push(await navigate(() => link(plural).click(), () => page.getByRole('heading', { level: 1, name: plural }).waitFor()));
    const row = page.getByRole('grid').locator('.row-link').nth(turn);
    await row.waitFor();
    times.push(await navigate(() => row.click(), () => page.waitForURL(/\/\d+$/)));
  }
}
const shift = await page.evaluate(() => window.shift);

// Typing into the search of the largest list.
await client.openList('party.party');
const box = page.getByRole('searchbox');
await box.click();
await page.evaluate(() => { window.keys = []; });
for (const letter of 'novak ceramics') await page.keyboard.press(letter === ' ' ? 'Space' : letter, { delay: 40 });
await client.settled();
const typing = await page.evaluate(() => Math.max(0, ...window.keys));

// A long scroll: the longest frame, and what the memory grew by.
await client.openList('party.party');
await page.getByRole('grid').locator('.row-link').first().waitFor();
const all = (await client.api('entities/party.party', { count: 1, limit: 1 })).count;
const wanted = Math.min(Number(process.env.ROWS ?? 100_000), all);
await cdp.send('HeapProfiler.enable');
const heap = async () => {
  await cdp.send('HeapProfiler.collectGarbage');
  return page.evaluate(() => performance.memory.usedJSHeapSize);
};
const before = await heap();
const scrolled = await page.evaluate(async (rows) => {
  const main = document.getElementById('main');
  const frames = [];
  let last = performance.now();
  const end = last + 120_000;
  let seen = 0;
  while (seen < rows && performance.now() < end) {
    main.scrollTop += 700;
    await new Promise((drawn) => requestAnimationFrame(drawn));
    const now = performance.now();
    frames.push(now - last);
    last = now;
    seen = Number([...document.querySelectorAll('tr[data-id]')].at(-1)?.getAttribute('aria-rowindex') ?? 0);
  }
  return { seen, frames };
}, wanted);
const growth = (await heap()) - before;

console.log(JSON.stringify({
  customers: all,
  first_load_kb: round(first / 1000), to_home_kb: round(home / 1000), usable_ms: usable,
  navigations: times.length, navigation_median_ms: round(at(times, 0.5)), navigation_p95_ms: round(at(times, 0.95)), layout_shift: Math.round(shift * 1000) / 1000,
  typing_longest_ms: round(typing),
  rows_scrolled: scrolled.seen, frame_longest_ms: round(Math.max(...scrolled.frames)), frame_p99_ms: round(at(scrolled.frames, 0.99)), heap_growth_mb: round(growth / 1e6),
}, null, 2));
if (client.faults.length) {
  console.error(client.faults.join('\n'));
  process.exitCode = 1;
}
await browser.close();
