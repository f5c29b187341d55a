// A list: its order, search, conditions, groups, totals, pages, export, and the keyboard.
import { add, check, plain, rows, same, until } from './kit.mjs';

export const title = 'list';

export async function run(session) {
  const sales = await session.open();
  await sales.signIn('sales');
  const { page } = sales;
  const grid = page.getByRole('grid');
  const shown = () => grid.locator('tbody tr[data-id]').count();
  const first = async () => plain(await grid.locator('tbody tr').first().innerText());
  const all = await sales.api('entities/sales.order', { count: 1, limit: 1 });
  const money = (amount) => `CZK ${new Intl.NumberFormat('en-GB', { minimumFractionDigits: 2 }).format(amount)}`;

  await sales.openList('sales.order');
  await until(shown, 50, 'rows of the first page');
  same(plain(await page.getByRole('heading', { level: 1 }).innerText()), `${(await sales.entity('sales.order')).plural} ${all.count}`, 'the heading');

  // The order of a column, both ways, is that of the server.
  const total = await sales.fieldLabel('sales.order', 'total');
  for (const sort of ['total', '-total']) {
    await page.getByRole('button', { name: `Sort by ${total}` }).click();
    const [row] = await rows(sales, 'sales.order', {}, { sort, limit: 1 });
    await until(first, (text) => text.includes(row._title), `the first row by ${sort}`);
  }
  same(await page.getByRole('columnheader').filter({ hasText: total }).getAttribute('aria-sort'), 'descending', 'the told order');
  // A reference is in the order of names, not of ids.
  await page.getByRole('button', { name: `Sort by ${await sales.fieldLabel('sales.order', 'customer')}` }).click();
  const [byName] = await rows(sales, 'sales.order', {}, { sort: 'customer.name', limit: 1 });
  await until(first, (text) => text.includes(byName._titles.customer), 'the first row by customer');

  // A condition, put together by hand, in words and in the address.
  await page.getByRole('button', { name: 'Filter', exact: true }).click();
  const form = page.locator('.where-form');
  await form.getByLabel('Field').selectOption('state');
  await form.getByLabel('Value').selectOption('done');
  await form.getByRole('button', { name: 'Apply' }).click();
  const done = (await sales.api('entities/sales.order', { filter: '{"state":"done"}', count: 1, limit: 1 })).count;
  check(done > 0 && done < all.count, 'The demo company has orders that are done, and others');
  await until(async () => plain(await page.locator('.list-count').innerText()), String(done), 'orders that are done');
  await page.reload();
  await until(async () => plain(await page.locator('.list-count').innerText()), String(done), 'the condition after a reload');
  same(plain(await page.locator('.condition').innerText()), 'State: Done', 'the condition in words');

  // Totals of what is listed, on demand.
  await page.getByRole('button', { name: 'Totals' }).click();
  const [sum] = (await sales.api('entities/sales.order', { filter: '{"state":"done"}', sum: 'total' })).rows;
  await until(async () => plain(await grid.locator('tfoot').innerText()), (text) => text.includes(money(sum.sum_total)), 'the total');

  // Groups: each with its count and sum; a group leads to its records.
  await page.getByRole('button', { name: /^Remove the filter/ }).click();
  await page.getByLabel('Group by').selectOption('customer');
  const groups = page.getByRole('table', { name: 'Groups: Customer' });
  await groups.waitFor();
  const counts = await groups.locator('tbody td:nth-child(2)').allInnerTexts();
  same(counts.reduce((sum_, text) => sum_ + Number(text), 0), all.count, 'the records of all groups');
  const name = await groups.locator('tbody th').first().innerText();
  const here = await rows(sales, 'sales.order', { customer: { in: (await rows(sales, 'party.party', { name })).map((row) => row.id) } }, { limit: 200 });
  check(plain(await groups.locator('tbody tr').first().innerText()).includes(money(add(here.map((row) => row.total.amount)))), 'The sum of a group is that of its records');
  await groups.getByRole('button', { name }).first().click();
  await until(shown, Number(counts[0]), 'rows of the group');

  // Search without diacritics, and nothing found.
  await sales.openList('party.party');
  const search = page.getByRole('searchbox');
  await search.fill('cenek dvorak');
  await until(async () => grid.locator('tbody tr').allInnerTexts(), (texts) => texts.length > 0 && texts.every((text) => text.includes('Čeněk Dvořák')), 'people found without diacritics');
  await search.fill('nobodyiscalledthis');
  await page.getByText('Nothing matches.').waitFor();
  await page.getByRole('button', { name: 'Clear search and filter' }).click();
  await until(shown, (count) => count > 10, 'the whole list again');

  // All pages come by scrolling; the export holds the same.
  await sales.openList('sales.order');
  const seen = new Set();
  const scroll = () => page.locator('#main').evaluate((main) => { main.scrollTop += 400; });
  await until(async () => {
    for (const text of await grid.locator('.row-link').allInnerTexts()) seen.add(text);
    await scroll();
    return seen.size;
  }, all.count, 'records seen while scrolling');
  // What has been passed is empty space: the page does not grow with what was seen, and comes again when one goes back.
  check((await shown()) < all.count, 'Rows that are far away are not drawn');
  await page.locator('#main').evaluate((main) => { main.scrollTop = 0; });
  await until(shown, (count) => count >= 50, 'the first rows again');
  const link = await page.getByRole('link', { name: 'Export CSV' }).getAttribute('href');
  const csv = await (await page.request.get(`${sales.url}${link}`)).text();
  same(csv.trim().split('\r\n').join('\n').split('\n').length, all.count + 1, 'lines of the export');

  // J, J, Enter opens the second row; the way back is the browser's.
  await sales.openList('sales.order');
  await until(shown, 50, 'rows');
  const second = await grid.locator('tbody tr').nth(1).locator('.row-link').innerText();
  await page.keyboard.press('j');
  await page.keyboard.press('j');
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { level: 1, name: second }).waitFor();
  await page.goBack();
  await until(shown, (count) => count >= 50, 'the list again');
  await page.keyboard.press('c');
  await page.waitForURL(/\/e\/sales\.order\/new/);
  return [sales];
}
