// The model scenario in a real browser, against a running server with its demo company:
//   CELEK_URL=http://127.0.0.1:8080 node e2e/scenario.mjs [--language cs] [--phone] [--scheme dark] [--shots FOLDER]
// Sales turns a lead into an order; stock is refused, presses what is offered, and ships; accounts take the money.
import { mkdirSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { launch } from './lib.mjs';

const { values: options } = parseArgs({ options: { language: { type: 'string', default: 'en' }, phone: { type: 'boolean' }, scheme: { type: 'string', default: 'light' }, shots: { type: 'string' } } });
const language = options.language === 'cs' ? 'cs' : 'en';
const started = Date.now();
const session = await launch({ language, scheme: options.scheme, ...(options.phone ? { width: 390, height: 844 } : {}) });
const clients = [];
let shots = 0;

async function as(user) {
  const client = await session.open();
  client.name = user;
  await client.signIn(user);
  clients.push(client);
  return client;
}

async function step(client, what, run) {
  const result = await run();
  console.log(`${((Date.now() - started) / 1000).toFixed(1).padStart(6)} s  ${client.name.padEnd(9)} ${what}${typeof result === 'string' ? `: ${result}` : ''}`);
  if (options.shots) {
    mkdirSync(options.shots, { recursive: true });
    shots += 1;
    await client.shot(`${options.shots}/${String(shots).padStart(2, '0')}-${client.name}.png`);
  }
  return result;
}

const only = (rows, what) => {
  if (!rows.length) throw new Error(`Nothing found: ${what}`);
  return rows[0];
};
const find = async (client, entity, filter, more = {}) => (await client.api(`entities/${entity}`, { filter: JSON.stringify(filter), titles: 1, ...more })).rows;
const check = (condition, message) => {
  if (!condition) throw new Error(message);
};

try {
  const sales = await as('sales');
  const stock = await as('stock');
  const accounts = await as('accounts');
  const company = `Hrnčířství Kolář ${Date.now().toString(36)}`;

  // A product of which there is less than will be ordered.
  const quants = await find(stock, 'inventory.quant', {}, { limit: 200 });
  const goods = only(await find(sales, 'product.product', { kind: 'goods' }, { limit: 1, sort: 'code' }), 'goods');
  const there = quants.filter((quant) => quant.product === goods.id).reduce((sum, quant) => sum + Number(quant.on_hand) - Number(quant.reserved), 0);
  const wanted = Math.max(0, Math.floor(there)) + 3;

  const lead = await step(sales, 'writes down a lead', async () => {
    await sales.openNew('crm.lead');
    await sales.fill('crm.lead', { name: 'Eva Kolářová', company_name: company, email: `eva@kolar-${Date.now().toString(36)}.example` });
    return sales.save();
  });
  await step(sales, 'converts it', () => sales.perform('crm.lead.convert'));
  const { party } = await sales.api(`entities/crm.lead/${lead}`);
  check(party, 'The converted lead has no party');

  const order = await step(sales, `orders ${wanted} × ${goods.name}`, async () => {
    await sales.openNew('sales.order');
    await sales.fill('sales.order', { customer: company });
    await sales.fillLine('sales.order', 'lines', 0, { product: goods.name, quantity: String(wanted) });
    await sales.settled();
    return sales.save();
  });
  await step(sales, 'confirms the order', () => sales.perform('sales.order.confirm'));

  const delivery = only(
    (await find(stock, 'inventory.delivery', { state: 'ready' }, { sort: '-id', limit: 50 })).filter((row) => row.source?.entity === 'sales.order' && row.source.id === order),
    'the delivery of the order',
  );
  const shipping = await stock.taskAbout('inventory.delivery', delivery.id, 'inventory.delivery.ship').catch(() => stock.taskAbout('sales.order', order));
  await step(stock, 'finds the step in the inbox, and presses the big button', async () => {
    await stock.openInbox();
    await stock.page.locator(`.inbox-list a[href="/inbox/${shipping.id}"]`).click();
    await stock.completeTask();
    const refused = await stock.outcome();
    check(!refused.good, `It should have been refused, and was not: ${refused.text}`);
    return refused.text;
  });
  await step(stock, 'presses the offered action', async () => {
    // Of what is offered, the one that brings what is missing; shipping a part would end this step.
    await stock.pressAction(-1);
    const dialog = stock.page.getByRole('dialog');
    await dialog.or(stock.page.locator('.outcome[data-tone="good"]')).first().waitFor();
    if (await dialog.count()) {
      await stock.submitDialog();
      await dialog.waitFor({ state: 'detached' });
    }
    return stock.succeeded();
  });
  await step(stock, 'tries again, and ships', async () => {
    await stock.tryAgain();
    await stock.page.locator('.step-button').waitFor({ state: 'detached' });
    return stock.succeeded();
  });
  const shipped = await stock.api(`entities/inventory.delivery/${delivery.id}`);
  check(shipped.state === 'shipped', `The delivery is ${shipped.state}`);

  const invoice = await step(accounts, 'issues the invoice', async () => {
    const source = (row) => row.source?.entity === 'sales.order' && row.source.id === order;
    const invoices = async () => (await find(accounts, 'finance.invoice', { party }, { sort: '-id', limit: 20 })).filter(source);
    if (!(await invoices()).length) {
      const task = await accounts.taskAbout('sales.order', order);
      await accounts.page.goto(`${accounts.url}/inbox/${task.id}`);
      await accounts.completeTask();
      await accounts.succeeded();
    }
    return only(await invoices(), 'the invoice').id;
  });
  await step(accounts, 'registers the payment', async () => {
    const before = await accounts.api(`entities/finance.invoice/${invoice}`);
    await accounts.openRecord('finance.invoice', invoice);
    const operation = (await accounts.meta()).operations['finance.payment.register'];
    if (operation.on === 'finance.invoice') return accounts.perform('finance.payment.register');
    await accounts.openList('finance.payment');
    await accounts.click(operation.label);
    await accounts.fillInput('finance.payment.register', { party: company, amount: before.total.amount });
    if (operation.input.some((field) => field.name === 'invoice')) await accounts.fillInput('finance.payment.register', { invoice: before.number });
    await accounts.submitDialog();
    return accounts.succeeded();
  });
  const paid = await accounts.api(`entities/finance.invoice/${invoice}`);
  check(paid.state === 'paid', `The invoice is ${paid.state}`);
  const faults = clients.flatMap((client) => client.faults.map((fault) => `${client.name}: ${fault}`));
  check(faults.length === 0, `Faults in the page:\n${faults.join('\n')}`);
  console.log('From the lead to the money: done.');
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  for (const client of clients) {
    console.error(`${client.name}: ${client.page.url()} ${client.faults.join(' | ')}`);
    if (options.shots) await client.shot(`${options.shots}/failed-${client.name}.png`).catch(() => {});
  }
  process.exitCode = 1;
} finally {
  await session.close();
}
