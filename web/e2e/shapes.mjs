// Boards, calendars, pivots and charts of any entity: what is dragged is an operation, what is shown leads to its records.
import { check, plain, rows, same, send, until } from './kit.mjs';

export const title = 'shapes';

export async function run(session) {
  const sales = await session.open();
  await sales.signIn('sales');
  const { page } = sales;
  const choices = async (entity, field) => Object.fromEntries((await sales.entity(entity)).fields.find((each) => each.name === field).choices.map((choice) => [choice.value, choice.label]));
  const states = await choices('sales.order', 'state');
  const lane = (name) => page.getByRole('listitem', { name, exact: true });

  // A board by state: a draft is dragged to where it is confirmed.
  const party = (await rows(sales, 'party.party', {}, { limit: 1 }))[0].id;
  const product = (await rows(sales, 'product.product', {}, { limit: 1 }))[0].id;
  const { id } = await send(sales, 'POST', 'entities/sales.order', { customer: party, date: new Date().toISOString().slice(0, 10), lines: [{ product, quantity: '1' }] });
  const empty = await send(sales, 'POST', 'entities/sales.order', { customer: party, date: '2031-05-15' });
  const named = async (record) => (await sales.api(`entities/sales.order/${record}`))._title;
  await sales.openList('sales.order');
  await page.getByRole('group', { name: 'How records are shown' }).getByRole('button', { name: 'Board' }).click();
  const card = lane(states.draft).getByRole('listitem').filter({ hasText: await named(id) });
  await card.dragTo(lane(states.confirmed));
  await until(async () => (await sales.api(`entities/sales.order/${id}`)).state, 'confirmed', 'the order that was dragged');
  await until(async () => plain(await lane(states.confirmed).innerText()), (text) => text.includes('OB'), 'its card in the other lane');
  // What may not be is told with its reason, and the card stays; the menu of a card does the same as dragging.
  const stays = lane(states.draft).getByRole('listitem').filter({ hasText: await named(empty.id) });
  await stays.getByRole('button', { name: /^Move/ }).click();
  await page.getByRole('menuitem', { name: states.confirmed }).click();
  await page.locator('.outcome, .notice[data-tone="bad"]').first().waitFor();
  await stays.waitFor();
  same((await sales.api(`entities/sales.order/${empty.id}`)).state, 'draft', 'the order that was refused');
  // Where nothing leads, that is said.
  await stays.getByRole('button', { name: /^Move/ }).click();
  await page.getByRole('menuitem', { name: states.done }).click();
  await page.getByText('No operation brings').waitFor();

  // A calendar: the order stands at its day; a draft is dragged to another one.
  await sales.openList('sales.order', { shape: 'calendar', across: '2031-04' });
  await page.getByRole('button', { name: 'Month after' }).click();
  await page.getByRole('heading', { name: 'May 2031' }).waitFor();
  await page.locator('[data-day="2031-05-15"]').getByRole('link', { name: await named(empty.id) }).dragTo(page.locator('[data-day="2031-05-27"]'));
  await until(async () => (await sales.api(`entities/sales.order/${empty.id}`)).date, '2031-05-27', 'the day to which it was dragged');
  await page.locator('[data-day="2031-05-27"]').getByRole('link', { name: await named(empty.id) }).waitFor();
  await send(sales, 'DELETE', `entities/sales.order/${empty.id}`);

  // A pivot: every figure is the server's, and leads to the records behind it.
  await sales.openList('sales.order', { shape: 'pivot', by: 'state', across: 'date' });
  const table = page.getByRole('table');
  const all = await sales.api('entities/sales.order', { count: 1, limit: 1 });
  await until(async () => plain(await table.locator('tfoot td').last().innerText()), String(all.count), 'all records');
  const done = table.locator('tbody tr').filter({ hasText: states.done });
  const figure = Number(plain(await done.locator('td').last().innerText()));
  same(figure, (await sales.api('entities/sales.order', { filter: '{"state":"done"}', count: 1, limit: 1 })).count, 'orders that are done');
  await done.locator('td').last().getByRole('button').click();
  await until(async () => plain(await page.locator('.list-count').innerText()), String(figure), 'the records behind the figure');

  // A chart: the longest bar first; it leads to its records, and the address says what is drawn.
  await sales.openList('sales.order', { shape: 'chart', by: 'customer' });
  const bars = page.getByRole('list', { name: /Customer/ }).getByRole('button');
  await bars.first().waitFor();
  const figures = (await bars.locator('.chart-figure').allInnerTexts()).map((text) => Number(plain(text)));
  check(figures.every((value, at) => at === 0 || value <= figures[at - 1]), `The bars are in order: ${figures}`);
  await bars.first().click();
  await until(async () => plain(await page.locator('.list-count').innerText()), String(figures[0]), 'the records behind the bar');
}
