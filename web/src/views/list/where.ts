// Conditions that a person puts on a list: how they stand in the address, as a filter of the interface, and in words.
import type { Entity, Field } from '../../api/types';
import { parseNumber } from '../../i18n/format';
import { fieldOf } from '../../registry';

export type Operator = 'eq' | 'ne' | 'contains' | 'ge' | 'le' | 'month' | 'empty' | 'filled';

export interface Condition {
  field: string;
  op: Operator;
  /** As it stands in the address; nothing for `empty` and `filled`. */
  value: string;
}

const CHOSEN: Operator[] = ['eq', 'ne', 'empty', 'filled'];
const WRITTEN: Operator[] = ['contains', 'eq', 'empty', 'filled'];
const MEASURED: Operator[] = ['eq', 'ge', 'le', 'empty', 'filled'];

/** What can be asked of a field of this kind; nothing for those that hold no single value. */
export function operatorsOf(field: Field): Operator[] {
  switch (field.kind) {
    case 'choice': case 'ref': case 'country': case 'language': return CHOSEN;
    case 'bool': return ['eq'];
    case 'text': case 'long_text': case 'email': case 'phone': return WRITTEN;
    case 'date': return ['ge', 'le', 'month', 'eq', 'empty', 'filled'];
    case 'int': case 'dec': case 'money': return MEASURED;
    case 'many': return ['eq', 'empty', 'filled'];
    default: return [];
  }
}

export const needsValue = (op: Operator): boolean => op !== 'empty' && op !== 'filled';

/** `state:eq:draft;date:month:2026-11` */
export function writeWhere(conditions: readonly Condition[]): string | undefined {
  const text = conditions.map(({ field, op, value }) => `${field}:${op}${needsValue(op) ? `:${value.replace(/[%;]/g, encodeURIComponent)}` : ''}`).join(';');
  return text || undefined;
}

const OPERATORS: Operator[] = ['eq', 'ne', 'contains', 'ge', 'le', 'month', 'empty', 'filled'];

/** What in the address makes sense for this entity; the rest is left out. */
export function readWhere(text: string | undefined, entity: Entity): Condition[] {
  return (text ?? '').split(';').flatMap((part) => {
    const [name = '', op = '', ...rest] = part.split(':');
    const field = fieldOf(entity, name);
    if (!field || !OPERATORS.includes(op as Operator)) return [];
    let value: string;
    try {
      value = decodeURIComponent(rest.join(':'));
    } catch {
      return [];
    }
    const condition: Condition = { field: name, op: op as Operator, value };
    return sendable(field, condition) === undefined ? [] : [condition];
  });
}

/** First day of a month, and of the one after it. */
export function monthEdges(month: string): [string, string] | null {
  const match = /^(\d{4})-(0[1-9]|1[0-2])$/.exec(month);
  if (!match) return null;
  const [year, at] = [Number(match[1]), Number(match[2])];
  const after = at === 12 ? `${year + 1}-01-01` : `${year}-${String(at + 1).padStart(2, '0')}-01`;
  return [`${month}-01`, after];
}

/** The condition as the interface takes it; undefined where its value cannot be one of this field. */
export function sendable(field: Field, { op, value }: Condition): unknown {
  if (op === 'empty' || op === 'filled') return { [field.name]: { empty: op === 'empty' } };
  if (value === '') return undefined;
  if (op === 'month') {
    const edges = monthEdges(value);
    return edges ? { [field.name]: { ge: edges[0], lt: edges[1] } } : undefined;
  }
  let sent: unknown = value;
  if (field.kind === 'ref' || field.kind === 'many' || field.kind === 'int') {
    const number = Number(value);
    if (!/^-?\d+$/.test(value) || !Number.isSafeInteger(number)) return undefined;
    sent = field.kind === 'many' ? [number] : number;
  } else if (field.kind === 'bool') {
    if (value !== 'true' && value !== 'false') return undefined;
    sent = value === 'true';
  } else if (field.kind === 'dec' || field.kind === 'money') {
    if (parseNumber(value, 'en') === null) return undefined;
  } else if (field.kind === 'date' && !/^(\d{4}-\d{2}-\d{2}|@.+)$/.test(value)) return undefined;
  return { [field.name]: field.kind === 'many' ? { in: sent } : { [op]: sent } };
}

/** One filter of the view's own and of what the person added; undefined for all records. */
export function filterOf(entity: Entity, own: unknown, conditions: readonly Condition[]): unknown {
  const parts = conditions.flatMap((condition) => {
    const field = fieldOf(entity, condition.field);
    const part = field ? sendable(field, condition) : undefined;
    return part === undefined ? [] : [part];
  });
  if (own !== undefined && own !== null) parts.unshift(own);
  return parts.length === 0 ? undefined : parts.length === 1 ? parts[0] : { and: parts };
}

/** All of several filters. */
export const both = (...filters: unknown[]): unknown => {
  const parts = filters.filter((filter) => filter !== undefined && filter !== null);
  return parts.length > 1 ? { and: parts } : parts[0];
};

/** A filter that came in the address; nothing where it is none. The server judges what is in it. */
export function readJust(text: string | undefined): unknown {
  try {
    const filter = text ? (JSON.parse(text) as unknown) : null;
    return filter && typeof filter === 'object' && !Array.isArray(filter) ? filter : undefined;
  } catch {
    return undefined;
  }
}

/** The value of a widget as it stands in an address, and back. */
export function valueText(field: Field, value: unknown): string {
  if (value === null || value === undefined) return '';
  if (field.kind === 'money') return String((value as { amount?: unknown }).amount ?? '');
  return String(Array.isArray(value) ? value.at(-1) ?? '' : value);
}

export function textValue(field: Field, text: string, currency: string): unknown {
  if (text === '') return null;
  switch (field.kind) {
    case 'ref': case 'int': return /^-?\d+$/.test(text) ? Number(text) : text;
    case 'many': return /^\d+$/.test(text) ? [Number(text)] : [];
    case 'bool': return text === 'true';
    case 'money': return { amount: text, currency };
    default: return text;
  }
}
