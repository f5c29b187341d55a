import { describe, expect, it } from 'vitest';
import type { Entity, Field, Meta, Row } from '../src/api/types';
import { groupable, groupPath, inOrder, intoGroup, summable, sumIn } from '../src/views/list/groups';
import { sortPath } from '../src/views/list/Grid';
import { filterOf, monthEdges, operatorsOf, readWhere, sendable, textValue, valueText, writeWhere, type Condition } from '../src/views/list/where';

const field = (name: string, kind: Field['kind'], more: Partial<Field> = {}): Field => ({ name, label: name, kind, ...more });
const fields = [
  field('number', 'text'), field('state', 'choice', { choices: [{ value: 'draft', label: 'Koncept' }, { value: 'done', label: 'Hotová' }] }),
  field('customer', 'ref', { to: 'party.party' }), field('date', 'date', { sorted: true }), field('total', 'money', { sorted: true }),
  field('quantity', 'dec', { role: 'amount' }), field('price', 'dec'), field('paid', 'bool'), field('tags', 'many', { to: 'party.tag' }),
  field('at', 'timestamp'), field('rows', 'lines'), field('meta', 'json'),
];
const entity: Entity = { label: 'Order', plural: 'Orders', rights: { read: true, create: true, write: true, delete: true }, fields };
const by = (name: string): Field => fields.find((each) => each.name === name)!;

describe('conditions in the address', () => {
  const conditions: Condition[] = [
    { field: 'state', op: 'eq', value: 'done' },
    { field: 'number', op: 'contains', value: '50 % sleva; nebo: víc' },
    { field: 'date', op: 'month', value: '2026-11' },
    { field: 'customer', op: 'empty', value: '' },
  ];

  it('come back as they went', () => {
    const text = writeWhere(conditions);
    expect(text).toContain('date:month:2026-11');
    expect(readWhere(text, entity)).toEqual(conditions);
    expect(writeWhere([])).toBeUndefined();
  });

  it.each(['nobody:eq:1', 'state', 'state:like:x', 'customer:eq:abc', 'date:ge:soon', 'paid:eq:maybe', 'total:ge:1;;', 'number:eq:%E0%A4%A', 'date:month:2026-13'])(
    'what makes no sense is left out: %s',
    (text) => expect(readWhere(text, entity).every((condition) => condition.field === 'total')).toBe(true),
  );

  it('become one filter, together with that of the view', () => {
    expect(filterOf(entity, undefined, [])).toBeUndefined();
    expect(filterOf(entity, { state: 'draft' }, [])).toEqual({ state: 'draft' });
    expect(filterOf(entity, undefined, [conditions[0]!])).toEqual({ state: { eq: 'done' } });
    expect(filterOf(entity, { paid: true }, [conditions[0]!, conditions[2]!])).toEqual({
      and: [{ paid: true }, { state: { eq: 'done' } }, { date: { ge: '2026-11-01', lt: '2026-12-01' } }],
    });
  });

  it('carry values of their kind', () => {
    expect(sendable(by('customer'), { field: 'customer', op: 'ne', value: '17' })).toEqual({ customer: { ne: 17 } });
    expect(sendable(by('tags'), { field: 'tags', op: 'eq', value: '3' })).toEqual({ tags: { in: [3] } });
    expect(sendable(by('paid'), { field: 'paid', op: 'eq', value: 'false' })).toEqual({ paid: { eq: false } });
    expect(sendable(by('total'), { field: 'total', op: 'ge', value: '1234.50' })).toEqual({ total: { ge: '1234.50' } });
    expect(sendable(by('customer'), { field: 'customer', op: 'filled', value: '' })).toEqual({ customer: { empty: false } });
    expect(sendable(by('date'), { field: 'date', op: 'ge', value: '@month' })).toEqual({ date: { ge: '@month' } });
  });

  it('go through the widgets and back', () => {
    for (const [name, value, text] of [['total', { amount: '5.50', currency: 'CZK' }, '5.50'], ['customer', 17, '17'], ['tags', [1, 2], '2'], ['paid', true, 'true'], ['state', 'done', 'done'], ['number', null, '']] as const) {
      expect(valueText(by(name), value)).toBe(text);
    }
    expect(textValue(by('total'), '5.50', 'EUR')).toEqual({ amount: '5.50', currency: 'EUR' });
    expect(textValue(by('customer'), '17', 'CZK')).toBe(17);
    expect(textValue(by('number'), '', 'CZK')).toBeNull();
  });

  it('ask of a field what its kind allows', () => {
    expect(operatorsOf(by('rows'))).toEqual([]);
    expect(operatorsOf(by('meta'))).toEqual([]);
    expect(operatorsOf(by('state'))).toContain('ne');
    expect(monthEdges('2026-12')).toEqual(['2026-12-01', '2027-01-01']);
    expect(monthEdges('2026-00')).toBeNull();
  });
});

describe('groups', () => {
  it('are made of fields with few values, days by month', () => {
    expect(groupable(entity).map((each) => each.name)).toEqual(['state', 'customer', 'date', 'paid', 'at']);
    expect(groupPath(by('date'))).toBe('date:month');
    expect(groupPath(by('state'))).toBe('state');
  });

  it('add up money, and quantities that the view calls an amount', () => {
    expect(summable(fields).map((each) => each.name)).toEqual(['total', 'quantity']);
    const row = { sum_total: '12.50', sum_total_currency: 'EUR', sum_quantity: '3.000' } as unknown as Row;
    expect(sumIn(row, by('total'))).toEqual({ amount: '12.50', currency: 'EUR' });
    expect(sumIn(row, by('quantity'))).toBe('3.000');
    expect(sumIn({} as Row, by('total'))).toBeNull();
  });

  it('lead to their records', () => {
    expect(intoGroup(by('state'), 'done')).toEqual({ field: 'state', op: 'eq', value: 'done' });
    expect(intoGroup(by('customer'), { id: 5, _title: 'ACME' })).toEqual({ field: 'customer', op: 'eq', value: '5' });
    expect(intoGroup(by('customer'), null)).toEqual({ field: 'customer', op: 'empty', value: '' });
    expect(intoGroup(by('date'), '2026-11')).toEqual({ field: 'date', op: 'month', value: '2026-11' });
    expect(intoGroup(by('at'), '2026-11')).toBeNull();
    for (const value of ['done', 'draft']) expect(sendable(by('state'), intoGroup(by('state'), value)!)).toEqual({ state: { eq: value } });
  });

  it('stand in the order of names, of choices, of time (the newest first)', () => {
    const rows = (path: string, values: unknown[], titles?: Record<number, string>) =>
      values.map((value) => ({ [path]: value, ...(titles ? { _titles: { [path]: titles[value as number] } } : {}) }) as Row);
    const order = (name: string, list: Row[]) => inOrder(list, by(name), 'cs-CZ').map((row) => row[groupPath(by(name))]);
    expect(order('customer', rows('customer', [1, 2, 3], { 1: 'Chalupa', 2: 'Čáp', 3: 'Hora' }))).toEqual([2, 3, 1]);
    expect(order('state', rows('state', ['done', 'draft']))).toEqual(['draft', 'done']);
    expect(order('date', rows('date:month', ['2025-12', '2026-02', '2026-01']))).toEqual(['2026-02', '2026-01', '2025-12']);
  });
});

it('a reference is sorted by the name of what it leads to, where that is kept in order', () => {
  const meta = { entities: { 'party.party': { title: 'name', fields: [field('name', 'text', { sorted: true })] }, 'party.tag': { title: 'name', fields: [field('name', 'text')] } } } as unknown as Meta;
  expect(sortPath(meta, by('customer'))).toBe('customer.name');
  expect(sortPath(meta, { ...by('customer'), to: 'party.tag', sorted: true })).toBeNull();
  expect(sortPath(meta, by('date'))).toBe('date');
  expect(sortPath(meta, by('number'))).toBeNull();
});
