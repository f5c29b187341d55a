import { createContext, useContext } from 'react';
import { cs } from './cs';
import { en, type Key, type Message } from './en';

export type { Key } from './en';
export type Parameters = Record<string, string | number>;
export type Translate = (key: Key, parameters?: Parameters) => string;

export const catalogues: Record<string, Record<Key, Message>> = { en, cs };
export const locales: Record<string, string> = { en: 'en-GB', cs: 'cs-CZ' };

export function known(language: string | null | undefined): string | null {
  const code = language?.slice(0, 2).toLowerCase();
  return code && code in catalogues ? code : null;
}

export function translate(language: string, key: Key, parameters: Parameters = {}): string {
  const message = (catalogues[language] ?? en)[key];
  let text: string;
  if (typeof message === 'string') text = message;
  else {
    const form = new Intl.PluralRules(locales[language] ?? 'en').select(Number(parameters.count ?? 0));
    text = (form in message ? message[form as 'one'] : undefined) ?? message.other;
  }
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => {
    const value = parameters[name];
    if (value === undefined) return whole;
    return typeof value === 'number' ? new Intl.NumberFormat(locales[language] ?? 'en').format(value) : value;
  });
}

export interface Localisation {
  language: string;
  locale: string;
  timeZone: string | undefined;
  t: Translate;
  choose: (language: string) => void;
  /** The choice has become the user's own setting: this browser need not remember it for whoever signs in next. */
  settle: (language: string) => void;
  /** Takes over the user's language (where the person has not chosen another) and the company's time zone. */
  adopt: (language: string | null, timeZone: string | null) => void;
}

export const LocalisationContext = createContext<Localisation>({
  language: 'en',
  locale: 'en-GB',
  timeZone: undefined,
  t: (key, parameters) => translate('en', key, parameters),
  choose: () => {},
  settle: () => {},
  adopt: () => {},
});

export const useI18n = (): Localisation => useContext(LocalisationContext);
export const useT = (): Translate => useContext(LocalisationContext).t;
