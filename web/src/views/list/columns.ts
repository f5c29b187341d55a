// Columns of a list as a person arranged them, and by what it is sorted: how both stand in the address.
import type { Entity, Field } from '../../api/types';
import { columnsOf, fieldOf } from '../../registry';

export interface Shown {
  field: Field;
  width?: number | null;
  priority: number;
}

export const NARROWEST = 48;
export const WIDEST = 900;

/** What fits into a cell. */
export const fits = (field: Field): boolean => !['long_text', 'json', 'lines', 'many', 'file', 'list'].includes(field.kind);

/** `number:140,customer,total`; what makes no sense is left out, and nothing left is the view's own. */
export function readColumns(text: string | undefined, entity: Entity): Shown[] {
  const seen = new Set<string>();
  const found = (text ?? '').split(',').flatMap((part): Shown[] => {
    const [name = '', wide] = part.split(':');
    const field = fieldOf(entity, name);
    if (!field || !fits(field) || seen.has(name)) return [];
    seen.add(name);
    const width = Number(wide);
    // Who chose a column wants to see it, on a narrow screen too.
    return [{ field, priority: 1, width: Number.isInteger(width) && width >= NARROWEST && width <= WIDEST ? width : null }];
  });
  return found.length ? found : columnsOf(entity);
}

/** Nothing where the columns are those of the view. */
export function writeColumns(columns: readonly Shown[], entity: Entity): string | undefined {
  const say = (all: readonly Shown[]) => all.map(({ field, width }) => (width ? `${field.name}:${width}` : field.name)).join(',');
  const text = say(columns);
  return text === say(columnsOf(entity)) || text === '' ? undefined : text;
}

export function toggleColumn(columns: readonly Shown[], field: Field): Shown[] {
  if (!columns.some((column) => column.field.name === field.name)) return [...columns, { field, priority: 1 }];
  return columns.length > 1 ? columns.filter((column) => column.field.name !== field.name) : [...columns];
}

/** To another place; the ends are as far as it goes. */
export function moveColumn(columns: readonly Shown[], from: number, to: number): Shown[] {
  const moved = columns[from];
  if (!moved) return [...columns];
  const rest = columns.filter((_, at) => at !== from);
  rest.splice(Math.max(0, Math.min(to, rest.length)), 0, moved);
  return rest;
}

export function resizeColumn(columns: readonly Shown[], at: number, width: number): Shown[] {
  const wide = Math.round(Math.max(NARROWEST, Math.min(WIDEST, width)));
  return columns.map((column, index) => (index === at ? { ...column, width: wide } : column));
}

export interface Order {
  path: string;
  down: boolean;
}

export const readSort = (sort: string | undefined): Order[] =>
  (sort ?? '').split(',').filter(Boolean).map((part) => ({ path: part.replace(/^-/, ''), down: part.startsWith('-') }));

export const writeSort = (orders: readonly Order[]): string | undefined =>
  orders.map(({ path, down }) => (down ? `-${path}` : path)).join(',') || undefined;

/** A click sorts by one column, up and then down; with `also` it is sorted by it within those before, and a third click ends that. */
export function nextSort(orders: readonly Order[], path: string, also: boolean): Order[] {
  const at = orders.findIndex((order) => order.path === path);
  const here = orders[at];
  if (!also) return [{ path, down: here !== undefined && !here.down && at === 0 }];
  if (!here) return [...orders, { path, down: false }];
  if (!here.down) return orders.map((order, index) => (index === at ? { path, down: true } : order));
  return orders.filter((_, index) => index !== at);
}
