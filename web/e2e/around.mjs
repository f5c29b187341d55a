// What stands around the work: the palette, the next step, notes that name a colleague, notices, the chain of documents, figures
// that lead to their records.
import { check, plain, rows, same, send, until } from './kit.mjs';

export const title = 'around';

export async function run(session) {
  const manager = await session.open();
  await manager.signIn('manager');
  const { page } = manager;

  // The palette: what was looked at last, what can be made, a few letters that are not even together.
  const [order] = await rows(manager, 'sales.order', { state: 'done' }, { limit: 1, sort: '-id' });
  await manager.openRecord('sales.order', order.id);
  await page.getByRole('heading', { level: 1, name: order._title }).waitFor();
  await page.goto(`${manager.url}/inbox`);
  await page.getByRole('button', { name: 'Search or go to…' }).click();
  const palette = page.getByRole('dialog', { name: 'Search everything' });
  await palette.getByRole('group', { name: 'Looked at last' }).getByRole('option', { name: order._title }).waitFor();
  await page.keyboard.type('tbal');
  await palette.getByRole('option', { name: await manager.operationLabel('finance.report.trial_balance') }).waitFor();
  await page.keyboard.press('Enter');
  await page.waitForURL(/\/p\/finance\.report\.trial_balance/);

  // N leads to the first step of the inbox; what is not an own key goes on as it was.
  const tasks = (await manager.api('operations/process.inbox.mine')).tasks;
  await page.keyboard.press('n');
  await page.waitForURL(tasks.length ? new RegExp(`/inbox/${tasks[0].id}$`) : /\/inbox/);

  // A figure leads to the records that it adds up: the same sum stands below them.
  const overview = await manager.api('operations/insight.overview');
  await page.goto(`${manager.url}/p/insight.overview`);
  const owed = page.locator('[data-field="receivables"]');
  const shown = plain(await owed.locator('dd').innerText());
  await owed.getByRole('link').click();
  await page.waitForURL(/\/e\/finance\.open_item/);
  await page.getByText('The records behind a figure').waitFor();
  await until(async () => plain(await page.getByRole('grid').locator('tfoot').innerText()), (text) => text.includes(shown), `the figure ${shown} below its records`);
  for (const way of overview.opens.filter((each) => overview[each.field] !== null && ['without_next_step', 'open_orders', 'open_tasks'].includes(each.field))) {
    const { count } = await manager.api(`entities/${way.entity}`, { filter: JSON.stringify(way.filter), count: 1, limit: 1 });
    same(count, overview[way.field], `the records behind ${way.field}`);
  }

  // What an operation would do, before it does it; afterwards the same has happened, and before that nothing.
  const sales = await session.open();
  await sales.signIn('sales');
  const party = (await rows(sales, 'party.party', {}, { limit: 1 }))[0].id;
  const goods = (await rows(sales, 'product.product', { kind: 'service' }, { limit: 1 }))[0] ?? (await rows(sales, 'product.product', {}, { limit: 1 }))[0];
  const { id: draft } = await send(sales, 'POST', 'entities/sales.order', { customer: party, lines: [{ product: goods.id, quantity: '1' }] });
  const confirm = await sales.operationLabel('sales.order.confirm');
  await sales.openRecord('sales.order', draft);
  await sales.page.getByRole('group', { name: 'Operations' }).getByRole('button', { name: 'More' }).click();
  await sales.page.getByRole('menuitem', { name: `What would happen: ${confirm}` }).click();
  const foreseen = sales.page.getByRole('dialog', { name: `What would happen: ${confirm}` });
  await foreseen.getByRole('region', { name: 'Changed' }).getByText((await sales.entity('sales.order')).label, { exact: true }).waitFor();
  same((await sales.api(`entities/sales.order/${draft}`)).state, 'draft', 'the order after a look at what would happen');
  const told = (await send(sales, 'POST', 'operations/sales.order.confirm?dry_run=1', { order: draft }))._dry_run.changes;
  const inWords = plain(await foreseen.innerText());
  for (const change of told) check(inWords.includes(String(change.count)), `${change.count} × ${change.entity} is told`);
  await foreseen.getByRole('button', { name: confirm, exact: true }).click();
  await until(async () => (await sales.api(`entities/sales.order/${draft}`)).state, (state) => state !== 'draft', 'the order after it was done');

  // A note names a colleague by a few letters; it is kept with its words, and a script in it is only a text.
  await manager.openRecord('sales.order', order.id);
  const box = page.getByRole('textbox', { name: 'Write a note; @ names a colleague' });
  await box.click();
  await page.keyboard.type('Please call them <b>today</b>, @sto');
  await page.getByRole('option', { name: '@stock' }).waitFor();
  await page.keyboard.press('Enter');
  await page.keyboard.press('Control+Enter');
  await page.locator('.notes').getByText('Please call them <b>today</b>').waitFor();
  same(await page.locator('.notes .mention').innerText(), '@stock', 'who is named');
  same(await box.inputValue(), '', 'the box after the note');

  // The chain: what this order led to, and what hangs on that.
  const links = (await manager.api(`entities/sales.order/${order.id}/links`)).rows;
  const related = page.getByRole('region', { name: 'Linked documents' });
  same(await related.locator('.chain[data-depth="0"] > li').count(), links.length, 'linked documents');
  const invoice = links.find((link) => link.entity === 'finance.invoice');
  check(invoice, 'The order has an invoice');
  // What is about something is called by that: no internal number stands anywhere.
  same(links.filter((link) => /^#?\d{4,6}$/.test(link.title)), [], 'links that are called by a number');
  const [item] = await rows(manager, 'finance.open_item', { side: 'receivable' }, { limit: 1, sort: '-id' });
  same(item._title, item._titles.source, 'an open item is called by its document');
  await related.getByRole('button', { name: `What hangs on ${invoice.title}` }).click();
  await related.locator('.chain[data-depth="1"] > li').first().waitFor();

  // The colleague sees it at the bell, goes there, and it is no longer new.
  const stock = await session.open({ language: 'cs' });
  await stock.signIn('stock');
  await stock.page.getByRole('button', { name: 'Upozornění, 1 nové' }).click();
  await stock.page.getByRole('dialog', { name: 'Upozornění' }).getByRole('link', { name: order._title }).first().click();
  await stock.page.waitForURL(new RegExp(`/e/sales\\.order/${order.id}$`));
  await stock.page.getByRole('button', { name: 'Upozornění', exact: true }).waitFor();

  // What is folded away and how close rows stand is remembered.
  await page.getByRole('button', { name: 'Signed in as' }).click();
  await page.getByRole('menuitem', { name: 'Compact' }).click();
  const area = (await manager.meta()).areas.find((each) => each.key === 'sales');
  await page.getByRole('navigation', { name: 'Main navigation' }).getByRole('button', { name: area.label }).click();
  await page.reload();
  await manager.openList('sales.order');
  const high = (await page.getByRole('grid').locator('tbody td').nth(2).boundingBox()).height;
  check(high < 32, `A compact row is ${high} px high`);
  same(await page.getByRole('navigation', { name: 'Main navigation' }).getByRole('link', { name: (await manager.entity('sales.quote')).plural, exact: true }).count(), 0, 'screens of the folded area');
  await send(manager, 'POST', 'operations/platform.notice.look', {});
}
