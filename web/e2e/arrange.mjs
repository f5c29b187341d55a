// How a person arranges a list: kept views, columns, several sorts, a quick look, many records at once, a value where it stands.
import { check, plain, rows, same, send, until } from './kit.mjs';

export const title = 'arrange';

export async function run(session) {
  const sales = await session.open();
  await sales.signIn('sales');
  const { page } = sales;
  const grid = page.getByRole('grid');
  const heads = async () => (await grid.getByRole('columnheader').allInnerTexts()).map((text) => plain(text).replace(/ \d$/, '')).filter(Boolean);
  const address = () => new URL(page.url()).searchParams;

  // Columns: away with one, another added and moved to the front, wider, the first two kept in place; all in the address.
  await sales.openList('sales.order');
  const [number, customer, date, total] = await Promise.all(['number', 'customer', 'date', 'total'].map((field) => sales.fieldLabel('sales.order', field)));
  await page.getByRole('button', { name: 'Columns', exact: true }).click();
  const menu = page.getByRole('dialog', { name: 'Columns' });
  await menu.getByRole('checkbox', { name: date, exact: true }).click();
  await menu.getByRole('button', { name: `Move forward: ${total}` }).click();
  await menu.getByRole('button', { name: `Wider: ${customer}` }).click();
  await menu.getByRole('button', { name: `Keep in place up to: ${total}` }).click();
  await page.keyboard.press('Escape');
  await until(heads, (found) => JSON.stringify(found.slice(0, 3)) === JSON.stringify([number, total, customer]), 'the heads');
  check(!(await heads()).includes(date), 'The column is gone');
  same([address().get('cols'), address().get('fixed')], ['number:120,total:130,customer:280,state:110', '2'], 'columns in the address');
  // An edge is dragged.
  const edge = await page.getByRole('columnheader').filter({ hasText: number }).locator('.grip').boundingBox();
  await page.mouse.move(edge.x + 4, edge.y + 8);
  await page.mouse.down();
  await page.mouse.move(edge.x + 64, edge.y + 8, { steps: 4 });
  await page.mouse.up();
  await until(() => Promise.resolve(address().get('cols')), (text) => Number(/number:(\d+)/.exec(text)?.[1]) > 150, 'the width that was dragged');

  // By state, and within it by total, the largest first.
  await page.getByRole('button', { name: `Sort by ${customer}` }).click();
  await page.getByRole('button', { name: `Sort by ${total}` }).click({ modifiers: ['Shift'] });
  await page.getByRole('button', { name: `Sort by ${total}` }).click({ modifiers: ['Shift'] });
  await until(() => Promise.resolve(address().get('sort')), 'customer.name,-total', 'the order in the address');
  const wanted = await rows(sales, 'sales.order', {}, { sort: 'customer.name,-total', limit: 3 });
  await until(async () => grid.locator('.row-link').allInnerTexts(), (texts) => JSON.stringify(texts.slice(0, 3)) === JSON.stringify(wanted.map((row) => row.number)), 'rows by two columns');

  // It is kept under a name, for everybody; a colleague finds it, and cannot throw it away.
  const called = `Largest ${Date.now().toString(36)}`;
  await page.getByRole('button', { name: 'Keep this view' }).click();
  await page.getByLabel('Name', { exact: true }).fill(called);
  await page.getByLabel('Everybody may use it').check();
  await page.getByRole('button', { name: 'Save', exact: true }).click();
  await page.getByRole('button', { name: `View ${called}` }).waitFor();
  const colleague = await session.open();
  await colleague.signIn('manager');
  await colleague.openList('sales.order');
  await colleague.page.getByRole('link', { name: called }).click();
  await until(async () => colleague.page.getByRole('grid').locator('.row-link').first().innerText(), wanted[0].number, "the colleague's first row");
  same(await colleague.page.getByRole('button', { name: `View ${called}` }).count(), 0, 'what a colleague may do to it');
  await page.getByRole('button', { name: `View ${called}` }).click();
  await page.getByRole('menuitem', { name: 'Throw it away' }).click();
  await page.getByRole('link', { name: called }).waitFor({ state: 'detached' });

  // A quick look with the keyboard; it follows, and Escape ends it.
  await sales.openList('sales.order');
  await grid.locator('.row-link').nth(1).waitFor();
  const [first, second] = await grid.locator('.row-link').allInnerTexts();
  await page.keyboard.press('j');
  await page.keyboard.press('Space');
  const look = page.getByRole('complementary', { name: 'A quick look' });
  await look.getByRole('heading', { name: first }).waitFor();
  await page.keyboard.press('j');
  await look.getByRole('heading', { name: second }).waitFor();
  await page.keyboard.press('Escape');
  await look.waitFor({ state: 'detached' });

  // Many at once: of three orders one is no draft; the two are confirmed, the third is told with its reason.
  const party = (await rows(sales, 'party.party', {}, { limit: 1 }))[0].id;
  const product = (await rows(sales, 'product.product', { kind: 'service' }, { limit: 1 }))[0] ?? (await rows(sales, 'product.product', {}, { limit: 1 }))[0];
  for (let at = 0; at < 3; at += 1) await send(sales, 'POST', 'entities/sales.order', { customer: party, lines: [{ product: product.id, quantity: '1' }] });
  const drafts = await rows(sales, 'sales.order', { state: 'draft' }, { sort: '-id', limit: 3 });
  await send(sales, 'POST', 'operations/sales.order.confirm', { order: drafts[0].id });
  await sales.openList('sales.order', { sort: '-id', where: `id:ge:${drafts.at(-1).id}` });
  await until(async () => grid.locator('tbody tr').count(), (count) => count >= 3, 'the new orders');
  for (let at = 0; at < 3; at += 1) {
    await page.keyboard.press('j');
    await page.keyboard.press('x');
  }
  await page.getByText('3 selected').waitFor();
  const bulk = page.getByRole('region', { name: 'Selected records' });
  await bulk.getByRole('button', { name: await sales.operationLabel('sales.order.confirm') }).click();
  const report = page.getByRole('dialog');
  await report.getByText('2 of 3 done').waitFor();
  await report.getByText('1 was refused').waitFor();
  await report.getByRole('button', { name: 'Close', exact: true }).last().click();
  same((await rows(sales, 'sales.order', { id: { in: drafts.map((row) => row.id) } })).map((row) => row.state === 'draft').filter(Boolean).length, 0, 'drafts that are left');

  // One value where it stands: a double click, typed, Enter. What the server refuses is told at the cell, and Escape takes it back.
  const person = { name: `Cell ${Date.now().toString(36)}`, email: 'old@zakaznici.example' };
  person.id = (await send(sales, 'POST', 'entities/party.party', { ...person, kind: 'person' })).id;
  await sales.openList('party.party', { q: person.name });
  const cell = grid.locator('tbody tr', { hasText: person.name }).first().locator('td', { hasText: person.email });
  await cell.dblclick();
  await page.keyboard.type('no address');
  await page.keyboard.press('Enter');
  await grid.getByRole('alert').waitFor();
  await page.keyboard.press('Escape');
  await cell.dblclick();
  await page.keyboard.type('new@zakaznici.example');
  await page.keyboard.press('Enter');
  await until(async () => (await sales.api(`entities/party.party/${person.id}`)).email, 'new@zakaznici.example', 'the stored address');
}
