// Typing as fast as it goes: an order by the keyboard alone, lines pasted from a spreadsheet, a record made on the way,
// days that count from today, and keys that are too many or too few.
import { check, rows, same, until } from './kit.mjs';

export const title = 'typing';

export async function run(session) {
  const sales = await session.open();
  await sales.signIn('sales');
  const { page } = sales;
  const main = page.getByRole('main');
  let presses = 0;
  const press = async (...keys) => {
    for (const key of keys) {
      presses += key.startsWith('Control+') ? 2 : 1;
      await page.keyboard.press(key);
    }
  };
  const first = async (entity, q) => (await sales.api(`entities/${entity}`, { q, limit: 20 })).rows[0];
  const count = async () => (await sales.api('entities/sales.order', { count: 1, limit: 1 })).count;
  // Two letters that find something, of as many names as there are.
  const starts = async (entity, filter) => [...new Set((await rows(sales, entity, filter, { limit: 100 })).map((row) => (row.name.match(/^\p{L}{2}/u)?.[0] ?? '').normalize('NFD').replace(/\p{M}/gu, '').toLowerCase()))].filter((text) => text.length === 2);
  const [who] = await starts('party.party', { kind: 'company' });
  const found = await starts('product.product', { kind: 'goods' });
  const letters = Array.from({ length: 5 }, (_, at) => found[at % found.length]);
  const customer = await first('party.party', who);
  const products = await Promise.all(letters.map((text) => first('product.product', text)));
  const before = await count();

  // From the list to the confirmed order of five lines.
  await sales.openList('sales.order');
  await page.getByRole('grid').locator('.row-link').first().waitFor();
  await press('c', ...who, 'Enter');
  for (const [at, text] of letters.entries()) await press(...text, 'Enter', String(at + 2), ...(at < 4 ? ['Enter'] : []));
  await press('Control+Enter', 'Control+Enter');
  await page.waitForURL(/\/e\/sales\.order\/\d+/);
  const id = Number(/\/(\d+)$/.exec(new URL(page.url()).pathname)[1]);
  await until(async () => (await sales.api(`entities/sales.order/${id}`)).state, (state) => state !== 'draft', 'the order that was confirmed');
  const order = await sales.api(`entities/sales.order/${id}`);
  same([order.customer, order.lines.map((line) => line.product)], [customer.id, products.map((product) => product.id)], 'what was typed');
  same(order.lines.map((line) => Number(line.quantity)), [2, 3, 4, 5, 6], 'the quantities');
  check(presses <= 32, `${presses} keys were pressed`);
  same(await count(), before + 1, 'orders, after one more was made');

  // A key too many: what leads to nothing is told at its cell, and nothing is made.
  await sales.openNew('sales.order');
  await page.keyboard.type(who);
  await page.keyboard.press('Enter');
  await page.keyboard.type(`${letters[0]}qqqq`);
  await page.keyboard.press('Enter');
  await page.keyboard.type('2');
  await page.keyboard.press('Control+Enter');
  await page.keyboard.press('Control+Enter');
  await main.getByText(`Nothing found for “${letters[0]}qqqq”`).waitFor();
  check(page.url().endsWith('/new'), 'Nothing was made');
  same(await count(), before + 1, 'orders, after one that was wrong');
  await page.getByRole('button', { name: 'Discard' }).click();

  // From a spreadsheet: names and numbers become lines, with totals of the server; a name that is none stays to be mended.
  await sales.openNew('sales.order');
  await sales.fill('sales.order', { customer: customer.name });
  const names = [...new Set(products.map((product) => product.code ?? product.name))].slice(0, 3);
  const cell = main.locator('.lines tbody tr').first().getByRole('combobox').first();
  await cell.click();
  await cell.evaluate((input, text) => {
    const data = new DataTransfer();
    data.setData('text/plain', text);
    input.dispatchEvent(new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true }));
  }, [...names, 'no such thing'].map((name, at) => `${name}\t\t${at + 1}`).join('\r\n'));
  await until(() => main.locator('.lines tbody tr:not([data-ghost])').count(), names.length + 1, 'pasted lines');
  await until(() => main.locator('.lines .field-error').count(), 1, 'what was not found');
  await main.getByText('Nothing found for “no such thing”').waitFor();
  // The arrows go up and down in a column; a line goes away by the keyboard, and what is left can be saved.
  await main.locator('.lines tbody tr').nth(names.length - 1).locator('td[data-name="quantity"] input').focus();
  await page.keyboard.press('ArrowDown');
  await until(() => main.locator('.lines tbody tr').nth(names.length).locator('td[data-name="quantity"] :focus').count(), 1, 'the focus one line below');
  await page.keyboard.press('Control+Shift+Backspace');
  await until(() => main.locator('.lines .field-error').count(), 0, 'errors after the line went away');
  const date = main.locator('[data-field="date"] input').first();
  await date.fill('+7');
  const wanted = new Date(Date.now() + 7 * 86_400_000).toISOString().slice(0, 10);
  const pasted = await sales.save();
  const stored = await sales.api(`entities/sales.order/${pasted}`);
  same(stored.lines.map((line) => Number(line.quantity)), names.map((_, at) => at + 1), 'the pasted quantities');
  check(Math.abs(Date.parse(stored.date) - Date.parse(wanted)) <= 86_400_000, `${stored.date} is a week from now`);

  // A customer who is not there yet is made on the way; what was typed before stays.
  const fresh = `Zcela Nový ${Date.now().toString(36)}`;
  await sales.openNew('sales.order');
  await main.locator('[data-field="note"]').getByRole('textbox').fill('urgent');
  const box = main.locator('[data-field="customer"]').getByRole('combobox');
  await box.fill(fresh);
  await page.getByRole('option', { name: `: ${fresh}` }).click();
  const dialog = page.getByRole('dialog');
  same(await dialog.locator('[data-field="name"] input').inputValue(), fresh, 'the name that was typed');
  await dialog.getByRole('button', { name: 'Create', exact: true }).click();
  await dialog.waitFor({ state: 'detached' });
  same(await box.inputValue(), fresh, 'the customer of the order');
  const made = await sales.api(`entities/sales.order/${await sales.save()}`);
  same([made.note, made._titles?.customer ?? (await sales.api(`entities/party.party/${made.customer}`)).name], ['urgent', fresh], 'the order and its customer');
}
