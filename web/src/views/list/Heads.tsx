// The heads of the columns: a click sorts, with Shift by several; the edge is dragged to resize, the head to reorder.
import { useState, type CSSProperties, type PointerEvent } from 'react';
import type { Entity, Field, Meta } from '../../api/types';
import { Icon } from '../../design/icons';
import { useT } from '../../i18n';
import { isNumeric } from '../../registry';
import { moveColumn, nextSort, readSort, resizeColumn, writeSort, type Shown } from './columns';
import { sortPath, type Picking } from './Grid';

export interface HeadProps {
  entity: Entity;
  meta: Meta;
  columns: Shown[];
  /** So many of them stay where they are when the others move sideways. */
  fixed: number;
  sort?: string;
  picking?: Picking;
  onSort: (sort: string | undefined) => void;
  onColumns: (columns: Shown[]) => void;
}

type Stuck = (index: number) => { 'data-fixed'?: boolean; style?: CSSProperties };

export function Heads({ meta, columns, sort, picking, fixed, stuck, onSort, onColumns }: HeadProps & { stuck: Stuck }) {
  const t = useT();
  const orders = readSort(sort);
  const [drag, setDrag] = useState<{ at: number; width: number } | null>(null);
  const [carried, setCarried] = useState<number | null>(null);

  const grip = (at: number, field: Field) => ({
    onPointerDown: (event: PointerEvent<HTMLElement>) => {
      event.preventDefault();
      const start = event.clientX;
      const head = event.currentTarget.closest('th')!;
      const wide = head.getBoundingClientRect().width;
      const target = event.currentTarget;
      target.setPointerCapture(event.pointerId);
      let width = wide;
      const move = (moved: globalThis.PointerEvent) => {
        width = wide + moved.clientX - start;
        setDrag({ at, width });
      };
      const end = () => {
        target.removeEventListener('pointermove', move);
        setDrag(null);
        if (Math.abs(width - wide) > 2) onColumns(resizeColumn(columns, at, width));
      };
      target.addEventListener('pointermove', move);
      target.addEventListener('pointerup', end, { once: true });
    },
    'aria-label': t('columns.resize', { field: field.label }),
  });

  return (
    <thead>
      <tr role="row">
        {picking ? (
          <th scope="col" className="pick" data-fixed={fixed > 0 || undefined} style={fixed > 0 ? { left: 0 } : undefined}>
            <label>
              <input type="checkbox" aria-label={t('bulk.all')} checked={picking.all} onChange={picking.toggleAll}
                ref={(box) => { if (box) box.indeterminate = picking.some && !picking.all; }} />
            </label>
          </th>
        ) : null}
        {columns.map(({ field, priority }, index) => {
          const path = sortPath(meta, field);
          const at = orders.findIndex((order) => order.path === path);
          const order = orders[at];
          const place = stuck(index);
          const wide = drag?.at === index ? { width: drag.width, minWidth: drag.width } : undefined;
          return (
            <th key={field.name} scope="col" data-number={isNumeric(field) || undefined} data-priority={priority} title={field.help ?? undefined}
              {...place} style={{ ...place.style, ...wide }} draggable={drag === null} data-over={carried !== null && carried !== index ? true : undefined}
              onDragStart={(event) => { setCarried(index); event.dataTransfer.effectAllowed = 'move'; event.dataTransfer.setData('text/plain', field.label); }}
              onDragEnd={() => setCarried(null)}
              onDragOver={(event) => { if (carried !== null) event.preventDefault(); }}
              onDrop={(event) => { event.preventDefault(); if (carried !== null && carried !== index) onColumns(moveColumn(columns, carried, index)); setCarried(null); }}
              aria-sort={order ? (order.down ? 'descending' : 'ascending') : undefined}>
              {path !== null ? (
                <button type="button" className="sort" aria-label={t('list.sortBy', { field: field.label })} title={t('columns.also')}
                  onClick={(event) => onSort(writeSort(nextSort(orders, path, event.shiftKey)))}>
                  {field.label}
                  <span className="sort-mark" data-on={order !== undefined || undefined}>
                    <Icon name={order?.down ? 'arrowDown' : 'arrowUp'} size={12} />
                    {orders.length > 1 && order ? <span className="num">{at + 1}</span> : null}
                  </span>
                </button>
              ) : field.label}
              <span className="grip" aria-hidden="true" draggable onDragStart={(event) => { event.preventDefault(); event.stopPropagation(); }} {...grip(index, field)} />
            </th>
          );
        })}
      </tr>
    </thead>
  );
}
