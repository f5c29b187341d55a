// What else than rows can be drawn of an entity's records, told by its fields and operations alone.
import type { Entity, Field, Meta, Row } from '../../api/types';
import { fieldOf, formOperations, isEditable, type NamedOperation } from '../../registry';
import { groupable } from '../list/groups';

export type ShapeName = 'board' | 'calendar' | 'pivot' | 'chart';

/** Operations that bring a record to another value of a field: they ask for one of that name and kind. */
const asking = (meta: Meta, name: string, field: Field): NamedOperation[] =>
  formOperations(meta, name).filter((operation) =>
    !operation.read && operation.input.some((input) => input.name === field.name && input.kind === field.kind && input.to === field.to && input.name !== operation.target));

/** By which fields a board can be laid out: the state, and what can be changed by hand or by an operation. */
export function boardFields(meta: Meta, name: string): Field[] {
  const entity = meta.entities[name];
  if (!entity) return [];
  const asked = entity.fields.filter((field) => ['ref', 'choice'].includes(field.kind) && asking(meta, name, field).length > 0);
  const typed = entity.fields.filter((field) => field.kind === 'choice' && isEditable(field) && entity.rights.write);
  const status = fieldOf(entity, entity.status);
  return [...new Set([...asked, ...(status?.kind === 'choice' ? [status] : []), ...typed])];
}

export const dayFields = (entity: Entity): Field[] => entity.fields.filter((field) => field.kind === 'date');

export function shapesOf(meta: Meta, name: string): ShapeName[] {
  const entity = meta.entities[name];
  if (!entity) return [];
  const found: ShapeName[] = [];
  if (boardFields(meta, name).length) found.push('board');
  if (dayFields(entity).length) found.push('calendar');
  if (groupable(entity).length) found.push('pivot', 'chart');
  return found;
}

export type Way = { kind: 'operation'; operation: NamedOperation; input: Record<string, unknown> } | { kind: 'change' } | null;

/** What brings a record to `value` of `field`; null where nothing does. The server judges whether it may. */
export function wayTo(meta: Meta, name: string, field: Field, row: Row, value: unknown): Way {
  const entity = meta.entities[name]!;
  const asks = asking(meta, name, field)[0];
  if (asks?.target) return { kind: 'operation', operation: asks, input: { [asks.target]: row.id, [field.name]: value } };
  if (field.name === entity.status) {
    const from = String(row[field.name] ?? '');
    const makes = formOperations(meta, name).filter((operation) => operation.makes === value && operation.target);
    // One that begins where the record stands; else the first, whose refusal says why not.
    const operation = makes.find((each) => !each.when?.length || each.when.includes(from)) ?? makes[0];
    if (operation) return { kind: 'operation', operation, input: { [operation.target!]: row.id } };
  }
  return isEditable(field) ? { kind: 'change' } : null;
}

/** Weeks of a month, Monday first, as days; with the days of its neighbours that fill them. */
export function weeksOf(month: string): string[][] {
  const [year, at] = month.split('-').map(Number) as [number, number];
  const first = new Date(Date.UTC(year, at - 1, 1));
  const start = new Date(first);
  start.setUTCDate(1 - ((first.getUTCDay() + 6) % 7));
  const weeks: string[][] = [];
  for (const day = start; weeks.length < 6 && (weeks.length === 0 || day.getUTCMonth() === first.getUTCMonth()); ) {
    weeks.push(Array.from({ length: 7 }, () => {
      const text = day.toISOString().slice(0, 10);
      day.setUTCDate(day.getUTCDate() + 1);
      return text;
    }));
  }
  return weeks;
}

export function otherMonth(month: string, step: number): string {
  const [year, at] = month.split('-').map(Number) as [number, number];
  return new Date(Date.UTC(year, at - 1 + step, 1)).toISOString().slice(0, 7);
}

/** How long a bar is, in hundredths of the longest; only for the eye. */
export const share = (value: string | number, longest: number): number => (longest > 0 ? Math.max(0, (Number(value) / longest) * 100) : 0);
