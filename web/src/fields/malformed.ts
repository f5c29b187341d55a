// What cannot even be sent: text that is no number, no date, no JSON. Everything else is the server's to judge.
import type { Field, Row, Values } from '../api/types';
import { isDecimal, placesOf } from '../i18n/format';
import type { Translate } from '../i18n';
import { isLookedFor } from './pending';

export function malformed(field: Field, value: unknown, t: Translate): string | null {
  if (value === null || value === undefined) return null;
  switch (field.kind) {
    case 'int':
      return typeof value === 'number' ? null : t('field.badNumber');
    case 'duration':
      return typeof value === 'number' ? null : t('field.badNumber');
    case 'dec':
      return decimal(String(value), field.scale, t);
    case 'money': {
      const amount = (value as { amount?: unknown }).amount;
      return amount === null || amount === undefined ? null : decimal(String(amount), field.scale, t);
    }
    case 'date':
      return /^\d{4}-\d{2}-\d{2}$/.test(String(value)) ? null : t('field.badDate');
    case 'ref':
      // What was typed and led to nothing stands there until something else does.
      return typeof value === 'string' ? t(isLookedFor(value) ? 'field.looking' : 'field.noSuch', { text: value }) : null;
    case 'json':
      return typeof value === 'string' ? t('field.badJson') : null;
    default:
      return null;
  }
}

function decimal(value: string, scale: number | null | undefined, t: Translate): string | null {
  if (!isDecimal(value)) return t('field.badNumber');
  if (scale !== null && scale !== undefined && placesOf(value) > scale) return t('field.tooFine', { count: scale });
  return null;
}

/** Values by field without those that cannot be read. */
export function wellFormed(fields: readonly Field[], values: Values): Values {
  const say: Translate = (key) => key;
  return Object.fromEntries(
    Object.entries(values).filter(([name, value]) => {
      const field = fields.find((each) => each.name === name);
      return !field || malformed(field, value, say) === null;
    }),
  );
}

export function errorsOf(fields: readonly Field[], values: Values, t: Translate): Record<string, string> {
  const errors: Record<string, string> = {};
  for (const field of fields) {
    const value = values[field.name];
    const error = malformed(field, value, t);
    if (error) errors[field.name] = error;
    if (field.kind === 'list' && Array.isArray(value)) {
      (value as Row[]).forEach((row, index) => {
        for (const [name, message] of Object.entries(errorsOf(field.fields ?? [], row, t))) errors[`${field.name}.${index}.${name}`] = message;
      });
    }
  }
  return errors;
}
