// The inbox and a step: what waits, taking it and giving it back, the panels, the end of the step, and the next one.
import { check, plain, same, send, until } from './kit.mjs';

export const title = 'inbox';

export async function run(session) {
  const sales = await session.open();
  await sales.signIn('sales');
  const { page } = sales;
  // Two leads that arrive are two tasks.
  for (const name of ['Nora Novotná', 'Oto Ondrák']) {
    await send(sales, 'POST', 'entities/crm.lead', { name, company_name: `${name} & spol.`, email: 'kdo@example.com', message: 'Dobrý den, **kolik** stojí sto hrnků?' });
  }
  const mine = async () => (await sales.api('operations/process.inbox.mine')).tasks;
  const before = await mine();
  await sales.openInbox();
  const list = page.locator('.inbox-list');
  await until(() => list.locator('.task').count(), before.length, 'tasks in the list');
  check(plain(await page.getByRole('navigation', { name: 'Main navigation' }).locator('.count').innerText()) === String(before.length), 'The navigation counts the tasks');
  const task = before.find((each) => each.subject?.entity === 'crm.lead' && each.subject_title?.includes('Nora')) ?? before[0];
  await list.locator(`a[href="/inbox/${task.id}"]`).click();
  const main = page.getByRole('main');
  await main.getByRole('heading', { level: 1, name: task.title }).waitFor();

  // Taken, and given back.
  const menu = async (item) => {
    await page.getByRole('button', { name: 'More about this task' }).click();
    await page.getByRole('menuitem', { name: item }).click();
  };
  const assignee = async () => (await sales.api('operations/process.task.show', { task: task.id })).task.assignee;
  const { user } = await sales.api('session');
  if ((await assignee()) === user.id) {
    await menu('Give it back');
    await until(assignee, null, 'who has the task');
  }
  await menu('Take it');
  await until(assignee, user.id, 'who has the task');
  await menu('Give it back');
  await until(assignee, null, 'who has the task');

  // One big button with the verb of the operation; Ctrl+Enter presses it. Then the next step waits.
  const shown = await sales.api('operations/process.task.show', { task: task.id });
  same(plain(await page.locator('.step-button').innerText()), shown.operation_label, 'the big button');
  const subject = page.getByRole('complementary').getByRole('region', { name: 'About' });
  check(plain(await subject.innerText()).includes(task.subject_title), 'The step shows what it is about');
  await page.keyboard.press('Control+Enter');
  await sales.succeeded();
  await until(async () => (await mine()).some((each) => each.id === task.id), false, 'the finished task in the inbox');
  await until(() => list.locator(`a[href="/inbox/${task.id}"]`).count(), 0, 'the finished task in the list');
  const next = main.getByRole('link', { name: /^Next: / });
  await next.click();
  await until(() => page.locator('.step-button').count(), 1, 'the next step');

  // On a phone the list and the step are two screens.
  const phone = await session.open({ width: 390, height: 844 });
  await phone.signIn('sales');
  await phone.page.locator('.inbox-list .task').first().waitFor();
  same(await phone.page.locator('.inbox-step').isVisible(), false, 'the step beside the list on a phone');
  await phone.page.locator('.inbox-list .task').first().click();
  await phone.page.locator('.step-button').waitFor();
  same(await phone.page.locator('.inbox-list').isVisible(), false, 'the list beside the step on a phone');
  await phone.page.getByRole('link', { name: 'Back to the inbox' }).first().click();
  await phone.page.locator('.inbox-list .task').first().waitFor();
  return [sales, phone];
}
