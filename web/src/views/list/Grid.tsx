// Records as rows of a table, or as cards on a phone.
import { useQueryClient } from '@tanstack/react-query';
import { Link, useNavigate } from '@tanstack/react-router';
import { useRef, type KeyboardEvent } from 'react';
import { api } from '../../api/client';
import type { Entity, Field, Meta, Row } from '../../api/types';
import { Icon } from '../../design/icons';
import { widgetOf } from '../../fields';
import { useT } from '../../i18n';
import { columnsOf, fieldOf, isEmpty, isNumeric, useMeta } from '../../registry';
import { keys } from '../../registry/keys';

interface RowsProps {
  name: string;
  entity: Entity;
  rows: Row[];
}

function useOpen(name: string) {
  const navigate = useNavigate();
  const client = useQueryClient();
  return {
    open: (row: Row) => void navigate({ to: '/e/$entity/$id', params: { entity: name, id: String(row.id) } }),
    // What the pointer rests on is fetched before it is pressed.
    hover: (row: Row) => {
      const id = row.id!;
      void client.prefetchQuery({ queryKey: keys.record(name, id), queryFn: ({ signal }) => api.record(name, id, signal), staleTime: 10_000 });
    },
  };
}

/** By what a column is sorted: a reference by the name of what it leads to, where that is kept in order. */
export function sortPath(meta: Meta, field: Field): string | null {
  if (field.kind === 'ref') {
    const target = field.to ? meta.entities[field.to] : undefined;
    const title = fieldOf(target, target?.title);
    return title?.sorted ? `${field.name}.${title.name}` : null;
  }
  return field.sorted ? field.name : null;
}

/** The arrows go from row to row, as J and K do; Enter opens what has the focus, because it is a link. */
function walk(event: KeyboardEvent<HTMLElement>) {
  const step = event.ctrlKey || event.metaKey || event.altKey ? 0 : { ArrowDown: 1, ArrowUp: -1 }[event.key] ?? 0;
  const links = [...event.currentTarget.querySelectorAll<HTMLElement>('.row-link')];
  const at = links.indexOf(document.activeElement as HTMLElement);
  const next = step && at >= 0 ? links[at + step] : undefined;
  if (!next) return;
  event.preventDefault();
  next.focus();
  next.scrollIntoView({ block: 'nearest' });
}

interface GridProps extends RowsProps {
  sort?: string;
  count?: number;
  onSort: (sort: string) => void;
  /** Of the whole list, under its columns. */
  totals?: Row[];
}

export function Grid({ name, entity, rows, sort, count, onSort, totals }: GridProps) {
  const t = useT();
  const meta = useMeta();
  const columns = columnsOf(entity);
  const { open, hover } = useOpen(name);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const sorts = (sort ?? '').split(',')[0] ?? '';
  const sortField = sorts.replace(/^-/, '');
  const down = sorts.startsWith('-');

  return (
    <table className="list" role="grid" aria-label={entity.plural} aria-rowcount={count ?? -1} aria-readonly="true" onKeyDown={walk}>
      <colgroup>{columns.map(({ field, width }) => <col key={field.name} style={width ? { width } : undefined} />)}</colgroup>
      <thead>
        <tr role="row">
          {columns.map(({ field, priority }) => {
            const path = sortPath(meta, field);
            const sorted = path !== null && sortField === path;
            return (
              <th key={field.name} scope="col" data-number={isNumeric(field) || undefined} data-priority={priority} title={field.help ?? undefined}
                aria-sort={sorted ? (down ? 'descending' : 'ascending') : undefined}>
                {path !== null ? (
                  <button type="button" className="sort" aria-label={t('list.sortBy', { field: field.label })}
                    onClick={() => onSort(sorted && !down ? `-${path}` : path)}>
                    {field.label}
                    <span className="sort-mark" data-on={sorted || undefined}><Icon name={sorted && down ? 'arrowDown' : 'arrowUp'} size={12} /></span>
                  </button>
                ) : field.label}
              </th>
            );
          })}
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => (
          <tr key={row.id} role="row" data-archived={row.archived || undefined}
            onClick={(event) => {
              // A click that ends a selection of text is none; neither is one on a link.
              if ((event.target as HTMLElement).closest('a') || window.getSelection()?.toString()) return;
              open(row);
            }}
            onPointerEnter={() => { timer.current = setTimeout(() => hover(row), 80); }}
            onPointerLeave={() => clearTimeout(timer.current)}>
            {columns.map(({ field, priority }, index) => {
              const { Read } = widgetOf(field);
              const cell = <Read field={field} value={row[field.name]} title={row._titles?.[field.name]} plain />;
              return (
                <td key={field.name} role="gridcell" data-number={isNumeric(field) || undefined} data-priority={priority}>
                  {index === 0 ? (
                    <Link to="/e/$entity/$id" params={{ entity: name, id: String(row.id) }} preload={false} className="row-link">
                      {isEmpty(row[field.name]) ? row._title ?? `#${row.id}` : cell}
                    </Link>
                  ) : cell}
                </td>
              );
            })}
          </tr>
        ))}
      </tbody>
      {totals?.length ? (
        <tfoot>
          {totals.map((sums, at) => (
            <tr key={at} role="row">
              {columns.map(({ field, priority }, index) => {
                const { Read } = widgetOf(field);
                const value = sums[field.name];
                return (
                  <td key={field.name} role="gridcell" data-number={isNumeric(field) || undefined} data-priority={priority}>
                    {index === 0 && isEmpty(value) ? t('list.total') : isEmpty(value) ? null : <Read field={field} value={value} plain />}
                  </td>
                );
              })}
            </tr>
          ))}
        </tfoot>
      ) : null}
    </table>
  );
}

export function Cards({ name, entity, rows }: RowsProps) {
  const card = entity.view?.card ?? {};
  const columns = columnsOf(entity).map((column) => column.field.name);
  const subtitle = fieldOf(entity, card.subtitle ?? columns[1]);
  const badge = fieldOf(entity, card.badge ?? entity.status);
  const amount = fieldOf(entity, card.amount);
  const date = fieldOf(entity, card.date);
  const part = (row: Row, field = subtitle) => {
    if (!field) return null;
    const { Read } = widgetOf(field);
    return <Read field={field} value={row[field.name]} title={row._titles?.[field.name]} plain />;
  };
  return (
    <ul className="cards" aria-label={entity.plural}>
      {rows.map((row) => (
        <li key={row.id}>
          <Link to="/e/$entity/$id" params={{ entity: name, id: String(row.id) }} preload={false} className="card">
            <span className="card-line">
              <b className="ellipsis grow">{row._title ?? `#${row.id}`}</b>
              {amount ? part(row, amount) : null}
            </span>
            <span className="card-line dim small">
              <span className="ellipsis grow">{part(row)}</span>
              {date ? part(row, date) : null}
              {badge && badge !== subtitle ? part(row, badge) : null}
            </span>
          </Link>
        </li>
      ))}
    </ul>
  );
}
