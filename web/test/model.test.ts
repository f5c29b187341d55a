import { describe, expect, it } from 'vitest';
import type { Entity, Meta, Row } from '../src/api/types';
import {
  bodyOf, collisions, isDirty, newLine, noEdits, placeErrors, rebase, removeLine, setCell, setField, setLines, valuesOf,
  viewLines,
} from '../src/views/form/model';
import { field, metaOf } from './helpers';

const order: Entity = {
  label: 'Order', plural: 'Orders', rights: { read: true, create: true, write: true, delete: true },
  fields: [field('customer', 'ref'), field('note', 'text'), field('date', 'date'), field('total', 'money')],
  lines: [{ name: 'lines', label: 'Lines', entity: 'line', by: 'order' }],
};
const line: Entity = { ...order, fields: [field('product', 'ref'), field('quantity', 'dec', { scale: 3 }), field('net', 'money')], lines: [] };
const meta: Meta = metaOf({ order, line });
const base: Row = {
  id: 7, rev: 3, customer: 1, note: 'old', date: '2026-11-24',
  lines: [{ id: 1, product: 4, quantity: '1' }, { id: 2, product: 5, quantity: '2' }, { id: 3, product: 6, quantity: '3' }],
};

describe('typing', () => {
  it('is a change until it is typed back', () => {
    let edits = setField(noEdits(3), base, 'note', 'new');
    expect(isDirty(edits)).toBe(true);
    edits = setField(edits, base, 'note', 'old');
    expect(isDirty(edits)).toBe(false);
  });

  it('into a cell likewise', () => {
    let edits = setCell(noEdits(3), base, 'lines', 'id:2', 'quantity', '9');
    expect(isDirty(edits)).toBe(true);
    edits = setCell(edits, base, 'lines', 'id:2', 'quantity', '2');
    expect(isDirty(edits)).toBe(false);
  });

  it('does not count a new line into which nothing was typed', () => {
    const edits = setLines(noEdits(3), base, 'lines', (lines) => [...lines, newLine()]);
    expect(isDirty(edits)).toBe(false);
    expect(bodyOf(meta, order, edits, base, false).body).toEqual({});
  });
});

describe('bodies', () => {
  it('of a write name only what changed, with lines that go away last', () => {
    let edits = setCell(noEdits(3), base, 'lines', 'id:3', 'quantity', '8');
    edits = removeLine(edits, base, 'lines', 'id:1');
    edits = setLines(edits, base, 'lines', (lines) => [...lines, { ...newLine({ product: 9 }), key: 'new:a' }]);
    edits = setField(edits, base, 'note', 'new');
    expect(bodyOf(meta, order, edits, base, false)).toEqual({
      body: { note: 'new', lines: [{ id: 3, quantity: '8' }, { product: 9 }, { id: 1, _delete: true }] },
      sent: { lines: ['id:3', 'new:a'] },
    });
  });

  it('of a draft name all lines and leave out what cannot be read', () => {
    let edits = setCell(noEdits(3), base, 'lines', 'id:2', 'quantity', 'many');
    edits = setField(edits, base, 'date', 'soon');
    edits = setField(edits, base, 'customer', 2);
    expect(bodyOf(meta, order, edits, base, true).body).toEqual({ id: 7, customer: 2, lines: [{ id: 1 }, { id: 2 }, { id: 3 }] });
  });
});

describe('the draft', () => {
  const first = { ...newLine({ product: 4 }), key: 'new:a' };
  const second = { ...newLine({ product: 5, quantity: '2' }), key: 'new:b' };
  const edits = { ...noEdits(null), fields: { customer: 1 }, lines: { lines: [first, second] } };
  const answered = {
    draft: {
      record: {
        customer: 99, note: 'default', total: { amount: '10', currency: 'CZK' },
        lines: [{ product: 4, quantity: '1', net: { amount: '3', currency: 'CZK' } }, { product: 5, quantity: '7', net: { amount: '7', currency: 'CZK' } }],
      },
      titles: { customer: 'ACME', 'lines.1.product': 'Cup' },
    },
    sent: { lines: ['new:a', 'new:b'] },
  };

  it('fills in, and typed values win', () => {
    expect(valuesOf(edits, null, answered)).toMatchObject({ customer: 1, note: 'default', total: { amount: '10' } });
    const [one, two] = viewLines(edits, null, answered, 'lines');
    expect(one!.values).toMatchObject({ product: 4, quantity: '1', net: { amount: '3' } });
    expect(two!.values).toMatchObject({ product: 5, quantity: '2', net: { amount: '7' } });
    expect(two!.titles).toEqual({ product: 'Cup' });
  });

  it('stays with its line when another is removed before the next answer', () => {
    const [only] = viewLines(removeLine(edits, null, 'lines', 'new:a'), null, answered, 'lines');
    expect(only!.key).toBe('new:b');
    expect(only!.values).toMatchObject({ net: { amount: '7' } });
  });

  it('places errors at the line that was sent', () => {
    expect(placeErrors([{ field: 'lines.1.quantity', message: 'x' }, { field: 'note', message: 'y' }, { field: 'lines.9.a', message: 'z' }], answered.sent)).toEqual([
      { field: 'lines.new:b.quantity', message: 'x' },
      { field: 'note', message: 'y' },
      { field: 'lines', message: 'z' },
    ]);
  });
});

describe('a collision', () => {
  const theirs: Row = { ...base, rev: 4, note: 'theirs', customer: 5, lines: [{ id: 1, product: 4, quantity: '1' }, { id: 4, product: 8, quantity: '1' }] };
  let edits = setField(noEdits(3), base, 'note', 'mine');
  edits = setField(edits, base, 'date', '2026-12-01');
  edits = setCell(edits, base, 'lines', 'id:2', 'quantity', '9');

  it('names what both changed, and nothing else', () => {
    expect(collisions(edits, theirs).map((field) => field.name)).toEqual(['note', 'lines']);
    expect(collisions(edits, { ...base, rev: 4, customer: 5 })).toEqual([]);
  });

  it('keeps mine upon theirs', () => {
    const mine = rebase(edits, theirs);
    expect(mine.rev).toBe(4);
    expect(mine.fields).toEqual({ note: 'mine', date: '2026-12-01' });
    expect(mine.lines.lines!.map((each) => each.id)).toEqual([1, 4]);
    expect(collisions(mine, theirs)).toEqual([]);
  });

  it('or takes theirs where both changed, and keeps the rest', () => {
    const mixed = rebase(edits, theirs, ['note', 'lines']);
    expect(mixed.fields).toEqual({ date: '2026-12-01' });
    expect(mixed.lines).toEqual({});
  });
});
