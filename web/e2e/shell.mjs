// Around the screens: search, what is not there, a session that ended, a server that is away, languages, sizes, keys.
import { check, plain, rows, until } from './kit.mjs';

export const title = 'shell';

export async function run(session) {
  const manager = await session.open();
  await manager.signIn('manager', { demo: true });
  const { page } = manager;

  // Search: lists, pages and records, from the keyboard alone.
  const [customer] = await rows(manager, 'party.party', { kind: 'company' }, { limit: 1 });
  await page.keyboard.press('Control+k');
  await page.getByRole('combobox').waitFor();
  await page.keyboard.type(customer.name);
  await page.getByRole('option', { name: customer.name }).first().waitFor();
  await page.keyboard.press('Escape');
  await page.keyboard.press('Control+k');
  await page.keyboard.type((await manager.entity('finance.invoice')).plural);
  await page.getByRole('option', { name: (await manager.entity('finance.invoice')).plural, exact: true }).waitFor();
  await page.keyboard.press('Enter');
  await page.waitForURL(/\/e\/finance\.invoice/);

  // A read operation is a page of its own.
  const overview = await manager.operationLabel('insight.overview');
  await page.getByRole('navigation', { name: 'Main navigation' }).getByRole('link', { name: overview }).click();
  await page.getByRole('heading', { level: 1, name: overview }).waitFor();
  const figures = await manager.api('operations/insight.overview');
  await until(async () => plain(await page.locator('[data-field="bank"]').innerText()), (text) => text.includes(new Intl.NumberFormat('en-GB').format(Math.trunc(Number(figures.bank.amount)))), 'the money in the bank');

  // The map of keys.
  await page.keyboard.press('?');
  await page.getByRole('dialog', { name: 'Keyboard' }).waitFor();
  await page.keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'detached' });

  // What is not there says so, and leads on.
  await page.goto(`${manager.url}/e/sales.order/999999999`);
  await page.getByText('It does not exist, or it is not meant for you.').waitFor();
  await page.getByRole('link', { name: /^Go to the list: / }).click();
  await page.getByRole('grid').waitFor();
  await page.goto(`${manager.url}/e/no.such/1`);
  await page.getByText('This page does not exist.').waitFor();

  // The server is away: said in words, and the next try works.
  await manager.openList('sales.order');
  const faults = manager.faults.length;
  await page.route('**/api/v1/entities/party.party?*', (route) => route.abort());
  await page.getByRole('navigation', { name: 'Main navigation' }).getByRole('link', { name: (await manager.entity('party.party')).plural }).click();
  await page.getByText('The server cannot be reached.').waitFor();
  await page.unroute('**/api/v1/entities/party.party?*');
  await page.getByRole('button', { name: 'Try again' }).click();
  await page.getByRole('grid').waitFor();
  manager.faults.length = faults; // The browser logs each lost request; these were wanted.

  // The session ended elsewhere: sign in again, and go on where one was.
  await manager.openRecord('party.party', customer.id);
  // The page asks once more when its stream begins; the session ends after that, so that the click is the first to notice.
  await page.waitForTimeout(1500);
  await manager.settled();
  await page.request.delete(`${manager.url}/api/v1/session`, { headers: { Origin: manager.url } });
  await page.getByRole('navigation', { name: 'Main navigation' }).getByRole('link', { name: (await manager.entity('sales.order').catch(() => manager.known.entities['sales.order'])).plural, exact: true }).click();
  await page.waitForURL(/\/signin/);
  await page.getByLabel('User', { exact: true }).fill('manager');
  await page.getByLabel('Password', { exact: true }).fill('wrong');
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
  await page.getByRole('alert').first().waitFor();
  await page.getByLabel('Password', { exact: true }).fill('demo');
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
  await page.waitForURL(/\/e\/sales\.order/);

  // Nothing scrolls sideways at 360 px, in Czech, which has the longer words.
  const phone = await session.open({ width: 360, height: 740, language: 'cs' });
  await phone.signIn('accounts');
  const [invoice] = await rows(phone, 'finance.invoice', {}, { limit: 1, sort: '-id' });
  for (const path of ['/inbox', '/e/finance.invoice', `/e/finance.invoice/${invoice.id}`, '/e/finance.invoice/new', '/p/insight.overview', `/e/party.party/${customer.id}`, '/e/finance.entry']) {
    await phone.page.goto(`${phone.url}${path}`);
    await phone.page.getByRole('heading', { level: 1 }).first().waitFor();
    await phone.settled();
    const over = await phone.page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    check(over <= 0, `${path} is ${over} px too wide for a phone`);
  }
  await phone.page.goto(`${phone.url}/e/finance.invoice`);
  const card = phone.page.locator('.card').first();
  await card.waitFor();
  check(/\d,\d{2} Kč/.test(plain(await card.innerText())), `Money as Czech writes it: ${plain(await card.innerText())}`);
  check(/\d+\. \d+\. 20\d\d/.test(plain(await card.innerText())), `A day as Czech writes it: ${plain(await card.innerText())}`);
  await phone.page.getByRole('button', { name: 'Nabídka', exact: true }).click();
  await phone.page.getByRole('dialog').getByRole('link', { name: (await phone.entity('finance.payment')).plural, exact: true }).click();
  await phone.page.waitForURL(/\/e\/finance\.payment/);
  await until(() => phone.page.getByRole('dialog').count(), 0, 'the navigation over the list');
  return [manager, phone];
}
