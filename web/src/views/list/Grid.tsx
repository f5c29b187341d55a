// Records as rows of a table, or as cards on a phone. Pages that are far away are empty space of their height.
import { useQueryClient } from '@tanstack/react-query';
import { Link, useNavigate } from '@tanstack/react-router';
import { useLayoutEffect, useRef, useState, type CSSProperties, type KeyboardEvent, type MouseEvent, type RefObject } from 'react';
import { api } from '../../api/client';
import type { Entity, Field, Meta, Row } from '../../api/types';
import { widgetOf } from '../../fields';
import { useT } from '../../i18n';
import { columnsOf, fieldOf, isEditable, isEmpty, isNumeric, useMeta } from '../../registry';
import { keys } from '../../registry/keys';
import { CellEditor } from './CellEditor';
import { fits, type Shown } from './columns';
import { Heads, type HeadProps } from './Heads';
import { inSight, type Pages } from './pages';

/** Rows that have not been drawn yet are as high as this. */
const ROW = 36;
/** So far above and below what is in sight rows are drawn. */
const MARGIN = 800;

interface RowsProps {
  name: string;
  entity: Entity;
  pages: Pages;
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

/** Looks which pages are in sight whenever that may have changed, and remembers how high each of them is. */
function useSight(pages: Pages, container: RefObject<HTMLElement | null>, selector: string) {
  const heights = useRef<number[]>([]);
  const { look } = pages;
  useLayoutEffect(() => {
    const main = document.getElementById('main');
    const element = container.current;
    if (!main || !element) return;
    const measure = () => {
      const top = main.getBoundingClientRect().top;
      const places = [...element.querySelectorAll<HTMLElement>(selector)].map((part, index) => {
        const box = part.getBoundingClientRect();
        if (!part.dataset.away) heights.current[index] = box.height;
        return { top: box.top - top, bottom: box.bottom - top };
      });
      look(...inSight(places, -MARGIN, main.clientHeight + MARGIN));
    };
    measure();
    main.addEventListener('scroll', measure, { passive: true });
    window.addEventListener('resize', measure);
    return () => {
      main.removeEventListener('scroll', measure);
      window.removeEventListener('resize', measure);
    };
  });
  return (index: number, rows: number) => heights.current[index] ?? Math.max(rows, 1) * ROW;
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

export interface Picking {
  has: (id: number) => boolean;
  toggle: (row: Row, range: boolean) => void;
  all: boolean;
  some: boolean;
  toggleAll: () => void;
}

interface GridProps extends RowsProps, Omit<HeadProps, 'entity' | 'meta' | 'picking'> {
  count?: number;
  picking?: Picking;
  /** Records may be changed here: a double click on a cell begins. */
  editable: boolean;
  peeked: number | null;
  onPeek: (id: number | null) => void;
  /** Of the whole list, under its columns. */
  totals?: Row[];
}

export function Grid({ name, entity, pages, count, picking, editable, peeked, onPeek, totals, ...heads }: GridProps) {
  const t = useT();
  const meta = useMeta();
  const { open, hover } = useOpen(name);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const opening = useRef<ReturnType<typeof setTimeout>>(undefined);
  const [editing, setEditing] = useState<{ id: number; field: string } | null>(null);
  const table = useRef<HTMLTableElement>(null);
  const height = useSight(pages, table, 'tbody');
  const { columns, fixed } = heads;
  const mayEdit = (field: Field) => editable && isEditable(field) && fits(field) && field.kind !== 'any_ref';
  const lefts = edges(columns, fixed, Boolean(picking));
  let before = 0;

  const stuck = (index: number): { 'data-fixed'?: boolean; 'data-edge'?: boolean; style?: CSSProperties } =>
    index < fixed ? { 'data-fixed': true, 'data-edge': index === fixed - 1 || undefined, style: { left: lefts[index] } } : {};

  const click = (event: MouseEvent<HTMLElement>, row: Row) => {
    // A click that ends a selection of text is none; neither is one on a link, a box or an editor.
    if ((event.target as HTMLElement).closest('a, label, button, .cell-editor') || window.getSelection()?.toString()) return;
    const cell = (event.target as HTMLElement).closest<HTMLElement>('td');
    if (peeked !== null) return onPeek(row.id!);
    // Where a double click may follow, the first one waits for it a moment.
    if (!cell?.dataset.editable) return open(row);
    clearTimeout(opening.current);
    opening.current = setTimeout(() => open(row), 220);
  };

  const press = (event: KeyboardEvent<HTMLElement>) => {
    walk(event);
    const id = Number((event.target as HTMLElement).closest('tr')?.dataset.id);
    if (!id || event.ctrlKey || event.metaKey || event.altKey || !(event.target as HTMLElement).classList.contains('row-link')) return;
    const row = pages.pages.flatMap((page) => page.rows ?? []).find((each) => each.id === id);
    if (event.key === ' ') {
      event.preventDefault();
      onPeek(peeked === id ? null : id);
    } else if (event.key.toLowerCase() === 'x' && row && picking) {
      event.preventDefault();
      picking.toggle(row, event.shiftKey);
    } else if (event.key === 'F2') {
      const first = columns.find((column) => mayEdit(column.field));
      if (first) {
        event.preventDefault();
        setEditing({ id, field: first.field.name });
      }
    } else if (event.key === 'Escape' && peeked !== null) onPeek(null);
  };

  const done = (row: Row, field: Field, step: number) => {
    const open_ = columns.map((column) => column.field).filter(mayEdit);
    const next = step ? open_[open_.findIndex((each) => each.name === field.name) + step] : undefined;
    setEditing(next ? { id: row.id!, field: next.name } : null);
    if (!next) setTimeout(() => table.current?.querySelector<HTMLElement>(`tr[data-id="${row.id}"] .row-link`)?.focus());
  };

  return (
    <table ref={table} className="list" role="grid" aria-label={entity.plural} aria-rowcount={count === undefined ? -1 : count + 1} aria-multiselectable={picking ? true : undefined}
      aria-readonly={editable ? undefined : true} data-wide={columns.some((column) => column.width) || undefined} onKeyDown={press}>
      <colgroup>
        {picking ? <col style={{ width: PICK }} /> : null}
        {columns.map(({ field, width }) => <col key={field.name} style={width ? { width } : undefined} />)}
      </colgroup>
      <Heads {...heads} entity={entity} meta={meta} picking={picking} stuck={stuck} />
      {pages.pages.map((page, at) => {
        const start = before;
        before += page.length;
        if (!page.rows) {
          return (
            <tbody key={at} data-away>
              <tr role="presentation"><td colSpan={columns.length + 1} className="away" style={{ height: height(at, page.length) }} /></tr>
            </tbody>
          );
        }
        return (
          <tbody key={at}>
            {page.rows.map((row, index) => (
              <tr key={row.id} role="row" data-id={row.id} aria-rowindex={start + index + 2} data-archived={row.archived || undefined} data-peeked={peeked === row.id || undefined}
                aria-selected={picking ? picking.has(row.id!) : undefined} onClick={(event) => click(event, row)} onFocus={() => { if (peeked !== null && peeked !== row.id && !editing) onPeek(row.id!); }}
                onPointerEnter={() => { timer.current = setTimeout(() => hover(row), 80); }}
                onPointerLeave={() => clearTimeout(timer.current)}>
                {picking ? (
                  <td role="gridcell" className="pick" data-fixed={fixed > 0 || undefined} style={fixed > 0 ? { left: 0 } : undefined}>
                    <label><input type="checkbox" tabIndex={-1} aria-label={t('bulk.pick', { title: row._title ?? `#${row.id}` })} checked={picking.has(row.id!)}
                      onChange={() => {}} onClick={(event) => picking.toggle(row, event.shiftKey)} /></label>
                  </td>
                ) : null}
                {columns.map(({ field, priority }, column) => {
                  const { Read } = widgetOf(field);
                  const cell = <Read field={field} value={row[field.name]} title={row._titles?.[field.name]} plain />;
                  const may = mayEdit(field) && !row.archived;
                  return (
                    <td key={field.name} role="gridcell" data-number={isNumeric(field) || undefined} data-priority={priority} data-editable={may || undefined} {...stuck(column)}
                      onDoubleClick={may ? () => {
                        clearTimeout(opening.current);
                        window.getSelection()?.removeAllRanges();
                        setEditing({ id: row.id!, field: field.name });
                      } : undefined}>
                      {editing && editing.id === row.id && editing.field === field.name ? (
                        <CellEditor entity={name} row={row} field={field} onDone={(step) => done(row, field, step)} />
                      ) : column === 0 ? (
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
        );
      })}
      {totals?.length ? (
        <tfoot>
          {totals.map((sums, at) => (
            <tr key={at} role="row">
              {picking ? <td role="gridcell" /> : null}
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

/** The column with the boxes. */
const PICK = 40;

/** Where each of the first columns, which stay, begins. */
function edges(columns: readonly Shown[], fixed: number, picking: boolean): number[] {
  let left = picking ? PICK : 0;
  return columns.slice(0, fixed).map((column) => {
    const here = left;
    left += column.width ?? 160;
    return here;
  });
}

export function Cards({ name, entity, pages }: RowsProps) {
  const list = useRef<HTMLDivElement>(null);
  const height = useSight(pages, list, '[data-page]');
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
    <div ref={list}>
      {pages.pages.map((page, at) => (page.rows ? (
        <ul className="cards" key={at} data-page aria-label={entity.plural}>
          {page.rows.map((row) => (
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
      ) : <div key={at} data-page data-away style={{ height: height(at, page.length * 2) }} />))}
    </div>
  );
}
