// Which columns a list has, in which order, how many of them stay when the others move. Everything by the keyboard too.
import { Popover } from '@mantine/core';
import { useState } from 'react';
import type { Entity } from '../../api/types';
import { Icon } from '../../design/icons';
import { IconButton } from '../../design/parts';
import { useT } from '../../i18n';
import { fits, moveColumn, resizeColumn, toggleColumn, type Shown } from './columns';

interface Props {
  entity: Entity;
  columns: Shown[];
  fixed: number;
  onChange: (columns: Shown[], fixed: number) => void;
  onReset: () => void;
}

export function ColumnMenu({ entity, columns, fixed, onChange, onReset }: Props) {
  const t = useT();
  const [open, setOpen] = useState(false);
  const others = entity.fields.filter((field) => fits(field) && !columns.some((column) => column.field.name === field.name));
  return (
    <Popover opened={open} onChange={setOpen} position="bottom-end" width={320} trapFocus returnFocus withRoles>
      <Popover.Target>
        <button type="button" className="chip columns-button" onClick={() => setOpen(!open)}>
          <Icon name="columns" size={14} /> {t('columns.label')}
        </button>
      </Popover.Target>
      <Popover.Dropdown aria-label={t('columns.label')} className="columns-menu">
        <ul>
          {columns.map((column, at) => (
            <li key={column.field.name}>
              <label className="check-line grow">
                <input type="checkbox" checked disabled={columns.length === 1} onChange={() => onChange(toggleColumn(columns, column.field), Math.min(fixed, columns.length - 2))} />
                <span className="ellipsis">{column.field.label}</span>
              </label>
              <IconButton icon="arrowUp" size={24} iconSize={13} disabled={at === 0} label={t('columns.up', { field: column.field.label })} onClick={() => onChange(moveColumn(columns, at, at - 1), fixed)} />
              <IconButton icon="arrowDown" size={24} iconSize={13} disabled={at === columns.length - 1} label={t('columns.down', { field: column.field.label })} onClick={() => onChange(moveColumn(columns, at, at + 1), fixed)} />
              <IconButton icon="minus" size={24} iconSize={13} label={t('columns.narrower', { field: column.field.label })} onClick={() => onChange(resizeColumn(columns, at, (column.width ?? 160) - 20), fixed)} />
              <IconButton icon="plus" size={24} iconSize={13} label={t('columns.wider', { field: column.field.label })} onClick={() => onChange(resizeColumn(columns, at, (column.width ?? 160) + 20), fixed)} />
              <IconButton icon="pin" size={24} iconSize={13} aria-pressed={at < fixed} label={t('columns.fix', { field: column.field.label })} onClick={() => onChange(columns, at < fixed ? at : at + 1)} />
            </li>
          ))}
          {others.map((field) => (
            <li key={field.name}>
              <label className="check-line grow">
                <input type="checkbox" checked={false} onChange={() => onChange(toggleColumn(columns, field), fixed)} />
                <span className="ellipsis">{field.label}</span>
              </label>
            </li>
          ))}
        </ul>
        <button type="button" className="chip" onClick={onReset}>{t('columns.reset')}</button>
      </Popover.Dropdown>
    </Popover>
  );
}
