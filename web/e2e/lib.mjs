// Drives the client in a real browser, as a person does: by roles, labels and words. Operations and fields are found by
// what the metadata calls them, so that nothing here depends on one language.
import { existsSync } from 'node:fs';
import { chromium } from 'playwright-core';

const ARGUMENTS = [
  '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync',
];

const exact = (text) => new RegExp(`^\\s*${text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}\\s*$`);

export function findBrowser() {
  const found = [process.env.CHROMIUM, '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find((path) => path && existsSync(path));
  if (!found) throw new Error('No browser: install chromium, or say where it is in CHROMIUM.');
  return found;
}

/** @param {{ url?: string, language?: 'en' | 'cs', scheme?: 'light' | 'dark', width?: number, height?: number }} options */
export async function launch(options = {}) {
  const url = (options.url ?? process.env.CELEK_URL ?? 'http://127.0.0.1:8080').replace(/\/$/, '');
  const browser = await chromium.launch({ executablePath: findBrowser(), args: ARGUMENTS, headless: true });
  const open = async (more = {}) => new Client(browser, url, await newPage(browser, { ...options, ...more }), { ...options, ...more });
  return { browser, url, open, close: () => browser.close() };
}

async function newPage(browser, { language = 'en', scheme = 'light', width = 1440, height = 900 }) {
  const context = await browser.newContext({ viewport: { width, height }, locale: language === 'cs' ? 'cs-CZ' : 'en-GB', colorScheme: scheme });
  await context.addInitScript(([code, look]) => {
    // Only where nothing was chosen yet, so that the switches of the client still work.
    if (!localStorage.getItem('celek.language')) localStorage.setItem('celek.language', code);
    if (!localStorage.getItem('celek.scheme')) localStorage.setItem('celek.scheme', look);
  }, [language, scheme]);
  return context.newPage();
}

/** One person at one browser window. */
export class Client {
  /** Requests that have no answer yet, and when that last changed. */
  waiting = new Set();
  lastNews = 0;

  /** Everything that went wrong in the page and that no person would have seen. */
  faults = [];

  constructor(browser, url, page, options) {
    Object.assign(this, { browser, url, page, options });
    page.setDefaultTimeout(Number(process.env.E2E_TIMEOUT ?? 10_000));
    for (const event of ['request', 'requestfinished', 'requestfailed']) {
      page.on(event, (request) => {
        // The stream of events never ends: nobody waits for it.
        if (request.url().includes('/api/v1/events')) return;
        if (event === 'request') this.waiting.add(request);
        else this.waiting.delete(request);
        this.lastNews = Date.now();
      });
    }
    page.on('pageerror', (error) => this.faults.push(`page: ${error.message}`));
    page.on('console', (message) => {
      // Refusals (4xx) are part of the game and are logged by the browser; everything else is a fault.
      if (message.type() === 'error' && !/status of 4\d\d/.test(message.text())) this.faults.push(`console: ${message.text()}`);
    });
  }

  language() {
    return this.options.language ?? 'en';
  }

  async close() {
    await this.page.context().close();
  }

  async api(path, query = {}) {
    const search = new URLSearchParams({ ...query, lang: this.language() });
    const response = await this.page.request.get(`${this.url}/api/v1/${path}?${search}`);
    if (!response.ok()) throw new Error(`GET ${path}: ${response.status()} ${await response.text()}`);
    return response.json();
  }

  async meta() {
    this.known ??= await this.api('meta');
    return this.known;
  }

  async entity(name) {
    const found = (await this.meta()).entities[name];
    if (!found) throw new Error(`The metadata has no entity ${name} for this user`);
    return found;
  }

  async operationLabel(name) {
    const found = (await this.meta()).operations[name];
    if (!found) throw new Error(`The metadata has no operation ${name} for this user`);
    return found.label;
  }

  async fieldLabel(entity, field) {
    const found = (await this.entity(entity)).fields.find((each) => each.name === field);
    if (!found) throw new Error(`${entity} has no field ${field}`);
    return found.label;
  }

  /** Signs in by typing; with `{ demo: true }` by the button of the demo company. */
  async signIn(user, { password = 'demo', demo = false } = {}) {
    await this.page.goto(`${this.url}/signin`);
    const czech = this.language() === 'cs';
    if (demo) await this.page.getByRole('button', { name: `(${user})` }).click();
    else {
      await this.page.getByLabel(czech ? 'Uživatel' : 'User', { exact: true }).fill(user);
      await this.page.getByLabel(czech ? 'Heslo' : 'Password', { exact: true }).fill(password);
      await this.page.getByRole('button', { name: czech ? 'Přihlásit se' : 'Sign in', exact: true }).click();
    }
    // The user's menu stands in the head on every width; the navigation is folded away on phones.
    await this.page.getByRole('button', { name: czech ? 'Přihlášený uživatel' : 'Signed in as' }).waitFor();
    this.known = undefined;
  }

  async signOut() {
    await this.page.getByRole('button', { name: this.language() === 'cs' ? 'Přihlášený uživatel' : 'Signed in as' }).click();
    await this.page.getByRole('menuitem', { name: this.language() === 'cs' ? 'Odhlásit se' : 'Sign out' }).click();
    await this.page.waitForURL(/\/signin/);
  }

  async openInbox() {
    const czech = this.language() === 'cs';
    const navigation = this.page.getByRole('navigation', { name: czech ? 'Hlavní navigace' : 'Main navigation' });
    if (!(await navigation.isVisible())) await this.page.getByRole('button', { name: czech ? 'Nabídka' : 'Menu', exact: true }).click();
    await navigation.getByRole('link', { name: czech ? 'Úkoly' : 'Inbox' }).first().click();
    await this.page.waitForURL(/\/inbox/);
  }

  async openTask(title) {
    await this.page.locator('.inbox-list').getByRole('link', { name: title }).first().click();
    await this.page.getByRole('main').getByRole('heading', { level: 1, name: title }).waitFor();
  }

  async openList(entity, search = {}) {
    await this.page.goto(`${this.url}/e/${entity}?${new URLSearchParams(search)}`);
    await this.page.getByRole('heading', { level: 1, name: (await this.entity(entity)).plural }).waitFor();
  }

  /** Opens the row of a list that holds the text. */
  async openRow(text) {
    await this.page.getByRole('grid').getByRole('row').filter({ hasText: text }).first().click();
    await this.page.waitForURL(/\/e\/[^/]+\/\d+/);
  }

  async openRecord(entity, id) {
    await this.page.goto(`${this.url}/e/${entity}/${id}`);
    await this.page.getByRole('heading', { level: 1 }).waitFor();
  }

  async openNew(entity) {
    await this.page.goto(`${this.url}/e/${entity}/new`);
    await this.page.getByRole('button', { name: this.language() === 'cs' ? 'Vytvořit' : 'Create', exact: true }).waitFor();
  }

  /** Where fields are searched: a dialog when one is open, else the page. */
  async scope() {
    const dialog = this.page.getByRole('dialog');
    return (await dialog.count()) > 0 ? dialog.last() : this.page.getByRole('main');
  }

  async fill(entity, values) {
    for (const [name, value] of Object.entries(values)) {
      const field = (await this.entity(entity)).fields.find((each) => each.name === name);
      if (!field) throw new Error(`${entity} has no field ${name}`);
      await this.type(field, value, (await this.scope()).locator(`[data-field="${name}"]`));
    }
  }

  /** Fills the dialog of an operation. */
  async fillInput(operation, values) {
    for (const [name, value] of Object.entries(values)) {
      const field = (await this.meta()).operations[operation]?.input.find((each) => each.name === name);
      if (!field) throw new Error(`${operation} has no input ${name}`);
      await this.type(field, value, (await this.scope()).locator(`[data-field="${name}"]`));
    }
  }

  /** A line is typed into the grid cell by cell; `at` counts from 0, and a missing line is added. */
  async fillLine(entity, lines, at, values) {
    const owned = (await this.entity(entity)).lines.find((each) => each.name === lines);
    const section = this.page.getByRole('main').getByRole('region', { name: owned.label });
    const rows = section.locator('tbody tr:has(.lines-tool)');
    while ((await rows.count()) <= at) await section.getByRole('button', { name: this.language() === 'cs' ? 'Přidat řádek' : 'Add a line' }).click();
    const line = await this.entity(owned.entity);
    for (const [name, value] of Object.entries(values)) {
      const field = line.fields.find((each) => each.name === name);
      const cell = rows.nth(at).getByRole('cell').and(this.page.locator(`[data-label="${field.label}"]`));
      await this.type(field, value, cell);
    }
  }

  async type(field, value, place) {
    if (['ref'].includes(field.kind)) {
      const box = place.getByRole('combobox');
      await box.click();
      await box.fill(String(value));
      // Not the one that would make a new record of that name.
      await this.page.getByRole('option', { name: String(value) }).and(this.page.locator(':not(.picker-new)')).first().click();
    } else if (['choice', 'country', 'language'].includes(field.kind)) {
      await place.locator('select').selectOption(String(value));
    } else if (field.kind === 'bool') {
      await place.getByRole('checkbox').setChecked(Boolean(value));
    } else {
      const box = place.getByRole('textbox').first();
      await box.fill(String(value));
      await box.blur();
    }
  }

  /** Waits for the live draft that follows the last key, and for all else that was asked. */
  async settled() {
    await this.page.waitForTimeout(200);
    const end = Date.now() + 5000;
    while ((this.waiting.size > 0 || Date.now() - this.lastNews < 150) && Date.now() < end) await this.page.waitForTimeout(25);
  }

  async save() {
    await this.page.getByRole('button', { name: this.language() === 'cs' ? /^(Vytvořit|Uložit)$/ : /^(Create|Save)$/ }).click();
    await this.page.waitForURL(/\/e\/[^/]+\/\d+/);
    await this.page.getByRole('complementary').waitFor();
    return Number(/\/(\d+)(?:\?|$)/.exec(this.page.url())[1]);
  }

  async click(name) {
    await (await this.scope()).getByRole('button', { name: exact(name) }).first().click();
  }

  /** Presses the button of an operation on the form; from the menu when it stands there. */
  async operate(operation) {
    const label = await this.operationLabel(operation);
    const group = this.page.getByRole('main').locator('.operations');
    const button = group.getByRole('button', { name: exact(label) });
    await group.waitFor();
    if (await button.count()) await button.click();
    else {
      await group.getByRole('button', { name: this.language() === 'cs' ? 'Další' : 'More' }).click();
      await this.page.getByRole('menuitem', { name: exact(label) }).click();
    }
  }

  /** The one big button of an open step. */
  async completeTask() {
    await this.page.locator('.step-button').click();
  }

  /** What an operation said: `{ good, text, actions }`. */
  async outcome() {
    const panel = this.page.locator('.outcome, [role="dialog"] .notice[role="alert"]').last();
    await panel.waitFor();
    return {
      good: (await panel.getAttribute('data-tone')) === 'good',
      text: (await panel.innerText()).replace(/\s+/g, ' ').trim(),
      actions: await panel.getByRole('button').allInnerTexts(),
    };
  }

  /** Waits for a result that says it worked; a refusal is an error with its text. */
  async succeeded() {
    await this.page.locator('.outcome').last().waitFor();
    const outcome = await this.outcome();
    if (!outcome.good) throw new Error(`Refused: ${outcome.text}`);
    return outcome.text;
  }

  /** Presses an offered action: by its words, or by its number. */
  async pressAction(which = 0) {
    const group = this.page.getByRole('group', { name: this.language() === 'cs' ? 'Co lze udělat' : 'What can be done' }).last();
    const buttons = group.getByRole('button');
    await (typeof which === 'number' ? buttons.nth(which) : buttons.filter({ hasText: which }).first()).click();
  }

  /**
   * Presses an operation and goes through its dialog, when it has one, with the given input. Answers what it said.
   * Input that the dialog does not ask for is an error, input that is not given stays as it is prefilled.
   */
  async perform(operation, input = {}) {
    await this.operate(operation);
    const dialog = this.page.getByRole('dialog');
    await dialog.or(this.page.locator('.outcome')).first().waitFor();
    if (await dialog.count()) {
      await this.fillInput(operation, input);
      await this.submitDialog();
      await dialog.waitFor({ state: 'detached' });
    }
    return this.succeeded();
  }

  /** Follows a link of the result, by the entity to which it leads. */
  async followResult(entity) {
    await this.page.locator(`.outcome a[href^="/e/${entity}/"]`).first().click();
    await this.page.waitForURL(new RegExp(`/e/${entity.replace('.', '\\.')}/\\d+`));
    return Number(/\/(\d+)(?:\?|$)/.exec(this.page.url())[1]);
  }

  /** The task of this person's inbox that is about a record; waits until it is there. */
  async taskAbout(entity, id, operation) {
    for (let turn = 0; turn < 40; turn += 1) {
      const { tasks } = await this.api('operations/process.inbox.mine');
      for (const task of tasks.filter((each) => each.subject?.entity === entity && each.subject.id === id)) {
        if (!operation || (await this.api('operations/process.task.show', { task: task.id })).operation === operation) return task;
      }
      await this.page.waitForTimeout(250);
    }
    throw new Error(`No task about ${entity} ${id} came into the inbox`);
  }

  async submitDialog() {
    await this.page.getByRole('dialog').locator('button[type="submit"]').click();
  }

  async tryAgain() {
    await this.page.getByRole('button', { name: this.language() === 'cs' ? /^Zkusit znovu: / : /^Try again: / }).click();
  }

  async shot(path) {
    await this.page.screenshot({ path });
  }
}
