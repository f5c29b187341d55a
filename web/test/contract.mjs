// The shapes of the interface, as this client uses it: asked of the real server and of the mock alike. What a company's
// own entities are made of is left out; what the interface wraps around them stays.
import { readFileSync, writeFileSync } from 'node:fs';

const RECORDED = new URL('./recorded.json', import.meta.url);

/** Values that may be anything: only that they are there counts. */
const ANY = new Set(['default', 'before', 'after', 'filter', 'values', 'operation_input', 'input_values', 'priority']);
/** Objects whose keys are names that somebody chose. */
const MAPS = new Set(['entities', 'operations', 'provenance', 'titles', '_titles']);
/** Maps only where they stand. */
const MAP_PATHS = [/view\.lines$/, /_read_only\.lines$/, /^panel\.sums$/];

/** `path: type` for each thing in an answer; lists by their elements, maps by their values. */
export function shapeOf(value, path = '', found = new Set(), key = '') {
  const tell = (type) => found.add(`${path}: ${type}`);
  if (ANY.has(key) || /actions\[\]\.input$/.test(path)) tell('any');
  else if (value === null) tell('null');
  else if (Array.isArray(value)) {
    tell('list');
    value.forEach((each) => shapeOf(each, `${path}[]`, found));
  } else if (typeof value === 'object') {
    tell('object');
    const map = (MAPS.has(key) && !Array.isArray(value)) || MAP_PATHS.some((pattern) => pattern.test(path));
    for (const [name, part] of Object.entries(value)) {
      if (map) shapeOf(part, `${path}{}`, found);
      else shapeOf(part, path ? `${path}.${name}` : name, found, name);
    }
  } else tell(typeof value);
  return found;
}

const OURS = ['id', 'rev', 'archived'];
/** What the interface says about a record, without the record's own fields. */
const around = (row) => Object.fromEntries(Object.entries(row).filter(([name]) => name.startsWith('_') || OURS.includes(name)));
const page = (answer) => ({ ...answer, rows: answer.rows.map(around) });

/** Asks a server for one answer of each kind. `as(user)` signs in and gives `{ get, post }` with JSON answers. */
export async function answers(as) {
  const anybody = await as(null);
  const sales = await as('sales');
  const stock = await as('stock');
  const path = (entity, rest = '', query = {}) => `entities/${entity}${rest}?${new URLSearchParams({ lang: 'en', titles: 1, ...query })}`;
  const [customer] = (await sales.get(path('party.party', '', { limit: 1 }))).rows;
  const [product] = (await sales.get(path('product.product', '', { limit: 1, sort: 'code', filter: '{"kind":"goods"}' }))).rows;
  const body = { customer: customer.id, lines: [{ product: product.id, quantity: '99999' }] };
  const created = await sales.post(path('sales.order'), body);
  const drafted = await sales.post(path('sales.order', '/draft'), { id: created.id, note: 'x' });
  const incomplete = await sales.post(path('sales.order', '/draft'), { lines: [{ product: product.id, quantity: '-1' }] });
  const confirmed = await sales.post('operations/sales.order.confirm?lang=en', { order: created.id });
  const record = await sales.get(path('sales.order', `/${created.id}`, { operations: 1 }));
  const links = await stock.get(path('sales.order', `/${created.id}/links`));
  const delivery = links.rows.find((link) => link.entity === 'inventory.delivery');
  const grouped = await sales.get(path('sales.order', '', { group: 'customer', sum: 'total', limit: 50 }));
  const inbox = await stock.get('operations/process.inbox.mine?lang=en');
  const meta = await sales.get('meta?lang=en');
  const [panel] = meta.entities['party.party'].panels;
  const draft = ({ record: row, ...rest }) => ({ ...rest, record: around(row) });
  return {
    session: await anybody.get('session?lang=en'),
    signed_in: await sales.get('session?lang=en'),
    meta,
    list: page(await sales.get(path('sales.order', '', { limit: 1, count: 1 }))),
    // A row of a grouping has the group under its name, the count, the sums and the titles.
    grouped: grouped.rows.map(({ customer: _, ...row }) => row),
    created,
    record: around(record),
    line: around(record.lines[0]),
    draft: draft(drafted),
    incomplete: draft(incomplete),
    history: await sales.get(path('sales.order', `/${created.id}/history`)),
    links,
    panel: page(await sales.get(path('party.party', `/${customer.id}/panels/${panel.key}`))),
    attachments: await sales.get(path('sales.order', `/${created.id}/attachments`)),
    inbox,
    task: await stock.get(`operations/process.task.show?lang=en&task=${inbox.tasks[0].id}`),
    result: { _result: confirmed._result },
    refusal: await stock.post('operations/inventory.delivery.ship?lang=en', { delivery: delivery.id }, true),
    not_found: await sales.get(path('sales.order', '/999999999'), true),
    wrong: await sales.post(path('sales.order'), {}, true),
  };
}

export const shapesOf = (all) => Object.fromEntries(Object.entries(all).map(([name, answer]) => [name, [...shapeOf(answer, name)].sort()]));

export const recorded = () => JSON.parse(readFileSync(RECORDED, 'utf8'));
export const record = (shapes) => writeFileSync(RECORDED, `${JSON.stringify(shapes, null, 1)}\n`);

const types = (lines) => {
  const map = new Map();
  for (const line of lines) {
    const at = line.lastIndexOf(': ');
    map.set(line.slice(0, at), [...(map.get(line.slice(0, at)) ?? []), line.slice(at + 2)]);
  }
  return map;
};

/** What in `wanted` is not so in `found`: missing, or of another type. Nothing and anything go with all. */
export function differences(wanted, found) {
  const wrong = [];
  for (const name of Object.keys(wanted)) {
    const [there, here] = [types(wanted[name]), types(found[name] ?? [])];
    for (const [path, kinds] of there) {
      const got = here.get(path);
      const solid = (list) => list.filter((kind) => kind !== 'null');
      if (!got) wrong.push(`${path}: missing`);
      else if (solid(kinds).length && solid(got).length && !solid(kinds).some((kind) => got.includes(kind) || got.includes('any') || kind === 'any')) {
        wrong.push(`${path}: ${got} instead of ${kinds}`);
      }
    }
  }
  return wrong;
}

/** Signs in over HTTP, as a program does. */
export const over = (url) => async (user) => {
  let cookie = '';
  if (user) {
    const answer = await fetch(`${url}/api/v1/session`, {
      method: 'POST', headers: { 'Content-Type': 'application/json', Origin: url }, body: JSON.stringify({ user, password: 'demo' }),
    });
    if (!answer.ok) throw new Error(`Sign-in as ${user}: ${answer.status}`);
    cookie = (answer.headers.get('set-cookie') ?? '').split(';')[0];
  }
  const ask = async (method, path, body, refused = false) => {
    const answer = await fetch(`${url}/api/v1/${path}`, {
      method, headers: { Cookie: cookie, Origin: url, 'Content-Type': 'application/json', 'Accept-Language': 'en' }, body: body && JSON.stringify(body),
    });
    if (answer.ok === refused) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
    return answer.json();
  };
  return { get: (path, refused) => ask('GET', path, undefined, refused), post: (path, body, refused) => ask('POST', path, body, refused) };
};
