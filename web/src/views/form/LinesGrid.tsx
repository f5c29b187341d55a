import { Button } from '@mantine/core';
import { useRef, type KeyboardEvent } from 'react';
import type { Field } from '../../api/types';
import { widgetOf } from '../../fields';
import { Icon } from '../../design/icons';
import { IconButton } from '../../design/parts';
import { useT } from '../../i18n';
import { fieldsByName, isEmpty, isNumeric, mayType, useMeta } from '../../registry';
import type { Document } from './useDocument';

interface Props {
  owned: { name: string; label: string; entity: string; by: string };
  document: Document;
  editable: boolean;
}

/** Owned lines as a grid in which one types: Tab goes from cell to cell, and from the last one to a new line. */
export function LinesGrid({ owned, document, editable: mayWrite }: Props) {
  const t = useT();
  const meta = useMeta();
  const line = meta.entities[owned.entity];
  const body = useRef<HTMLTableSectionElement>(null);
  if (!line) return null;
  const names = document.entity.view?.lines?.[owned.name];
  const fields = names?.length
    ? fieldsByName(line, names)
    : line.fields.filter((field) => field.name !== owned.by && field.kind !== 'lines' && field.kind !== 'json').slice(0, 7);
  const rows = document.lines(owned.name);
  // Lines in which nothing can be typed are made by operations: nobody adds or removes them here.
  const can = (field: Field) => mayType(field, document.locked, owned.name);
  const editable = mayWrite && fields.some(can);
  if (!editable && rows.length === 0) return null;

  const add = () => {
    document.addLine(owned.name);
    setTimeout(() => body.current?.querySelector<HTMLElement>('tr:last-child input, tr:last-child select')?.focus());
  };

  const press = (event: KeyboardEvent<HTMLTableRowElement>, key: string, empty: boolean) => {
    if (event.key !== 'Tab' || event.shiftKey || event.defaultPrevented || empty || !document.isLastLine(owned.name, key)) return;
    const controls = [...event.currentTarget.querySelectorAll<HTMLElement>('input:not([tabindex="-1"]), select, textarea')];
    if (controls.at(-1) !== event.target) return;
    event.preventDefault();
    add();
  };

  return (
    <section className="form-section" aria-label={owned.label}>
      <h2>{owned.label}</h2>
      <div className="grid-wrap">
        <table className="lines" aria-label={owned.label} data-editable={editable || undefined}>
          <thead>
            <tr>
              {fields.map((field) => (
                <th key={field.name} scope="col" data-number={isNumeric(field) || undefined} data-kind={field.kind} title={field.help ?? undefined}>
                  {field.label}
                </th>
              ))}
              {editable ? <th scope="col" className="lines-tool"><span className="hidden-text">{t('app.more')}</span></th> : null}
            </tr>
          </thead>
          <tbody ref={body}>
            {rows.map((row, index) => (
              <tr key={row.key} onKeyDown={(event) => press(event, row.key, Object.keys(row.values).length === 0)}>
                {fields.map((field) => {
                  const { Read, Edit } = widgetOf(field);
                  const error = document.errors.byField[`${owned.name}.${row.key}.${field.name}`];
                  const value = row.values[field.name];
                  const id = `${row.key}-${field.name}-error`;
                  const typing = editable && can(field);
                  return (
                    <td key={field.name} data-empty={(!typing && isEmpty(value)) || undefined} data-number={isNumeric(field) || undefined} data-kind={field.kind} data-label={field.label}>
                      {typing ? (
                        <Edit field={field} value={value} title={row.titles[field.name]} cell invalid={Boolean(error)} describedBy={error ? id : undefined}
                          label={t('lines.cell', { field: field.label, number: index + 1 })}
                          onChange={(next) => document.setCell(owned.name, row.key, field.name, next)} />
                      ) : (
                        <div className="cell-read"><Read field={field} value={value} title={row.titles[field.name]} /></div>
                      )}
                      {error ? <div className="field-error" id={id}>{error}</div> : null}
                    </td>
                  );
                })}
                {editable ? (
                  <td className="lines-tool">
                    <IconButton icon="trash" iconSize={15} size={26} tabIndex={-1} label={t('lines.remove', { number: index + 1 })}
                      onClick={() => document.removeLine(owned.name, row.key)} />
                  </td>
                ) : null}
              </tr>
            ))}
            {rows.length === 0 ? <tr><td colSpan={fields.length + 1} className="dim lines-none">{t('lines.empty')}</td></tr> : null}
          </tbody>
        </table>
      </div>
      {document.errors.byField[owned.name] ? <div className="field-error" role="alert">{document.errors.byField[owned.name]}</div> : null}
      {editable ? (
        <Button size="compact-sm" variant="subtle" leftSection={<Icon name="plus" size={14} />} onClick={add} style={{ marginTop: 4 }}>
          {t('lines.add')}
        </Button>
      ) : null}
    </section>
  );
}
