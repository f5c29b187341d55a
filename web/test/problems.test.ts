import { describe, expect, it } from 'vitest';
import { listQuery, problemFrom } from '../src/api/client';
import { problemText, sortErrors } from '../src/api/problem';
import { act, again, begin, refusedBelow, refuse, succeed, top } from '../src/views/operation/stack';
import { malformed } from '../src/fields/malformed';
import { askedFields, asks, missingInput } from '../src/registry';
import { touches } from '../src/registry/keys';
import { field } from './helpers';

describe('problems', () => {
  it('are read from the answer, or made of it', () => {
    expect(problemFrom(409, 'application/problem+json', '{"title":"No","detail":"Why"}')).toEqual({ title: 'No', detail: 'Why', status: 409 });
    expect(problemFrom(502, 'text/html', '<h1>Bad gateway</h1>')).toEqual({ title: 'HTTP 502', status: 502 });
    expect(problemFrom(500, 'application/json', 'broken{')).toEqual({ title: 'HTTP 500', status: 500 });
    expect(problemFrom(500, 'application/json', 'null')).toEqual({ title: 'HTTP 500', status: 500 });
  });

  it('never say the same twice', () => {
    expect(problemText({ title: 'No', detail: 'No', status: 400 })).toEqual({ title: 'No', detail: null });
  });

  it('give each error to its field, and lose none', () => {
    const sorted = sortErrors(
      [{ field: 'a', message: '1' }, { field: 'a', message: '2' }, { field: 'a', message: '2' }, { field: 'hidden', message: '3' }, { message: '4' }],
      (path) => path === 'a',
    );
    expect(sorted).toEqual({ byField: { a: '1 2' }, general: ['3', '4'] });
  });
});

describe('operations upon operations', () => {
  const refusal = { title: 'Not enough', status: 409, actions: [{ operation: 'receive', label: 'Receive', input: { product: 1 } }] };

  it('refused, repaired, tried again', () => {
    let stack = refuse([begin('ship', 'Ship', { delivery: 1 }, false)], refusal);
    expect(top(stack)!.status).toBe('refused');
    stack = act(stack, refusal.actions[0]!, true);
    expect(top(stack)).toMatchObject({ operation: 'receive', status: 'asking', input: { product: 1 } });
    stack = succeed(stack, { _result: { message: 'Received.' } });
    expect(refusedBelow(stack)?.label).toBe('Ship');
    const before = stack[0]!.key;
    stack = again(stack);
    expect(stack).toHaveLength(1);
    expect(top(stack)).toMatchObject({ operation: 'ship', status: 'running', input: { delivery: 1 } });
    expect(top(stack)!.key).not.toBe(before);
  });

  it('keeps the key of a click that was lost on the way, and its dialog', () => {
    const asked = { ...begin('ship', 'Ship', {}, true), status: 'running' as const };
    const lost = refuse([asked], { title: 'Offline', status: 0 });
    expect(top(lost)).toMatchObject({ status: 'asking', key: asked.key });
    const wrong = refuse([asked], { title: 'Wrong', status: 422, errors: [{ field: 'a', message: 'x' }] });
    expect(top(wrong)!.status).toBe('asking');
    expect(top(wrong)!.key).not.toBe(asked.key);
  });

  it('asks only for what is missing', () => {
    const operation = { label: 'Receive', target: 'order', input: [field('order', 'ref', { required: true }), field('cost', 'money', { required: true }), field('note', 'text')] };
    expect(askedFields(operation).map((each) => each.name)).toEqual(['cost', 'note']);
    expect(missingInput(operation, { order: 1 }).map((each) => each.name)).toEqual(['cost']);
    expect(asks(operation, { order: 1 })).toBe(true);
    const ship = { label: 'Ship', target: 'delivery', button: 1, input: [field('delivery', 'ref', { required: true }), field('lines', 'list')] };
    expect(asks(ship, { delivery: 1 })).toBe(false);
    expect(asks({ ...ship, button: 2 }, { delivery: 1 })).toBe(true);
    expect(asks({ ...ship, dangerous: true }, { delivery: 1 })).toBe(true);
    expect(asks({ ...ship, input: [...ship.input, field('carrier', 'text')] }, { delivery: 1 })).toBe(true);
    expect(missingInput(operation, { order: 1, cost: { amount: '1', currency: 'CZK' } })).toEqual([]);
  });
});

describe('what cannot be sent', () => {
  const say = (key: string) => key;
  it.each([
    [field('a', 'dec', { scale: 2 }), '1.234', 'field.tooFine'],
    [field('a', 'dec', { scale: 2 }), '1.230', null],
    [field('a', 'dec'), 'x', 'field.badNumber'],
    [field('a', 'int'), '1.5', 'field.badNumber'],
    [field('a', 'int'), 5, null],
    [field('a', 'money'), { amount: 'x', currency: 'CZK' }, 'field.badNumber'],
    [field('a', 'money'), { amount: '1.50', currency: 'CZK' }, null],
    [field('a', 'date'), 'soon', 'field.badDate'],
    [field('a', 'text'), 'anything', null],
    [field('a', 'dec'), null, null],
  ])('%o %o', (of, value, expected) => expect(malformed(of, value, say)).toBe(expected));
});

describe('queries', () => {
  it('are written as the contract says', () => {
    expect(listQuery({ filter: { state: 'draft' }, sort: '-id', q: 'x', limit: 50, count: true })).toEqual({
      filter: '{"state":"draft"}', sort: '-id', q: 'x', after: undefined, limit: 50, count: 1, titles: 1,
    });
  });

  it('are touched by the changes that they show', () => {
    const change = { entity: 'order', id: 5 };
    expect(touches(['entity', 'order', 'list', {}], change)).toBe(true);
    expect(touches(['entity', 'order', 'record', 5], change)).toBe(true);
    expect(touches(['entity', 'order', 'record', 6], change)).toBe(false);
    expect(touches(['entity', 'party', 'panel', 1, 'orders', 'order'], change)).toBe(true);
    expect(touches(['entity', 'party', 'list', {}], change)).toBe(false);
    expect(touches(['meta'], change)).toBe(false);
    expect(touches(['inbox'], { entity: 'process.task', id: 1 })).toBe(true);
  });
});
