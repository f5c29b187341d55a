import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { cs } from '../src/i18n/cs';
import { en, type Message } from '../src/i18n/en';
import { translate } from '../src/i18n';

const forms = (message: Message): string[] => (typeof message === 'string' ? [message] : Object.values(message));
const parameters = (message: Message): string[] => [...new Set(forms(message).flatMap((form) => form.match(/\{\w+\}/g) ?? []))].sort();

function sources(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) =>
    entry.isDirectory() ? sources(join(folder, entry.name)) : /\.tsx?$/.test(entry.name) ? [join(folder, entry.name)] : [],
  );
}

describe('the catalogues', () => {
  it('have the same keys, and no empty message', () => {
    expect(Object.keys(cs).sort()).toEqual(Object.keys(en).sort());
    for (const catalogue of [en, cs]) {
      for (const [key, message] of Object.entries(catalogue)) for (const form of forms(message)) expect(form.trim(), key).not.toBe('');
    }
  });

  it('use the same parameters', () => {
    for (const [key, message] of Object.entries(en)) {
      const here = parameters(cs[key as keyof typeof en]).filter((name) => name !== '{count}');
      expect(here, key).toEqual(parameters(message).filter((name) => name !== '{count}'));
    }
  });

  it('have all Czech plural forms', () => {
    for (const [key, message] of Object.entries(cs)) {
      if (typeof message !== 'string') expect(Object.keys(message).sort(), key).toEqual(['few', 'many', 'one', 'other']);
    }
  });

  it('hold no message that nothing uses', () => {
    const text = sources('src').filter((path) => !/i18n.(en|cs)\.ts$/.test(path)).map((path) => readFileSync(path, 'utf8')).join('\n');
    expect(Object.keys(en).filter((key) => !text.includes(`'${key}'`))).toEqual([]);
  });

  it('count rightly', () => {
    expect(translate('cs', 'list.count', { count: 1 })).toBe('1 záznam');
    expect(translate('cs', 'list.count', { count: 3 })).toBe('3 záznamy');
    expect(translate('cs', 'list.count', { count: 5 })).toBe('5 záznamů');
    expect(translate('en', 'list.count', { count: 1 })).toBe('1 record');
    expect(translate('en', 'op.tryAgain', { operation: 'Ship' })).toBe('Try again: Ship');
  });
});

describe('the sources', () => {
  it('name no entity of the business outside of the inbox', () => {
    const allowed = /screens[\\/]inbox[\\/]|registry[\\/]keys|api[\\/]client/;
    for (const path of sources('src').filter((each) => !allowed.test(each))) {
      expect(readFileSync(path, 'utf8').match(/['"`](party|sales|inventory|finance|product|crm|process)\.\w+/g), path).toBeNull();
    }
  });
});
