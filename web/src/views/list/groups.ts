// Groups of a list: by what one can group, and what the rows of a grouping say.
import type { Entity, Field, Row } from '../../api/types';
import { fieldOf } from '../../registry';
import type { Condition } from './where';

/** Fields with few values; days are taken by month. */
export function groupable(entity: Entity): Field[] {
  return entity.fields.filter((field) => ['choice', 'ref', 'bool', 'country', 'language', 'date', 'timestamp'].includes(field.kind));
}

export const groupPath = (field: Field): string => (field.kind === 'date' || field.kind === 'timestamp' ? `${field.name}:month` : field.name);

/** Columns of a list that can be added up: money, and what the view calls an amount. */
export function summable(fields: readonly Field[]): Field[] {
  return fields.filter((field) => field.kind === 'money' || (field.role === 'amount' && ['dec', 'int', 'duration'].includes(field.kind)));
}

/** The sum of a field in a row of a grouping, as a value of its kind. */
export function sumIn(row: Row, field: Field): unknown {
  const sum = row[`sum_${field.name}`];
  if (sum === undefined || sum === null) return null;
  return field.kind === 'money' ? { amount: sum, currency: row[`sum_${field.name}_currency`] } : sum;
}

/** The condition that leads from a group to its records; null where a group cannot be told by one. */
export function intoGroup(field: Field, value: unknown): Condition | null {
  if (value === null || value === undefined || value === '') return { field: field.name, op: 'empty', value: '' };
  if (field.kind === 'date') return { field: field.name, op: 'month', value: String(value) };
  if (field.kind === 'timestamp') return null;
  const id = typeof value === 'object' ? (value as { id?: unknown }).id : value;
  return { field: field.name, op: 'eq', value: String(id) };
}

/** Groups in the order of their names, or of time. Amounts in several currencies are rows of their own. */
export function inOrder(rows: readonly Row[], field: Field, locale: string): Row[] {
  const path = groupPath(field);
  const name = (row: Row): string => {
    const value = row[path];
    if (field.kind === 'choice') return String(field.choices?.findIndex((choice) => choice.value === value) ?? -1).padStart(4, '0');
    return String(row._titles?.[path] ?? value ?? '');
  };
  const sorted = [...rows].sort((a, b) => name(a).localeCompare(name(b), locale, { numeric: true }));
  return path === field.name ? sorted : sorted.reverse();
}

export const groupField = (entity: Entity, name: string | undefined): Field | undefined => {
  const field = fieldOf(entity, name);
  return field && groupable(entity).includes(field) ? field : undefined;
};
