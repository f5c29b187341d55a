// What the mock server knows: a few entities in the shape of docs/api.md. Texts are [English, Czech].

const f = (name, label, kind, more = {}) => ({
  name, label, kind, help: null, to: null, required: false, by_operation: false, read_only: false, default: null, role: null,
  scale: null, max: null, choices: null, sorted: false, searchable: false, custom: false, ...more,
});
const c = (value, label, colour) => ({ value, label, colour });

const rights = { read: true, create: true, write: true, delete: true };

export const entities = {
  'party.party': {
    label: ['Customer or partner', 'Zákazník či partner'], plural: ['Customers', 'Zákazníci'], help: null, title: 'name', status: null,
    append_only: false, rights,
    fields: [
      f('name', ['Name', 'Název'], 'text', { required: true, sorted: true, searchable: true, max: 200, role: 'title' }),
      f('kind', ['Kind', 'Druh'], 'choice', { required: true, default: 'company', choices: [c('company', ['Company', 'Firma']), c('person', ['Person', 'Osoba'])] }),
      f('reg_no', ['Registration number', 'IČO'], 'text', { help: ['Number in the register of companies.', 'Číslo v rejstříku firem.'] }),
      f('vat_no', ['VAT number', 'DIČ'], 'text'),
      f('email', ['E-mail', 'E-mail'], 'email'),
      f('phone', ['Phone', 'Telefon'], 'phone'),
      f('country', ['Country', 'Země'], 'country', { sorted: true, default: 'CZ' }),
      f('language', ['Language', 'Jazyk'], 'language'),
      f('credit_limit', ['Credit limit', 'Úvěrový limit'], 'money', { help: ['Orders above it wait for approval.', 'Objednávky nad něj čekají na schválení.'] }),
      f('tags', ['Tags', 'Štítky'], 'many', { to: 'party.tag' }),
      f('active_since', ['Customer since', 'Zákazníkem od'], 'date', { sorted: true }),
      f('note', ['Note', 'Poznámka'], 'long_text'),
    ],
    lines: [], operations: [],
    view: {
      list: [{ field: 'name', width: 320, priority: 1 }, { field: 'kind', priority: 3 }, { field: 'email', priority: 2 }, { field: 'country', priority: 2 }, { field: 'active_since', priority: 3 }, { field: 'credit_limit', width: 160, priority: 1 }],
      card: { title: 'name', subtitle: 'email', badge: 'kind', amount: null, date: null },
      sections: [{ key: 'main', label: ['Who it is', 'Kdo to je'], fields: ['name', 'kind', 'email', 'phone', 'country', 'language'] }, { key: 'trade', label: ['Trade', 'Obchod'], fields: ['credit_limit', 'active_since', 'tags'] }],
      more: ['reg_no', 'vat_no', 'note'], lines: {}, operations: [],
      filters: [{ key: 'companies', label: ['Companies', 'Firmy'], filter: { kind: 'company' } }, { key: 'persons', label: ['People', 'Osoby'], filter: { kind: 'person' } }],
      sort: 'name', group: null, empty: ['Customers and suppliers stand here. Create one, or convert a lead.', 'Zde jsou zákazníci a dodavatelé. Založte záznam, nebo převeďte poptávku.'],
    },
    panels: [{ key: 'orders', label: ['Orders', 'Objednávky'], entity: 'sales.order', columns: ['number', 'state', 'total'], sums: ['total'], path: 'customer', filter: null }],
  },
  'party.tag': {
    label: ['Tag', 'Štítek'], plural: ['Tags', 'Štítky'], title: 'name', status: null, append_only: false, rights,
    fields: [f('name', ['Name', 'Název'], 'text', { required: true, searchable: true })], lines: [], operations: [], view: null, panels: [],
  },
  'product.product': {
    label: ['Product', 'Produkt'], plural: ['Products', 'Produkty'], title: 'name', status: null, append_only: false, rights,
    fields: [
      f('code', ['Code', 'Kód'], 'text', { required: true, sorted: true, searchable: true }),
      f('name', ['Name', 'Název'], 'text', { required: true, sorted: true, searchable: true }),
      f('price', ['Price', 'Cena'], 'money', { sorted: true }),
      f('service', ['Service', 'Služba'], 'bool'),
      f('weight', ['Weight (kg)', 'Hmotnost (kg)'], 'dec', { scale: 3 }),
    ],
    lines: [], operations: [],
    view: { list: [{ field: 'code', width: 140, priority: 1 }, { field: 'name', priority: 1 }, { field: 'service', priority: 3 }, { field: 'weight', width: 150, priority: 2 }, { field: 'price', width: 160, priority: 1 }], card: { title: 'name', subtitle: 'code', amount: 'price' }, sections: [{ key: 'main', label: ['Product', 'Produkt'], fields: ['code', 'name', 'price', 'service', 'weight'] }], more: [], lines: {}, operations: [], filters: [], sort: 'code', group: null, empty: ['What you sell and buy.', 'Co prodáváte a nakupujete.'] },
    panels: [],
  },
  'sales.order': {
    label: ['Order', 'Objednávka'], plural: ['Orders', 'Objednávky'], help: ['What a customer ordered.', 'Co si zákazník objednal.'],
    title: 'number', status: 'state', append_only: false, rights,
    fields: [
      f('number', ['Number', 'Číslo'], 'text', { by_operation: true, sorted: true, searchable: true, role: 'title' }),
      f('state', ['State', 'Stav'], 'choice', { by_operation: true, sorted: true, role: 'status', choices: [c('draft', ['Draft', 'Rozpracováno'], 'grey'), c('confirmed', ['Confirmed', 'Potvrzeno'], 'blue'), c('delivered', ['Delivered', 'Dodáno'], 'green'), c('cancelled', ['Cancelled', 'Zrušeno'], 'red')] }),
      f('customer', ['Customer', 'Zákazník'], 'ref', { to: 'party.party', required: true, sorted: true, help: ['Who ordered.', 'Kdo objednal.'] }),
      f('date', ['Date', 'Datum'], 'date', { required: true, sorted: true }),
      f('due', ['Promised for', 'Slíbeno na'], 'date', { role: 'due', help: ['When the goods should arrive.', 'Kdy má zboží dorazit.'] }),
      f('price_list', ['Price list', 'Ceník'], 'text'),
      f('owner', ['Salesperson', 'Obchodník'], 'text', { role: 'owner' }),
      f('invoicing', ['Invoiced by', 'Fakturace podle'], 'choice', { choices: [c('ordered', ['Ordered quantity', 'Objednaného množství']), c('delivered', ['Delivered quantity', 'Dodaného množství'])], default: 'delivered' }),
      f('note', ['Note', 'Poznámka'], 'long_text'),
      f('reference', ['Their reference', 'Jejich značka'], 'text', { searchable: true }),
      f('created', ['Created', 'Vytvořeno'], 'timestamp', { read_only: true }),
      f('net', ['Net', 'Bez daně'], 'money', { read_only: true }),
      f('tax', ['VAT', 'DPH'], 'money', { read_only: true }),
      f('total', ['Total', 'Celkem'], 'money', { read_only: true, sorted: true, role: 'amount' }),
    ],
    lines: [{ name: 'lines', label: ['Lines', 'Položky'], entity: 'sales.order_line', by: 'order' }],
    operations: ['sales.order.confirm', 'sales.order.cancel', 'sales.order.print', 'sales.order.remind'],
    view: {
      list: [{ field: 'number', width: 150, priority: 1 }, { field: 'customer', priority: 1 }, { field: 'date', width: 130, priority: 2 }, { field: 'due', width: 130, priority: 3 }, { field: 'owner', width: 140, priority: 3 }, { field: 'state', width: 140, priority: 1 }, { field: 'total', width: 160, priority: 1 }],
      card: { title: 'number', subtitle: 'customer', badge: 'state', amount: 'total', date: 'date' },
      sections: [
        { key: 'main', label: ['Order', 'Objednávka'], fields: ['customer', 'date', 'price_list', 'due', 'owner', 'invoicing', 'note'] },
        { key: 'totals', label: ['Totals', 'Součty'], fields: ['net', 'tax', 'total'] },
      ],
      more: ['reference', 'created'], lines: { lines: ['product', 'quantity', 'price', 'discount', 'net'] },
      operations: ['sales.order.confirm', 'sales.order.print', 'sales.order.remind', 'sales.order.cancel'],
      filters: [{ key: 'open', label: ['Drafts', 'Rozpracované'], filter: { state: 'draft' } }, { key: 'confirmed', label: ['Confirmed', 'Potvrzené'], filter: { state: 'confirmed' } }, { key: 'delivered', label: ['Delivered', 'Dodané'], filter: { state: 'delivered' } }],
      sort: '-id', group: null, empty: ['An order says what a customer wants. Create one, or accept a quote.', 'Objednávka říká, co zákazník chce. Založte ji, nebo přijměte nabídku.'],
    },
    panels: [{ key: 'deliveries', label: ['Deliveries', 'Dodávky'], entity: 'inventory.delivery', columns: ['number', 'state'], sums: [], path: 'order', filter: null }],
  },
  'sales.order_line': {
    label: ['Order line', 'Položka objednávky'], plural: ['Order lines', 'Položky objednávek'], title: null, status: null, append_only: false, rights,
    fields: [
      f('order', ['Order', 'Objednávka'], 'ref', { to: 'sales.order', required: true }),
      f('product', ['Product', 'Produkt'], 'ref', { to: 'product.product', required: true }),
      f('quantity', ['Quantity', 'Množství'], 'dec', { required: true, scale: 3, default: '1' }),
      f('price', ['Price', 'Cena'], 'money'),
      f('discount', ['Discount %', 'Sleva %'], 'dec', { scale: 2 }),
      f('net', ['Net', 'Bez daně'], 'money', { read_only: true }),
    ],
    lines: [], operations: [], view: null, panels: [],
  },
  'inventory.delivery': {
    label: ['Delivery', 'Dodávka'], plural: ['Deliveries', 'Dodávky'], title: 'number', status: 'state', append_only: false, rights: { ...rights, create: false },
    fields: [
      f('number', ['Number', 'Číslo'], 'text', { by_operation: true, sorted: true, searchable: true }),
      f('state', ['State', 'Stav'], 'choice', { by_operation: true, choices: [c('ready', ['To ship', 'K odeslání'], 'blue'), c('shipped', ['Shipped', 'Odesláno'], 'green'), c('cancelled', ['Cancelled', 'Zrušeno'], 'red')] }),
      f('order', ['Order', 'Objednávka'], 'ref', { to: 'sales.order', read_only: true }),
      f('party', ['Customer', 'Zákazník'], 'ref', { to: 'party.party', read_only: true }),
      f('due', ['Promised for', 'Slíbeno na'], 'date', { sorted: true }),
      f('carrier', ['Carrier', 'Dopravce'], 'text'),
    ],
    lines: [{ name: 'lines', label: ['Goods', 'Zboží'], entity: 'inventory.delivery_line', by: 'delivery' }],
    operations: ['inventory.delivery.ship', 'inventory.delivery.ship_part'],
    view: { list: [{ field: 'number', width: 150, priority: 1 }, { field: 'party', priority: 1 }, { field: 'order', width: 160, priority: 2 }, { field: 'due', width: 130, priority: 2 }, { field: 'state', width: 140, priority: 1 }], card: { title: 'number', subtitle: 'party', badge: 'state', date: 'due' }, sections: [{ key: 'main', label: ['Delivery', 'Dodávka'], fields: ['party', 'order', 'due', 'carrier'] }], more: [], lines: { lines: ['product', 'quantity', 'shipped'] }, operations: ['inventory.delivery.ship', 'inventory.delivery.ship_part'], filters: [{ key: 'ready', label: ['To ship', 'K odeslání'], filter: { state: 'ready' } }], sort: '-id', group: null, empty: ['A confirmed order makes a delivery.', 'Dodávku založí potvrzená objednávka.'] },
    panels: [],
  },
  'inventory.delivery_line': {
    label: ['Delivery line', 'Položka dodávky'], plural: ['Delivery lines', 'Položky dodávek'], title: null, status: null, append_only: false, rights,
    fields: [
      f('delivery', ['Delivery', 'Dodávka'], 'ref', { to: 'inventory.delivery' }),
      f('product', ['Product', 'Produkt'], 'ref', { to: 'product.product', required: true, read_only: true }),
      f('quantity', ['Ordered', 'Objednáno'], 'dec', { scale: 3, read_only: true }),
      f('shipped', ['Shipped', 'Odesláno'], 'dec', { scale: 3, by_operation: true }),
    ],
    lines: [], operations: [], view: null, panels: [],
  },
  'inventory.move': {
    label: ['Stock move', 'Pohyb zboží'], plural: ['Stock moves', 'Pohyby zboží'], title: null, status: null, append_only: true, rights: { ...rights, write: false, delete: false },
    fields: [f('at', ['When', 'Kdy'], 'timestamp', { sorted: true }), f('product', ['Product', 'Produkt'], 'ref', { to: 'product.product' }), f('quantity', ['Quantity', 'Množství'], 'dec', { scale: 3 }), f('document', ['Document', 'Doklad'], 'any_ref')],
    lines: [], operations: [], view: { list: [{ field: 'at', width: 180 }, { field: 'product' }, { field: 'document' }, { field: 'quantity', width: 140 }], sections: [], more: [], filters: [], sort: '-id', empty: ['Nothing has moved yet.', 'Zatím se nic nepohnulo.'] }, panels: [],
  },
  'process.task': {
    label: ['Task', 'Úkol'], plural: ['Tasks', 'Úkoly'], title: 'title', status: 'state', append_only: false, rights: { ...rights, create: false, delete: false },
    fields: [
      f('title', ['Title', 'Název'], 'text', { required: true, searchable: true }),
      f('state', ['State', 'Stav'], 'choice', { by_operation: true, choices: [c('open', ['Open', 'Čeká'], 'blue'), c('claimed', ['Taken', 'Převzato'], 'blue'), c('done', ['Done', 'Hotovo'], 'green'), c('cancelled', ['Cancelled', 'Zrušeno'], 'grey')] }),
      f('party', ['Customer', 'Zákazník'], 'ref', { to: 'party.party', read_only: true }),
      f('due', ['Due', 'Termín'], 'timestamp', { sorted: true }),
    ],
    lines: [], operations: [], view: { list: [{ field: 'title', priority: 1 }, { field: 'party', priority: 2 }, { field: 'due', width: 180, priority: 2 }, { field: 'state', width: 130, priority: 1 }], sections: [], more: [], filters: [{ key: 'open', label: ['Open', 'Čekající'], filter: { state: 'open' } }], sort: '-id', empty: ['No tasks.', 'Žádné úkoly.'] }, panels: [],
  },
};

const operation = (label, more) => ({ label, help: null, on: null, target: null, when: null, button: null, read: false, dangerous: false, inverse: null, file: false, input: [], output: [], ...more });
const target = (name, to) => f(name, ['Record', 'Záznam'], 'ref', { to, required: true });

export const operations = {
  'sales.order.confirm': operation(['Confirm', 'Potvrdit'], { on: 'sales.order', target: 'order', when: ['draft'], button: 1, help: ['Reserves the goods and makes the delivery.', 'Rezervuje zboží a založí dodávku.'], input: [target('order', 'sales.order')] }),
  'sales.order.cancel': operation(['Cancel order', 'Zrušit objednávku'], { on: 'sales.order', target: 'order', button: 2, dangerous: true, input: [target('order', 'sales.order'), f('reason', ['Reason', 'Důvod'], 'text', { required: true })] }),
  'sales.order.print': operation(['Print', 'Tisk'], { on: 'sales.order', target: 'order', button: 2, read: true, file: true, input: [target('order', 'sales.order')] }),
  'sales.order.remind': operation(['Plan a call', 'Naplánovat hovor'], { on: 'sales.order', target: 'order', button: 2, input: [target('order', 'sales.order'), f('on', ['Day', 'Den'], 'date', { required: true }), f('note', ['What about', 'O čem'], 'long_text')] }),
  'inventory.delivery.ship': operation(['Ship', 'Odeslat'], { on: 'inventory.delivery', target: 'delivery', when: ['ready'], button: 1, input: [target('delivery', 'inventory.delivery')] }),
  'inventory.delivery.ship_part': operation(['Ship part', 'Odeslat část'], {
    on: 'inventory.delivery', target: 'delivery', when: ['ready'], button: 2,
    input: [target('delivery', 'inventory.delivery'), f('lines', ['What goes', 'Co se odešle'], 'list', { required: true, fields: [f('product', ['Product', 'Produkt'], 'ref', { to: 'product.product', read_only: true }), f('quantity', ['Quantity', 'Množství'], 'dec', { scale: 3, required: true })] })],
  }),
  'inventory.receipt.receive': operation(['Receive goods', 'Přijmout zboží'], { input: [f('product', ['Product', 'Produkt'], 'ref', { to: 'product.product', required: true }), f('quantity', ['Quantity', 'Množství'], 'dec', { scale: 3, required: true }), f('cost', ['Unit cost', 'Cena za kus'], 'money', { required: true })] }),
  'inventory.move.count': operation(['Count stock', 'Inventura'], { button: 2, input: [f('product', ['Product', 'Produkt'], 'ref', { to: 'product.product', required: true }), f('counted', ['Counted', 'Spočteno'], 'dec', { scale: 3, required: true })] }),
  'sales.report.overview': operation(['Overview', 'Přehled'], {
    read: true, help: ['How it goes.', 'Jak to jde.'], button: 0,
    input: [f('state', ['State', 'Stav'], 'choice', { choices: [c('draft', ['Draft', 'Rozpracováno'], 'grey'), c('confirmed', ['Confirmed', 'Potvrzeno'], 'blue')] })],
    output: [f('total', ['Total', 'Celkem'], 'money'), f('orders', ['Orders', 'Objednávky'], 'int'), f('customers', ['Customers', 'Zákazníci'], 'list', { fields: [f('name', ['Name', 'Název'], 'text'), f('total', ['Total', 'Celkem'], 'money')] })],
  }),
  'process.task.complete': operation(['Done', 'Hotovo'], { on: 'process.task', target: 'task', input: [target('task', 'process.task'), f('values', ['Values', 'Hodnoty'], 'json')] }),
  'process.task.claim': operation(['Take it', 'Převzít'], { on: 'process.task', target: 'task', button: 2, input: [target('task', 'process.task')] }),
  'process.task.release': operation(['Give it back', 'Vrátit'], { on: 'process.task', target: 'task', button: 2, input: [target('task', 'process.task')] }),
  'process.task.delegate': operation(['Hand over', 'Předat'], { on: 'process.task', target: 'task', button: 2, input: [target('task', 'process.task'), f('to', ['To whom', 'Komu'], 'ref', { to: 'party.party', required: true })] }),
};

export const areas = [
  { key: 'customers', label: ['Customers', 'Zákazníci'], entities: ['party.party', 'party.tag'], operations: [] },
  { key: 'sales', label: ['Sales', 'Prodej'], entities: ['sales.order'], operations: ['sales.report.overview'] },
  { key: 'goods', label: ['Goods', 'Zboží'], entities: ['product.product', 'inventory.delivery', 'inventory.move'], operations: [] },
  { key: 'processes', label: ['Processes', 'Procesy'], entities: ['process.task'], operations: [] },
];

export const people = [
  { id: 1, user: 'sales', name: 'Jana Nová', does: ['Salesperson: leads, quotes, orders', 'Obchodnice: poptávky, nabídky, objednávky'] },
  { id: 2, user: 'stock', name: 'Petr Skála', does: ['Storekeeper: receives, ships, counts', 'Skladník: přijímá, odesílá, počítá'] },
  { id: 3, user: 'accounts', name: 'Marie Veselá', does: ['Accountant: invoices, payments, closing', 'Účetní: faktury, platby, uzávěrky'] },
  { id: 4, user: 'manager', name: 'Tomáš Dvořák', does: ['Manager: sees how it goes', 'Vedoucí: vidí, jak to jde'] },
];

const money = (amount) => ({ amount: Number(amount).toFixed(2), currency: 'CZK' });

export function seed() {
  const db = Object.fromEntries(Object.keys(entities).map((name) => [name, []]));
  const put = (name, row) => {
    const full = { id: db[name].length + 1, rev: 1, archived: false, ...row };
    db[name].push(full);
    return full;
  };
  const names = ['Pekařství Žitný s.r.o.', 'ACME s.r.o.', 'Kavárna U Mlýna', 'Hotel Praha a.s.', 'Ludmila Černá', 'Řeznictví Dvořák', 'Škoda & synové', 'Truhlářství Březina', 'Nordwind GmbH', 'Bistro Zelená'];
  for (let i = 0; i < 130; i += 1) {
    const name = i < names.length ? names[i] : `${names[i % names.length]} ${i}`;
    put('party.party', { name, kind: name.startsWith('Ludmila') ? 'person' : 'company', email: `objednavky${i}@example.com`, phone: '+420601234567', country: i % 9 === 8 ? 'DE' : 'CZ', language: 'cs', credit_limit: i % 3 ? money(50000 + i * 100) : null, tags: i % 4 ? [] : [1], active_since: `2024-0${(i % 9) + 1}-12`, note: null, reg_no: null, vat_no: null });
  }
  put('party.tag', { name: 'VIP' });
  put('party.tag', { name: 'HoReCa' });
  [['CUP-01', 'Hrnek bílý 300 ml', 89], ['CUP-02', 'Hrnek modrý 300 ml', 94.5], ['PLT-01', 'Talíř mělký', 129], ['BOX-05', 'Krabice dárková', 35], ['SHIP', 'Doprava', 150]].forEach(([code, name, price]) => put('product.product', { code, name, price: money(price), service: code === 'SHIP', kind: code === 'SHIP' ? 'service' : 'goods', weight: '0.350' }));
  const states = ['draft', 'confirmed', 'delivered', 'cancelled'];
  for (let i = 0; i < 60; i += 1) {
    const order = put('sales.order', { number: `SO-2026-${String(i + 1).padStart(4, '0')}`, state: states[(i * 7) % 4], customer: (i % 10) + 1, date: `2026-11-${String((i % 28) + 1).padStart(2, '0')}`, due: `2026-12-${String((i % 28) + 1).padStart(2, '0')}`, price_list: 'Základní', owner: 'Jana Nová', invoicing: 'delivered', note: i % 5 ? null : 'Zabalit jako dárek.', reference: null, created: '2026-11-24T08:30:00Z', lines: [] });
    order.lines = [{ id: i * 10 + 1, product: (i % 4) + 1, quantity: `${(i % 6) + 1}.000`, price: money(89), discount: null }, { id: i * 10 + 2, product: 4, quantity: '12.000', price: money(35), discount: '10.00' }];
  }
  put('inventory.delivery', { number: 'DL-2026-0001', state: 'ready', order: 2, party: 2, due: '2026-11-24', carrier: 'Zásilkovna', lines: [{ id: 1, product: 1, quantity: '5.000', shipped: '0.000' }, { id: 2, product: 4, quantity: '12.000', shipped: '0.000' }] });
  put('inventory.delivery', { number: 'DL-2026-0002', state: 'shipped', order: 3, party: 3, due: '2026-11-20', carrier: 'PPL', lines: [{ id: 3, product: 2, quantity: '2.000', shipped: '2.000' }] });
  put('process.task', { title: ['Ship DL-2026-0001', 'Odeslat DL-2026-0001'], state: 'open', party: 2, due: '2026-11-23T16:00:00Z', operation: 'inventory.delivery.ship', operation_input: { delivery: 1 }, subject: { entity: 'inventory.delivery', id: 1 }, role: 'stock', kind: 'step', assignee: null });
  put('process.task', { title: ['Call Kavárna U Mlýna', 'Zavolat: Kavárna U Mlýna'], state: 'open', party: 3, due: '2026-11-26T09:00:00Z', operation: null, subject: { entity: 'sales.order', id: 3 }, role: 'sales', kind: 'call', assignee: null });
  put('process.task', { title: ['Check the credit of Hotel Praha', 'Prověřit úvěr: Hotel Praha'], state: 'open', party: 4, due: null, operation: null, subject: { entity: 'sales.order', id: 4 }, role: 'sales', kind: 'step', assignee: null });
  return db;
}
