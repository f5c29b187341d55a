import { describe, expect, it } from 'vitest';
import type { Entity, Field, Meta, Operation, Page, Row } from '../src/api/types';
import { readAddress, sameAddress, writeAddress } from '../src/views/list/address';
import { byReason, throughAll } from '../src/views/list/bulk';
import { moveColumn, nextSort, readColumns, readSort, resizeColumn, toggleColumn, writeColumns, writeSort } from '../src/views/list/columns';
import { FIRST, inSight, learn, near, type Start } from '../src/views/list/pages';
import { cellsOf, isTable, pastedValue } from '../src/views/form/paste';
import { boardFields, otherMonth, shapesOf, wayTo, weeksOf } from '../src/views/shapes/shapes';

const field = (name: string, kind: Field['kind'], more: Partial<Field> = {}): Field => ({ name, label: name, kind, ...more });
const fields = [
  field('number', 'text', { by_operation: true }), field('state', 'choice', { by_operation: true, choices: ['draft', 'done', 'lost'].map((value) => ({ value, label: value })) }),
  field('stage', 'ref', { to: 'crm.stage', by_operation: true }), field('date', 'date'), field('total', 'money'), field('note', 'long_text'),
  field('priority', 'choice', { choices: [{ value: 'high', label: 'High' }] }),
];
const entity: Entity = {
  label: 'Deal', plural: 'Deals', status: 'state', rights: { read: true, create: true, write: true, delete: true }, fields,
  operations: ['deal.finish', 'deal.move', 'deal.reopen'], view: { list: [{ field: 'number', width: 120 }, { field: 'total' }] },
};
const operation = (more: Partial<Operation>): Operation => ({ label: 'x', on: 'deal', target: 'deal', button: 2, input: [field('deal', 'ref', { to: 'deal' })], ...more });
const meta = {
  entities: { deal: entity },
  operations: {
    'deal.finish': operation({ makes: 'done', when: ['draft'] }),
    'deal.move': operation({ input: [field('deal', 'ref', { to: 'deal' }), field('stage', 'ref', { to: 'crm.stage' })] }),
    'deal.reopen': operation({ makes: 'draft', when: ['done'] }),
  },
} as unknown as Meta;
const by = (name: string): Field => fields.find((each) => each.name === name)!;

describe('columns', () => {
  it('stand in the address, and as in the view they do not', () => {
    const own = readColumns(undefined, entity);
    expect(own.map((column) => column.field.name)).toEqual(['number', 'total']);
    expect(writeColumns(own, entity)).toBeUndefined();
    const arranged = resizeColumn(moveColumn(toggleColumn(own, by('date')), 2, 0), 1, 5000);
    expect(writeColumns(arranged, entity)).toBe('date,number:900,total');
    expect(writeColumns(readColumns('date,number:900,total', entity), entity)).toBe('date,number:900,total');
  });
  it.each(['nothing', 'note', 'number:x', 'number:12', ',,', 'number,number'])('what makes no sense is left out: %s', (text) =>
    expect(readColumns(text, entity).every((column) => ['number', 'total'].includes(column.field.name) && column.width !== 12)).toBe(true));
  it('the last one stays', () => expect(toggleColumn([{ field: by('date'), priority: 1 }], by('date'))).toHaveLength(1));
  it('sort up, then down, and with Shift by several', () => {
    let orders = nextSort([], 'a', false);
    expect(writeSort(orders)).toBe('a');
    orders = nextSort(nextSort(orders, 'a', false), 'b', true);
    expect(writeSort(orders)).toBe('-a,b');
    orders = nextSort(orders, 'b', true);
    expect(writeSort(orders)).toBe('-a,-b');
    expect(writeSort(nextSort(orders, 'b', true))).toBe('-a');
    expect(readSort('-a,b')).toEqual([{ path: 'a', down: true }, { path: 'b', down: false }]);
  });
});

describe('a kept view', () => {
  it('is its address without what is only for the moment', () => {
    const address = writeAddress({ sort: '-id', view: '5', where: 'state:eq:done' });
    expect(address).toBe('sort=-id&where=state%3Aeq%3Adone');
    expect(readAddress(`${address}&view=7&evil=1`)).toEqual({ sort: '-id', where: 'state:eq:done' });
    expect(sameAddress('where=a&sort=b', 'sort=b&where=a')).toBe(true);
    expect(sameAddress('sort=b', '')).toBe(false);
  });
});

describe('pages', () => {
  const page = (rows: number, next: string | null): Page => ({ rows: Array.from({ length: rows }, (_, id) => ({ id })), next });
  it('are learned one after the other, and those behind a moved edge anew', () => {
    const one = learn(FIRST, 0, page(50, 'b'));
    expect(one).toEqual([{ after: null, rows: 50 }, { after: 'b', rows: null }]);
    const two = learn(one, 1, page(20, null));
    expect(two).toHaveLength(2);
    expect(learn(two, 0, page(50, 'b'))).toBe(two);
    expect(learn(two, 0, page(50, 'c'))).toEqual([{ after: null, rows: 50 }, { after: 'c', rows: null }]);
    expect(learn(two, 1, page(50, 'd'))).toHaveLength(3);
    expect(learn(two, 7, page(1, null))).toBe(two);
  });
  it('are drawn where they are looked at', () => {
    const places = [{ top: -4000, bottom: -2000 }, { top: -2000, bottom: 0 }, { top: 0, bottom: 1800 }, { top: 1800, bottom: 1836 }];
    expect(inSight(places, -800, 1600)).toEqual([1, 2]);
    expect(inSight(places, -800, 1900)).toEqual([1, 3]);
    expect(inSight(places, 5000, 6000)).toEqual([3, 3]);
    expect(inSight([], 0, 100)).toEqual([0, 0]);
    const starts: Start[] = [{ after: null, rows: 50 }, { after: 'b', rows: null }];
    expect(near(starts, 4, 9)).toEqual([1, 1]);
  });
});

describe('many at once', () => {
  const rows: Row[] = Array.from({ length: 9 }, (_, id) => ({ id }));
  it('goes through all, and tells who was refused and why', async () => {
    let most = 0;
    let running = 0;
    const told = await throughAll(rows, async (row) => {
      running += 1;
      most = Math.max(most, running);
      await Promise.resolve();
      running -= 1;
      if (row.id! % 3 === 0) throw new Error(row.id === 0 ? 'first' : 'third');
    }, (error) => ({ title: (error as Error).message, status: 409 }), () => {}, () => false);
    expect([told.done, told.refused.length, told.running, most]).toEqual([6, 3, false, 4]);
    expect(byReason(told.refused).map(({ reason, rows: of }) => [reason, of.length])).toEqual([['third', 2], ['first', 1]]);
  });
  it('stops when told', async () => {
    let done = 0;
    const told = await throughAll(rows, () => Promise.resolve(done += 1), (error) => error as never, () => {}, () => done >= 4);
    expect(told.done).toBe(4);
  });
});

describe('shapes', () => {
  it('follow from fields and operations', () => {
    expect(shapesOf(meta, 'deal')).toEqual(['board', 'calendar', 'pivot', 'chart']);
    expect(boardFields(meta, 'deal').map((each) => each.name)).toEqual(['stage', 'state', 'priority']);
    expect(shapesOf(meta, 'nothing')).toEqual([]);
  });
  it('a card goes by the operation that makes that state, asks for that field, or by a change', () => {
    const way = (name: string, value: unknown, row: Row = { id: 5, state: 'draft' }) => wayTo(meta, 'deal', by(name), row, value);
    expect(way('state', 'done')).toMatchObject({ kind: 'operation', operation: { name: 'deal.finish' }, input: { deal: 5 } });
    expect(way('state', 'draft', { id: 5, state: 'lost' })).toMatchObject({ kind: 'operation', operation: { name: 'deal.reopen' } });
    expect(way('state', 'lost')).toBeNull();
    expect(way('stage', 7)).toMatchObject({ kind: 'operation', operation: { name: 'deal.move' }, input: { deal: 5, stage: 7 } });
    expect(way('priority', 'high')).toEqual({ kind: 'change' });
  });
  it('weeks begin on Monday and hold the whole month', () => {
    const weeks = weeksOf('2026-11');
    expect([weeks[0]![0], weeks.at(-1)!.at(-1), weeks.length]).toEqual(['2026-10-26', '2026-12-06', 6]);
    expect(weeksOf('2027-02')).toHaveLength(4);
    expect([otherMonth('2026-12', 1), otherMonth('2026-01', -1)]).toEqual(['2027-01', '2025-12']);
  });
});

describe('cells of a spreadsheet', () => {
  it('are rows and cells, quoted as Excel does', () => {
    expect(cellsOf('Hrnek\t12,5\r\n"Miska ""malá""\nmodrá"\t2\r\n\r\n')).toEqual([['Hrnek', '12,5'], ['Miska "malá"\nmodrá', '2']]);
    expect(cellsOf(`x\n`.repeat(2000))).toHaveLength(500);
    expect([isTable('one cell'), isTable('a\tb'), isTable('a\nb'), isTable('"two\nlines"\n')]).toEqual([false, true, true, false]);
  });
  it('become values of their fields, and what is none stays to be mended', () => {
    expect(pastedValue(field('q', 'dec'), '1 234,50', 'cs', 'CZK')).toBe('1234.50');
    expect(pastedValue(field('q', 'dec'), 'ten', 'en', 'CZK')).toBe('ten');
    expect(pastedValue(field('p', 'money'), '12,50', 'cs', 'CZK')).toEqual({ amount: '12.50', currency: 'CZK' });
    expect(pastedValue(field('n', 'int'), '7', 'cs', 'CZK')).toBe(7);
    expect(pastedValue(by('priority'), 'HIGH', 'en', 'CZK')).toBe('high');
    expect(pastedValue(field('b', 'bool'), 'ano', 'cs', 'CZK')).toBe(true);
    expect(pastedValue(field('t', 'text'), '', 'cs', 'CZK')).toBeNull();
  });
});
