import { describe, expect, it } from 'vitest';
import {
  editableNumber, formatAmount, formatDate, formatDecimal, formatDuration, fromZone, isNegative, parseDate, parseDuration,
  parseNumber, placesOf, toZone,
} from '../src/i18n/format';

const plain = (text: string) => text.replace(/[\u00a0\u202f]/g, ' ');

describe('numbers as people write them', () => {
  it.each([
    ['1 234,50', 'cs', '1234.50'],
    ['1\u00a0234,50', 'cs', '1234.50'],
    ['1234.50', 'cs', '1234.50'],
    ['1234.50', 'en', '1234.50'],
    ['1.234,50', 'cs', '1234.50'],
    ['1,234.50', 'en', '1234.50'],
    ['1,234', 'en', '1234'],
    ['1,234', 'cs', '1.234'],
    ['0,234', 'en', '0.234'],
    ['1.234.567', 'cs', '1234567'],
    ['1,234,567', 'en', '1234567'],
    ['−3', 'cs', '-3'],
    ['-0,00', 'cs', '0.00'],
    ['+5', 'en', '5'],
    ['007', 'en', '7'],
    [',5', 'cs', '0.5'],
    ['5,', 'cs', '5'],
    ['99999999999999999999,123456', 'cs', '99999999999999999999.123456'],
  ])('reads %s (%s)', (typed, language, value) => {
    expect(parseNumber(typed, language)).toBe(value);
  });

  it.each(['', 'abc', '1,2,3', '1.2.3', '12a', '--3', '1,23.4,5', '1.23,456.7', '5 ks'])('refuses %s', (typed) => {
    expect(parseNumber(typed, 'cs')).toBeNull();
  });

  it('shows amounts exactly, with the places of the currency', () => {
    expect(plain(formatAmount('1234.5', 'cs-CZ', 'CZK'))).toBe('1 234,50');
    expect(formatAmount('1234.5', 'en-GB', 'GBP')).toBe('1,234.50');
    expect(formatAmount('1234', 'en-GB', 'JPY')).toBe('1,234');
    expect(formatAmount('0.123456', 'en-GB', 'GBP')).toBe('0.123456');
    expect(plain(formatAmount('99999999999999999999.99', 'cs-CZ', 'CZK'))).toBe('99 999 999 999 999 999 999,99');
    expect(formatAmount('-12.00', 'en-GB', 'GBP')).toBe('−12.00');
  });

  it('shows quantities without trailing zeros', () => {
    expect(formatDecimal('5.000', 'cs-CZ')).toBe('5');
    expect(formatDecimal('100', 'cs-CZ')).toBe('100');
    expect(formatDecimal('12.500', 'cs-CZ')).toBe('12,5');
    expect(formatDecimal('what', 'cs-CZ')).toBe('what');
  });

  it('keeps what is edited readable', () => {
    expect(editableNumber('1234.50', 'cs')).toBe('1234,5');
    expect(editableNumber('1234.50', 'en')).toBe('1234.5');
    expect(editableNumber(null, 'cs')).toBe('');
    for (const value of ['0.001', '-1234.5', '1234567.89']) {
      for (const language of ['cs', 'en']) expect(parseNumber(editableNumber(value, language), language)).toBe(value);
    }
  });

  it('knows signs and places', () => {
    expect(isNegative('-0.00')).toBe(false);
    expect(isNegative('-0.01')).toBe(true);
    expect(placesOf('1.500')).toBe(1);
    expect(placesOf('100')).toBe(0);
  });
});

describe('dates and times', () => {
  const today = new Date(2026, 10, 24);
  it.each([
    ['24. 11. 2026', '2026-11-24'],
    ['24.11.26', '2026-11-24'],
    ['5/12', '2026-12-05'],
    ['7', '2026-11-07'],
    ['2026-2-3', '2026-02-03'],
  ])('reads %s', (typed, value) => expect(parseDate(typed, today)).toBe(value));
  it.each(['31. 2. 2026', '32.1.2026', 'soon', '1.13.2026'])('refuses %s', (typed) => expect(parseDate(typed, today)).toBeNull());

  it('shows dates by language, whatever the time zone of the browser', () => {
    expect(plain(formatDate('2026-11-24', 'cs-CZ'))).toBe('24. 11. 2026');
    expect(formatDate('2026-11-24', 'en-GB')).toBe('24 Nov 2026');
  });

  it('goes between instants and the clock of a time zone, also over the change to summer time', () => {
    expect(toZone('2026-11-24T08:30:00Z', 'Europe/Prague')).toBe('2026-11-24T09:30');
    expect(fromZone('2026-11-24T09:30', 'Europe/Prague')).toBe('2026-11-24T08:30:00Z');
    expect(fromZone('2026-07-01T00:15', 'Europe/Prague')).toBe('2026-06-30T22:15:00Z');
    expect(fromZone('2026-03-29T03:30', 'Europe/Prague')).toBe('2026-03-29T01:30:00Z');
    expect(fromZone('', 'Europe/Prague')).toBeNull();
  });

  it('reads and shows durations', () => {
    expect(parseDuration('1:30')).toBe(5400);
    expect(parseDuration('1,5')).toBe(5400);
    expect(parseDuration('x')).toBeNull();
    expect(formatDuration(5400)).toBe('1:30');
  });
});

describe('days that count from today', () => {
  const tuesday = new Date(2026, 10, 24);
  it.each([
    ['+7', '2026-12-01'], ['-1', '2026-11-23'], ['+2w', '2026-12-08'], ['+2t', '2026-12-08'], ['+1m', '2026-12-24'], ['+1y', '2027-11-24'], ['+1r', '2027-11-24'],
    ['today', '2026-11-24'], ['Dnes', '2026-11-24'], ['zítra', '2026-11-25'], ['yesterday', '2026-11-23'],
    ['fri', '2026-11-27'], ['Friday', '2026-11-27'], ['pá', '2026-11-27'], ['pátek', '2026-11-27'], ['út', '2026-12-01'], ['tue', '2026-12-01'], ['ne', '2026-11-29'],
  ])('%s is %s', (typed, wanted) => expect(parseDate(typed, tuesday)).toBe(wanted));

  it.each(['soon', 'frog', '+', '+99999', 'x', 'p'])('%s is none', (typed) => expect(parseDate(typed, tuesday)).toBeNull());

  it('the end of a month stays an end', () => {
    expect(parseDate('+1m', new Date(2026, 0, 31))).toBe('2026-02-28');
    expect(parseDate('+1y', new Date(2024, 1, 29))).toBe('2025-02-28');
  });
});
