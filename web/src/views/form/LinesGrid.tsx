// Owned lines as a grid in which one types as in a spreadsheet: Tab goes from cell to cell, Enter to the next one that is
// needed and then to a new line, the arrows up and down, and what was copied from a spreadsheet is pasted as lines.
import { Button } from '@mantine/core';
import { useMediaQuery } from '@mantine/hooks';
import { useRef, useState, type ClipboardEvent, type KeyboardEvent } from 'react';
import { flushSync } from 'react-dom';
import { api } from '../../api/client';
import type { Field, Row } from '../../api/types';
import { widgetOf } from '../../fields';
import { lookFor } from '../../fields/pending';
import { remember } from '../../fields/titles';
import { Icon } from '../../design/icons';
import { IconButton } from '../../design/parts';
import { useI18n } from '../../i18n';
import { fieldsByName, isEmpty, isNumeric, mayType, useMeta } from '../../registry';
import { newLine } from './model';
import { cellsOf, isTable, pastedValue } from './paste';
import type { Document } from './useDocument';

interface Props {
  owned: { name: string; label: string; entity: string; by: string };
  document: Document;
  editable: boolean;
}

const CONTROL = 'input:not([tabindex="-1"]), select, textarea';
const controlIn = (cell: Element | null | undefined): HTMLElement | null => cell?.querySelector<HTMLElement>(CONTROL) ?? null;

export function LinesGrid({ owned, document, editable: mayWrite }: Props) {
  const { t, language } = useI18n();
  const meta = useMeta();
  const phone = useMediaQuery('(max-width: 48em)', undefined, { getInitialValueInEffect: false });
  const line = meta.entities[owned.entity];
  const body = useRef<HTMLTableSectionElement>(null);
  const [ghost, setGhost] = useState(newLine);
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
  const hinted = Math.max(0, fields.findIndex((field) => can(field) && ['ref', 'text', 'email', 'phone'].includes(field.kind)));
  // The line that is there as soon as something is typed into it. On a phone a button is easier to see.
  const shown = editable && !phone ? [...rows, { key: ghost.key, values: {} as Row, titles: {}, fresh: true }] : rows;

  const set = (key: string, field: string, value: unknown) => {
    if (key === ghost.key && !rows.some((row) => row.key === key)) {
      if (isEmpty(value)) return;
      document.addLine(owned.name, ghost);
      setGhost((old) => (old.key === key ? newLine() : old));
    }
    document.setCell(owned.name, key, field, value);
  };

  const add = () => {
    document.addLine(owned.name);
    setTimeout(() => controlIn(body.current?.querySelector('tr:last-child'))?.focus());
  };

  /** To the next cell that is needed, else to the first one of the line below. */
  const goOn = (cell: HTMLElement) => {
    const row = cell.closest('tr')!;
    const after = [...row.querySelectorAll<HTMLElement>('td')].slice([...row.children].indexOf(cell) + 1);
    const needed = after.map(controlIn).find((control) => control?.getAttribute('aria-required') === 'true');
    if (needed) return needed.focus();
    // What was just typed may have made the line below. It is drawn at once: the next key belongs there.
    flushSync(() => {});
    const at = [...body.current!.children].indexOf(row);
    controlIn(body.current!.children[at + 1])?.focus();
  };

  const press = (event: KeyboardEvent<HTMLElement>) => {
    const target = event.target as HTMLElement;
    const cell = target.closest('td');
    if (!cell || event.altKey || !cell.closest('tbody')) return;
    const open = target.getAttribute('aria-expanded') === 'true';
    if (event.key === 'Enter' && !event.ctrlKey && !event.metaKey && target.tagName === 'INPUT') {
      event.preventDefault();
      goOn(cell);
    } else if ((event.key === 'ArrowDown' || event.key === 'ArrowUp') && !open && target.tagName !== 'SELECT') {
      const row = cell.closest('tr')!;
      const other = (event.key === 'ArrowDown' ? row.nextElementSibling : row.previousElementSibling)?.children[[...row.children].indexOf(cell)];
      const control = controlIn(other);
      if (control) {
        event.preventDefault();
        control.focus();
      }
    } else if ((event.key === 'ArrowLeft' || event.key === 'ArrowRight') && target instanceof HTMLInputElement && !open) {
      // Only from the edge of the text: within it the arrows move as everywhere.
      const forward = event.key === 'ArrowRight';
      const { selectionStart: from, selectionEnd: to, value } = target;
      const whole = from === 0 && to === value.length;
      if (!whole && (forward ? from !== value.length : to !== 0)) return;
      const cells = [...cell.closest('tr')!.querySelectorAll('td')];
      const others = forward ? cells.slice(cells.indexOf(cell) + 1) : cells.slice(0, cells.indexOf(cell)).reverse();
      const control = others.map(controlIn).find(Boolean);
      if (control) {
        event.preventDefault();
        control.focus();
      }
    } else if (event.key === 'Backspace' && (event.ctrlKey || event.metaKey) && event.shiftKey) {
      const key = cell.closest('tr')?.dataset.key;
      if (key && rows.some((row) => row.key === key)) {
        event.preventDefault();
        const at = [...body.current!.children].indexOf(cell.closest('tr')!);
        document.removeLine(owned.name, key);
        setTimeout(() => controlIn(body.current?.children[at] ?? body.current?.lastElementChild)?.focus());
      }
    }
  };

  const paste = (event: ClipboardEvent<HTMLElement>) => {
    const text = event.clipboardData.getData('text/plain');
    const cell = (event.target as HTMLElement).closest('td');
    if (!cell || !isTable(text)) return;
    event.preventDefault();
    (event.target as HTMLElement).blur();
    const first = fields.findIndex((field) => field.name === cell.dataset.name);
    const start = shown.findIndex((row) => row.key === cell.closest('tr')?.dataset.key);
    const columns = fields.slice(first).filter(can);
    cellsOf(text).forEach((cells, index) => {
      const there = rows[start + index];
      const key = there?.key ?? document.addLine(owned.name);
      cells.slice(0, columns.length).forEach((value, at) => {
        const field = columns[at]!;
        if (value === '' && !there) return;
        if (field.kind === 'ref' && field.to && value !== '') lookUp(key, field, value);
        document.setCell(owned.name, key, field.name, pastedValue(field, value, language, meta.company.currency));
      });
    });
  };

  /** A pasted name or code becomes the record that bears it; of several, none is guessed. */
  const lookUp = (key: string, field: Field, text: string) => {
    const same = (row: Row) => Object.values(row).some((value) => typeof value === 'string' && value.toLowerCase() === text.toLowerCase());
    lookFor(text, async () => {
      const { rows: found } = await api.list(field.to!, { q: text, limit: 20 });
      const exact = found.filter(same);
      const row = exact.length === 1 ? exact[0] : exact.length === 0 && found.length === 1 ? found[0] : undefined;
      if (!row?.id) return false;
      remember(field.to!, row.id, row._title);
      document.setCell(owned.name, key, field.name, row.id);
      return true;
    }, () => document.setCell(owned.name, key, field.name, text));
  };

  return (
    <section className="form-section" aria-label={owned.label}>
      <h2>{owned.label}</h2>
      <div className="grid-wrap">
        <table className="lines" aria-label={owned.label} data-editable={editable || undefined} onKeyDown={editable ? press : undefined} onPaste={editable ? paste : undefined}>
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
            {shown.map((row, index) => {
              const isGhost = index >= rows.length;
              return (
                <tr key={row.key} data-key={row.key} data-ghost={isGhost || undefined}>
                  {fields.map((field, column) => {
                    const { Read, Edit } = widgetOf(field);
                    const error = document.errors.byField[`${owned.name}.${row.key}.${field.name}`];
                    const value = row.values[field.name];
                    const id = `${row.key}-${field.name}-error`;
                    const typing = editable && can(field);
                    return (
                      <td key={field.name} data-name={field.name} data-empty={(!typing && isEmpty(value)) || undefined} data-number={isNumeric(field) || undefined} data-kind={field.kind}
                        data-label={field.label}>
                        {typing ? (
                          <Edit field={field} value={value} title={row.titles[field.name]} cell invalid={Boolean(error)} describedBy={error ? id : undefined}
                            label={t('lines.cell', { field: field.label, number: index + 1 })} hint={isGhost && column === hinted ? t('lines.add') : undefined}
                            onChange={(next) => set(row.key, field.name, next)} />
                        ) : (
                          <div className="cell-read"><Read field={field} value={value} title={row.titles[field.name]} /></div>
                        )}
                        {error ? <div className="field-error" id={id}>{error}</div> : null}
                      </td>
                    );
                  })}
                  {editable ? (
                    <td className="lines-tool">
                      {isGhost ? null : (
                        <IconButton icon="trash" iconSize={15} size={26} tabIndex={-1} label={t('lines.remove', { number: index + 1 })}
                          onClick={() => document.removeLine(owned.name, row.key)} />
                      )}
                    </td>
                  ) : null}
                </tr>
              );
            })}
            {shown.length === 0 ? <tr><td colSpan={fields.length + 1} className="dim lines-none">{t('lines.empty')}</td></tr> : null}
          </tbody>
        </table>
      </div>
      {document.errors.byField[owned.name] ? <div className="field-error" role="alert">{document.errors.byField[owned.name]}</div> : null}
      {editable && phone ? (
        <Button size="compact-sm" variant="subtle" leftSection={<Icon name="plus" size={14} />} onClick={add} style={{ marginTop: 4 }}>
          {t('lines.add')}
        </Button>
      ) : null}
    </section>
  );
}
