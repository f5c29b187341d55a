// Numbers and dates as people write them. Decimals stay strings from end to end: no float touches money.

const EXACT = { maximumFractionDigits: 20 } as const;

/** Decimal strings as the server writes them. */
const DECIMAL = /^-?\d+(\.\d+)?$/;

/** Decimals without trailing zeros, so that 5 boxes are 5 and not 5,000. */
export function formatDecimal(value: unknown, locale: string): string {
  const text = String(value ?? '');
  if (!DECIMAL.test(text)) return text;
  return minus(new Intl.NumberFormat(locale, EXACT).format(trimZeros(text) as unknown as number));
}

/** At least the currency's own places; more when the value has more. */
export function formatAmount(value: unknown, locale: string, currency?: string | null): string {
  const text = String(value ?? '');
  if (!DECIMAL.test(text)) return text;
  const places = currencyPlaces(currency);
  return minus(
    new Intl.NumberFormat(locale, { minimumFractionDigits: places, maximumFractionDigits: 20 }).format(
      trimZeros(text) as unknown as number,
    ),
  );
}

export function currencyPlaces(currency?: string | null): number {
  if (!currency) return 2;
  try {
    return new Intl.NumberFormat('en', { style: 'currency', currency }).resolvedOptions().maximumFractionDigits ?? 2;
  } catch {
    return 2;
  }
}

export interface CurrencySymbol {
  text: string;
  before: boolean;
}

const symbols = new Map<string, CurrencySymbol>();

/** What the language writes for a currency, and on which side of the number: `Kč` after it in Czech, `£` before it in English. */
export function currencySymbol(currency: string, locale: string): CurrencySymbol {
  const key = `${locale} ${currency}`;
  let found = symbols.get(key);
  if (!found) {
    found = { text: currency, before: false };
    try {
      const parts = new Intl.NumberFormat(locale, { style: 'currency', currency }).formatToParts(1);
      const at = parts.findIndex((part) => part.type === 'currency');
      if (at >= 0) found = { text: parts[at]!.value, before: at < parts.findIndex((part) => part.type === 'integer') };
    } catch {
      // No currency that the browser knows: its code is shown.
    }
    symbols.set(key, found);
  }
  return found;
}

function trimZeros(text: string): string {
  return text.includes('.') ? text.replace(/\.?0+$/, '') : text;
}

function minus(text: string): string {
  return text.replace(/^-/, '−');
}

/**
 * Reads what a person typed: `1 234,50`, `1234.50`, `1.234,50`, `1,234.50`, `−3`. The answer is a decimal string, or
 * null. A single comma is decimal, except in English before exactly three digits (1,234).
 */
export function parseNumber(typed: string, language: string): string | null {
  let text = typed.replace(/[\s\u00a0\u202f']/g, '').replace(/^[−–]/, '-').replace(/^\+/, '');
  const commas = text.split(',').length - 1;
  const dots = text.split('.').length - 1;
  if (commas && dots) {
    const decimal = text.lastIndexOf(',') > text.lastIndexOf('.') ? ',' : '.';
    const group = decimal === ',' ? '.' : ',';
    const [whole = '', ...rest] = text.split(decimal);
    if (rest.length > 1 || !isGrouped(whole, group)) return null;
    text = `${whole.split(group).join('')}.${rest[0]}`;
  } else if (commas > 1 || dots > 1) {
    if (!isGrouped(text, commas ? ',' : '.')) return null;
    text = text.replace(/[.,]/g, '');
  } else if (commas === 1) {
    text = language === 'en' && /^-?[1-9]\d{0,2},\d{3}$/.test(text) ? text.replace(',', '') : text.replace(',', '.');
  }
  if (/^-?\.\d+$/.test(text)) text = text.replace('.', '0.');
  if (/^-?\d+\.$/.test(text)) text = text.slice(0, -1);
  if (!DECIMAL.test(text)) return null;
  text = text.replace(/^(-?)0+(?=\d)/, '$1');
  return /^-0(\.0*)?$/.test(text) ? text.slice(1) : text;
}

function isGrouped(text: string, group: string): boolean {
  const [first = '', ...groups] = text.split(group);
  return /^-?\d{1,3}$/.test(first) && groups.length > 0 && groups.every((part) => /^\d{3}$/.test(part));
}

export const isDecimal = (value: unknown): boolean => DECIMAL.test(String(value ?? ''));

/** Places after the decimal mark that say something. */
export function placesOf(value: string): number {
  return (trimZeros(value).split('.')[1] ?? '').length;
}

/** How a number stands in its field while it is being edited: no grouping, the decimal mark of the language. */
export function editableNumber(value: unknown, language: string): string {
  if (value === null || value === undefined || value === '') return '';
  const text = trimZeros(String(value));
  return language === 'cs' ? text.replace('.', ',') : text;
}

export const isNegative = (value: unknown): boolean => /^-.*[1-9]/.test(String(value ?? ''));

export function formatDate(value: unknown, locale: string): string {
  const match = /^(\d{4})-(\d{2})-(\d{2})/.exec(String(value ?? ''));
  if (!match) return String(value ?? '');
  // A date has no time zone: it is formatted in UTC, in which it was made.
  const date = new Date(Date.UTC(Number(match[1]), Number(match[2]) - 1, Number(match[3])));
  const options: Intl.DateTimeFormatOptions = locale.startsWith('cs')
    ? { day: 'numeric', month: 'numeric', year: 'numeric' }
    : { day: 'numeric', month: 'short', year: 'numeric' };
  return new Intl.DateTimeFormat(locale, { ...options, timeZone: 'UTC' }).format(date);
}

/** `2026-11` as *November 2026*. */
export function formatMonth(value: unknown, locale: string): string {
  const match = /^(\d{4})-(\d{2})/.exec(String(value ?? ''));
  if (!match) return String(value ?? '');
  const date = new Date(Date.UTC(Number(match[1]), Number(match[2]) - 1, 1));
  return new Intl.DateTimeFormat(locale, { month: 'long', year: 'numeric', timeZone: 'UTC' }).format(date);
}

export function formatTimestamp(value: unknown, locale: string, timeZone?: string): string {
  const date = new Date(String(value ?? ''));
  if (Number.isNaN(date.getTime())) return String(value ?? '');
  const options: Intl.DateTimeFormatOptions = {
    day: 'numeric', month: locale.startsWith('cs') ? 'numeric' : 'short', year: 'numeric', hour: 'numeric',
    minute: '2-digit',
  };
  try {
    return new Intl.DateTimeFormat(locale, { ...options, timeZone }).format(date);
  } catch {
    return new Intl.DateTimeFormat(locale, options).format(date);
  }
}

/** The clock of a time zone at an instant, as `2026-11-24T08:30`, for a field of a browser. */
export function toZone(value: unknown, timeZone?: string): string {
  const date = new Date(String(value ?? ''));
  if (Number.isNaN(date.getTime())) return '';
  const parts = new Intl.DateTimeFormat('en-CA', {
    timeZone, hourCycle: 'h23', year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit',
  }).formatToParts(date);
  const part = (type: string) => parts.find((each) => each.type === type)?.value ?? '';
  return `${part('year')}-${part('month')}-${part('day')}T${part('hour')}:${part('minute')}`;
}

/** The instant at which the clock of a time zone shows `local`; twice, because the offset may change in between. */
export function fromZone(local: string, timeZone?: string): string | null {
  if (!/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}$/.test(local)) return null;
  const wanted = Date.parse(`${local}:00Z`);
  if (Number.isNaN(wanted)) return null;
  let instant = wanted;
  for (let turn = 0; turn < 2; turn += 1) {
    const shown = Date.parse(`${toZone(new Date(instant).toISOString(), timeZone)}:00Z`);
    instant += wanted - shown;
  }
  return new Date(instant).toISOString().replace('.000Z', 'Z');
}

/** Seconds ↔ `1:30`. */
export function formatDuration(value: unknown): string {
  if (value === null || value === undefined || value === '') return '';
  const seconds = Number(value);
  if (!Number.isFinite(seconds)) return String(value);
  const minutes = Math.round(Math.abs(seconds) / 60);
  return `${seconds < 0 ? '−' : ''}${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, '0')}`;
}

export function parseDuration(typed: string): number | null {
  const text = typed.trim().replace(',', '.');
  const clock = /^(\d+):([0-5]?\d)$/.exec(text);
  if (clock) return Number(clock[1]) * 3600 + Number(clock[2]) * 60;
  if (/^\d+(\.\d+)?$/.test(text)) return Math.round(Number(text) * 3600);
  return null;
}

/** Sunday first, as days of the week are counted; without diacritics. */
const DAYS = ['sunday', 'monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday'];
const CZECH_DAYS = ['nedele', 'pondeli', 'utery', 'streda', 'ctvrtek', 'patek', 'sobota'];
const weekdayOf = (text: string): number =>
  Math.max(text.length >= 3 ? DAYS.findIndex((day) => day.startsWith(text)) : -1, text.length >= 2 ? CZECH_DAYS.findIndex((day) => day.startsWith(text)) : -1);
const NEAR: Record<string, number> = { today: 0, dnes: 0, tomorrow: 1, zitra: 1, yesterday: -1, vcera: -1, t: 0, d: 0 };

/** What counts from today: `+7`, `-1`, `+2w`, `+1m`, `fri` or `pá` (the next one), `today`, `zítra`. */
function fromToday(typed: string, today: Date): string | null {
  const text = typed.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase().replace(/\.$/, '');
  const [year, month, day] = [today.getFullYear(), today.getMonth(), today.getDate()];
  const say = (date: Date) => date.toISOString().slice(0, 10);
  const steps = /^([+-])\s*(\d{1,4})\s*([dtwmry]?)$/.exec(text);
  if (steps) {
    const by = Number(steps[2]) * (steps[1] === '-' ? -1 : 1);
    switch (steps[3]) {
      case 'w': case 't': return say(new Date(Date.UTC(year, month, day + 7 * by)));
      case 'm': return say(new Date(Date.UTC(year, month + by, Math.min(day, new Date(Date.UTC(year, month + by + 1, 0)).getUTCDate()))));
      case 'y': case 'r': return say(new Date(Date.UTC(year + by, month, Math.min(day, new Date(Date.UTC(year + by, month + 1, 0)).getUTCDate()))));
      default: return say(new Date(Date.UTC(year, month, day + by)));
    }
  }
  const near = NEAR[text];
  if (near !== undefined) return say(new Date(Date.UTC(year, month, day + near)));
  const weekday = weekdayOf(text);
  if (weekday < 0) return null;
  return say(new Date(Date.UTC(year, month, day + ((weekday - today.getDay() + 6) % 7) + 1)));
}

/** What a person writes for a date: `24. 11. 2026`, `24.11.26`, `24/11`, `2026-11-24`, `24`, `+7`, `fri`. */
export function parseDate(typed: string, today: Date = new Date()): string | null {
  const text = typed.trim();
  const counted = fromToday(text, today);
  if (counted) return counted;
  const iso = /^(\d{4})-(\d{1,2})-(\d{1,2})$/.exec(text);
  if (iso) return build(Number(iso[1]), Number(iso[2]), Number(iso[3]));
  const parts = /^(\d{1,2})(?:\s*[./\s]\s*(\d{1,2})(?:\s*[./\s]\s*(\d{4}|\d{2})?)?)?\.?$/.exec(text);
  if (!parts) return null;
  const year = parts[3] ? Number(parts[3].length === 2 ? `20${parts[3]}` : parts[3]) : today.getFullYear();
  return build(year, parts[2] ? Number(parts[2]) : today.getMonth() + 1, Number(parts[1]));
}

function build(year: number, month: number, day: number): string | null {
  const date = new Date(Date.UTC(year, month - 1, day));
  if (date.getUTCFullYear() !== year || date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) return null;
  return date.toISOString().slice(0, 10);
}

export function countryName(code: unknown, locale: string): string {
  return displayName(String(code ?? ''), locale, 'region');
}

export function languageName(code: unknown, locale: string): string {
  return displayName(String(code ?? ''), locale, 'language');
}

function displayName(code: string, locale: string, type: 'region' | 'language' | 'currency'): string {
  if (!code) return '';
  try {
    return new Intl.DisplayNames([locale], { type }).of(code) ?? code;
  } catch {
    return code;
  }
}
