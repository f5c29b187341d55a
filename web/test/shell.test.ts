import { describe, expect, it } from 'vitest';
import { fuzzy } from '../src/app/fuzzy';
import { withVisit, type Visited } from '../src/app/recent';
import { mentionAt } from '../src/views/form/mention';
import { both, readJust } from '../src/views/list/where';

describe('finding by a few letters', () => {
  const labels = ['Objednávky', 'Nová: Objednávka', 'Trial balance', 'Dodávky', 'Open items', 'Statement lines'];
  const best = (typed: string) => labels.map((label) => ({ label, score: fuzzy(typed, label) })).filter(({ score }) => score > 0).sort((a, b) => b.score - a.score).map(({ label }) => label);
  it('the beginning first, without diacritics', () => expect(best('obj')).toEqual(['Objednávky', 'Nová: Objednávka']));
  it('letters in their order', () => {
    expect(best('tbal')).toEqual(['Trial balance']);
    expect(best('stli')[0]).toBe('Statement lines');
  });
  it('what is not there is not found', () => {
    expect(best('xyz')).toEqual([]);
    expect(best('')).toEqual([]);
    expect(fuzzy('q', 'Orders')).toBe(0);
  });
});

describe('what was looked at last', () => {
  it('stands first, once, and not for ever', () => {
    let visits: Visited[] = [];
    for (let id = 1; id <= 20; id += 1) visits = withVisit(visits, { entity: 'x', id, title: String(id) });
    visits = withVisit(visits, { entity: 'x', id: 15, title: 'again' });
    expect([visits.length, visits[0]!.title, visits.filter((visit) => visit.id === 15).length]).toEqual([12, 'again', 1]);
  });
});

describe('a mention', () => {
  it.each([['@', { from: 1, typed: '' }], ['Hi @ja', { from: 4, typed: 'ja' }], ['(@ja.n', { from: 2, typed: 'ja.n' }]])('is typed in %s', (text, wanted) => expect(mentionAt(text, text.length)).toEqual(wanted));
  it.each(['jana@x', 'Hi @ja ', 'nothing'])('is none in %s', (text) => expect(mentionAt(text, text.length)).toBeNull());
  it('is where the cursor is', () => expect(mentionAt('@jana and @petr', 5)).toEqual({ from: 1, typed: 'jana' }));
});

describe('a filter that came in the address', () => {
  it('is an object or nothing', () => {
    expect(readJust('{"state":"open"}')).toEqual({ state: 'open' });
    for (const text of ['', undefined, '[1]', '"x"', '{', 'null', '7']) expect(readJust(text)).toBeUndefined();
  });
  it('goes together with others', () => {
    expect(both(undefined, null)).toBeUndefined();
    expect(both({ a: 1 }, undefined)).toEqual({ a: 1 });
    expect(both({ a: 1 }, { b: 2 })).toEqual({ and: [{ a: 1 }, { b: 2 }] });
  });
});
