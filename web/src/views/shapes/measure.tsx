// What pivots and charts count or add up, and how a group is called.
import type { Entity, Field, Row } from '../../api/types';
import { widgetOf } from '../../fields';
import { useI18n } from '../../i18n';
import { formatDecimal, formatMonth } from '../../i18n/format';
import { isEmpty } from '../../registry';
import { groupPath, sumIn } from '../list/groups';

/** Numbers that can be added up in groups. */
export const measures = (entity: Entity): Field[] => entity.fields.filter((field) => ['money', 'dec', 'int', 'duration'].includes(field.kind) && field.role !== 'id');

export function GroupName({ field, row }: { field: Field; row: Row }) {
  const { t, locale } = useI18n();
  const path = groupPath(field);
  const value = row[path];
  if (isEmpty(value)) return <span className="dim">{t('group.none')}</span>;
  if (path !== field.name) return <>{formatMonth(value, locale)}</>;
  const { Read } = widgetOf(field);
  return <Read field={field} value={value} title={row._titles?.[path]} plain />;
}

/** The figure of a group: how many, or what they come to. */
export function Figure({ measure, row }: { measure: Field | undefined; row: Row }) {
  const { locale } = useI18n();
  if (!measure) return <span className="num">{formatDecimal(row.count, locale)}</span>;
  const { Read } = widgetOf(measure);
  return <Read field={measure} value={sumIn(row, measure)} plain />;
}

/** The size of a figure for the eye; what is read is the figure itself. */
export function size(measure: Field | undefined, row: Row): number {
  const value = measure ? row[`sum_${measure.name}`] : row.count;
  return Number(value ?? 0) || 0;
}

export const sameGroup = (a: unknown, b: unknown): boolean => JSON.stringify(a ?? null) === JSON.stringify(b ?? null);
