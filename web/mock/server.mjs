// A mock of the server for work on the client: in memory, a few entities, the contract of docs/api.md. It is no model of
// the business; its few rules are there to show each kind of answer.
//   PORT=8099 node mock/server.mjs      serves /api/v1 and, when it was built, dist/ under the policy of the server
import { createReadStream, existsSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { areas, entities, operations, people, seed } from './data.mjs';

const PORT = Number(process.env.PORT ?? 8099);
const DELAY = Number(process.env.DELAY ?? 0);
const dist = fileURLToPath(new URL('../dist/', import.meta.url));
const db = seed();
const stock = { 1: 2, 2: 50, 3: 50, 4: 100 };
const sessions = new Map();
const history = [];
const attachments = {};
const files = new Map();
const done = new Map();
let events = [];
let setupDone = !process.env.SETUP;

const isText = (value) => Array.isArray(value) && value.length === 2 && value.every((part) => typeof part === 'string');
const TEXTS = new Set([undefined, 'label', 'plural', 'help', 'empty', 'title', 'detail', 'message', 'does', 'name']);
const say = (value, lang, key) => {
  if (isText(value) && TEXTS.has(key)) return value[lang === 'cs' ? 1 : 0];
  if (Array.isArray(value)) return value.map((part) => say(part, lang, key));
  if (value && typeof value === 'object') return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, say(part, lang, name)]));
  return value;
};

class Refused extends Error {
  constructor(status, code, title, detail, more = {}) {
    super(title[0]);
    this.problem = { type: `/api/docs#errors/${code}`, title, status, detail, code, errors: [], actions: [], needs: [], request: Math.random().toString(36).slice(2, 10), ...more };
  }
}
const notFound = () => new Refused(404, 'not_found', ['Not found', 'Nenalezeno'], ['There is no such record.', 'Takový záznam není.']);

const titleOf = (name, id, lang) => {
  const row = db[name]?.find((each) => each.id === id);
  return row ? say(row[entities[name].title] ?? `#${id}`, lang) : null;
};

const changed = (entity, row, kind, actor, operation, changes) => {
  if (kind === 'changed') row.rev += 1;
  history.unshift({ kind, entity, id: row.id, at: new Date().toISOString(), actor: { id: actor.id, name: actor.name }, operation: operation?.name ?? (kind === 'created' ? 'record.create' : 'record.change'), operation_label: operation?.label ?? (kind === 'created' ? 'Created' : 'Changed'), step: null, changes: changes ?? [] });
  const data = JSON.stringify({ entity, id: row.id, rev: row.rev, kind });
  events.forEach((response) => response.write(`event: change\ndata: ${data}\n\n`));
};

const minor = (value) => Math.round(Number(value) * 100);
const money = (cents) => ({ amount: (cents / 100).toFixed(2), currency: 'CZK' });

function compute(name, row) {
  if (name !== 'sales.order') return row;
  let net = 0;
  for (const line of row.lines ?? []) {
    const sum = Math.round(Number(line.quantity ?? 0) * minor(line.price?.amount ?? 0) * (1 - Number(line.discount ?? 0) / 100)) || 0;
    line.net = money(sum);
    net += sum;
  }
  return Object.assign(row, { net: money(net), tax: money(Math.round(net * 0.21)), total: money(net + Math.round(net * 0.21)) });
}

function present(name, row, lang, titles, lines) {
  const entity = entities[name];
  const { lines: own, operation_input: _, ...rest } = compute(name, row);
  const out = { ...say(rest, lang), _title: titleOf(name, row.id, lang) ?? String(row.id) };
  if (titles) out._titles = titlesOf(entity, row, lang);
  if (lines && entity.lines.length) {
    out._read_only = readOnly(name, row, lang);
    out.lines = own.map((line) => ({ ...line, rev: 1, archived: false, _title: titleOf('product.product', line.product) ?? '', ...(titles ? { _titles: titlesOf(entities[entity.lines[0].entity], line, lang) } : {}) }));
  }
  return out;
}

/** A confirmed order is final; of all else only what the declaration closes may not be typed. */
function readOnly(name, row, lang) {
  const final = name === 'sales.order' && row.state && row.state !== 'draft';
  const closed = (of) => entities[of].fields.filter((field) => final || field.by_operation || field.read_only).map((field) => field.name);
  return {
    record: Boolean(final), code: final ? 'frozen' : null,
    reason: final ? say(['Order: this record is final and cannot be changed.', 'Objednávka: záznam je konečný a nelze jej měnit.'], lang) : null,
    fields: closed(name), lines: Object.fromEntries(entities[name].lines.map((lines) => [lines.name, [...closed(lines.entity), lines.by]])),
  };
}

const titlesOf = (entity, row, lang) =>
  Object.fromEntries(entity.fields.filter((field) => row[field.name] !== null && row[field.name] !== undefined && ['ref', 'any_ref'].includes(field.kind)).map((field) => [field.name, field.kind === 'ref' ? titleOf(field.to, row[field.name], lang) : titleOf(row[field.name].entity, row[field.name].id, lang)]));

const allowed = (name, row, lang) =>
  Object.entries(operations).filter(([, operation]) => operation.on === name && operation.button).map(([key, operation]) => {
    const status = row[entities[name].status];
    const fine = !operation.when || operation.when.includes(status);
    const choice = entities[name].fields.find((field) => field.name === entities[name].status)?.choices?.find((each) => each.value === status);
    const input = key === 'inventory.delivery.ship_part' ? { lines: row.lines.map((line) => ({ product: line.product, quantity: String(Math.min(Number(line.quantity), stock[line.product] ?? 0)), _titles: { product: titleOf('product.product', line.product, lang) } })) } : undefined;
    return { operation: key, allowed: fine, reason: fine ? null : say([`Not possible in the state “${choice?.label[0]}”.`, `Ve stavu „${choice?.label[1]}“ to není možné.`], lang), code: fine ? null : 'wrong_state', remedies: false, ...(input ? { input } : {}) };
  });

function match(row, filter) {
  return Object.entries(filter ?? {}).every(([key, want]) => {
    if (key === 'and') return want.every((part) => match(row, part));
    if (want && typeof want === 'object') return Object.entries(want).every(([op, value]) => (op === 'in' ? value.includes(row[key]) : op === 'ne' ? row[key] !== value : true));
    return row[key] === want;
  });
}
const plain = (text) => String(text).normalize('NFD').replace(/\p{M}/gu, '').toLowerCase();

function list(name, query, lang) {
  const entity = entities[name];
  let rows = db[name].filter((row) => !row.archived);
  if (query.get('filter')) rows = rows.filter((row) => match(row, JSON.parse(query.get('filter'))));
  if (query.get('q')) {
    const words = plain(query.get('q')).split(/\s+/);
    rows = rows.filter((row) => words.every((word) => plain(JSON.stringify(entity.fields.filter((field) => field.searchable).map((field) => row[field.name])) + (titlesOf(entity, row, lang).customer ?? '')).includes(word)));
  }
  rows = rows.map((row) => present(name, row, lang, query.get('titles'), false));
  if (query.get('group') || query.get('sum')) return { rows: grouped(name, rows, query, lang), next: null };
  const sort = (query.get('sort') ?? '-id').split(',')[0];
  const field = sort.replace(/^-/, '');
  const value = (row) => row[field]?.amount !== undefined ? Number(row[field].amount) : row[field] ?? '';
  rows.sort((a, b) => (typeof value(a) === 'number' ? value(a) - value(b) : String(value(a)).localeCompare(String(value(b)), 'cs')) * (sort.startsWith('-') ? -1 : 1));
  const count = rows.length;
  const from = Number(query.get('after') ?? 0);
  const limit = Number(query.get('limit') ?? 50);
  const page = rows.slice(from, from + limit);
  return { rows: page, next: from + limit < count ? String(from + limit) : null, ...(query.get('count') ? { count } : {}) };
}

/** Groups by one field (days by month), with sums of money. */
function grouped(name, rows, query, lang) {
  const path = query.get('group');
  const [field] = (path ?? '').split(':');
  const found = new Map();
  for (const row of rows) {
    const value = path?.endsWith(':month') ? row[field]?.slice(0, 7) : row[field];
    const group = found.get(value) ?? { value, rows: [] };
    group.rows.push(row);
    found.set(value, group);
  }
  const to = entities[name].fields.find((each) => each.name === field)?.to;
  return [...found.values()].map((group) => ({
    ...(path ? { [path]: group.value ?? null } : {}), count: group.rows.length,
    ...Object.fromEntries((query.get('sum') ?? '').split(',').filter(Boolean).flatMap((sum) => [[`sum_${sum}`, money(group.rows.reduce((all, row) => all + minor(row[sum]?.amount ?? 0), 0)).amount], [`sum_${sum}_currency`, 'CZK']])),
    ...(to && query.get('titles') ? { _titles: { [path]: titleOf(to, group.value, lang) } } : {}),
  }));
}

function merge(name, row, body) {
  const out = { ...row };
  for (const [key, value] of Object.entries(body)) {
    if (key === 'id' || key === 'rev') continue;
    if (entities[name].lines.some((lines) => lines.name === key)) {
      let lines = (row[key] ?? []).map((line) => ({ ...line }));
      for (const sent of value) {
        const at = lines.findIndex((line) => line.id !== undefined && line.id === sent.id);
        if (sent._delete) lines = lines.filter((line) => line.id !== sent.id);
        else if (at >= 0) lines[at] = { ...lines[at], ...sent };
        else lines.push({ ...sent });
      }
      out[key] = lines;
    } else out[key] = value;
  }
  return out;
}

function evaluate(name, body, lang) {
  const entity = entities[name];
  const before = body.id ? db[name].find((row) => row.id === body.id) : null;
  const provenance = {};
  const errors = [];
  const start = before ?? { lines: [] };
  const record = merge(name, JSON.parse(JSON.stringify(start)), body);
  for (const field of entity.fields) {
    if (record[field.name] === undefined) {
      record[field.name] = field.default ?? (name === 'sales.order' && field.name === 'date' ? '2026-11-24' : null);
      if (record[field.name] !== null) provenance[field.name] = 'default';
    }
    if (field.required && (record[field.name] === null || record[field.name] === '')) errors.push({ field: field.name, code: 'required', message: say([`${field.label[0]} is missing.`, `Chybí údaj: ${field.label[1]}.`], lang) });
  }
  if (name === 'sales.order') {
    if (record.customer && !record.price_list) Object.assign(record, { price_list: 'Základní' }) && (provenance.price_list = 'default');
    if (!record.owner) Object.assign(record, { owner: 'Jana Nová' }) && (provenance.owner = 'default');
    record.lines.forEach((line, index) => {
      if (line.quantity === undefined || line.quantity === null) line.quantity = '1';
      const product = db['product.product'].find((each) => each.id === line.product);
      if (!product) errors.push({ field: `lines.${index}.product`, code: 'required', message: say(['Choose a product.', 'Vyberte produkt.'], lang) });
      if (product && !line.price) {
        line.price = product.price;
        provenance[`lines.${index}.price`] = 'default';
      }
      if (Number(line.quantity) <= 0) errors.push({ field: `lines.${index}.quantity`, code: 'positive', message: say(['The quantity must be above zero.', 'Množství musí být větší než nula.'], lang) });
      line._titles = titlesOf(entities['sales.order_line'], line, lang);
    });
    compute(name, record);
    ['net', 'tax', 'total'].forEach((field) => (provenance[field] = 'computed'));
  }
  record._read_only = readOnly(name, record, lang);
  return { record, notes: [], provenance, errors, operations: before ? allowed(name, record, lang) : [], titles: titlesOf(entity, record, lang) };
}

function write(name, body, id, rev, actor, lang) {
  const { record, errors } = evaluate(name, { ...body, ...(id ? { id } : {}) }, lang);
  if (errors.length) throw new Refused(422, 'invalid', ['Not complete', 'Neúplné'], ['Something is missing or wrong.', 'Něco chybí nebo není správně.'], { errors });
  let lineId = Date.now() % 1000000;
  (record.lines ?? []).forEach((line) => { line.id ??= lineId++; delete line._titles; });
  if (!id) {
    delete record._read_only;
    const row = { ...record, id: db[name].length + 1, rev: 1, archived: false };
    if (name === 'sales.order') Object.assign(row, { number: `SO-2026-${String(row.id).padStart(4, '0')}`, state: 'draft', created: new Date().toISOString() });
    db[name].push(row);
    changed(name, row, 'created', actor);
    return { id: row.id, rev: 1 };
  }
  delete record._read_only;
  const row = db[name].find((each) => each.id === id);
  if (rev && Number(rev) !== row.rev) throw new Refused(412, 'stale', ['Changed meanwhile', 'Mezitím změněno'], ['Somebody else changed the record.', 'Záznam změnil někdo jiný.']);
  const changes = entities[name].fields.filter((field) => JSON.stringify(row[field.name]) !== JSON.stringify(record[field.name])).map((field) => ({ field: field.name, label: say(field.label, lang), before: row[field.name], after: record[field.name] }));
  Object.assign(row, record);
  changed(name, row, 'changed', actor, null, changes);
  return { id, rev: row.rev };
}

const wrongState = () => new Refused(409, 'wrong_state', ['Not possible now', 'Teď to není možné'], ['The record is in another state by now.', 'Záznam už je v jiném stavu.']);

function setState(name, row, state, actor, key, lang) {
  const field = entities[name].fields.find((each) => each.name === 'state');
  const before = row.state;
  row.state = state;
  changed(name, row, 'changed', actor, { name: key, label: say(operations[key].label, lang) }, [{ field: 'state', label: say(field.label, lang), before, after: state }]);
}

function finishTask(row, actor, lang) {
  setState('process.task', row, 'done', actor, 'process.task.complete', lang);
}

const handlers = {
  'sales.order.confirm': (input, actor, lang) => {
    const order = db['sales.order'].find((row) => row.id === input.order) ?? (() => { throw notFound(); })();
    if (order.state !== 'draft') throw wrongState();
    const delivery = { id: db['inventory.delivery'].length + 1, rev: 1, archived: false, number: `DL-2026-${String(db['inventory.delivery'].length + 1).padStart(4, '0')}`, state: 'ready', order: order.id, party: order.customer, due: order.due, carrier: null, lines: order.lines.map((line, index) => ({ id: order.id * 100 + index, product: line.product, quantity: line.quantity, shipped: '0.000' })) };
    db['inventory.delivery'].push(delivery);
    changed('inventory.delivery', delivery, 'created', actor);
    setState('sales.order', order, 'confirmed', actor, 'sales.order.confirm', lang);
    const task = { id: db['process.task'].length + 1, rev: 1, archived: false, title: [`Ship ${delivery.number}`, `Odeslat ${delivery.number}`], state: 'open', party: order.customer, due: '2026-11-27T16:00:00Z', operation: 'inventory.delivery.ship', operation_input: { delivery: delivery.id }, subject: { entity: 'inventory.delivery', id: delivery.id }, role: 'stock', kind: 'step', assignee: null };
    db['process.task'].push(task);
    changed('process.task', task, 'created', actor);
    return { delivery: delivery.id, _result: { numbers: [{ entity: 'sales.order', id: order.id, field: 'number', number: order.number }], message: [`Order ${order.number} is confirmed.`, `Objednávka ${order.number}: potvrzeno.`], links: [{ entity: 'inventory.delivery', id: delivery.id, title: delivery.number }], next: [{ field: null, code: 'sales.reserved', links: [], message: ['The storekeeper ships the goods.', 'Skladník odešle zboží.'] }] } };
  },
  'sales.order.cancel': (input, actor, lang) => {
    const order = db['sales.order'].find((row) => row.id === input.order);
    if (!input.reason) throw new Refused(422, 'invalid', ['Not complete', 'Neúplné'], ['Something is missing.', 'Něco chybí.'], { errors: [{ field: 'reason', code: 'required', message: ['Say why.', 'Uveďte důvod.'] }] });
    setState('sales.order', order, 'cancelled', actor, 'sales.order.cancel', lang);
    return { _result: { message: ['The order is cancelled, nothing stays reserved.', 'Objednávka je zrušena, nic nezůstalo rezervováno.'], links: [], next: [] } };
  },
  'sales.order.remind': (input) => {
    if (!input.on) throw new Refused(422, 'invalid', ['Not complete', 'Neúplné'], null, { errors: [{ field: 'on', code: 'required', message: ['Day is missing.', 'Chybí údaj: Den.'] }] });
    return { _result: { message: ['The call is planned.', 'Hovor je naplánován.'], links: [], next: [] } };
  },
  'inventory.delivery.ship': (input, actor, lang) => {
    const delivery = db['inventory.delivery'].find((row) => row.id === input.delivery) ?? (() => { throw notFound(); })();
    if (delivery.state !== 'ready') throw wrongState();
    const short = delivery.lines.find((line) => (stock[line.product] ?? 0) < Number(line.quantity));
    if (short) {
      const name = titleOf('product.product', short.product);
      const missing = Number(short.quantity) - (stock[short.product] ?? 0);
      throw new Refused(409, 'inventory.not_enough', ['There is not enough stock', 'Na skladě není dost zboží'],
        [`${name}: ${short.quantity * 1} needed, ${stock[short.product]} at Main warehouse, ${missing} missing.`, `${name}: potřeba ${short.quantity * 1}, v Hlavním skladu ${stock[short.product]}, chybí ${missing}.`], {
          needs: [{ what: { entity: 'product.product', id: short.product }, quantity: String(missing), place: { entity: 'inventory.location', id: 1 } }],
          actions: [
            { operation: 'inventory.receipt.receive', label: [`Receive ${missing} × ${name}`, `Přijmout ${missing} × ${name}`], input: { product: short.product, quantity: String(missing) } },
            { operation: 'inventory.delivery.ship_part', label: ['Ship what is there', 'Odeslat, co je na skladě'], input: { delivery: delivery.id, lines: delivery.lines.map((line) => ({ product: line.product, quantity: String(Math.min(line.quantity, stock[line.product] ?? 0)) })) } },
          ],
        });
    }
    delivery.lines.forEach((line) => { stock[line.product] -= Number(line.quantity); line.shipped = line.quantity; });
    setState('inventory.delivery', delivery, 'shipped', actor, 'inventory.delivery.ship', lang);
    db['process.task'].filter((task) => task.state === 'open' && task.operation_input?.delivery === delivery.id).forEach((task) => finishTask(task, actor, lang));
    return { _result: { message: [`${delivery.number} is shipped to ${titleOf('party.party', delivery.party)}.`, `${delivery.number}: odesláno, příjemce ${titleOf('party.party', delivery.party)}.`], links: [{ entity: 'inventory.delivery', id: delivery.id, title: delivery.number }, { entity: 'sales.order', id: delivery.order, title: titleOf('sales.order', delivery.order) }], next: [{ message: ['Accounts issue the invoice.', 'Účtárna vystaví fakturu.'] }] } };
  },
  'inventory.delivery.ship_part': (input, actor, lang) => {
    const delivery = db['inventory.delivery'].find((row) => row.id === input.delivery);
    setState('inventory.delivery', delivery, 'shipped', actor, 'inventory.delivery.ship_part', lang);
    return { _result: { message: ['Shipped in part, the rest waits.', 'Odeslána část, zbytek čeká.'], links: [], next: [] } };
  },
  'inventory.receipt.receive': (input) => {
    if (!input.cost?.amount) throw new Refused(422, 'invalid', ['Not complete', 'Neúplné'], null, { errors: [{ field: 'cost', code: 'required', message: ['Unit cost is missing.', 'Chybí údaj: Cena za kus.'] }] });
    stock[input.product] = (stock[input.product] ?? 0) + Number(input.quantity);
    return { _result: { message: [`Received: ${input.quantity} × ${titleOf('product.product', input.product)}.`, `Přijato: ${input.quantity} × ${titleOf('product.product', input.product)}.`], links: [{ entity: 'product.product', id: input.product, title: titleOf('product.product', input.product) }], next: [] } };
  },
  'inventory.move.count': () => ({ _result: { message: ['Counted.', 'Spočteno.'], links: [], next: [] } }),
  'process.task.complete': (input, actor, lang) => {
    const task = db['process.task'].find((row) => row.id === input.task) ?? (() => { throw notFound(); })();
    if (task.state === 'done') throw wrongState();
    if (task.operation) return handlers[task.operation](task.operation_input, actor, lang);
    if (!input.values?.answer) throw new Refused(422, 'invalid', ['Not complete', 'Neúplné'], null, { errors: [{ field: 'answer', code: 'required', message: ['Say how it went.', 'Napište, jak to dopadlo.'] }] });
    finishTask(task, actor, lang);
    return { _result: { message: ['The call is noted.', 'Hovor je zapsán.'], links: [], next: [] } };
  },
  'process.task.claim': (input, actor) => { const task = db['process.task'].find((row) => row.id === input.task); task.assignee = actor.id; task.state = 'claimed'; changed('process.task', task, 'changed', actor); return { _result: { message: ['It is yours.', 'Je Váš.'], links: [], next: [] } }; },
  'process.task.release': (input, actor) => { const task = db['process.task'].find((row) => row.id === input.task); task.assignee = null; task.state = 'open'; changed('process.task', task, 'changed', actor); return { _result: { message: ['Given back.', 'Vráceno.'], links: [], next: [] } }; },
  'process.task.delegate': (input, actor) => { const task = db['process.task'].find((row) => row.id === input.task); changed('process.task', task, 'changed', actor); return { _result: { message: ['Handed over.', 'Předáno.'], links: [], next: [] } }; },
};

const taskRow = (row, lang) => ({ id: row.id, title: say(row.title, lang), kind: row.kind, state: row.state, due: row.due, overdue: Boolean(row.due && row.due < '2026-11-24T12'), priority: 1, party: row.party, party_title: titleOf('party.party', row.party), subject: row.subject, subject_title: titleOf(row.subject.entity, row.subject.id, lang), process: say(['Order to cash', 'Od objednávky k penězům'], lang), step: row.operation ? say(['Ship', 'Odeslání'], lang) : say(['Call', 'Hovor'], lang), assignee: row.assignee, assignee_name: people.find((person) => person.id === row.assignee)?.name ?? null, role: row.role });

const reads = {
  'sales.report.overview': (query) => {
    const orders = db['sales.order'].filter((row) => !query.get('state') || row.state === query.get('state')).map((row) => compute('sales.order', row));
    const sum = (rows) => money(rows.reduce((all, row) => all + minor(row.total.amount), 0));
    const customers = [...new Set(orders.map((row) => row.customer))].map((id) => ({ name: titleOf('party.party', id), total: sum(orders.filter((row) => row.customer === id)) }));
    return { total: sum(orders), orders: orders.length, customers };
  },
  'process.inbox.mine': (query, actor, lang) => ({ tasks: db['process.task'].filter((row) => ['open', 'claimed'].includes(row.state)).map((row) => taskRow(row, lang)) }),
  'process.task.show': (query, actor, lang) => {
    const row = db['process.task'].find((each) => each.id === Number(query.get('task')));
    if (!row) throw notFound();
    return {
      task: taskRow(row, lang), operation: row.operation ?? null, operation_label: row.operation ? say(operations[row.operation].label, lang) : null, operation_input: row.operation_input ?? {},
      instruction: say(row.operation ? ['Pack the goods by the list and hand them to the carrier.\n\n- Check that **nothing is broken**.\n- Put the delivery note into the box.\n\n<script>alert(1)</script>', 'Zabalte zboží podle seznamu a předejte dopravci.\n\n- Zkontrolujte, že **nic není rozbité**.\n- Do krabice vložte dodací list.'] : ['Ask how they were satisfied and what they will need.', 'Zeptejte se, jak byli spokojeni a co budou potřebovat.'], lang),
      form: row.operation ? [] : say([{ name: 'answer', label: ['How it went', 'Jak to dopadlo'], kind: 'long_text', required: true, input: true }, { name: 'again', label: ['Call again on', 'Zavolat znovu'], kind: 'date', required: false }], lang),
      values: {}, why: say(['The order is confirmed, and you are the storekeeper on duty.', 'Objednávka je potvrzena a službu ve skladu máte Vy.'], lang),
      next: say([['Accounts issue the invoice (Marie Veselá).', 'Účtárna vystaví fakturu (Marie Veselá).']], lang), party: row.party, subject: row.subject,
      steps: say([{ element: 'a', name: ['Order confirmed', 'Objednávka potvrzena'], state: 'done' }, { element: 'b', name: ['Ship', 'Odeslání'], state: 'current' }, { element: 'c', name: ['Invoice', 'Faktura'], state: 'ahead' }, { element: 'd', name: ['Payment', 'Platba'], state: 'ahead' }], lang),
    };
  },
};

async function bodyOf(request) {
  const parts = [];
  for await (const part of request) parts.push(part);
  return Buffer.concat(parts);
}

function sessionBody(user, lang) {
  return { user: user ? { id: user.id, login: user.user, name: user.name, language: 'cs' } : null, company: setupDone ? { id: 1, name: 'Hrnečky s.r.o.' } : null, demo: setupDone ? say(people, lang) : [], setup: !setupDone };
}

async function api(request, response, url) {
  const query = url.searchParams;
  const lang = query.get('lang') === 'cs' ? 'cs' : 'en';
  const path = url.pathname.slice('/api/v1/'.length).split('/').map(decodeURIComponent);
  const cookie = /celek_session=([^;]+)/.exec(request.headers.cookie ?? '')?.[1];
  const user = sessions.get(cookie);
  const json = (value, status = 200, headers = {}) => {
    response.writeHead(status, { 'Content-Type': status >= 400 ? 'application/problem+json' : 'application/json', ...headers });
    response.end(JSON.stringify(value));
  };
  try {
    const raw = request.method === 'GET' ? null : await bodyOf(request);
    const isForm = (request.headers['content-type'] ?? '').startsWith('multipart');
    const body = raw?.length && !isForm ? JSON.parse(raw.toString()) : {};
    if (DELAY) await new Promise((resolve) => setTimeout(resolve, DELAY));
    if (path[0] === 'setup') {
      if (body.token !== 'once') throw new Refused(403, 'token', ['The link is not valid', 'Odkaz neplatí'], ['It was used, or it is older than 30 minutes.', 'Byl už použit, nebo je starší než 30 minut.']);
      setupDone = true;
      return json({});
    }
    if (path[0] === 'session') {
      if (request.method === 'POST') {
        const who = people.find((person) => person.user === body.user);
        if (!who || body.password !== 'demo') throw new Refused(401, 'sign_in', ['Sign-in failed', 'Přihlášení se nezdařilo'], ['The user or the password is not right.', 'Uživatel nebo heslo nesouhlasí.']);
        const token = Math.random().toString(36).slice(2);
        sessions.set(token, who);
        return json(sessionBody(who, lang), 200, { 'Set-Cookie': `celek_session=${token}; HttpOnly; SameSite=Strict; Path=/` });
      }
      if (request.method === 'DELETE') { sessions.delete(cookie); return json({}); }
      return json(sessionBody(user, lang));
    }
    if (!user) throw new Refused(401, 'signed_out', ['Signed out', 'Odhlášeno'], ['Sign in again.', 'Přihlaste se znovu.']);
    if (path[0] === 'meta') {
      return json({ version: 'mock', user: { id: user.id, login: user.user, name: user.name, language: 'cs', roles: [user.user] }, company: { id: 1, name: 'Hrnečky s.r.o.', currency: 'CZK', time_zone: 'Europe/Prague', language: 'cs', demo: true }, languages: [{ code: 'cs', name: 'Čeština' }, { code: 'en', name: 'English' }], roles: [{ code: 'sales', label: lang === 'cs' ? 'Obchod' : 'Sales' }, { code: 'stock', label: lang === 'cs' ? 'Sklad' : 'Warehouse' }], areas: say(areas, lang), entities: say(entities, lang), operations: say(operations, lang) });
    }
    if (path[0] === 'events') {
      response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-cache' });
      response.write('event: hello\ndata: {}\n\n');
      events.push(response);
      request.on('close', () => { events = events.filter((each) => each !== response); });
      return undefined;
    }
    if (path[0] === 'files') {
      if (request.method === 'GET') { response.writeHead(200, { 'Content-Type': 'application/octet-stream' }); return response.end(files.get(Number(path[1]))?.content ?? ''); }
      const text = raw.toString('latin1');
      const part = (name) => new RegExp(`name="${name}"\\r\\n\\r\\n([^\\r]*)`).exec(text)?.[1];
      const name = /filename="([^"]*)"/.exec(text)?.[1] ?? 'file';
      const file = { id: files.size + 1, name: Buffer.from(name, 'latin1').toString(), media_type: 'text/plain', size: raw.length, at: new Date().toISOString(), by: user.name };
      files.set(file.id, { ...file, content: raw });
      if (part('entity')) (attachments[`${part('entity')}#${part('id')}`] ??= []).push(file);
      return json(file, 201);
    }
    if (path[0] === 'operations') {
      const name = path[1];
      if (request.method === 'GET') {
        if (operations[name]?.file) { response.writeHead(200, { 'Content-Type': 'text/plain; charset=utf-8' }); return response.end('Printed.'); }
        if (!reads[name]) throw notFound();
        return json(reads[name](query, user, lang));
      }
      if (!handlers[name]) throw notFound();
      const key = request.headers['idempotency-key'];
      if (key && done.has(key)) return json(done.get(key));
      const answer = say(handlers[name](body, user, lang), lang);
      if (key) done.set(key, answer);
      return json(answer);
    }
    if (path[0] === 'entities') {
      const [, name, id, part, panel] = path;
      if (!entities[name]) throw notFound();
      if (id === 'draft') return json(evaluate(name, body, lang));
      if (!id) {
        if (request.method === 'POST') return json(write(name, body, null, null, user, lang), 201);
        if (query.get('format') === 'csv') {
          response.writeHead(200, { 'Content-Type': 'text/csv; charset=utf-8' });
          return response.end(list(name, query, lang).rows.map((row) => Object.values(row).map((value) => JSON.stringify(value)).join(',')).join('\n'));
        }
        return json(list(name, query, lang));
      }
      const row = db[name].find((each) => each.id === Number(id));
      if (!row) throw notFound();
      if (part === 'history') return json({ rows: history.filter((each) => each.entity === name && each.id === row.id), next: null });
      if (part === 'links') {
        const rows = name === 'sales.order' ? db['inventory.delivery'].filter((each) => each.order === row.id).map((each) => ({ entity: 'inventory.delivery', entity_label: say(entities['inventory.delivery'].label, lang), id: each.id, title: each.number, status: each.state, direction: 'in' })) : [];
        return json({ rows });
      }
      if (part === 'attachments') return json({ rows: attachments[`${name}#${row.id}`] ?? [] });
      if (part === 'panels') {
        const of = entities[name].panels.find((each) => each.key === panel);
        const by = of.entity === 'sales.order' ? 'customer' : 'order';
        const rows = db[of.entity].filter((each) => each[by] === row.id).map((each) => present(of.entity, each, lang, true, false));
        return json({ rows: rows.slice(0, 20), sums: of.sums.length ? { total: money(rows.reduce((sum, each) => sum + minor(each.total.amount), 0)) } : {}, next: null });
      }
      if (request.method === 'PATCH') return json(write(name, body, row.id, /\d+/.exec(request.headers['if-match'] ?? '')?.[0], user, lang));
      if (request.method === 'DELETE') { row.archived = true; changed(name, row, 'deleted', user); response.writeHead(204); return response.end(); }
      return json({ ...present(name, row, lang, query.get('titles'), true), ...(query.get('operations') ? { _operations: allowed(name, row, lang) } : {}) }, 200, { ETag: `"${row.rev}"` });
    }
    throw notFound();
  } catch (error) {
    if (error instanceof Refused) return json(say(error.problem, lang), error.problem.status);
    console.error(error);
    return json({ title: 'Mock failed', status: 500, detail: String(error.message), code: 'mock', request: 'mock' }, 500);
  }
}

const types = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml' };
const POLICY = "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; connect-src 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'";

function client(response, url) {
  let file = join(dist, normalize(url.pathname));
  if (!file.startsWith(dist) || !existsSync(file) || !statSync(file).isFile()) file = join(dist, 'index.html');
  if (!existsSync(file)) { response.writeHead(404); return response.end('npm run build first, or use npm run dev'); }
  response.writeHead(200, { 'Content-Type': types[extname(file)] ?? 'application/octet-stream', 'Content-Security-Policy': POLICY });
  createReadStream(file).pipe(response);
}

createServer((request, response) => {
  const url = new URL(request.url, 'http://mock');
  if (url.pathname.startsWith('/api/')) void api(request, response, url);
  else client(response, url);
}).listen(PORT, '127.0.0.1', () => console.log(`Mock on http://127.0.0.1:${PORT}`));
