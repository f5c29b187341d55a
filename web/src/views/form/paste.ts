// Cells from a spreadsheet, pasted into lines: rows by line breaks, cells by tabs, quoted as Excel quotes them.
import type { Field } from '../../api/types';
import { parseDate, parseDuration, parseNumber } from '../../i18n/format';

/** At most so many lines come at once. */
export const MOST_PASTED = 500;

export function cellsOf(text: string): string[][] {
  const rows: string[][] = [[]];
  let cell = '';
  let quoted = false;
  for (let at = 0; at < text.length; at += 1) {
    const sign = text[at]!;
    if (quoted) {
      if (sign !== '"') cell += sign;
      else if (text[at + 1] === '"') {
        cell += '"';
        at += 1;
      } else quoted = false;
    } else if (sign === '"' && cell === '') quoted = true;
    else if (sign === '\t' || sign === '\n') {
      rows.at(-1)!.push(cell.trim());
      cell = '';
      if (sign === '\n') rows.push([]);
    } else if (sign !== '\r') cell += sign;
  }
  rows.at(-1)!.push(cell.trim());
  return rows.filter((row) => row.some((each) => each !== '')).slice(0, MOST_PASTED);
}

/** Does it want more than one cell? */
export const isTable = (text: string): boolean => /[\t\n]/.test(text.trim().replace(/^"(?:[^"]|"")*"$/, ''));

/** The value of a pasted cell. What cannot be read stays as it was written, with an error; a reference is looked up later. */
export function pastedValue(field: Field, text: string, language: string, currency: string): unknown {
  if (text === '') return null;
  switch (field.kind) {
    case 'dec': return parseNumber(text, language) ?? text;
    case 'int': {
      const number = parseNumber(text, language);
      return number !== null && /^-?\d+$/.test(number) ? Number(number) : text;
    }
    case 'money': return { amount: parseNumber(text, language) ?? text, currency };
    case 'duration': return parseDuration(text) ?? text;
    case 'date': return parseDate(text) ?? text;
    case 'bool': return /^(1|true|yes|ano|x)$/i.test(text);
    case 'choice': return field.choices?.find((choice) => choice.label.toLowerCase() === text.toLowerCase() || choice.value === text)?.value ?? null;
    default: return text;
  }
}
