// A form with lines, in Czech: live totals, errors at their fields, what survives a reload, a collision, and a record that is final.
import { check, plain, rows, same, send, until } from './kit.mjs';

export const title = 'form';

export async function run(session) {
  const sales = await session.open({ language: 'cs' });
  await sales.signIn('sales');
  const { page } = sales;
  const main = page.getByRole('main');
  const [customer] = await rows(sales, 'party.party', { kind: 'company' }, { limit: 1, sort: '-name' });
  const goods = (await rows(sales, 'product.product', { kind: 'goods' }, { limit: 50, sort: 'code' })).filter((row) => row.price);
  check(goods.length >= 2, 'The demo company sells goods with prices');
  const totals = async () => plain(await main.locator('.form-totals').innerText());
  const czech = (amount) => plain(new Intl.NumberFormat('cs-CZ', { minimumFractionDigits: 2 }).format(amount));

  // Nothing typed, nothing scolded; sent like that, the error stands at its field.
  await sales.openNew('sales.order');
  same(await main.locator('.field-error').count(), 0, 'errors on a fresh form');
  await page.getByRole('button', { name: 'Vytvořit', exact: true }).click();
  await until(() => main.locator('[data-field="customer"] .field-error').count(), 1, 'the error at the customer');

  // Lines as in a spreadsheet: Tab from the last cell makes a new one; numbers as they are written in Czech.
  await sales.fill('sales.order', { customer: customer.name });
  await sales.fillLine('sales.order', 'lines', 0, { product: goods[0].name, quantity: '3', discount: '12,5' });
  await sales.settled();
  const draft = await send(sales, 'POST', 'entities/sales.order/draft?lang=cs', {
    customer: customer.id, lines: [{ product: goods[0].id, quantity: '3', discount: '12.5' }],
  });
  await until(totals, (text) => text.includes(czech(draft.record.total.amount)), `the total ${czech(draft.record.total.amount)} Kč`);
  check((await totals()).includes('Kč'), 'Czech writes Kč');
  const lines = main.locator('.lines tbody tr:has(.lines-tool)');
  await lines.first().locator('input:not([tabindex="-1"]), select').last().focus();
  await page.keyboard.press('Tab');
  await until(() => lines.count(), 2, 'lines after Tab');
  await until(() => lines.nth(1).locator(':focus').count(), 1, 'the focus in the new line');
  await sales.fillLine('sales.order', 'lines', 1, { product: goods[1].name, quantity: 'deset' });
  await until(async () => plain(await lines.nth(1).innerText()), (text) => text.includes('Toto není číslo.'), 'a word where a number belongs');
  await lines.nth(1).getByRole('button', { name: 'Odebrat řádek 2' }).click();
  await until(() => lines.count(), 2, 'the line and the empty one after removal');

  // What was typed survives a reload.
  await page.reload();
  await page.getByText('Obnovili jsme Vaše neuložené změny').waitFor();
  await until(totals, (text) => text.includes(czech(draft.record.total.amount)), 'the total after a reload');
  const id = await sales.save();
  const stored = await sales.api(`entities/sales.order/${id}`);
  same([stored.customer, stored.lines.length, stored.lines[0].quantity, stored.total], [customer.id, 1, draft.record.lines[0].quantity, draft.record.total], 'what was stored');

  // Somebody else changes the same field meanwhile: both values, and a choice.
  await sales.fill('sales.order', { note: 'moje poznámka' });
  await send(sales, 'PATCH', `entities/sales.order/${id}`, { note: 'cizí poznámka', rev: stored.rev });
  await page.getByRole('button', { name: 'Uložit', exact: true }).click();
  const clash = page.getByRole('dialog');
  await clash.getByText('cizí poznámka').waitFor();
  await clash.getByText('moje poznámka').waitFor();
  await clash.getByRole('button', { name: 'Ponechat moje' }).click();
  await page.getByRole('button', { name: 'Uložit', exact: true }).click();
  await until(async () => (await sales.api(`entities/sales.order/${id}`)).note, 'moje poznámka', 'the note that was kept');

  // Confirmed, it reads like a document: nothing to type into, the reason in words, the history with names.
  await sales.perform('sales.order.confirm');
  const confirmed = await sales.api(`entities/sales.order/${id}`);
  if (confirmed._read_only?.record) {
    await page.getByText(confirmed._read_only.reason).waitFor().catch(async () => {
      throw new Error(`The reason is not on the screen: ${confirmed._read_only.reason}`);
    });
    await until(() => main.locator('.form-body .input').count(), 0, 'fields to type into on a final record');
  }
  const history = page.getByRole('complementary').getByRole('region', { name: 'Historie' });
  const operation = await sales.operationLabel('sales.order.confirm');
  const { user } = await sales.api('session');
  await until(async () => plain(await history.innerText()), (text) => text.includes(operation) && text.includes(user.name), 'the history in words');

  // What was done can be taken back from its result.
  const cancel = await sales.operationLabel('sales.order.cancel');
  await page.getByRole('button', { name: `Vzít zpět: ${cancel}` }).click();
  await sales.submitDialog();
  await until(async () => (await sales.api(`entities/sales.order/${id}`)).state, 'cancelled', 'the order after it was taken back');
  return [sales];
}
