// Pictures of the main screens, of a fresh demo company: light and dark, wide and on a phone, English and Czech.
//   CELEK_URL=… node e2e/pictures.mjs FOLDER [name …]
import { mkdirSync } from 'node:fs';
import { launch } from './lib.mjs';

const [folder = 'pictures', ...only] = process.argv.slice(2);
mkdirSync(folder, { recursive: true });
const browser = await launch();
const LOOKS = [
  { name: 'light', scheme: 'light', language: 'en' },
  { name: 'dark', scheme: 'dark', language: 'en' },
  { name: 'cs', scheme: 'light', language: 'cs' },
  { name: 'phone', scheme: 'light', language: 'en', width: 390, height: 844 },
];

/** The last record of an entity that fits. */
const last = async (client, entity, filter = {}) => (await client.api(`entities/${entity}`, { filter: JSON.stringify(filter), sort: '-id', limit: 1 })).rows[0]?.id;

async function screens(client) {
  const tasks = (await client.api('operations/process.inbox.mine')).tasks;
  const ship = tasks.find((task) => task.subject?.entity === 'inventory.delivery') ?? tasks[0];
  return {
    list: '/e/sales.order?totals=1',
    form: `/e/sales.order/${await last(client, 'sales.order', { state: 'done' })}`,
    invoice: `/e/finance.invoice/${await last(client, 'finance.invoice', { state: 'paid' })}`,
    card: `/e/party.party/${(await client.api('entities/sales.order', { filter: '{"state":"done"}', sort: '-id', limit: 1 })).rows[0].customer}`,
    inbox: '/inbox',
    step: `/inbox/${ship.id}`,
    board: '/e/crm.deal?shape=board&by=stage',
    calendar: '/e/sales.order?shape=calendar',
    pivot: '/e/sales.order?shape=pivot&by=customer&across=date&measure=total',
    chart: '/e/sales.order?shape=chart&by=date&measure=total',
    manager: '/p/insight.overview',
    entry: `/e/finance.entry/${await last(client, 'finance.entry')}`,
  };
}

for (const look of LOOKS.filter((each) => !process.env.LOOK || each.name === process.env.LOOK)) {
  const client = await browser.open(look);
  await client.page.goto(`${client.url}/signin`);
  await client.page.getByRole('heading', { level: 1 }).waitFor();
  const shoot = async (name) => {
    if (only.length && !only.includes(name)) return;
    await client.settled();
    // What is lately loaded is drawn a moment after it has come.
    await client.page.waitForTimeout(300);
    await client.page.screenshot({ path: `${folder}/${name}-${look.name}.png` });
  };
  await shoot('signin');
  await client.signIn('admin');
  for (const [name, path] of Object.entries(await screens(client))) {
    if (only.length && !only.includes(name)) continue;
    await client.page.goto(`${client.url}${path}`);
    await client.page.getByRole('main').locator('h1:visible, h2:visible').first().waitFor();
    await shoot(name);
  }
  // What opens above a screen.
  if (look.width === undefined && (!only.length || only.includes('palette'))) {
    await client.page.keyboard.press('Control+k');
    await client.page.getByRole('combobox').fill('dom');
    await shoot('palette');
    await client.page.keyboard.press('Escape');
  }
  if (client.faults.length) {
    console.error(client.faults.join('\n'));
    process.exitCode = 1;
  }
  await client.close();
}
await browser.close();
