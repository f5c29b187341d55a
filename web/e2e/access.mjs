// Can everybody use it: axe-core on the main screens, light and dark.
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';
import { check, rows } from './kit.mjs';

export const title = 'access';

const SOURCE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** What axe-core finds wrong on the page, as lines. */
async function violations(client, name) {
  await client.settled();
  // The policy of the page allows no foreign script: axe is evaluated, not loaded.
  const found = await client.page.evaluate(`(() => { const module = undefined; const define = undefined; ${SOURCE}; return axe.run(document, { resultTypes: ['violations'] }); })()`);
  return found.violations.map((each) => `${name}: ${each.impact} ${each.id} × ${each.nodes.length}: ${each.nodes[0].html.slice(0, 140)} ${each.nodes[0].any[0]?.message ?? ''}`);
}

export async function run(session) {
  const clients = [];
  const wrong = [];
  // Both appearances beside each other: what takes time is the looking, not the server.
  await Promise.all([['light', 'en'], ['dark', 'cs']].map(async ([scheme, language]) => {
    const client = await session.open({ scheme, language });
    clients.push(client);
    await client.page.goto(`${client.url}/signin`);
    await client.page.getByRole('heading', { level: 1 }).waitFor();
    wrong.push(...(await violations(client, `${scheme} sign-in`)));
    await client.signIn('admin');
    const [order] = await rows(client, 'sales.order', {}, { limit: 1 });
    const [invoice] = await rows(client, 'finance.invoice', {}, { limit: 1 });
    // Few rows are looked at as well as many, and sooner.
    const few = `where=number:contains:${String(order.number).slice(0, -1)}`;
    const [party] = await rows(client, 'party.party', {}, { limit: 1 });
    for (const path of ['/inbox', `/e/sales.order?${few}`, `/e/sales.order?group=customer&${few}`, '/e/sales.order/new', `/e/sales.order/${order.id}`, `/e/finance.invoice/${invoice.id}`, `/e/party.party/${party.id}`, '/p/insight.overview', '/e/sales.order/999999999', `/e/sales.order?shape=board&${few}`, `/e/sales.order?shape=calendar&${few}`,
      `/e/sales.order?shape=pivot&by=customer&across=date&measure=total&${few}`, `/e/sales.order?shape=chart&by=date&${few}`, `/e/sales.order?cols=number:120,customer:400&fixed=1&totals=1&${few}`]) {
      await client.page.goto(`${client.url}${path}`);
      await client.page.getByRole('main').locator('h1, h2').first().waitFor();
      wrong.push(...(await violations(client, `${scheme} ${path}`)));
    }
    // A quick look, picked rows with their bar, the columns, the palette.
    await client.page.goto(`${client.url}/e/sales.order?${few}`);
    await client.page.getByRole('grid').locator('.row-link').first().waitFor();
    for (const key of ['j', 'x', 'Space']) await client.page.keyboard.press(key);
    await client.page.getByRole('complementary').waitFor();
    wrong.push(...(await violations(client, `${scheme} picked rows and a quick look`)));
    await client.page.keyboard.press('Escape');
    await client.page.locator('.columns-button').click();
    wrong.push(...(await violations(client, `${scheme} columns`)));
    await client.page.keyboard.press('Escape');
    await client.page.keyboard.press('Control+k');
    await client.page.getByRole('combobox').waitFor();
    wrong.push(...(await violations(client, `${scheme} palette`)));
    await client.page.keyboard.press('Escape');
    await client.openList('inventory.receipt');
    await client.click(await client.operationLabel('inventory.receipt.quick'));
    await client.page.getByRole('dialog').waitFor();
    await client.submitDialog();
    wrong.push(...(await violations(client, `${scheme} dialog with errors`)));
  }));
  check(wrong.length === 0, `axe-core found ${wrong.length} violations:\n${wrong.join('\n')}`);
  return clients;
}
