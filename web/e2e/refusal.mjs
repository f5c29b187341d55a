// Dialogs of operations, refusals with what would help, buttons that tell why they cannot be pressed.
import { check, plain, rows, same, send, until } from './kit.mjs';

export const title = 'refusal';

export async function run(session) {
  const stock = await session.open();
  await stock.signIn('stock');
  const { page } = stock;
  const goods = (await rows(stock, 'product.product', { kind: 'goods' }, { limit: 50, sort: '-code' }))[0];
  const quants = await rows(stock, 'inventory.quant', { product: goods.id }, { limit: 50 });
  const free = quants.reduce((sum, quant) => sum + Number(quant.on_hand) - Number(quant.reserved), 0);

  // An order of more than there is, made by sales.
  const sales = await session.open();
  await sales.signIn('sales');
  const [customer] = await rows(sales, 'party.party', { kind: 'company' }, { limit: 1 });
  const order = await send(sales, 'POST', 'entities/sales.order', { customer: customer.id, lines: [{ product: goods.id, quantity: String(Math.max(0, Math.floor(free)) + 7) }] });
  await send(sales, 'POST', 'operations/sales.order.confirm', { order: order.id });
  const [delivery] = await rows(stock, 'inventory.delivery', { 'source.id': order.id, state: 'ready' });

  // A dialog: wrong input stands at its field, Escape closes it and gives the focus back.
  const receive = await stock.operationLabel('inventory.receipt.quick');
  await stock.openList('inventory.receipt');
  await stock.click(receive);
  const dialog = page.getByRole('dialog');
  await until(() => page.evaluate(() => document.activeElement?.closest('[data-field]')?.getAttribute('data-field')), 'product', 'the field that has the focus');
  await stock.submitDialog();
  await until(() => dialog.locator('.field-error').count(), (count) => count > 0, 'errors of an empty dialog');
  await page.keyboard.press('Escape');
  await dialog.waitFor({ state: 'detached' });
  await until(() => page.evaluate(() => document.activeElement?.textContent), receive, 'the focus after the dialog');

  // Refused: what is missing in words, what would help as buttons; nothing was done.
  await stock.openRecord('inventory.delivery', delivery.id);
  await stock.operate('inventory.delivery.ship');
  const refused = await stock.outcome();
  check(!refused.good && refused.text.includes(goods.name), `The refusal names what is missing: ${refused.text}`);
  check(refused.actions.length >= 1, `The refusal offers what would help: ${refused.actions}`);
  same((await stock.api(`entities/inventory.delivery/${delivery.id}`)).state, 'ready', 'the delivery after the refusal');
  // The last offer brings what is missing; one before it would ship a part.
  await stock.pressAction(-1);
  await dialog.or(page.locator('.outcome[data-tone="good"]')).first().waitFor();
  if (await dialog.count()) await stock.submitDialog();
  await stock.succeeded();
  await stock.tryAgain();
  await until(async () => (await stock.api(`entities/inventory.delivery/${delivery.id}`)).state, 'shipped', 'the delivery after the second try');
  await until(() => page.locator('.outcome[data-tone="good"]').count(), 1, 'the good result');

  // Shipped: what is no longer possible tells why, where the keyboard reaches it.
  const told = (await stock.api(`entities/inventory.delivery/${delivery.id}`, { operations: 1 }))._operations;
  const ship = told.find((each) => each.operation === 'inventory.delivery.ship');
  check(ship && !ship.allowed && ship.reason, 'A shipped delivery cannot be shipped, and the server says why');
  await page.reload();
  const group = page.getByRole('main').locator('.operations');
  await group.getByRole('button', { name: 'More' }).click();
  const item = page.getByRole('menuitem', { name: await stock.operationLabel('inventory.delivery.ship') }).first();
  await item.waitFor();
  check(plain(await item.innerText()).includes(ship.reason), `The reason stands in the menu: ${plain(await item.innerText())}`);
  same(await item.getAttribute('aria-disabled'), 'true', 'what the item tells');
  await page.keyboard.press('Escape');

  // Sales has no right to ship: no button at all.
  await sales.openRecord('inventory.delivery', delivery.id);
  await sales.page.getByRole('complementary').waitFor();
  same(await sales.page.getByRole('button', { name: await stock.operationLabel('inventory.delivery.ship'), exact: true }).count(), 0, 'a button without the right');
  return [stock, sales];
}
