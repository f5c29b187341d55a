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
  for (const [scheme, language] of [['light', 'en'], ['dark', 'cs']]) {
    const client = await session.open({ scheme, language });
    clients.push(client);
    await client.page.goto(`${client.url}/signin`);
    await client.page.getByRole('heading', { level: 1 }).waitFor();
    wrong.push(...(await violations(client, `${scheme} sign-in`)));
    await client.signIn('admin');
    const [order] = await rows(client, 'sales.order', {}, { limit: 1 });
    const [invoice] = await rows(client, 'finance.invoice', {}, { limit: 1 });
    const [party] = await rows(client, 'party.party', {}, { limit: 1 });
    for (const path of ['/inbox', '/e/sales.order', '/e/sales.order?group=customer', '/e/sales.order/new', `/e/sales.order/${order.id}`, `/e/finance.invoice/${invoice.id}`, `/e/party.party/${party.id}`, '/p/insight.overview', '/e/sales.order/999999999']) {
      await client.page.goto(`${client.url}${path}`);
      await client.page.getByRole('main').locator('h1, h2').first().waitFor();
      wrong.push(...(await violations(client, `${scheme} ${path}`)));
    }
    await client.openList('inventory.receipt');
    await client.click(await client.operationLabel('inventory.receipt.quick'));
    await client.page.getByRole('dialog').waitFor();
    await client.submitDialog();
    wrong.push(...(await violations(client, `${scheme} dialog with errors`)));
  }
  check(wrong.length === 0, `axe-core found ${wrong.length} violations:\n${wrong.join('\n')}`);
  return clients;
}
