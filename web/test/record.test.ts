import { describe, expect, it } from 'vitest';
import type { Field, HistoryRow, Meta } from '../src/api/types';
import { currencySymbol, formatMonth } from '../src/i18n/format';
import { mayType, undoOf } from '../src/registry';
import { touches } from '../src/registry/keys';
import { gathered } from '../src/views/form/gathered';

const field = (name: string, more: Partial<Field> = {}): Field => ({ name, label: name, kind: 'text', ...more });

describe('what may be typed', () => {
  const locked = { record: false, fields: ['number'], lines: { lines: ['net'] } };
  it('is what the declaration and the server allow', () => {
    expect(mayType(field('note'), null)).toBe(true);
    expect(mayType(field('note', { by_operation: true }), null)).toBe(false);
    expect(mayType(field('note', { read_only: true }), locked)).toBe(false);
    expect(mayType(field('number'), locked)).toBe(false);
    expect(mayType(field('note'), locked)).toBe(true);
    expect(mayType(field('net'), locked)).toBe(true);
    expect(mayType(field('net'), locked, 'lines')).toBe(false);
    expect(mayType(field('number'), locked, 'lines')).toBe(true);
    expect(mayType(field('number'), locked, 'contacts')).toBe(true);
  });
  it('is nothing on a final record', () => {
    expect(mayType(field('note'), { ...locked, record: true })).toBe(false);
    expect(mayType(field('quantity'), { ...locked, record: true }, 'lines')).toBe(false);
  });
});

describe('taking back', () => {
  const operation = (on: string | null, target: string | null, more = {}) => ({ label: 'x', on, target, input: [], output: [], ...more });
  const meta = {
    operations: {
      confirm: operation('order', 'order', { inverse: 'cancel' }),
      cancel: operation('order', 'order', { inverse: 'confirm' }),
      invoice: operation('order', 'order', { inverse: 'credit', output: [field('invoice', { kind: 'ref', to: 'invoice' })] }),
      credit: operation('invoice', 'invoice'),
      pay: operation(null, null, { inverse: 'reverse' }),
      reverse: operation('payment', 'payment'),
      gone: operation('order', 'order', { inverse: 'nobody may' }),
    },
  } as unknown as Meta;

  it('goes to the same record, to the one that was made, or to the one that the result names', () => {
    expect(undoOf(meta, 'confirm', { order: 5 }, {})?.input).toEqual({ order: 5 });
    const made = undoOf(meta, 'invoice', { order: 5 }, { invoice: 9 });
    expect([made?.operation.name, made?.input]).toEqual(['credit', { invoice: 9 }]);
    expect(undoOf(meta, 'pay', {}, { _result: { links: [{ entity: 'payment', id: 3, title: 'P' }] } })?.input).toEqual({ payment: 3 });
  });
  it('is not offered where it is not known to what, or not allowed', () => {
    expect(undoOf(meta, 'pay', {}, {})).toBeNull();
    expect(undoOf(meta, 'pay', {}, { _result: { links: [1, 2].map((id) => ({ entity: 'payment', id, title: '' })) } })).toBeNull();
    expect(undoOf(meta, 'gone', { order: 5 }, {})).toBeNull();
    expect(undoOf(meta, 'credit', { invoice: 9 }, {})).toBeNull();
  });
});

describe('history', () => {
  const row = (operation: string, at: string, changes: [string, unknown, unknown][], more: Partial<HistoryRow> = {}): HistoryRow =>
    ({ kind: 'changed', at, actor: { id: 1, name: 'J' }, operation, changes: changes.map(([name, before, after]) => ({ field: name, label: name, before, after })), ...more });

  it('tells what one operation did at one moment as one entry', () => {
    const told = gathered([
      row('confirm', 't2', [['number', null, 'OB1'], ['state', 'ready', 'confirmed']]),
      row('confirm', 't2', [['state', 'draft', 'ready'], ['date', null, 'd']]),
      row('create', 't1', [], { kind: 'created' }),
    ]);
    expect(told).toHaveLength(2);
    expect(told[0]!.changes.map((change) => [change.field, change.before, change.after])).toEqual([['number', null, 'OB1'], ['state', 'draft', 'confirmed'], ['date', null, 'd']]);
    expect(told[1]!.kind).toBe('created');
  });
  it('keeps apart what differs in time, person or step', () => {
    const rows = [row('a', 't', []), row('a', 't', [], { step: 's' }), row('a', 'u', [], { step: 's' }), row('a', 'u', [], { step: 's', actor: { id: 2, name: 'K' } })];
    expect(gathered(rows)).toHaveLength(4);
  });
});

describe('money and months', () => {
  it('are written as the language does', () => {
    expect(currencySymbol('CZK', 'cs-CZ')).toEqual({ text: 'Kč', before: false });
    expect(currencySymbol('GBP', 'en-GB')).toEqual({ text: '£', before: true });
    expect(currencySymbol('EUR', 'cs-CZ')).toEqual({ text: '€', before: false });
    expect(currencySymbol('??', 'cs-CZ')).toEqual({ text: '??', before: false });
    expect(formatMonth('2026-11', 'cs-CZ')).toBe('listopad 2026');
    expect(formatMonth('2026-11', 'en-GB')).toBe('November 2026');
    expect(formatMonth('soon', 'en-GB')).toBe('soon');
  });
});

it('any change may be in an answer that counts things', () => {
  expect(touches(['figures', 'insight.overview', {}], { entity: 'party.tag', id: 1 })).toBe(true);
});
